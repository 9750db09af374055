"""`confusion_matrix.png` for one class a row: counts, shares of the true class, and recall."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from dl.data.types import Array
from dl.report import cells, style
from dl.report.input import PlotInput, class_indexes, class_name, describe_part
from dl.report.style import Axes
from dl.text import shortened

MOST_CLASSES = 30
_MOST_WITH_SHARES = 12
_OTHERS = "(others)"
_RECALL, _BAR = 1.7, 0.22
_LETTER = 0.066


@dataclass(frozen=True, slots=True)
class _Matrix:
    """The part of the matrix that is shown.

    Attributes:
        counts: Rows are true classes, columns predicted ones, shape (classes, classes or more).
        totals: Rows of data of each true class, shape (classes,).
        rows: Names of the true classes.
        columns: Names of the predicted classes; the last may stand for all that are not shown.
        left_out: How many classes are not shown.
    """

    counts: Array
    totals: Array
    rows: list[str]
    columns: list[str]
    left_out: int


def build(run: PlotInput) -> Figure | None:
    """Returns the confusion matrix with the recall of each class beside it."""
    if run.task not in ("binary", "multiclass") or run.y_true is None or run.predictions is None:
        return None
    if not len(run.y_true):
        return None
    true, predicted = class_indexes(run.y_true), class_indexes(run.predictions)
    matrix = _shown(run, _count(run, true, predicted))
    accuracy = float(np.mean(true == predicted))
    subtitle = f"{describe_part(run)}, accuracy {accuracy:.4f}"
    sheet = style.new_sheet(
        *_size(matrix), f"{run.name}: confusion matrix", subtitle, _note(matrix)
    )
    widths = [_cell(matrix) * len(matrix.columns), _RECALL]
    [[left, right]] = style.add_panels(sheet, 1, 2, sharey=True, width_ratios=widths)
    _draw_matrix(left, matrix)
    _draw_recall(right, matrix)
    return sheet.figure


def _count(run: PlotInput, true: Array, predicted: Array) -> Array:
    """Counts each pair of true and predicted class, shape (classes, classes)."""
    size = max(len(run.classes), 1 + int(max(true.max(), predicted.max())))
    pairs = np.bincount(true * size + predicted, minlength=size * size)
    return pairs.reshape(size, size)


def _shown(run: PlotInput, counts: Array) -> _Matrix:
    """Picks all classes, or those with most mistakes where they are too many to read."""
    totals = counts.sum(axis=1)
    size = len(counts)
    kept = np.arange(size)
    if size > MOST_CLASSES:
        mistakes = totals + counts.sum(axis=0) - 2 * counts.diagonal()
        kept = np.sort(np.argsort(-mistakes, kind="stable")[:MOST_CLASSES])
    names = [shortened(class_name(run, int(index)), 22) for index in kept]
    part = counts[np.ix_(kept, kept)]
    if len(kept) == size:
        return _Matrix(part, totals, names, names, 0)
    others = totals[kept] - part.sum(axis=1)
    wider = np.hstack([part, others[:, None]])
    return _Matrix(wider, totals[kept], names, [*names, _OTHERS], size - len(kept))


def _size(matrix: _Matrix) -> tuple[float, float]:
    """Returns inches for the panels, from the size of the cells and the length of the names."""
    names = _LETTER * max(map(len, matrix.columns))
    width = _cell(matrix) * len(matrix.columns) + names + _RECALL + 0.8
    below = names if _rotated(matrix) else 0.15
    return max(5.6, width), max(1.6, _cell(matrix) * len(matrix.rows)) + below + 0.8


def _cell(matrix: _Matrix) -> float:
    count = len(matrix.rows)
    return 1.15 if count <= 3 else 0.8 if count <= 5 else 0.56 if count <= 12 else 0.34


def _rotated(matrix: _Matrix) -> bool:
    return _LETTER * max(map(len, matrix.columns)) > _cell(matrix) - 0.05


def _draw_matrix(axes: Axes, matrix: _Matrix) -> None:
    shares = matrix.counts / np.maximum(matrix.totals, 1)[:, None]
    right = np.eye(*matrix.counts.shape, dtype=np.bool_)
    background = cells.colours(shares, right)
    axes.imshow(background, aspect="auto", interpolation="nearest")
    with_shares = len(matrix.rows) <= _MOST_WITH_SHARES
    texts = [
        [_text(int(n), s, with_shares) for n, s in zip(*pair, strict=True)]
        for pair in zip(matrix.counts, shares, strict=True)
    ]
    cells.write_texts(axes, texts, background, 8.0 if with_shares else 6.5)
    cells.separate(axes, *matrix.counts.shape)
    axes.set_title("counts and row shares" if with_shares else "counts")
    axes.set_xlabel("predicted class")
    axes.set_ylabel("true class")
    turned = _rotated(matrix)
    axes.set_xticks(
        range(len(matrix.columns)),
        matrix.columns,
        rotation=90 if turned else 0,
    )
    axes.set_yticks(range(len(matrix.rows)), matrix.rows)


def _text(count: int, share: float, with_share: bool) -> str:
    if not count:
        return ""
    return f"{count}\n{cells.percent(share)}" if with_share else str(count)


def _draw_recall(axes: Axes, matrix: _Matrix) -> None:
    hits = matrix.counts.diagonal()[: len(matrix.rows)]
    recall = hits / np.maximum(matrix.totals, 1)
    places = range(len(matrix.rows))
    thick = _BAR / _cell(matrix)
    axes.barh(places, np.ones(len(recall)), height=thick, color=style.GRID)
    axes.barh(places, recall, height=thick, color=style.BLUE)
    for place, share, total in zip(places, recall, matrix.totals, strict=True):
        text = f"{share:.3f}" if total else "no rows"
        axes.text(1.08, place, text, ha="left", va="center", fontsize=8)
    style.without_frame(axes)
    axes.set_xlim(0, 1.6)
    axes.set_xticks([0, 0.5, 1.0], ["0", "0.5", "1"])
    axes.tick_params(labelleft=False)
    axes.set_title("recall")
    axes.set_xlabel("share of class found", loc="left")


def _note(matrix: _Matrix) -> str:
    text = "Blue: right, orange: mistakes; the darker, the greater their share of the true class."
    if matrix.left_out:
        shown = len(matrix.rows)
        text += f" Shown are the {shown} classes with most mistakes of {shown + matrix.left_out}."
    return text
