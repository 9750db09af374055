"""Charts as pictures.

Since a picture may be printed in grey, colour is never the only difference: lines differ in their
dashes and markers.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from dl.report import png
from dl.report.charts import Chart, Line, wants_log
from dl.report.palette import colour
from dl.text import number, shortened

# More markers on a line touch each other.
_MOST_MARKED = 25
# Each of so many epochs has a tick of its own; of more, about six have.
_MOST_TICKED = 10
# What has no halves.
_WHOLE = ("epoch", "trial", "step of the forecast")
# Lines of more points are thin, or their ups and downs would be one band.
_THIN_FROM = 200
# Inches that the labels of an axis take of the room of a panel.
_BESIDE = 0.75
# Letters of a line beside the lowest panels; a name has two lines.
_LABEL = 26


def chart_sheet(
    charts: Sequence[Chart],
    columns: int,
    panel: tuple[float, float],
    texts: tuple[str, str, str],
    titles: Sequence[str] = (),
) -> tuple[png.Sheet, list[png.Axes]]:
    """Returns a sheet with a panel for each chart, and the panels.

    Args:
        charts: The charts.
        columns: As for `png.panel_sheet`.
        panel: As there.
        texts: As there.
        titles: Those of the panels, where they are not those of the charts.
    """
    sheet, panels = png.panel_sheet(len(charts), columns, panel, texts)
    for place, (axes, chart) in enumerate(zip(panels, charts, strict=True)):
        draw_chart(axes, chart, titles[place] if titles else chart.title)
    return sheet, panels


def draw_chart(axes: png.Axes, chart: Chart, title: str, *, sideways: bool = False) -> None:
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
            mark_at(mark.x, color=png.GREY, linewidth=0.9, linestyle=":", zorder=1)
        if not any(line.at(mark.x) is not None for line in chart.lines) and not sideways:
            above = {"va": "top", "fontsize": png.SMALL, "color": png.GREY, "in_layout": False}
            axes.text(mark.x, 1, f" {mark.label}", transform=axes.get_xaxis_transform(), **above)
    _set_texts(axes, chart, title, sideways)
    if chart.log_x:
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(FuncFormatter(png.tick_number))
        axes.xaxis.set_minor_formatter(NullFormatter())
    if chart.x_label in _WHOLE:
        places = [place for line in chart.lines for place in line.x] or [1]
        set_epochs(axes, int(min(places)), int(max(places)))
    if chart.square:
        low, high = zip(axes.get_xlim(), axes.get_ylim(), strict=True)
        axes.set(xlim=(min(low), max(high)), ylim=(min(low), max(high)), aspect="equal")
    _set_values(axes, chart)


def _set_texts(axes: png.Axes, chart: Chart, title: str, sideways: bool) -> None:
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
        png.write_aside(axes, chart.aside)
        room -= png.text_width(chart.aside, png.SMALL, "normal") + png.MARGIN
    axes.set_title(png.fitted(title, room, matplotlib.rcParams["axes.titlesize"]))


def _is_log(chart: Chart) -> bool:
    return chart.log and wants_log(chart.finite)


def _colour(line: Line) -> str:
    return png.INK if line.colour < 0 else colour(line.colour)


def _draw_line(axes: png.Axes, line: Line, marked: Sequence[float]) -> None:
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


def _draw_points(axes: png.Axes, line: Line) -> None:
    """Draws points; where they are too many to tell apart, hexagons by their number."""
    x, y = np.asarray(line.x), np.asarray(line.y)
    if len(x) > png.MOST_POINTS:
        axes.hexbin(x, y, gridsize=45, bins="log", mincnt=1, cmap=png.BLUES, linewidths=0.1)
        return
    look: dict[str, Any] = {"marker": "x", "linewidths": 1.2} if line.dashed else {"linewidths": 0}
    look["alpha"] = float(np.clip(8 / math.sqrt(max(1, len(x))), 0.25, 0.9))  # many overlap
    look["s"] = 26 if len(x) <= 300 else 14
    axes.scatter(x, y, color=_colour(line), label=line.label, zorder=2, **look)


def _draw_bars(axes: png.Axes, line: Line, sideways: bool) -> None:
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


def set_epochs(axes: png.Axes, first: int, last: int) -> None:
    """Sets a horizontal axis of whole numbers, without ticks where there are none."""
    count = last - first + 1
    margin = 0.5 if count < _MOST_TICKED else 0.02 * count
    axes.set_xlim(first - margin, last + margin)
    if count <= _MOST_TICKED:
        axes.set_xticks(range(first, last + 1))
    else:
        ticks = MaxNLocator(nbins=6, integer=True).tick_values(first, last)
        axes.set_xticks([tick for tick in ticks if first <= tick <= last])


def _set_values(axes: png.Axes, chart: Chart) -> None:
    """Makes the vertical axis logarithmic by the one rule, and says where it shows no value."""
    if not chart.finite:
        axes.set_yticks([])
    elif _is_log(chart):
        axes.set_yscale("log")
        decades = math.log10(max(chart.finite) / min(chart.finite))
        subs = (1, 2, 5) if decades < 1.5 else (1, 3) if decades < 3 else (1,)
        axes.yaxis.set_major_locator(LogLocator(subs=subs, numticks=8))
        axes.yaxis.set_major_formatter(FuncFormatter(png.tick_number))
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
        axes.plot(broken, [0.03] * len(broken), marker="x", color=png.INK, markersize=5, **ground)
        others = f" and {len(broken) - 1} more" if len(broken) > 1 else ""
        what = f"no finite value: {chart.x_label} {broken[0]}{others}"
        png.write_aside(axes, f"\N{MULTIPLICATION SIGN} {what}")
