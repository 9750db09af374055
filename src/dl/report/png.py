"""Charts as pictures: their look, their panels, and how a figure becomes a PNG.

Since a picture may be printed in grey, colour is never the only difference: lines differ in their
dashes and markers.
"""

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
from matplotlib.ticker import (
    FuncFormatter,
    LogLocator,
    MaxNLocator,
    NullFormatter,
    ScalarFormatter,
)

from dl.data.types import Array
from dl.report.charts import Chart, Line, wants_log
from dl.report.palette import LIGHT, colour
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
# More markers on a line touch each other.
_MOST_MARKED = 25
# Each of so many epochs has a tick of its own; of more, about six have.
_MOST_TICKED = 10
# What has no halves.
_WHOLE = ("epoch", "trial", "step of the forecast")
# Lines of more points are thin, or their ups and downs would be one band.
_THIN_FROM = 200
# Inches: around all texts, above the panels, and from one line of a text to the next.
_MARGIN, _HEAD, _TITLE_LINE, _NOTE_LINE = 0.12, 0.6, 0.25, 0.16
# Inches that a letter of a note is wide on average.
_NOTE_LETTER = 0.061
# Inches that the labels of an axis take of the room of a panel.
_BESIDE = 0.75
# Letters of a line beside the lowest panels; a name has two lines.
_LABEL = 26
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
    foot = _MARGIN + _NOTE_LINE * len(lines)
    whole = _HEAD + height + foot
    figure = Figure(figsize=(width, whole))
    left = _MARGIN / width
    second = 1 - (_MARGIN + _TITLE_LINE) / whole
    # The name is cut rather than what the picture shows.
    name, colon, what = one_line(title).rpartition(": ")
    shown = name + colon + what
    for length in range(len(name), 0, -1):
        if text_width(shown, LARGE) <= width - 2 * _MARGIN:
            break
        shown = shortened(name, length) + colon + what
    figure.text(left, 1 - _MARGIN / whole, shown, va="top", fontsize=LARGE, fontweight="bold")
    below = figure.text(left, second, subtitle, va="top", color=GREY)
    figure.text(left, _MARGIN / whole, "\n".join(lines), va="bottom", fontsize=8, color=GREY)
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
        bbox_to_anchor=(_MARGIN / width, 1 - (_MARGIN + _TITLE_LINE) / height),
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


def chart_sheet(
    charts: Sequence[Chart],
    columns: int,
    panel: tuple[float, float],
    texts: tuple[str, str, str],
    titles: Sequence[str] = (),
) -> tuple[Sheet, list[Axes]]:
    """Returns a sheet with a panel for each chart, and the panels.

    Args:
        charts: The charts.
        columns: How many stand beside each other.
        panel: Inches of a panel.
        texts: Title, subtitle and note of the sheet.
        titles: Those of the panels, where they are not those of the charts.
    """
    sheet, panels = panel_sheet(len(charts), columns, panel, texts)
    for place, (axes, chart) in enumerate(zip(panels, charts, strict=True)):
        draw_chart(axes, chart, titles[place] if titles else chart.title)
    return sheet, panels


def panel_sheet(
    count: int, columns: int, panel: tuple[float, float], texts: tuple[str, str, str]
) -> tuple[Sheet, list[Axes]]:
    """Returns a sheet with some empty panels, and the panels; see `chart_sheet`."""
    rows = math.ceil(count / columns)
    sheet = new_sheet(max(5.5, columns * panel[0]), rows * panel[1], *texts)
    panels = [axes for row in add_panels(sheet, rows, columns) for axes in row]
    for spare in panels[count:]:
        spare.remove()
    return sheet, panels[:count]


