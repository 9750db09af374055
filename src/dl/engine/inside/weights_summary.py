"""The weights of a model in a few numbers each."""

from __future__ import annotations

from dataclasses import dataclass

import keras
import numpy as np

from dl.data.types import Array

_BINS = 24


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
        zeros: Share of values that are exactly 0.
        counts: Values in equal bins from the least to the greatest.
    """

    layer: str
    name: str
    shape: tuple[int, ...]
    mean: float
    deviation: float
    least: float
    greatest: float
    norm: float
    zeros: float
    counts: tuple[int, ...]


def weight_rows(model: keras.Sequential) -> list[WeightRow]:
    """Returns a row for each array of numbers, from input to output; seeds are left out."""
    return [
        _row(layer.name, weight.name, weight.numpy())
        for layer in model.layers
        for weight in layer.weights
        if keras.backend.is_float_dtype(weight.dtype)
    ]


def _row(layer: str, name: str, array: Array) -> WeightRow:
    values = array.astype(np.float64).reshape(-1)
    finite = values[np.isfinite(values)]
    counts, _ = np.histogram(finite, bins=_BINS) if len(finite) else (np.zeros(_BINS, int), None)
    return WeightRow(
        layer=layer,
        name=name,
        shape=tuple(array.shape),
        mean=float(values.mean()),
        deviation=float(values.std()),
        least=float(values.min()),
        greatest=float(values.max()),
        norm=float(np.sqrt(np.square(values).sum())),
        zeros=float(np.mean(values == 0)),
        counts=tuple(map(int, counts)),
    )
