"""Looks into a network and a training: layers, gradients, one step, what went wrong.

Here are the numbers that are told of a network; they are plain data, which reports keep, too.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from dl.rundir.typed import Count


@dataclass(frozen=True, slots=True)
class LayerRow:
    """A line of the summary.

    Attributes:
        name: Name of the layer.
        type: Name of its class.
        activation: Name of the activation that it applies; None if it has none of its own.
        output_shape: Shape of its output for one row.
        parameters: Number of its weights and biases.
        biases: Number of its biases.
        trainable: Number of those that training changes.
    """

    name: str
    type: str
    activation: str | None
    output_shape: tuple[Count | None, ...]
    parameters: Count
    biases: Count = 0
    trainable: Count = 0


@dataclass(frozen=True, slots=True)
class WeightRow:
    """The values of one weight array of a layer.

    Attributes:
        layer: Name of the layer.
        name: Name of the array in it: kernel, bias…
        shape: Its shape.
        mean: Mean of its values.
        deviation: Their standard deviation.
        least: The least value.
        greatest: The greatest value.
        norm: Square root of the sum of squares.
        zeros: Fraction of values that are exactly 0.
        counts: Values in equal bins from the least to the greatest.
    """

    layer: str
    name: str
    shape: tuple[Count, ...]
    mean: float
    deviation: float
    least: float
    greatest: float
    norm: float
    zeros: float
    counts: tuple[Count, ...]


@dataclass(frozen=True, slots=True)
class LayerStatistics:
    """What a layer with weights does with a few training rows, in one number each.

    Attributes:
        name: Its name.
        activation: Name of its activation.
        activated_by: Name of the layer that applies it: itself, or one that follows.
        units: Outputs of the layer for one row; channels where it has positions.
        dead: Fraction of its units that give 0 for every row; None where the activation cannot.
        saturated: Fraction of its outputs where the activation is flat; None where it never is.
        gradient: Norm of the gradient of the loss by its weights.
        weights: Norm of its weights.
        parameters: Number of its weights.
    """

    name: str
    activation: str
    activated_by: str
    units: int
    dead: float | None
    saturated: float | None
    gradient: float
    weights: float
    parameters: int

    @property
    def slope(self) -> float:
        """The typical size of the gradient by a single weight, whatever the size of the layer."""
        return self.gradient / math.sqrt(self.parameters)


@dataclass(frozen=True, slots=True)
class NetworkStatistics:
    """The statistics of all layers of a run.

    Attributes:
        rows: Number of training rows that were looked at.
        trained: Whether these are the weights of the run; else its initial ones.
        layers: The layers with weights, from input to output.
    """

    rows: int
    trained: bool
    layers: tuple[LayerStatistics, ...]
