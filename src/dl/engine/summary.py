"""The layers of a model with their shapes and parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from dl.engine.build_errors import shape_text

_WIDTH = 80
_COLUMNS = (38, 26, 16)


@dataclass(frozen=True, slots=True)
class LayerRow:
    """A line of the summary.

    Attributes:
        name: Name of the layer.
        type: Name of its class.
        output_shape: Shape of its output for one row.
        parameters: Number of its weights.
        trainable: Number of those that training changes.
    """

    name: str
    type: str
    output_shape: tuple[int | None, ...]
    parameters: int
    trainable: int


def layer_rows(model: keras.Sequential) -> list[LayerRow]:
    """Returns a row for each layer, from input to output."""
    return [_row(layer) for layer in model.layers]


def summary_text(model: keras.Sequential) -> str:
    """Returns the summary as plain text, 80 columns wide."""
    rows = layer_rows(model)
    lines = [_line("Layer (type)", "Output shape", "Parameters"), "=" * _WIDTH]
    lines += [_layer_line(row) for row in rows]
    total, trainable = parameter_counts(rows)
    lines += [
        "=" * _WIDTH,
        f"Total parameters: {total:,}",
        f"Trainable: {trainable:,}",
        f"Not trainable: {total - trainable:,}",
    ]
    return "\n".join(lines) + "\n"


def parameter_counts(rows: list[LayerRow]) -> tuple[int, int]:
    """Returns the numbers of all and of trainable parameters."""
    return sum(row.parameters for row in rows), sum(row.trainable for row in rows)


def _row(layer: Any) -> LayerRow:
    return LayerRow(
        name=layer.name,
        type=type(layer).__name__,
        output_shape=tuple(layer.output.shape[1:]),
        parameters=_count(layer.weights),
        trainable=_count(layer.trainable_weights),
    )


def _count(weights: list[Any]) -> int:
    return sum(int(np.prod(weight.shape, dtype=np.int64)) for weight in weights)


def _layer_line(row: LayerRow) -> str:
    shape = shape_text((None, *row.output_shape))
    return _line(f"{row.name} ({row.type})", shape, f"{row.parameters:,}")


def _line(name: str, shape: str, parameters: str) -> str:
    first, second, third = _COLUMNS
    return f"{_cut(name, first)}{_cut(shape, second)}{parameters:>{third}}"


def _cut(text: str, width: int) -> str:
    return f"{text if len(text) < width else text[: width - 2] + '…':<{width}}"
