"""Outputs of a model for rows, in large batches."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from dl.data.types import Array, Rows
from dl.engine.inference.batches import inference_batch
from dl.engine.network.build_errors import computing
from dl.progress import Advance, Reporter


class Forward:
    """Gives the outputs of a model for rows, chunk after chunk; it is traced once for all."""

    def __init__(self, model: keras.Sequential) -> None:
        self._model = model
        self._shape = tuple(model.output_shape[1:])
        self._batch = inference_batch(model)
        self._run = tf.function(
            lambda rows: model(rows, training=False), reduce_retracing=True, autograph=False
        )

    def __call__(self, x: Rows, advance: Advance = lambda done: None) -> Array:
        """Returns the outputs, in the order of the rows, as float32 of shape (rows, *outputs).

        Raises:
            DataError: The model cannot be run on these rows.
        """
        outputs = np.empty((len(x), *self._shape), np.float32)
        for begin in range(0, len(x), self._batch):
            chunk = x[begin : begin + self._batch]
            outputs[begin : begin + len(chunk)] = self._outputs(chunk)
            advance(len(chunk))
        return outputs

    def _outputs(self, rows: Array) -> Array:
        with computing(self._model):
            outputs: Array = self._run(tf.constant(rows)).numpy()
        return outputs


def predict(model: keras.Sequential, x: Rows, reporter: Reporter) -> Array:
    """Returns the outputs for the rows, in their order, as float32 of shape (rows, *outputs)."""
    with reporter.stage("Predicting", len(x)) as advance:
        return Forward(model)(x, advance)