def draw_chart(axes: Axes, chart: Chart, title: str, *, sideways: bool = False) -> None:
    """Draws a chart into a panel.

    Args:
        axes: The panel.
        chart: The chart.
        title: What stands above it.
        sideways: Draw bars from the left, their positions on the vertical axis.
    """
    for line in chart.lines:
        if line.kind == "points":
            _draw_points(axes, line)
        elif line.kind == "bars":
            _draw_bars(axes, line, sideways)
        else:
            _draw_line(axes, line, [mark.x for mark in chart.marks])
    mark_at = axes.axhline if sideways else axes.axvline
    for mark in chart.marks:
        if any(len(line.x) > 1 for line in chart.lines):
            mark_at(mark.x, color=GREY, linewidth=0.9, linestyle=":", zorder=1)
        if not any(line.at(mark.x) is not None for line in chart.lines) and not sideways:
            above = {"va": "top", "fontsize": SMALL, "color": GREY, "in_layout": False}
            axes.text(mark.x, 1, f" {mark.label}", transform=axes.get_xaxis_transform(), **above)
    _set_texts(axes, chart, title, sideways)
    if chart.log_x:
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(FuncFormatter(tick_number))
        axes.xaxis.set_minor_formatter(NullFormatter())
    if chart.x_label in _WHOLE:
        _set_whole_numbers(axes, chart)
    if chart.square:
        low, high = zip(axes.get_xlim(), axes.get_ylim(), strict=True)
        axes.set(xlim=(min(low), max(high)), ylim=(min(low), max(high)), aspect="equal")
    _set_values(axes, chart)


def _set_texts(axes: Axes, chart: Chart, title: str, sideways: bool) -> None:
    """Writes the title and the names of the axes; one that says what the title says is left out."""
    across, up = chart.x_label, "" if chart.y_label == title else chart.y_label
    if _is_log(chart):
        up = f"{up} (log\N{NO-BREAK SPACE}scale)" if up else "log scale"
    across, up = (up, across) if sideways else (across, up)
    lines = textwrap.wrap(shortened(up, 2 * _LABEL), _LABEL, break_on_hyphens=False)
    axes.set(xlabel=shortened(across, 2 * _LABEL), ylabel="\n".join(lines))
    spec = axes.get_subplotspec()
    widths = spec.get_gridspec().get_width_ratios()
    part = widths[spec.colspan.start] / sum(widths)
    room = axes.figure.get_figwidth() * part - _BESIDE * (1.5 if chart.square else 1)
    if chart.aside:
        write_aside(axes, chart.aside)
        room -= text_width(chart.aside, SMALL, "normal") + _MARGIN
    axes.set_title(fitted(title, room, matplotlib.rcParams["axes.titlesize"]))


def _is_log(chart: Chart) -> bool:
    return chart.log and wants_log(chart.finite)


def _colour(line: Line) -> str:
    return INK if line.colour < 0 else colour(line.colour)


def _draw_line(axes: Axes, line: Line, marked: Sequence[float]) -> None:
    """Draws a line with markers where the epochs are few, and open ones at its marks."""
    if not len(line.x):
        return
    values = np.where(np.isfinite(line.y), line.y, np.nan)
    marker = "" if line.colour < 0 else "s" if line.dashed else "o"
    look: dict[str, Any] = {"color": _colour(line), "linestyle": "--" if line.dashed else "-"}
    if line.kind == "steps":
        axes.step(line.x, values, where="post", label=line.label, **look)
        return
    axes.plot(
        line.x,
        values,
        linewidth=1.0 if line.colour < 0 else 1.1 if len(values) > _THIN_FROM else 1.6,
        marker="" if len(values) > _MOST_MARKED else marker,
        markersize=4 if len(values) > 1 else 7,
        label=line.label,
        zorder=3 if line.colour < 0 else 2,
        **look,
    )
    if len(values) == 1 and marker:
        # A dot alone says nothing where its axis is of no other's.
        beside = {"xytext": (-9 if line.dashed else 9, 0), "textcoords": "offset points"}
        look = {"va": "center", "ha": "right" if line.dashed else "left", "fontsize": 8}
        axes.annotate(number(float(line.y[0])), (line.x[0], values[0]), **beside, **look)
    for place in marked:
        if (value := line.at(place)) is not None and len(values) > 1 and marker:
            hollow = {"markerfacecolor": "white", "markeredgewidth": 1.6, "markersize": 7}
            axes.plot([place], [value], color=_colour(line), marker=marker, zorder=4, **hollow)


