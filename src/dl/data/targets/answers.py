"""The true values of rows beside what a model said of them, in one form for each kind of task."""

from __future__ import annotations

import math
from dataclasses import dataclass

from dl.data.targets.decode import classes_of, own_numbers, unscale
from dl.data.targets.encode import class_indexes
from dl.data.targets.target import Target
from dl.data.types import Array


@dataclass(frozen=True, slots=True)
class Answers:
    """True and predicted values of the same rows.

    Where a row has several places, each of them counts as a row, in their order.

    Attributes:
        true: Class indexes, shape (rows,); multilabel: 0 or 1, shape (rows, labels); regression:
            values in the target's unit, shape (rows, targets).
        predicted: As `true`; None where the outputs name no class, or other numbers than targets.
        probabilities: Shape (rows, classes), if the outputs are any.
        places: How many places a row of the data has.
    """

    true: Array
    predicted: Array | None
    probabilities: Array | None
    places: int = 1


def answers(y: Array, outputs: Array, target: Target) -> Answers:
    """Returns what the outputs say, beside what is true.

    Args:
        y: Targets as the network was trained on.
        outputs: The model's outputs, shape (rows, units) or (rows, *places, units).
        target: What the model predicts.
    """
    places = math.prod(target.places)
    rows = len(y) * places
    if target.form == "numbers":
        true, said = unscale(y, target), own_numbers(outputs, target)
        fits = true.size == said.size  # a loss such as CTC compares other numbers
        predicted = said.reshape(rows, -1) if fits else None
        return Answers(true.reshape(rows, -1), predicted, None, places)
    labels = target.form == "multilabel"
    true = y.reshape(rows, -1) if labels else class_indexes(y, target).reshape(rows)
    if target.units is None:
        return Answers(true, None, None, places)
    chosen, probabilities = classes_of(outputs, target)
    return Answers(
        true,
        chosen.reshape(rows, -1) if labels else chosen.reshape(rows),
        None if probabilities is None else probabilities.reshape(rows, -1),
        places,
    )
