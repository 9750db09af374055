"""The layers of a model with their shapes and parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np


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
    output_shape: tuple[int | None, ...]
    parameters: int
    biases: int
    trainable: int


def layer_rows(model: keras.Sequential) -> list[LayerRow]:
    """Returns a row for each layer, from input to output."""
    return [_row(layer) for layer in model.layers]


def _row(layer: Any) -> LayerRow:
    return LayerRow(
        name=layer.name,
        type=type(layer).__name__,
        activation=getattr(getattr(layer, "activation", None), "__name__", None),
        output_shape=tuple(layer.output.shape[1:]),
        parameters=_count(layer.weights),
        biases=_count([weight for weight in layer.weights if weight.name == "bias"]),
        trainable=_count(layer.trainable_weights),
    )


def _count(weights: list[Any]) -> int:
    return sum(int(np.prod(weight.shape, dtype=np.int64)) for weight in weights)
