"""Where what a network says, or its loss, fits on a picture: over two inputs, or two parameters."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from dl.data.dataset import Preprocessing
from dl.data.preprocessing.arrays import ArrayFeature
from dl.data.preprocessing.features import NumericFeature
from dl.data.types import Array

_MARGIN = 0.08
"""Room around the rows, as a fraction of their range."""
Pair = tuple[float, float]


@dataclass(frozen=True, slots=True)
class InputPlane:
    """A plane of two inputs; the values of both axes are in the data's own unit.

    Attributes:
        names: What the axes are called.
        center: What is subtracted from a value to give `x`.
        spread: What the difference is divided by.
        low: The least values shown.
        high: The greatest values shown.
    """

    names: tuple[str, str]
    center: Pair
    spread: Pair
    low: Pair
    high: Pair

    def original(self, x: Array) -> Array:
        """Returns rows of `x`, shape (rows, 2), in the data's own unit."""
        return np.asarray(x * np.array(self.spread) + np.array(self.center))

    def grid(self, side: int) -> Array:
        """Returns `x` of side * side points, from the lower left, one row of points after another.

        Shape (side * side, 2).
        """
        axes = (np.linspace(self.low[axis], self.high[axis], side) for axis in (0, 1))
        points = np.stack(np.meshgrid(*axes), axis=-1).reshape(-1, 2)
        return np.asarray((points - self.center) / self.spread, np.float32)


@dataclass(frozen=True, slots=True)
class SurfaceFrame:
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
class DecisionSurface:
    """How a network divides a plane, epoch by epoch.

    Attributes:
        plane: The plane.
        frames: Ordered by epoch; the last has the weights that were kept.
        rows: Training rows in the data's own unit, shape (rows, 2).
        y: Their class indexes, or values in the target's unit, shape (rows,).
        probabilities: Whether the values for classes are probabilities, not 0 or 1.
        threshold: The value from which a point is of the second of two classes.
    """

    plane: InputPlane
    frames: tuple[SurfaceFrame, ...]
    rows: Array
    y: Array
    probabilities: bool = True
    threshold: float = 0.5


@dataclass(frozen=True, slots=True)
class ParameterPath:
    """Where training took the bias and the weight of a unit with one input.

    Attributes:
        points: Bias and weight at the start and then as training went on, shape (points, 2).
        steps: Updates between two points; 0 where they were found without steps.
        biases: The biases of the grid, rising, shape (side,).
        weights: The weights of the grid, rising, shape (side,).
        loss: The loss of the training rows at each weight (row) and bias (column) of the grid.
        rows: Number of the training rows.
        least: Bias and weight of the least mean squared error; None for another loss or activation.
    """

    points: Array
    steps: int
    biases: Array
    weights: Array
    loss: Array
    rows: int
    least: Pair | None


def input_plane(fitted: Preprocessing, x: Array) -> InputPlane | None:
    """Returns the plane of the rows `x`, or None where the inputs are not two numbers."""
    match fitted.features:
        case (NumericFeature() as first, NumericFeature() as second) if len(x):
            names = (first.name, second.name)
            center, spread = (first.center, second.center), (first.spread, second.spread)
        case (ArrayFeature(dtype="float32", input_shape=(2,)) as array,) if len(x):
            names = ("x1", "x2")
            center, spread = (_pair(np.resize(e, 2)) for e in array.own_scaling or (0.0, 1.0))
        case _:
            return None
    original = x * np.array(spread) + np.array(center)
    low, high = original.min(axis=0), original.max(axis=0)
    room = np.where(high > low, _MARGIN * (high - low), 1.0)
    return InputPlane(names, center, spread, _pair(low - room), _pair(high + room))


def _pair(values: Array) -> Pair:
    return float(values[0]), float(values[1])
