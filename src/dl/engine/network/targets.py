"""Brings a target into the shape that every loss and metric of Keras takes."""

from __future__ import annotations

import keras
import numpy as np

from dl.data.types import Array


def shaped_target(y: Array, model: keras.Sequential) -> Array:
    """Returns the target with the axis of the outputs where the model has one output.

    Keras' losses add that axis themselves, some of its metrics do not.
    """
    one_output = model.output_shape[-1] == 1
    return y[:, np.newaxis] if one_output and y.ndim == 1 else y
