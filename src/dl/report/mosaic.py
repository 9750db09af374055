"""Rows as pictures: examples and worst mistakes in a grid, masks, steps, and what came back."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from dl.data.types import Array
from dl.report import drawing, png
from dl.report.charts import Chart, Line, Mark
from dl.report.facts import Pictures, RunFacts
from dl.report.palette import NAMES
from dl.text import apart, number, percent, shortened

# Inches of a grid of pictures, of a line of text in it, and between two pictures.
_WIDTH, _LINE, _GAP = 8.0, 0.15, 0.08
_TILE_LETTER = 0.061
_MOST_ROWS = 6
_TILE, _CELL, _STEPS = 1.45, 0.3, 0.42
"""Inches of a picture, of a step with a short name, and of a row of steps."""
_BEFORE, _WIDEST = 0.9, 8.5
"""Inches before the first step, and of all steps at most."""
_BINS = 40
_IGNORED = (1.0, 1.0, 1.0)


def examples(run: RunFacts) -> Figure | None:
    """Returns a grid of pictures: up to ten classes line by line; else some of each, or any."""
    if run.pictures is None or not len(run.true):
        return None
    names = [*run.worded(run.true[:10]), *run.classes]
    columns = 10 if max(map(len, names)) <= _letters(10) else 6
    rows = _chosen(run, columns)
    lines = [[(text, png.INK)] for text in _answers(run, run.true[rows], _letters(columns))]
    subtitle = f"from the {run.part} part, with the true answers{_as_sounds(run)}"
    return _mosaic(run, rows, lines, columns, (f"{run.name}: examples", subtitle))


def _chosen(run: RunFacts, columns: int) -> Array:
    """Returns positions of rows, by class if there are classes, in the order of the data."""
    most = 6 * columns
    if not run.in_classes:
        return np.unique(np.linspace(0, len(run.true) - 1, min(most, len(run.true))).astype(int))
    count = len(np.unique(run.true))
    if count <= 10:
        most = columns * count * max(1, 4 // count)
    # The first row of each class, then the second of each and so on; sorted by class.
    order = np.argsort(run.true, kind="stable")
    classes = run.true[order]
    turns = np.arange(len(order)) - np.searchsorted(classes, classes)
    return np.asarray(order[np.sort(np.argsort(turns, kind="stable")[:most])])


def mistakes(run: RunFacts) -> Figure | None:
    """Returns the mistakes with the largest loss first; None if there are none or no pictures."""
    wrong = run.worst_rows(len(run.true))
    if run.pictures is None or run.predicted is None or not len(wrong):
        return None
    names = [*run.worded(run.true[wrong[:24]]), *run.worded(run.predicted[wrong[:24]])]
    columns, rows = (6, wrong[:24]) if max(map(len, names)) <= 3 else (4, wrong[:12])
    fits = _letters(columns) - len("predicted  (1.00)")
    true, guesses = (_answers(run, values[rows], fits) for values in (run.true, run.predicted))
    lines = [
        [(f"true {answer}", png.INK), (f"predicted {guess}{surety}", png.ORANGE)]
        for answer, guess, surety in zip(true, guesses, run.surety(rows), strict=True)
    ]
    subtitle = f"{len(rows)} of {len(wrong):,} in the {run.part} part, the largest loss first"
    subtitle += _as_sounds(run)
    return _mosaic(run, rows, lines, columns, (f"{run.name}: worst mistakes", subtitle))


def _answers(run: RunFacts, values: Array, most: int) -> list[str]:
    """Returns answers in words of at most so many letters; those of classes stay apart."""
    if run.in_classes and len(run.classes) > int(values.max(initial=0)):
        names = apart([run.class_name(index) for index in range(len(run.classes))], most)
        return [names[int(value)] for value in values]
    return [shortened(text, most) for text in run.worded(values)]


def _as_sounds(run: RunFacts) -> str:
    sounds = run.pictures is not None and run.pictures.sounds
    return "; sounds: time across, pitch upwards" if sounds else ""


def _letters(columns: int) -> int:
    """Returns how many letters of a text fit above a picture."""
    return int((_WIDTH / columns - _GAP) / _TILE_LETTER)


def _mosaic(
    run: RunFacts,
    rows: Array,
    lines: Sequence[Sequence[tuple[str, str]]],
    columns: int,
    texts: tuple[str, str],
) -> Figure | None:
    """Returns the pictures of some rows in a grid.

    Args:
        run: The run, which has pictures.
        rows: Positions of the rows.
        lines: Texts above each picture with their colours, top down; equally many for all.
        columns: How many pictures stand beside each other.
        texts: Title and subtitle.
    """
    if run.pictures is None:
        return None
    side = round((_WIDTH / columns - _GAP) * png.DPI)
    shown = run.pictures.pixels(rows, side)
    above, gap = round((0.5 + len(lines[0])) * _LINE * png.DPI), round(_GAP * png.DPI)
    deep = math.ceil(len(rows) / columns)
    # All pictures are one image, pixel by pixel: each alone would cost Matplotlib more.
    tiles = np.full((deep * columns, above + shown.shape[1] + gap, side + gap, 3), 255, np.uint8)
    tiles[: len(rows), above : above + shown.shape[1], :side] = shown
    high, wide = tiles.shape[1:3]
    canvas = tiles.reshape(deep, columns, high, wide, 3).swapaxes(1, 2)
    canvas = canvas.reshape(deep * high, columns * wide, 3)
    sheet = png.new_sheet(_WIDTH + 0.24, len(canvas) / png.DPI, *texts)
    width, height = np.round(sheet.figure.get_size_inches() * png.DPI)
    left, bottom = round(sheet.room[0] * width), round(sheet.room[1] * height)
    png.put_image(sheet, canvas, left, bottom)
    for place, texts_above in enumerate(lines):
        x = left + place % columns * wide
        top = bottom + len(canvas) - place // columns * high - above
        for line, (text, colour) in enumerate(reversed(texts_above)):
            y = top + round((0.04 + line * _LINE) * png.DPI)
            where = (float(x / width), float(y / height), text)
            sheet.figure.text(*where, fontsize=png.SMALL, color=colour)
    return sheet.figure


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
    named = (f"{run.class_name(c)} {name}" for c, name in enumerate(NAMES[: len(run.classes)]))
    note = "Colours: " + ", ".join(named)
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
    width, height = max(5.6, _BEFORE + cell * shown + 0.4), _STEPS * len(rows)
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
