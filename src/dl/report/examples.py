"""`examples.png`: pictures of the data with their true answers."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from dl.data.types import Array
from dl.report import mosaic, style
from dl.report.answers import words
from dl.report.input import PlotInput, class_indexes
from dl.report.mosaic import Tile
from dl.report.numbers import shortened

_COLUMNS = 10
_MOST_ROWS_OF_CLASSES = 10
_OTHERWISE = 50


def build(run: PlotInput) -> Figure | None:
    """Returns a grid of pictures: up to ten of each class; of many classes or of numbers, fifty."""
    if not mosaic.has_pictures(run):
        return None
    true = np.asarray(run.y_true)
    rows = _chosen(run, true)
    texts = words(run, true[rows])
    tiles = [
        Tile(int(row), ((shortened(text, mosaic.letters(_COLUMNS)), style.INK),))
        for row, text in zip(rows, texts, strict=True)
    ]
    subtitle = f"from the {run.part} part, with the true answers"
    return mosaic.build(run, tiles, _COLUMNS, f"{run.name}: examples", subtitle)


def _chosen(run: PlotInput, true: Array) -> Array:
    """Returns positions of rows, by class if there are classes, in the order of the data."""
    if run.task not in ("binary", "multiclass"):
        return np.unique(np.linspace(0, len(true) - 1, min(_OTHERWISE, len(true))).astype(np.int64))
    true = class_indexes(true)
    count = len(np.unique(true))
    if count > _MOST_ROWS_OF_CLASSES:
        return _taken_in_turn(true, _OTHERWISE)
    lines = max(1, 4 // count)
    return _taken_in_turn(true, _COLUMNS * lines * count)


def _taken_in_turn(true: Array, most: int) -> Array:
    """Takes the first row of each class, then the second of each and so on; sorted by class."""
    order = np.argsort(true, kind="stable")
    starts = np.searchsorted(true[order], true[order], side="left")
    turns = np.arange(len(true)) - starts
    taken = np.argsort(turns, kind="stable")[:most]
    result: Array = order[np.sort(taken)]
    return result
