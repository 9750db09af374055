"""Pictures: their look, their panels, and how a figure becomes a PNG."""

from __future__ import annotations

import io
import math
import textwrap
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import matplotlib
import numpy as np
from matplotlib import font_manager
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.image import FigureImage
from matplotlib.textpath import text_to_path
from matplotlib.ticker import ScalarFormatter

from dl.data.types import Array
from dl.report.palette import LIGHT
from dl.rundir.files import write_bytes
from dl.text import number, one_line, shortened

Facts = TypeVar("Facts")
Build = Callable[[Facts], Figure | bytes | None]
Axes = Any
"""An axes of matplotlib, which has no types of its own."""

BLUE = LIGHT.training
ORANGE = LIGHT.validation
GREY = LIGHT.quiet
INK = LIGHT.ink
GRID = LIGHT.line
COLOURS = LIGHT.series
BLUES = LinearSegmentedColormap.from_list("blues", ["#DCEBF5", BLUE, "#002B45"])
SIGNED = LinearSegmentedColormap.from_list(
    "signed", ["#00395A", BLUE, "#F4F6F8", ORANGE, "#7A3500"]
)

DPI = 150
"""As in `look.mplstyle`."""
SMALL = 7.5
LARGE = 12.0
MOST_POINTS = 3000
"""More points in a panel hide each other: hexagons by their number are drawn instead."""
MARGIN = 0.12
"""Inches around all texts."""
# Inches above the panels, and from one line of a text to the next.
_HEAD, _TITLE_LINE, _NOTE_LINE = 0.6, 0.25, 0.16
# Inches that a letter of a note is wide on average.
_NOTE_LETTER = 0.061
_PADS = {"w_pad": 0.06, "h_pad": 0.06, "wspace": 0.02, "hspace": 0.03}

_COLOURED = {
    "text.color axes.labelcolor xtick.labelcolor ytick.labelcolor": INK,
    "axes.edgecolor xtick.color ytick.color": GREY,
    "grid.color": GRID,
    "figure.facecolor": LIGHT.paper,
}
_LOOK = Path(__file__).with_name("assets") / "look.mplstyle"
# Not of the look: they say where a figure is shown, and reading some of them opens a window system.
_OF_THE_MACHINE = ("backend", "backend_fallback", "interactive", "toolbar", "timezone")


@contextmanager
def applied() -> Iterator[None]:
    """Gives the pictures made inside their look, whatever a user's own matplotlibrc says."""
    defaults = {
        key: value
        for key, value in dict.items(matplotlib.rcParamsDefault)
        if key not in _OF_THE_MACHINE
    }
    installed = set(font_manager.fontManager.get_font_names())
    look = matplotlib.rc_params_from_file(_LOOK, use_default_template=False)
    look |= {key: colour for keys, colour in _COLOURED.items() for key in keys.split()}
    look["font.family"] = [name for name in look["font.family"] if name in installed]
    with matplotlib.rc_context(), warnings.catch_warnings():
        # Past the checks of `rcParams`, which would warn of every setting that is deprecated.
        dict.update(matplotlib.rcParams, defaults)
        matplotlib.rcParams.update(look)
        warnings.filterwarnings("ignore", message=".*missing from font.*")
        yield


@dataclass(frozen=True, slots=True)
class Sheet:
    """A figure that is empty but for its title and its note, and the room left between them.

    Attributes:
        figure: The figure.
        subtitle: The text below the title.
        room: Left, bottom, width and height of the room for panels, as fractions of the figure.
    """

    figure: Figure
    subtitle: Any
    room: tuple[float, float, float, float]


def new_sheet(width: float, height: float, title: str, subtitle: str, note: str = "") -> Sheet:
    """Returns a sheet that is as high as its panels and its texts together.

    Args:
        width: Inches of the whole.
        height: Inches for the panels.
        title: What the picture shows.
        subtitle: The data it shows; empty leaves the line for a legend.
        note: How to read it, for the bottom; may be empty.
    """
    lines = textwrap.wrap(note, int(width / _NOTE_LETTER))
    foot = MARGIN + _NOTE_LINE * len(lines)
    whole = _HEAD + height + foot
    figure = Figure(figsize=(width, whole))
    left = MARGIN / width
    second = 1 - (MARGIN + _TITLE_LINE) / whole
    # The name is cut rather than what the picture shows.
    name, colon, what = one_line(title).rpartition(": ")
    shown = name + colon + what
    for length in range(len(name), 0, -1):
        if text_width(shown, LARGE) <= width - 2 * MARGIN:
            break
        shown = shortened(name, length) + colon + what
    figure.text(left, 1 - MARGIN / whole, shown, va="top", fontsize=LARGE, fontweight="bold")
    below = figure.text(left, second, subtitle, va="top", color=GREY)
    figure.text(left, MARGIN / whole, "\n".join(lines), va="bottom", fontsize=8, color=GREY)
    return Sheet(figure, below, (left, foot / whole, 1 - 2 * left, height / whole))


def text_width(text: str, size: float, weight: str = "bold") -> float:
    """Returns how many inches wide a text is at a size in points."""
    font = FontProperties(size=size, weight=weight)
    points: float = text_to_path.get_text_width_height_descent(text, font, ismath=False)[0]
    return points / 72


