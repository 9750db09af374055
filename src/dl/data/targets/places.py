"""Targets of several axes: a class, labels or a number at each place of a row.

Places are the steps of a sequence or the pixels of a mask. A target has places where it has three
axes or more, and where its columns are steps: the outputs of a row have several axes, too. The rule
of the default of `data.task` for them:

1. Words are classes. Under a softmax output or a categorical or sparse loss, a single 1 among the
   zeros of each last axis is a class, one-hot, where the network has that many outputs.
2. 0 and 1 under a sigmoid output or a binary loss are labels where the last axis has as many as
   the network has outputs, and else the two classes of each place.
3. Whole numbers under a loss for classes, or no more distinct ones than the outputs tell apart
   under a softmax or sigmoid output, are classes.
4. Anything else is numbers; binary losses take those between 0 and 1, and inputs as targets.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeVar

import numpy as np

from dl.data.raw import Raw, RawTable
from dl.data.requirements import Requirements
from dl.data.targets.task import (
    few_whole_numbers,
    is_one_hot,
    refuse_fractions,
    within_unit,
    zeros_and_ones,
)
from dl.data.targets.values import TargetValues, is_own_input, number_text
from dl.data.types import Array
from dl.errors import DataError
from dl.vocabulary.traits import (
    EMBEDDING,
    OF_CLASSES,
    ONE_OF_MANY,
    SEQUENCES,
    TAKES_CLASSES,
    TAKES_ONE_HOT,
    TAKES_SHARES,
    TAKES_SIDES,
)

Size = TypeVar("Size", int, int | None)
Kind = Literal["classes", "one_hot", "labels", "numbers"]


@dataclass(frozen=True, slots=True)
class Places:
    """What stands at the places of a row.

    Attributes:
        kind: A class, zeros with a single 1 along the last axis, labels along it, or a number.
        shape: The shape of the places.
        channels: Number of outputs at each place; None where one cannot tell.
    """

    kind: Kind
    shape: tuple[int, ...]
    channels: int | None


def has_places(raw: Raw, target: TargetValues, needs: Requirements) -> bool:
    """Whether rows of the target have several places."""
    if needs.loss in (SEQUENCES, EMBEDDING):
        return False
    if target.values.ndim > 2 or (target.words is not None and target.columns > 1):
        return True
    keeps = needs.keeps_axes
    if keeps is None:
        keeps = not isinstance(raw, RawTable) and len(raw.x.shape) > 2
    return target.columns > 1 and keeps


def without_ones(shape: tuple[Size, ...]) -> tuple[Size, ...]:
    """Returns a shape without the axes of length 1 at its end."""
    length = len(shape)
    while length and shape[length - 1] == 1:
        length -= 1
    return shape[:length]


def places_of(raw: Raw, target: TargetValues, needs: Requirements) -> Places:
    """Returns what stands at the places, by the rule of this module or as `data.task` says.

    Raises:
        DataError: The loss is one for classes, but the values are none.
    """
    whole = target.values.shape[1:]
    places = without_ones(whole) or whole[:1]
    channels = 1 if needs.reshaped == places else needs.channels
    kind = _kind(raw, target, needs, channels)
    return Places(kind, whole[:-1] if kind in ("one_hot", "labels") else places, channels)


def _kind(raw: Raw, target: TargetValues, needs: Requirements, channels: int | None) -> Kind:
    if needs.data.task == "regression":
        return "numbers"
    if needs.data.task == "multilabel":
        return "labels"
    if target.words is not None:
        return "classes"
    last = target.values.shape[-1]
    several = target.values.ndim > 2 and last > 1
    along_last = several and channels == last
    one_of_many = needs.activation == "softmax" or needs.loss in ONE_OF_MANY
    if one_of_many and several and channels in (None, last) and is_one_hot(target):
        return "one_hot"
    if along_last and needs.loss in TAKES_ONE_HOT and zeros_and_ones(target):
        raise _no_single_one(target)
    if needs.data.task is not None:
        refuse_fractions(target)
        return "classes"
    labels = needs.activation == "sigmoid" or needs.loss in TAKES_SHARES | TAKES_SIDES
    if along_last and labels and zeros_and_ones(target):
        return "labels"
    if needs.loss in TAKES_SHARES:
        return _of_binary(raw, target, channels)
    if needs.loss in TAKES_CLASSES:
        refuse_fractions(target)
        return "classes"
    few = needs.activation in OF_CLASSES and few_whole_numbers(target, channels)
    return "classes" if few and not (along_last and one_of_many) else "numbers"


def _of_binary(raw: Raw, target: TargetValues, channels: int | None) -> Kind:
    """Returns what a binary loss compares: classes of two or more outputs, or shares of 1."""
    if zeros_and_ones(target):
        return "classes"
    if is_own_input(raw) or within_unit(target):
        return "numbers"
    if few_whole_numbers(target, channels):
        return "classes"
    raise outside_unit(target, target.values)


def outside_unit(target: TargetValues, values: Array) -> DataError:
    """Returns the error for the first row with a value that a binary loss cannot compare.

    Args:
        target: The target.
        values: What the loss gets for it, shape (rows, ...).
    """
    wrong = ((values < 0) | (values > 1)).reshape(len(values), -1)
    row = int(np.argmax(wrong.any(axis=1)))
    return DataError(
        f"{target.place(row)}: the target has a value that is not between 0 and 1",
        expected="0 and 1, or shares of 1: the loss is a binary one",
        found=number_text(values[row].reshape(-1)[np.argmax(wrong[row])]),
        hint="save the target as numbers from 0 to 1 (bytes divided by 255), write `data.task: "
        "regression` and `preprocess.target: minmax`, or choose a loss such as "
        "`mean_squared_error`",
    )


def _no_single_one(target: TargetValues) -> DataError:
    wrong = target.values.sum(axis=-1) != 1
    row, *place = (int(position) for position in np.argwhere(wrong)[0])
    return DataError(
        f"{target.place(row)}: the target is not a class at the place {place}",
        expected=f"a single 1 among {target.values.shape[-1]} numbers: the loss is one for classes",
        found=f"{int(target.values[(row, *place)].sum())} ones",
        hint="give each place one class; what fills up short rows can have a class of its own",
    )
