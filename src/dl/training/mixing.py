"""MixUp and CutMix: the rows of a batch and their targets, mixed with other rows of it.

What a step draws follows from the seed and the number of the step alone, so a training that is
resumed mixes as one that was not. Nothing is drawn inside the graph: XLA would draw other numbers.
"""

from __future__ import annotations

import zlib

import numpy as np

from dl.config.schema import Config
from dl.data.types import Array
from dl.model import keras, tf
from dl.model.tensors import Tensors

DRAWS = 1 << 16
"""Numbers that are drawn before the training; they come again after so many rows."""
STRIDE = 7919
"""How far the numbers of two steps lie apart: a prime, so that all of them come."""


def draws(seed: int) -> Array:
    """Returns numbers from 0 to 1: for the weight, and the upper left of the box; (DRAWS, 3).

    They are made of raw random bits, whose stream NumPy guarantees.
    """
    source = np.random.Philox(np.random.SeedSequence([seed, zlib.crc32(b"mixing")]))
    bits = source.random_raw(3 * DRAWS).reshape(DRAWS, 3)
    return np.asarray((bits >> np.uint64(11)) * 2.0**-53)


class Mixer:
    """Mixes each row of a batch with another one of it.

    Row i is mixed with row i + shift, from 1 to the number of rows less 1, which is drawn for the
    step. The weight of a row itself is drawn from Beta(alpha, alpha).
    """

    def __init__(self, config: Config) -> None:
        from scipy.special import betaincinv  # takes longer to load than a small network to train

        mixing = config.training.mixing
        self._boxes = mixing.type == "cutmix"
        drawn = draws(config.seed)
        alpha = mixing.strength
        drawn[:, 0] = betaincinv(alpha, alpha, drawn[:, 0])
        self._draws = drawn.astype(np.float32)

    def __call__(self, model: keras.Sequential, batch: Tensors) -> Tensors:
        """Returns the inputs and targets of a step of training, mixed."""
        x, y = batch
        size = tf.shape(x)[0]
        # The optimizer's own count: that of its updates stands still where gradients are gathered.
        step = tf.cast(tf.convert_to_tensor(model.optimizer.variables[0]), tf.int64)
        numbers = step % DRAWS * STRIDE + tf.range(size, dtype=tf.int64)
        drawn = tf.gather(tf.constant(self._draws), numbers % DRAWS)
        others = tf.maximum(size - 1, 1)
        shift = 1 + tf.minimum(tf.cast(drawn[0, 1] * tf.cast(others, tf.float32), tf.int32), others)
        partners = (tf.range(size) + tf.minimum(shift, others)) % size
        if self._boxes:
            kept = _outside_of_boxes(drawn, tuple(x.shape[1:3]))
            x = tf.where(kept[..., tf.newaxis], x, tf.gather(x, partners))
            weight = tf.reduce_mean(tf.cast(kept, tf.float32), axis=(1, 2))
        else:
            weight = drawn[:, 0]
            x = _between(weight, x, tf.gather(x, partners))
        return x, _between(weight, y, tf.gather(y, partners))


def _between(weight: tf.Tensor, own: tf.Tensor, other: tf.Tensor) -> tf.Tensor:
    weight = tf.cast(tf.reshape(weight, (-1, *[1] * (own.shape.rank - 1))), own.dtype)
    return weight * own + (1 - weight) * other


def _outside_of_boxes(drawn: tf.Tensor, sides: tuple[int, ...]) -> tf.Tensor:
    """Returns which pixels a row keeps, shape (rows, height, width).

    A box has the shape of the picture, lies in it, and takes 1 - weight of its area, in whole
    pixels.
    """
    share = tf.sqrt(1 - drawn[:, 0])
    inside = []
    for axis, side in enumerate(sides):
        length = tf.round(share * side)
        begin = tf.floor(drawn[:, 1 + axis] * (side - length + 1))
        place = tf.range(side, dtype=tf.float32)
        after = place >= begin[:, tf.newaxis]
        inside.append(after & (place < (begin + length)[:, tf.newaxis]))
    return ~(inside[0][:, :, tf.newaxis] & inside[1][:, tf.newaxis, :])
