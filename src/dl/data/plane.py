"""The plane of two inputs: a grid of points over the rows, in the data's own unit and as `x`."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from dl.data.dataset import Preprocessing
from dl.data.preprocessing.arrays import ArrayFeature
from dl.data.preprocessing.features import NumericFeature
from dl.data.types import Array

_MARGIN = 0.08
"""Room around the rows, as a share of their range."""


@dataclass(frozen=True, slots=True)
class Plane:
    """A plane of two inputs.

    Attributes:
        names: What the axes are called.
        center: What is subtracted from a value to give `x`, for both axes.
        spread: What the difference is divided by, for both axes.
        low: The least values shown, in the data's own unit.
        high: The greatest values shown.
    """

    names: tuple[str, str]
    center: tuple[float, float]
    spread: tuple[float, float]
    low: tuple[float, float]
    high: tuple[float, float]

    def original(self, x: Array) -> Array:
        """Returns rows of `x` in the data's own unit."""
        return np.asarray(x * np.array(self.spread) + np.array(self.center))

    def grid(self, side: int) -> Array:
        """Returns `x` of side * side points, from the lower left, one row of points after another.

        Shape (side * side, 2).
        """
        first, second = (
            np.linspace(low, high, side) for low, high in zip(self.low, self.high, strict=True)
        )
        points = np.stack(np.meshgrid(first, second), axis=-1).reshape(-1, 2)
        return np.asarray((points - self.center) / self.spread, np.float32)


@dataclass(frozen=True, slots=True)
class Frame:
    """What the network says on the grid after an epoch.

    Attributes:
        epoch: Finished epochs; 0 for the initial weights.
        values: Probability of each class on a grid of side * side points, shape
            (side * side, classes); or the predicted numbers, shape (side * side, 1).
        final: Whether these are the weights that were kept.
    """

    epoch: int
    values: Array
    final: bool = False

    @property
    def side(self) -> int:
        """Points of the grid along each axis."""
        return math.isqrt(len(self.values))


@dataclass(frozen=True, slots=True)
class Boundary:
    """How a network divides a plane, epoch by epoch.

    Attributes:
        plane: The plane.
        frames: Ordered by epoch; the last has the weights that were kept.
        rows: Training rows in the data's own unit, shape (rows, 2).
        y: Their class indexes, or values in the target's unit, shape (rows,).
        probabilities: Whether the values for classes are probabilities, not 0 or 1.
        cut: The value from which a point is of the second of two classes.
    """

    plane: Plane
    frames: tuple[Frame, ...]
    rows: Array
    y: Array
    probabilities: bool = True
    cut: float = 0.5


def plane_of(fitted: Preprocessing, x: Array) -> Plane | None:
    """Returns the plane of the rows `x`, or None where the inputs are not two numbers."""
    info = fitted.info
    if info.input_shape != (2,) or not len(x):
        return None
    scaling = _scaling(fitted)
    if scaling is None:
        return None
    center, spread = scaling
    names = info.features if len(info.features) == 2 else ("x1", "x2")
    original = x * np.array(spread) + np.array(center)
    low, high = original.min(axis=0), original.max(axis=0)
    room = np.where(high > low, _MARGIN * (high - low), 1.0)
    return Plane((names[0], names[1]), center, spread, _pair(low - room), _pair(high + room))


def _scaling(fitted: Preprocessing) -> tuple[tuple[float, float], tuple[float, float]] | None:
    """Returns center and spread of both inputs, where each is a number of the data."""
    match fitted.features:
        case (NumericFeature() as first, NumericFeature() as second):
            return (first.center, second.center), (first.spread, second.spread)
        case (ArrayFeature(dtype="float32") as array,):
            center, spread = (np.resize(each, 2) for each in array.own_scaling or (0.0, 1.0))
            return _pair(center), _pair(spread)
    return None


def _pair(values: Array) -> tuple[float, float]:
    return float(values[0]), float(values[1])
