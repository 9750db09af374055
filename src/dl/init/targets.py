"""Judges a target: a number, one of two classes, one of several, or several labels at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dl.config.data import Task
from dl.data.targets.values import TargetValues
from dl.errors import DataError
from dl.init.facts import Target

MOST_CLASSES = 20
"""Whole numbers with more distinct values than this are amounts, not classes."""
_ROWS_OF_CLASS = 5
"""Numbers are classes only where they repeat at least this often on average."""
_FEW_WORDS = 10


def judge_target(values: TargetValues) -> Target:
    """Decides the task by the values of the target.

    Raises:
        DataError: There is nothing to learn: one value only, or words that hardly repeat. Or the
            target has several axes, for which no network is proposed.
    """
    if values.values.ndim > 2 or (values.words is not None and values.columns > 1):
        raise _several_axes(values)
    if values.columns > 1:
        return _several(values)
    positions, names = values.distinct()
    counts = np.bincount(positions, minlength=len(names))
    names = tuple(name for name, count in zip(names, counts, strict=True) if count)
    counts = counts[counts > 0]
    if len(names) == 1:
        raise _nothing_to_learn(values, names[0])
    if values.words is not None:
        _refuse_free_text(values, names, len(positions))
    elif _amounts(values.values, len(names)):
        return _number(values)
    task: Task = "binary" if len(names) == 2 else "multiclass"
    return Target(values.names, task, names, rarest=int(counts.min()))


def _several(values: TargetValues) -> Target:
    """Decides about several columns: flags are labels or one-hot classes, others numbers."""
    numbers = values.values
    if not np.isin(numbers, (0.0, 1.0)).all():
        return _number(values)
    rows_of_each = numbers.reshape(len(numbers), -1).sum(axis=0)
    if np.all(numbers.sum(axis=1) == 1):
        return Target(values.names, "multiclass", values.names, rarest=int(rows_of_each.min()))
    return Target(values.names, "multilabel", values.names, rarest=int(rows_of_each.min()))


def _number(values: TargetValues) -> Target:
    numbers = values.values
    return Target(values.names, "regression", span=(float(np.min(numbers)), float(np.max(numbers))))


def _amounts(numbers: NDArray[np.float64], distinct: int) -> bool:
    """Says whether the numbers of a target are amounts rather than the numbers of classes."""
    if distinct == 2:
        return False
    whole = bool(np.all(numbers == np.floor(numbers)))
    return not whole or distinct > MOST_CLASSES or len(numbers) < _ROWS_OF_CLASS * distinct


def _refuse_free_text(values: TargetValues, names: tuple[str, ...], rows: int) -> None:
    if len(names) <= max(_FEW_WORDS, rows // 2):
        return
    raise DataError(
        f"{values.source}: the target {values.title} has nearly as many values as rows",
        expected="numbers, or names of classes that repeat",
        found=f"{len(names)} different texts in {rows} rows, such as {names[0][:40]!r}",
        hint="name another column with --target",
    )


def _several_axes(values: TargetValues) -> DataError:
    shape = " x ".join(map(str, values.values.shape[1:]))
    return DataError(
        f"{values.source}: the target has several axes, as for the steps of a sequence or a mask",
        expected="one class or number, or a row of them, for each row",
        found=f"{shape} values for each row",
        hint="dl init proposes no network for it; write one that ends in these axes: docs/data.md",
    )


def _nothing_to_learn(values: TargetValues, value: str) -> DataError:
    return DataError(
        f"{values.source}: the target {values.title} is the same in every row",
        expected="at least two different values",
        found=repr(value[:40]),
        hint="name another column with --target",
    )