def _draw_points(axes: Axes, line: Line) -> None:
    """Draws points; where they are too many to tell apart, hexagons by their number."""
    x, y = np.asarray(line.x), np.asarray(line.y)
    if len(x) > MOST_POINTS:
        axes.hexbin(x, y, gridsize=45, bins="log", mincnt=1, cmap=BLUES, linewidths=0.1)
        return
    look: dict[str, Any] = {"marker": "x", "linewidths": 1.2} if line.dashed else {"linewidths": 0}
    look["alpha"] = float(np.clip(8 / math.sqrt(max(1, len(x))), 0.25, 0.9))  # many overlap
    look["s"] = 26 if len(x) <= 300 else 14
    axes.scatter(x, y, color=_colour(line), label=line.label, zorder=2, **look)


def _draw_bars(axes: Axes, line: Line, sideways: bool) -> None:
    x = np.asarray(line.x)
    width = float(np.diff(x).min()) if len(x) > 1 else 1.0
    look = {"color": _colour(line), "edgecolor": "white", "linewidth": 0.5, "label": line.label}
    if sideways:
        axes.barh(x, line.y, height=width, **look)
    else:
        axes.bar(x, line.y, width=width, **look)
    if all(float(value).is_integer() for value in line.y):  # there is no half of a row
        counted = axes.xaxis if sideways else axes.yaxis
        counted.set_major_locator(MaxNLocator("auto", integer=True))


def _set_whole_numbers(axes: Axes, chart: Chart) -> None:
    """Sets the horizontal axis for epochs and trials, which have no halves."""
    places = [place for line in chart.lines for place in line.x] or [1]
    set_epochs(axes, int(min(places)), int(max(places)))


def set_epochs(axes: Axes, first: int, last: int) -> None:
    """Sets a horizontal axis of whole numbers, without ticks where there are none."""
    count = last - first + 1
    margin = 0.5 if count < _MOST_TICKED else 0.02 * count
    axes.set_xlim(first - margin, last + margin)
    if count <= _MOST_TICKED:
        axes.set_xticks(range(first, last + 1))
    else:
        ticks = MaxNLocator(nbins=6, integer=True).tick_values(first, last)
        axes.set_xticks([tick for tick in ticks if first <= tick <= last])


def _set_values(axes: Axes, chart: Chart) -> None:
    """Makes the vertical axis logarithmic by the one rule, and says where it shows no value."""
    if not chart.finite:
        axes.set_yticks([])
    elif _is_log(chart):
        axes.set_yscale("log")
        decades = math.log10(max(chart.finite) / min(chart.finite))
        subs = (1, 2, 5) if decades < 1.5 else (1, 3) if decades < 3 else (1,)
        axes.yaxis.set_major_locator(LogLocator(subs=subs, numticks=8))
        axes.yaxis.set_major_formatter(FuncFormatter(tick_number))
        axes.yaxis.set_minor_formatter(NullFormatter())
    broken = sorted(
        {
            place
            for line in chart.lines
            for place, value in zip(line.x, line.y, strict=True)
            if not math.isfinite(value)
        }
    )
    if broken:
        ground = {"transform": axes.get_xaxis_transform(), "linestyle": "none"}
        axes.plot(broken, [0.03] * len(broken), marker="x", color=INK, markersize=5, **ground)
        others = f" and {len(broken) - 1} more" if len(broken) > 1 else ""
        what = f"no finite value: {chart.x_label} {broken[0]}{others}"
        write_aside(axes, f"\N{MULTIPLICATION SIGN} {what}")