def fitted(text: str, inches: float, size: float) -> str:
    """Returns a bold text on one line, cut in its middle where it is wider than so many inches."""
    text = one_line(text)
    width = text_width(text, size)
    return text if width <= inches else shortened(text, int(len(text) * inches / width))


def add_panels(sheet: Sheet, rows: int, columns: int, **options: Any) -> list[list[Axes]]:
    """Adds a grid of panels that are moved so that no texts overlap.

    Args:
        sheet: Where to add them.
        rows: Number of rows of the grid.
        columns: Number of columns of the grid.
        options: Of Matplotlib's `Figure.subplots`.
    """
    sheet.figure.set_layout_engine("constrained", rect=sheet.room, **_PADS)
    grid = sheet.figure.subplots(rows, columns, squeeze=False, **options)
    for axes in grid.flat:
        axes.xaxis.set_major_formatter(_Ticks(useOffset=False))
        axes.yaxis.set_major_formatter(_Ticks(useOffset=False))
    return [list(row) for row in grid]


class _Ticks(ScalarFormatter):
    """Labels of ticks as people write numbers, each in full: no factor at the end of the axis."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.set_scientific(False)

    def __call__(self, value: float, position: int | None = None) -> str:
        if 1e-4 <= abs(value) < 1e4 or value == 0:
            text: str = super().__call__(value, position)
            return text
        return tick_number(value)


def add_legend(sheet: Sheet, lines: Sequence[Any], labels: Sequence[str]) -> None:
    """Puts a legend on the line of the subtitle, where it hides nothing."""
    width, height = sheet.figure.get_size_inches()
    legend = sheet.figure.legend(
        lines,
        labels,
        loc="upper left",
        bbox_to_anchor=(MARGIN / width, 1 - (MARGIN + _TITLE_LINE) / height),
        ncols=len(labels),
        borderaxespad=0,
        borderpad=0,
    )
    legend.set_in_layout(False)


def write_aside(axes: Axes, text: str) -> None:
    """Writes small grey text at the right of the title of a panel."""
    axes.set_title(text, loc="right", fontsize=SMALL, fontweight="normal", color=GREY)


class _Pixels(FigureImage):
    """An image that is drawn as it is; Matplotlib would sample each of its pixels anew."""

    def make_image(self, *_scales: Any, **_named: Any) -> Any:
        """Returns its colours with their opacity, the lowest row first, and its lower left."""
        colours = np.asarray(self.get_array())
        opaque = np.full((*colours.shape[:2], 1), 255, np.uint8)
        return np.concatenate([colours, opaque], axis=2)[::-1], self.ox, self.oy, None


def put_image(sheet: Sheet, pixels: Array, left: int, bottom: int) -> None:
    """Puts colours, shape (height, width, 3), on a sheet, so many pixels from its corner."""
    image = _Pixels(sheet.figure, offsetx=left, offsety=bottom, origin="upper")
    image.set_data(pixels)
    sheet.figure.images.append(image)


def without_frame(axes: Axes) -> None:
    """Removes grid, frame and tick marks; tick labels stay."""
    axes.grid(False)
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)


def tick_number(value: float, _position: int | None = None) -> str:
    """Writes the label of a tick of a logarithmic axis without mathematical typesetting."""
    return number(value).replace("-", "\N{MINUS SIGN}") if value < 0 else number(value)


def draw(folder: Path, plots: Sequence[tuple[str, Build[Facts]]], facts: Facts) -> list[Path]:
    """Draws every picture that applies, and removes earlier ones that no longer do.

    The pictures depend on the facts alone: not on the time, and not on a user's matplotlibrc.

    Args:
        folder: Where the pictures are put; it must exist.
        plots: The file of each picture, and the function that builds it: a figure, or the content
            of the file where it is more than one still picture; None where it does not apply.
        facts: What is shown.

    Returns:
        The pictures, in the order of `plots`.

    Raises:
        DiskError: A picture could not be written.
    """
    drawn: list[Path] = []
    with applied():
        for file, build in plots:
            built = build(facts)
            if built is not None:
                write_bytes(folder / file, built if isinstance(built, bytes) else png(built))
                drawn.append(folder / file)
    for file in {file for file, _ in plots} - {path.name for path in drawn}:
        (folder / file).unlink(missing_ok=True)
    return drawn


def png(figure: Figure) -> bytes:
    """Returns the picture as a PNG; the same picture gives the same bytes."""
    # Straight to the canvas: `Figure.savefig` would lay out and draw everything twice.
    stream = io.BytesIO()
    canvas: Any = FigureCanvasAgg(figure)
    canvas.print_png(stream, metadata={"Software": None}, pil_kwargs={"compress_level": 4})
    return stream.getvalue()


def panel_sheet(
    count: int, columns: int, panel: tuple[float, float], texts: tuple[str, str, str]
) -> tuple[Sheet, list[Axes]]:
    """Returns a sheet with some empty panels, and the panels.

    Args:
        count: How many panels.
        columns: How many stand beside each other.
        panel: Inches of a panel.
        texts: Title, subtitle and note of the sheet.
    """
    rows = math.ceil(count / columns)
    sheet = new_sheet(max(5.5, columns * panel[0]), rows * panel[1], *texts)
    panels = [axes for row in add_panels(sheet, rows, columns) for axes in row]
    for spare in panels[count:]:
        spare.remove()
    return sheet, panels[:count]
