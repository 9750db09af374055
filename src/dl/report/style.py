"""The look of all pictures: colours, sizes, titles, and how a figure becomes a file.

The colours are those of Okabe and Ito, told apart also by colour-blind readers. Since a picture may
be printed in grey, colour is never the only difference: lines differ in their dashes and markers.
"""

from __future__ import annotations

import io
import textwrap
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import matplotlib
from matplotlib import font_manager
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from dl.text import number, shortened

Axes = Any
"""An axes of matplotlib, which has no types of its own."""

BLUE = "#0072B2"
ORANGE = "#D55E00"
GREY = "#66707A"
INK = "#1F2933"
GRID = "#E4E8EC"
BLUES = LinearSegmentedColormap.from_list("blues", ["#DCEBF5", BLUE, "#002B45"])

DPI = 150
SMALL = 7.5
NORMAL = 9.0
LARGE = 12.0
_MARGIN, _TITLE_LINE, _NOTE_LINE = 0.12, 0.25, 0.16
_HEAD = 0.6
_NOTE_LETTER, _TITLE_LETTER = 0.061, 0.122
_PADS = {"w_pad": 0.06, "h_pad": 0.06, "wspace": 0.02, "hspace": 0.03}

_FONT = "DejaVu Sans"
_OTHER_SCRIPTS = (
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "Source Han Sans SC",
    "WenQuanYi Zen Hei",
    "Hiragino Sans",
    "PingFang SC",
    "Microsoft YaHei",
    "Yu Gothic",
    "Malgun Gothic",
)
"""Fonts for characters that DejaVu Sans lacks, used where they are installed."""

_SETTINGS = {
    "figure.dpi": DPI,
    "figure.facecolor": "white",
    "font.size": NORMAL,
    "text.color": INK,
    "text.parse_math": False,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 7,
    "axes.labelcolor": INK,
    "axes.edgecolor": GREY,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.formatter.limits": (-4, 6),
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "legend.frameon": False,
    "legend.fontsize": NORMAL,
}
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
    fonts = [_FONT, *(name for name in _OTHER_SCRIPTS if name in installed)]
    with matplotlib.rc_context(), warnings.catch_warnings():
        dict.update(matplotlib.rcParams, defaults)
        matplotlib.rcParams.update(_SETTINGS)
        matplotlib.rcParams["font.family"] = fonts
        warnings.filterwarnings("ignore", message=".*missing from font.*")
        yield


@dataclass(frozen=True, slots=True)
class Sheet:
    """A figure that is empty but for its title and its note, and the room left between them.

    Attributes:
        figure: The figure.
        subtitle: The text below the title.
        room: Left, bottom, width and height of the room for panels, as shares of the figure.
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
    foot = _MARGIN + _NOTE_LINE * len(lines)
    whole = _HEAD + height + foot
    figure = Figure(figsize=(width, whole))
    left = _MARGIN / width
    second = 1 - (_MARGIN + _TITLE_LINE) / whole
    shown = shortened(title, int(width / _TITLE_LETTER))
    figure.text(left, 1 - _MARGIN / whole, shown, va="top", fontsize=LARGE, fontweight="bold")
    below = figure.text(left, second, subtitle, va="top", color=GREY)
    figure.text(left, _MARGIN / whole, "\n".join(lines), va="bottom", fontsize=8, color=GREY)
    return Sheet(figure, below, (left, foot / whole, 1 - 2 * left, height / whole))


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
    return [list(row) for row in grid]


def add_legend(sheet: Sheet, lines: Sequence[Any], labels: Sequence[str]) -> None:
    """Puts a legend on the line of the subtitle, where it hides nothing."""
    width, height = sheet.figure.get_size_inches()
    legend = sheet.figure.legend(
        lines,
        labels,
        loc="upper left",
        bbox_to_anchor=(_MARGIN / width, 1 - (_MARGIN + _TITLE_LINE) / height),
        ncols=len(labels),
        borderaxespad=0,
        borderpad=0,
    )
    legend.set_in_layout(False)


def write_aside(axes: Axes, text: str) -> None:
    """Writes small grey text at the right of the title of a panel."""
    axes.set_title(text, loc="right", fontsize=SMALL, fontweight="normal", color=GREY)


def without_frame(axes: Axes) -> None:
    """Removes grid, frame and tick marks; tick labels stay."""
    axes.grid(False)
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)


def tick_number(value: float, _position: int | None = None) -> str:
    """Writes the label of a tick of a logarithmic axis without mathematical typesetting."""
    return number(value).replace("-", "\N{MINUS SIGN}") if value < 0 else number(value)


def png(figure: Figure) -> bytes:
    """Returns the picture as a PNG; the same picture gives the same bytes."""
    # Straight to the canvas: `Figure.savefig` would lay out and draw everything twice.
    stream = io.BytesIO()
    canvas: Any = FigureCanvasAgg(figure)
    canvas.print_png(stream, metadata={"Software": None}, pil_kwargs={"compress_level": 4})
    return stream.getvalue()
