"""How much columns tell: of the target, of the part of a row, and of rows that belong together.

Everything is measured on rows that were not learned from, and depends on the values alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from dl.data.thresholds import roc
from dl.data.tokens import texts_of
from dl.data.types import Array, Column, step_over

_FOLDS, _FOLDS_OF_TREES = 5, 3
_BINS = 64
"""Ranges of a column of numbers: what it tells is a curve of so many steps."""
_MOST_CLASSES, _ROWS_OF_CLASS = 10, 10
"""Classes that are looked at: the most frequent ones, with rows enough for each fold."""
_MOST_ROWS = 20_000
"""Of more rows, so many say how well a column tells another, to three digits."""
_TREES = 20
"""Enough for a sure order of the rows; grown to the end, they know rows by heart."""


def codes_of(column: Column) -> tuple[Array, int]:
    """Returns a small number for each value, 0 for a missing one, and how many numbers there are.

    Numbers and dates are put into ranges that hold equally many rows.
    """
    if column.kind == "categorical":
        return column.values.astype(np.int64) + 1, len(column.categories) + 1
    missing = column.missing()
    values = column.values.astype(np.int64) if column.kind == "date" else column.values
    known = np.sort(values[~missing])
    edges = np.unique(known)[1:]
    if len(edges) >= _BINS:
        edges = np.unique(known[np.arange(1, _BINS) * len(known) // _BINS])
    codes = np.searchsorted(edges, values, side="right") + 1
    return np.where(missing, 0, codes), len(edges) + 2


def labels_of(column: Column) -> Array:
    """Returns a number for each value, from 1 on and in their order; 0 for a missing one."""
    known = ~column.missing()
    values = column.values[known]
    if column.kind == "text":
        first: dict[str, int] = {}
        texts = texts_of(column.take(known))
        values = np.array([first.setdefault(text, len(first)) for text in texts], np.int64)
    labels = np.zeros(len(known), np.int64)
    labels[known] = np.unique(values, return_inverse=True)[1] + 1
    return labels


def told(column: Column, target: Column, in_classes: bool) -> float:
    """Returns how well one column tells another: the area under the ROC curve of classes, or R².

    What is said of a row is the mean of the target over the other rows with such a value: the best
    that any model of this column could say; of numbers in few rows, the square of the correlation
    of the values or of their ranks may say more. The area is the mean over the classes against the
    rest, weighted by their rows. NaN where there is nothing to tell.
    """
    known = np.flatnonzero(~target.missing())
    known = known[:: step_over(len(known), _MOST_ROWS)]
    codes, size = codes_of(column.take(known))
    if not in_classes:
        wanted = target.values[known].astype(np.float64)
        total = float(np.square(wanted - wanted.mean()).sum()) if len(wanted) else 0.0
        if not total:
            return float("nan")
        errors = wanted - out_of_fold(codes, size, wanted)
        explained = 1 - float(np.square(errors).sum()) / total
        return max(explained, _correlation(column.take(known), target.take(known)) ** 2)
    _, classes, counts = np.unique(target.values[known], return_inverse=True, return_counts=True)
    chosen = [c for c in np.argsort(-counts)[:_MOST_CLASSES] if counts[c] >= _ROWS_OF_CLASS]
    if len(counts) < 2 or not chosen:
        return float("nan")
    areas = [
        roc(classes == c, out_of_fold(codes, size, (classes == c).astype(np.float64)))[2]
        for c in chosen
    ]
    return float(np.average(areas, weights=counts[chosen]))


def out_of_fold(codes: Array, size: int, wanted: Array) -> Array:
    """Returns for each row the mean of `wanted` over the rows of other folds with the same code.

    One row of the mean of all is added, so that a code that no other fold has gives about that.
    """
    fold = shuffled(len(codes)) % _FOLDS
    place = fold * size + codes
    count = np.bincount(place, minlength=_FOLDS * size).reshape(_FOLDS, size)
    total = np.bincount(place, weights=wanted, minlength=_FOLDS * size).reshape(_FOLDS, size)
    means = (total.sum(axis=0) - total + wanted.mean()) / (count.sum(axis=0) - count + 1)
    return np.asarray(means[fold, codes])


def shuffled(count: int) -> Array:
    """Returns the numbers from 0 in an order that looks like chance and is always the same."""
    return np.asarray(np.random.default_rng(0).permutation(count))


def _correlation(column: Column, target: Column) -> float:
    """Returns the correlation of the values, or of their ranks if that is further from 0."""
    if column.kind != "numeric" or target.kind != "numeric":
        return 0.0
    known = ~(column.missing() | target.missing())
    x, y = column.values[known], target.values[known]
    if len(x) < _FOLDS or 2 * len(x) < len(known) or not (x.std() and y.std()):
        return 0.0
    pairs = ((x, y), (_ranks(x), _ranks(y)))
    return max((float(np.corrcoef(*pair)[0, 1]) for pair in pairs), key=abs)


def _ranks(values: Array) -> Array:
    """Returns the place of each value in their order, from 1; of equal ones, the mean."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - (counts - 1) / 2)[place])


