"""The way of the two parameters of a unit with one input over the surface of its loss."""

from __future__ import annotations

from dataclasses import dataclass

from dl.data.types import Array


@dataclass(frozen=True, slots=True)
class ParameterPath:
    """Where training took a bias and a weight.

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
    least: tuple[float, float] | None
