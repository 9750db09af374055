"""Brings a target into the shape that every loss and metric of Keras takes."""

from __future__ import annotations

import keras
import numpy as np

from dl.data.types import Array


def shaped_target(y: Array, model: keras.Sequential) -> Array:
    """Returns the target with the axis of the outputs where the model has one output, or without.

    Keras' losses add that axis themselves, some of its metrics do not.
    """
    while y.ndim < len(model.output_shape) and model.output_shape[-1] == 1:
        y = y[..., np.newaxis]
    while y.ndim > len(model.output_shape) and y.shape[-1] == 1:
        y = y[..., 0]
    return y
