"""`examples.png`: pictures of the data with their true answers."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from dl.data.types import Array
from dl.report import mosaic, style
from dl.report.answers import words
from dl.report.input import PlotInput, class_indexes
from dl.report.mosaic import Tile
from dl.report.pixels import has_pictures
from dl.text import shortened

_COLUMNS, _FEWER_COLUMNS = 10, 6
_MOST_LINES_OF_CLASSES = 10
_OTHERWISE_LINES = 6


def build(run: PlotInput) -> Figure | None:
    """Returns a grid of pictures: up to ten classes line by line; else some of each, or any."""
    if not has_pictures(run):
        return None
    true = np.asarray(run.y_true)
    longest = max(map(len, words(run, true[:_COLUMNS])), default=0)
    longest = max([longest, *map(len, run.classes)])
    columns = _COLUMNS if longest <= mosaic.letters(_COLUMNS) else _FEWER_COLUMNS
    rows = _chosen(run, true, columns)
    tiles = [
        Tile(int(row), ((shortened(text, mosaic.letters(columns)), style.INK),))
        for row, text in zip(rows, words(run, true[rows]), strict=True)
    ]
    subtitle = f"from the {run.part} part, with the true answers"
    return mosaic.build(run, tiles, columns, f"{run.name}: examples", subtitle)


def _chosen(run: PlotInput, true: Array, columns: int) -> Array:
    """Returns positions of rows, by class if there are classes, in the order of the data."""
    most = _OTHERWISE_LINES * columns
    if run.task not in ("binary", "multiclass"):
        return np.unique(np.linspace(0, len(true) - 1, min(most, len(true))).astype(np.int64))
    indexes = class_indexes(true)
    count = len(np.unique(indexes))
    if count <= _MOST_LINES_OF_CLASSES:
        most = columns * count * max(1, 4 // count)
    return _taken_in_turn(indexes, most)


def _taken_in_turn(true: Array, most: int) -> Array:
    """Takes the first row of each class, then the second of each and so on; sorted by class."""
    order = np.argsort(true, kind="stable")
    starts = np.searchsorted(true[order], true[order], side="left")
    turns = np.arange(len(true)) - starts
    taken = np.argsort(turns, kind="stable")[:most]
    result: Array = order[np.sort(taken)]
    return result
