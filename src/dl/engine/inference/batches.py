"""How many rows go through a model at once when nothing is learned."""

from __future__ import annotations

import keras
import numpy as np

_LARGEST = 4096
_SMALLEST = 32
_BUDGET = 64 * 2**20
"""Bytes that the largest layer output of a batch may take."""


def inference_batch(model: keras.Sequential) -> int:
    """Returns the largest power of two up to 4096 whose layer outputs stay within 64 MiB."""
    widest = max(_row_bytes(shape) for shape in _shapes(model))
    batch = _LARGEST
    while batch > _SMALLEST and batch * widest > _BUDGET:
        batch //= 2
    return batch


def _shapes(model: keras.Sequential) -> list[tuple[int | None, ...]]:
    return [model.input_shape, *(layer.output.shape for layer in model.layers)]


def _row_bytes(shape: tuple[int | None, ...]) -> int:
    return 4 * int(np.prod([size or 1 for size in shape[1:]], dtype=np.int64))