def matrix_of(columns: Mapping[str, Column], rows: Array) -> Array:
    """Returns some rows of columns as numbers for trees, shape (rows, columns).

    A missing value lies below all others.
    """
    matrix = np.empty((len(rows), len(columns)), np.float64)
    for place, column in enumerate(columns.values()):
        values = column.values[rows]
        if column.kind == "date":
            values = values.astype(np.int64)
        lacking = column.missing()[rows]
        known = values[~lacking].astype(np.float64)
        least = known.min() if len(known) else 0.0
        matrix[:, place] = np.where(lacking, least - 1, values)
    return matrix


def separated(matrix: Array, flags: Array) -> float:
    """Returns the area under the ROC curve of trees that tell the flagged rows from the others.

    Each half of the rows is told by what was learned from the other half.
    """
    from sklearn.ensemble import ExtraTreesClassifier

    half, scores = shuffled(len(flags)) % 2, np.zeros(len(flags))
    for part in (0, 1):
        trees = ExtraTreesClassifier(_TREES, min_samples_leaf=3, random_state=0)
        trees.fit(matrix[half != part], flags[half != part])
        if len(trees.classes_) == 2:
            scores[half == part] = trees.predict_proba(matrix[half == part])[:, 1]
    return roc(flags, scores)[2]


def known_by_heart(
    matrix: Array, wanted: Array, groups: Array, in_classes: bool
) -> tuple[float, float, float]:
    """Measures what it is worth to have learned from rows of the same group.

    Args:
        matrix: The inputs, shape (rows, columns).
        wanted: Class numbers or numbers, shape (rows,).
        groups: The number of the group of each row, from 0, shape (rows,).
        in_classes: Whether `wanted` are classes.

    Returns:
        The accuracy (R² of numbers) on rows whose group was learned from, that on rows whose group
        was not, and how many standard errors, over the groups, lie between.
    """
    from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor

    losses = []
    for order in (shuffled(len(wanted)), shuffled(groups.max() + 1)[groups]):
        fold, said = order % _FOLDS_OF_TREES, np.zeros(len(wanted))
        for part in range(_FOLDS_OF_TREES):
            kind: Any = ExtraTreesClassifier if in_classes else ExtraTreesRegressor
            trees = kind(_TREES, random_state=0).fit(matrix[fold != part], wanted[fold != part])
            said[fold == part] = trees.predict(matrix[fold == part])
        losses.append(said != wanted if in_classes else np.square(said - wanted))
    scale = 1.0 if in_classes else float(np.var(wanted)) or 1.0
    mixed, apart = (1 - float(loss.mean()) / scale for loss in losses)
    change = losses[1].astype(np.float64) - losses[0]
    counts = np.bincount(groups)
    means = np.bincount(groups, weights=change)[counts > 0]
    error = float(means.std()) * np.sqrt(len(means)) or float("inf")
    return mixed, apart, float(means.sum()) / error
