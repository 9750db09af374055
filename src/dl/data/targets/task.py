"""Which task a target makes: the rule of the default of `data.task`.

1. `data.task`, where the config has it.
2. One target column. Words and truth values are classes. So are values that the source has names
   for (MNIST, iris, XOR), the values under a loss for classes (cross-entropies, focal, Dice,
   Tversky, hinge losses, perceptron), and whole numbers under an output that stands for classes
   (sigmoid, softmax, Heaviside) if there are no more distinct ones than the outputs tell apart: two
   for one unit, else the number of units. Two classes make `binary`, more make `multiclass`. Any
   other column makes `regression`.
3. Several target columns of 0 and 1. Under a softmax output or a categorical or sparse loss each
   row has a single 1: they are the classes of one target, one-hot. Under a sigmoid output or
   another loss for classes they make `multilabel`. Any other columns make `regression`; binary
   cross-entropies take those between 0 and 1, and inputs as targets.
4. Targets of several axes: `dl.data.targets.places`.
"""

from __future__ import annotations

import numpy as np

from dl.config.data import Task
from dl.data.requirements import Requirements
from dl.data.targets.values import TargetValues, number_text
from dl.errors import DataError
from dl.vocabulary.traits import (
    OF_CLASSES,
    ONE_OF_MANY,
    TAKES_CLASSES,
    TAKES_SHARES,
    TAKES_SIDES,
)


def infer_task(
    target: TargetValues, needs: Requirements, named: bool = False, own_input: bool = False
) -> Task:
    """Returns the task by the rule of this module.

    Args:
        target: The values.
        needs: What the config asks of the data.
        named: Whether the source has names for the values.
        own_input: Whether the values are those of the input.

    Raises:
        DataError: The loss is one for classes, but the values are none.
    """
    if target.columns > 1:
        return _of_columns(target, needs, own_input)
    if named or target.words is not None or needs.loss in TAKES_CLASSES:
        refuse_fractions(target)
        return _of_classes(target)
    if needs.activation in OF_CLASSES and few_whole_numbers(target, needs.units):
        return _of_classes(target)
    return "regression"


def is_one_hot(target: TargetValues) -> bool:
    """Whether all is 0 but for a single 1 in each row of columns, or along each last axis."""
    return zeros_and_ones(target) and bool((target.values.sum(axis=-1) == 1).all())


def _of_classes(target: TargetValues) -> Task:
    return "binary" if len(target.used()) <= 2 else "multiclass"


def _of_columns(target: TargetValues, needs: Requirements, own_input: bool) -> Task:
    one_of_many = needs.activation == "softmax" or needs.loss in ONE_OF_MANY
    if one_of_many and is_one_hot(target):
        return "binary" if target.columns == 2 else "multiclass"
    if needs.loss in ONE_OF_MANY:
        raise _no_one_hot(target)
    several = needs.activation == "sigmoid" or needs.loss in TAKES_SHARES | TAKES_SIDES
    if several and zeros_and_ones(target):
        return "multilabel"
    if needs.loss in TAKES_SHARES and (own_input or within_unit(target)):
        return "regression"
    if needs.loss in TAKES_SHARES | TAKES_SIDES:
        raise _no_labels(target)
    return "regression"


def zeros_and_ones(target: TargetValues) -> bool:
    """Whether every value is 0 or 1."""
    return bool(((target.values == 0) | (target.values == 1)).all())


def within_unit(target: TargetValues) -> bool:
    """Whether every value lies between 0 and 1."""
    return bool(((target.values >= 0) & (target.values <= 1)).all())


def few_whole_numbers(target: TargetValues, units: int | None) -> bool:
    """Whether the values are no more distinct whole numbers than the outputs tell apart."""
    if not bool((target.values == np.floor(target.values)).all()):
        return False
    limit = max(2, units or 2)
    return len(np.unique(target.values)) <= limit


def refuse_fractions(target: TargetValues) -> None:
    """Refuses numbers that are not whole; raises `DataError`."""
    if target.words is not None:
        return
    values = target.values.reshape(len(target.values), -1)
    fractions = values != np.floor(values)
    if not fractions.any():
        return
    row, column = (int(place) for place in np.argwhere(fractions)[0])
    title = f" {target.title}" if len(target.names) <= 3 else ""
    raise DataError(
        f"{target.place(row)}: the target{title} is not a class",
        expected="whole numbers or text: the loss is one for classes",
        found=number_text(values[row, column]),
        hint="to predict a number, choose a loss such as `mean_squared_error`",
    )


def _no_one_hot(target: TargetValues) -> DataError:
    sums = target.values.reshape(len(target.values), -1)
    zero_one = ((sums == 0) | (sums == 1)).all(axis=1)
    row = int(np.argmax(~(zero_one & (sums.sum(axis=1) == 1))))
    return DataError(
        f"{target.place(row)}: the target is not a class",
        expected=f"a single 1 among zeros in {target.columns} columns: the loss is one for classes",
        found=_short(target, row),
        hint="name one column of class names or numbers as the target",
    )


def _no_labels(target: TargetValues) -> DataError:
    wrong = ~((target.values == 0) | (target.values == 1)).all(axis=1)
    row = int(np.argmax(wrong))
    return DataError(
        f"{target.place(row)}: the target has a value that is neither 0 nor 1",
        expected=f"0 or 1 in each of {target.columns} columns: the loss is one for classes",
        found=_short(target, row),
        hint="to predict numbers, choose a loss such as `mean_squared_error`",
    )


def _short(target: TargetValues, row: int) -> str:
    texts = [number_text(value) for value in target.values[row].reshape(-1)[:6]]
    return ", ".join(texts) + (", ..." if target.columns > 6 else "")
