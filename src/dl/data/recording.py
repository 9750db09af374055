"""What a network said of the same validation rows, and what its weights were, epoch by epoch.

A report moves through it with a slider. It is recorded while a network trains, so it has to cost
next to nothing: see `rows_followed` and `affordable`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dl.data.target import Target
from dl.data.types import Array
from dl.rundir.typed import Count, MisfitError

MOST_ROWS = 500
_FEWEST_ROWS = 20
"""Of fewer rows a matrix of errors tells nothing."""
_GOOD_FRAMES = 12
_SHARE = 0.06
"""Rows that may be looked at for each row trained on. A step of training costs about three times as
much as saying what a network says, once forwards and twice backwards: this is 2 % of the time."""


@dataclass(frozen=True, slots=True)
class WeightShape:
    """How the values of one weight array spread: counts in equal bins from `low` to `high`."""

    low: float
    high: float
    counts: tuple[Count, ...]


@dataclass(frozen=True, slots=True)
class Frame:
    """What there was after an epoch; 0 is before the first one.

    Attributes:
        epoch: How many epochs had ended.
        predicted: Class index, or number in the target's unit, of each row.
        truth: Percent that the true class of each row was given; empty without probabilities.
        weights: The weight arrays, in the order of `Recording.arrays`.
    """

    epoch: Count
    predicted: tuple[float, ...]
    truth: tuple[Count, ...]
    weights: tuple[WeightShape, ...]


@dataclass(frozen=True, slots=True)
class Recording:
    """The frames of a training.

    Attributes:
        part_rows: Rows of the whole validation part.
        positions: Where in the part the followed rows stand.
        rows: 0-based position of each followed row in the data.
        true: Class index, or number in the target's unit, of each row.
        arrays: Names of the weight arrays: `dense kernel`.
        frames: What there was, in the order of the epochs.
    """

    part_rows: Count
    positions: tuple[Count, ...]
    rows: tuple[Count, ...]
    true: tuple[float, ...]
    arrays: tuple[str, ...]
    frames: tuple[Frame, ...]

    def __post_init__(self) -> None:
        if not self.frames:
            raise MisfitError("must have a frame", ("frames",))
        for frame in self.frames:
            sizes = len(frame.predicted), len(frame.truth) or len(self.true), len(frame.weights)
            if sizes != (len(self.true), len(self.true), len(self.arrays)):
                raise MisfitError("must tell of each row and array", ("frames",))


def one_answer_a_row(target: Target) -> bool:
    """Tells whether a row has one class, or one number: what can be followed."""
    if target.places or target.units is None or target.quantiles:
        return False
    if target.form == "numbers":
        return len(target.names) == 1 and target.units == 1
    return target.form != "multilabel"


def rows_followed(validation: int, train: int, epochs: int) -> Array:
    """Returns the positions of the validation rows to follow; none where it would cost too much.

    Args:
        validation: Rows of the validation part.
        train: Rows of the training part.
        epochs: How many epochs are planned.
    """
    frames = min(_GOOD_FRAMES, epochs + 1)
    count = min(MOST_ROWS, validation, int(_SHARE * train * epochs / frames))
    if count < _FEWEST_ROWS:
        return np.zeros(0, np.int64)
    return np.linspace(0, validation - 1, count).astype(np.int64)


def affordable(frames: int, rows: int, train: int, epoch: int) -> bool:
    """Tells whether one more frame keeps what was looked at within its share of the training."""
    return (frames + 1) * rows <= _SHARE * train * epoch
