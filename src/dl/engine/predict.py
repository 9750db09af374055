"""Outputs of a model for rows, in large batches."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from dl.data.types import Array, Rows
from dl.engine.batches import inference_batch
from dl.progress import Reporter


def predict(model: keras.Sequential, x: Rows, reporter: Reporter) -> Array:
    """Returns the outputs for the rows, in their order, as float32 of shape (rows, *outputs)."""
    batch = inference_batch(model)
    forward = tf.function(lambda rows: model(rows, training=False), reduce_retracing=True)
    outputs = np.empty((len(x), *model.output_shape[1:]), np.float32)
    with reporter.stage("Predicting", len(x)) as advance:
        for begin in range(0, len(x), batch):
            chunk = x[begin : begin + batch]
            outputs[begin : begin + len(chunk)] = _numbers(forward(tf.constant(chunk)))
            advance(len(chunk))
    return outputs


def _numbers(tensor: Any) -> Array:
    numbers: Array = tensor.numpy()
    return numbers
