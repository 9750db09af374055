"""Rows that are pictures, in a grid: examples of the data, and the worst mistakes."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from dl.data.types import Array
from dl.report import png
from dl.report.facts import RunFacts
from dl.text import apart, shortened

# Inches of a grid of pictures, of a line of text in it, and between two pictures.
_WIDTH, _LINE, _GAP = 8.0, 0.15, 0.08
_TILE_LETTER = 0.061


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
