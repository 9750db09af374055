"""Pictures of targets at places: masks and steps beside what was predicted, inputs beside what
came back, and how far that is from them.
"""

from __future__ import annotations

import math

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from dl.data.types import Array
from dl.report import drawing, png
from dl.report.charts import Chart, Line, Mark
from dl.report.facts import Pictures, RunFacts
from dl.report.palette import NAMES
from dl.text import apart, number, percent

_MOST_ROWS = 6
_TILE, _CELL, _LINE = 1.45, 0.3, 0.42
"""Inches of a picture, of a step with a short name, and of a row of steps."""
_BEFORE, _WIDEST = 0.9, 8.5
"""Inches before the first step, and of all steps at most."""
_BINS = 40
_IGNORED = (1.0, 1.0, 1.0)


def ious(run: RunFacts) -> dict[str, float]:
    """Returns the intersection over union of each class over all places, the worst first."""
    if run.places == 1 or not run.in_classes or run.predicted is None or not len(run.true):
        return {}
    true, said, size = run.true.astype(np.int64), run.predicted.astype(np.int64), len(run.classes)
    counts = np.bincount(true * size + said, run.weights, minlength=size * size)
    table = counts.reshape(size, size)
    both, either = table.diagonal(), table.sum(axis=0) + table.sum(axis=1) - table.diagonal()
    found = {run.class_name(c): float(both[c] / either[c]) for c in range(size) if either[c]}
    return dict(sorted(found.items(), key=lambda one: one[1]))


def iou(run: RunFacts) -> Figure | None:
    """Returns a bar for each class: its intersection over union."""
    found = ious(run)
    if not found or len(run.grid) < 2:
        return None
    subtitle = f"{run.about}, mean {number(sum(found.values()) / len(found))}"
    note = "Pixels that are of a class and predicted as it, among those that are one or the other."
    height = 0.34 * len(found) + 0.7
    sheet = png.new_sheet(6.0, height, f"{run.name}: IoU of each class", subtitle, note)
    [[axes]] = png.add_panels(sheet, 1, 1)
    places = range(len(found))
    axes.barh(places, list(found.values()), color=png.BLUE)
    axes.set_yticks(places, apart(list(found), 24))
    for place, value in enumerate(found.values()):
        axes.text(value + 0.01, place, f"{value:.3f}", va="center", fontsize=8)
    axes.set_xlim(0, 1.12)
    axes.invert_yaxis()
    axes.set_xlabel("intersection over union")
    return sheet.figure


def _worst(run: RunFacts, most: int) -> tuple[Array, Array]:
    """Returns rows with the largest part of wrong places, and that part of all rows."""
    if run.predicted is None:
        return np.zeros(0, np.int64), np.zeros(0)
    counting = np.ones(len(run.true)) if run.weights is None else run.weights
    wrong = ((run.true != run.predicted) * counting).reshape(-1, run.places).sum(axis=1)
    parts = wrong / np.maximum(counting.reshape(-1, run.places).sum(axis=1), 1e-12)
    return np.argsort(-parts, kind="stable")[:most], parts


def masks(run: RunFacts) -> Figure | None:
    """Returns pictures beside their true and predicted masks, the worst first."""
    if len(run.grid) != 2 or not run.in_classes or run.predicted is None or run.inputs is None:
        return None
    rows, wrong = _worst(run, _MOST_ROWS)
    colours = np.array([to_rgb(png.COLOURS[c % len(png.COLOURS)]) for c in range(len(run.classes))])
    both = [each.reshape(-1, *run.grid)[rows] for each in (run.true, run.predicted)]
    true, said = (colours[each.astype(np.int64)] for each in both)
    if run.weights is not None:
        true[run.weights.reshape(-1, *run.grid)[rows] == 0] = _IGNORED
    shown = run.inputs.pixels(rows, run.grid[1])
    note = "Colours: " + ", ".join(
        f"{run.class_name(c)} {_colour_name(c)}" for c in range(min(len(NAMES), len(run.classes)))
    )
    subtitle = f"{run.about}, the rows with most wrong pixels first"
    high = _TILE * max(0.4, run.grid[0] / run.grid[1])
    texts = (f"{run.name}: masks", subtitle, note)
    sheet, panels = png.panel_sheet(3 * len(rows), 6, (_TILE, high + 0.3), texts)
    for place, row in enumerate(rows):
        titles = ("picture", "true", f"predicted: {percent(float(wrong[row]))} wrong")
        tiles = zip(titles, (shown[place], true[place], said[place]), strict=True)
        for axes, (title, tile) in zip(panels[3 * place :], tiles, strict=False):
            _draw_tile(axes, tile, title)
    return sheet.figure


