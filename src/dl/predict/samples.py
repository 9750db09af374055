"""Predictions many times over with dropout active, which tell how sure a network is of each row.

Y. Gal and Z. Ghahramani, "Dropout as a Bayesian approximation: representing model uncertainty in
deep learning", arXiv:1506.02142 (2016).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from dl.data.types import Array, Rows
from dl.errors import UsageError
from dl.model import keras, tf
from dl.model.checks import computing
from dl.model.objects import BASES
from dl.model.randomness import derived_seed
from dl.predict.evaluate import SavedRun, inference_batch
from dl.predict.forms import values_of
from dl.vocabulary.traits import NOISE

_NOISE: Any = tuple(getattr(keras.layers, name) for name in NOISE)
_MOST_ROWS = 128
"""Rows of a batch; each is computed in full, so a single row costs as much as all."""


class Samples:
    """Predicts each row many times, with the layers that drop or add noise as in training.

    What is drawn is a function of the seed of the run, the layer, the sample, and the number of the
    row among all; not of the blocks that the rows come in: each row has its place in a batch of
    always the same size, and the rest of that is filled with copies.
    """

    def __init__(self, saved: SavedRun, count: int) -> None:
        """Takes a run, whose model is for nothing else then, and how many times a row is predicted.

        Raises:
            UsageError: The model has no layer that draws.
        """
        self._model, self._count = saved.model, count
        self._seed, self._target = saved.config.seed, saved.preprocessing.target
        self._batch, self._next = min(inference_batch(saved.model), _MOST_ROWS), 0
        own = [layer for layer in saved.model.layers if layer not in BASES]
        layers = [inner for layer in own for inner in layer._flatten_layers()]
        generators = [each for layer in layers for each in _activated(layer)]
        if not generators:
            raise UsageError(
                f"--samples has no meaning for {saved.run.label}: each would be the same",
                expected="a model with a layer such as Dropout, SpatialDropout2D or GaussianNoise, "
                "or dropout in a recurrent layer",
                hint="train one with such a layer, or leave --samples out",
            )
        self._generators = len(generators)

        def run(rows: tf.Tensor, seeds: tf.Tensor) -> tf.Tensor:
            for number, generator in enumerate(generators):
                generator.state.assign(tf.cast(seeds[number], generator.state.dtype))
            return saved.model(rows, training=False)

        self._run = tf.function(run, autograph=False)

    def __call__(self, x: Rows) -> Array:
        """Returns the mean and the standard deviation of what is predicted for the next rows.

        Shape (rows, 2, *values): the probability of each class, or numbers in the target's unit.

        Raises:
            DataError: The model cannot be run on these rows.
        """
        found, done = list[Array](), 0
        while done < len(x):
            batch, place = divmod(self._next, self._batch)
            rows = x[done : done + self._batch - place]
            found.append(self._measured(rows, batch, place))
            done, self._next = done + len(rows), self._next + len(rows)
        return np.concatenate(found)

    def _measured(self, rows: Array, batch: int, place: int) -> Array:
        filled = tf.constant(rows[np.clip(np.arange(self._batch) - place, 0, len(rows) - 1)])
        mean, squares = np.zeros(()), np.zeros(())
        for sample in range(self._count):
            path = ("samples", batch, sample)
            seeds = [(derived_seed(self._seed, (*path, k)), 0) for k in range(self._generators)]
            with computing(self._model):
                outputs = self._run(filled, tf.constant(seeds, tf.int64)).numpy()
            values = values_of(outputs[place : place + len(rows)], self._target)
            with np.errstate(all="ignore"):  # what is not finite is told of at the end
                step = values - mean  # Welford's sums, so that no sample has to be kept
                mean = mean + step / (sample + 1)
                squares = squares + step * (values - mean)
        return np.stack([mean, np.sqrt(squares / self._count)], axis=1).astype(values.dtype)


def _activated(layer: Any) -> list[Any]:
    """Lets a layer draw at inference as in training; returns what it draws from, if it does."""
    drawing: list[Any] = []
    if isinstance(layer, keras.layers.RNN):
        cells = getattr(layer.cell, "cells", [layer.cell])
        drawing = [cell for cell in cells if cell.dropout > 0 or cell.recurrent_dropout > 0]
    elif isinstance(layer, _NOISE):
        drawing = [layer] if getattr(layer, "rate", 0.0) + getattr(layer, "stddev", 0.0) else []
    if drawing:
        call = layer.call
        layer.call = lambda *inputs, **options: call(*inputs, **{**options, "training": True})
    return [each.seed_generator for each in drawing]