def _colour_name(place: int) -> str:
    return NAMES[place % len(NAMES)]


def _draw_tile(axes: png.Axes, tile: Array, title: str) -> None:
    axes.imshow(tile, interpolation="nearest")
    png.without_frame(axes)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_title(title, fontsize=png.SMALL, fontweight="normal")


def steps(run: RunFacts) -> Figure | None:
    """Returns the true and predicted classes of each step of some rows, the worst first."""
    if len(run.grid) != 1 or not run.in_classes or run.predicted is None or run.places == 1:
        return None
    rows, wrong = _worst(run, 2 * _MOST_ROWS)
    names = apart([run.class_name(c) for c in range(len(run.classes))], 10)
    cell = max(_CELL, 0.1 + max(png.text_width(name, png.SMALL, "normal") for name in names))
    shown = min(run.places, int(_WIDEST / cell))
    both = [each.reshape(-1, run.places)[rows, :shown] for each in (run.true, run.predicted)]
    note = "Above what is true, below what was predicted; orange where it is another class."
    if shown < run.places:
        note += f" Shown are the first {shown} of {run.places} steps."
    width, height = max(5.6, _BEFORE + cell * shown + 0.4), _LINE * len(rows)
    subtitle = f"{run.about}, the rows with most wrong steps first"
    sheet = png.new_sheet(width, height + 0.1, f"{run.name}: steps", subtitle, note)
    [[axes]] = png.add_panels(sheet, 1, 1)
    axes.set(xlim=(0, width - 0.4), ylim=(len(rows) - 0.3, -0.7))
    png.without_frame(axes)
    axes.set_xticks([])
    axes.set_yticks([])
    for line, row in enumerate(rows):
        axes.text(0, line, f"{percent(float(wrong[row]))} wrong", fontsize=png.SMALL, va="center")
        axes.axhline(line + 0.5, color=png.GRID, linewidth=0.8)
        for step in range(shown):
            true, said = (int(each[line, step]) for each in both)
            colour = png.INK if true == said else png.ORANGE
            for shift, index, ink in ((-0.2, true, png.INK), (0.2, said, colour)):
                where = (_BEFORE + step * cell, line + shift, names[index])
                axes.text(*where, fontsize=png.SMALL, va="center", color=ink)
    return sheet.figure


_LEAST_SIDE = 4
"""Fewer numbers of a side are columns of a series, and no picture."""


def reconstructions(run: RunFacts) -> Figure | None:
    """Returns inputs above what came back of them, where both are pictures."""
    shape = run.grid if len(run.grid) > 1 else ()
    if run.errors is None or run.predicted is None:
        return None
    if not shape and run.inputs is not None:
        shape = run.inputs.values.shape[1:]
    rows = np.unique(np.linspace(0, len(run.errors) - 1, 10).astype(np.int64))
    if not shape or math.prod(shape) != run.true.size // len(run.errors):
        return None
    if min(shape[:2]) < _LEAST_SIDE:
        return None
    both = [each.reshape(-1, *shape)[rows] for each in (run.true, run.predicted)]
    most = float(both[0].max()) or 1.0
    high = _TILE * max(0.4, shape[0] / shape[1]) + 0.25
    note = "Below each input what came back of it, with the error of the row."
    texts = (f"{run.name}: inputs and what came back", run.about, note)
    sheet, panels = png.panel_sheet(2 * len(rows), len(rows), (_TILE * 0.8, high * 0.8), texts)
    tiles = [Pictures(each, most).pixels(range(len(rows)), shape[1]) for each in both]
    for place, tile in enumerate(np.concatenate(tiles)):
        error = number(float(run.errors[rows[place % len(rows)]]), 2)
        _draw_tile(panels[place], tile, "" if place < len(rows) else error)
    return sheet.figure


def errors(run: RunFacts) -> Figure | None:
    """Returns how often errors of rows are in equal bins, and where unusual ones begin."""
    if run.errors is None or run.limit is None:
        return None
    counts, edges = np.histogram(run.errors, bins=_BINS)
    bars = Line("rows", (edges[1:] + edges[:-1]) / 2, counts, kind="bars")
    above = int((run.errors > run.limit).sum())
    chart = Chart("errors of rows", "error", "rows", (bars,), (Mark(run.limit, "unusual"),))
    note = f"Dotted: {number(run.limit)}, above which 1 % of the training rows are."
    texts = (f"{run.name}: errors of rows", f"{run.about}, {above} unusual", note)
    return drawing.chart_sheet([chart], 1, (5.6, 2.9), texts)[0].figure
