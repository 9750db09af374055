"""Random bits that are cheap everywhere, and Keras' noise layers drawing with them.

Keras draws dropout masks with TensorFlow's default generator, which is twenty times slower inside
an XLA-compiled loop than the hash below. The hash is ordinary integer arithmetic: the same bits
come compiled or not, on a processor or an accelerator. Each value is a function of the layer's
seed, the number of draws so far (both from Keras' own seed generator) and the value's position.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import keras
import tensorflow as tf

_GOLDEN = 0x9E3779B9
_FIRST_ROUND = (16, 0x7FEB352D)
_SECOND_ROUND = (15, 0x846CA68B)
_LAST_SHIFT = 16
_SELU_LIMIT = -1.6732632423543772 * 1.0507009873554805
"""What SELU gives at minus infinity: minus alpha times scale."""


def random_bits(shape: Sequence[Any] | tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Returns uniformly distributed 32-bit integers.

    Args:
        shape: Shape of the result.
        seed: Two integers: the seed and the number of the draw.
    """
    keys = tf.cast(seed, tf.uint32)
    count = tf.reduce_prod(tf.convert_to_tensor(shape, tf.int32))
    position = tf.bitcast(tf.range(count), tf.uint32)
    bits = _scramble(position * _word(_GOLDEN) + _scramble(keys[0]))
    bits = _scramble(bits + keys[1] * _word(_GOLDEN))
    return tf.reshape(bits, shape)


def random_keep(shape: Sequence[Any] | tf.Tensor, rate: float, seed: tf.Tensor) -> tf.Tensor:
    """Returns booleans that are False with probability `rate`."""
    return random_bits(shape, seed) >= _word(min(round(rate * 2**32), 2**32 - 1))


def random_normal(shape: Sequence[Any] | tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Returns float32 values of the standard normal distribution."""
    bits = tf.bitwise.right_shift(random_bits(shape, seed), _word(9))
    uniform = (tf.cast(tf.bitcast(bits, tf.int32), tf.float32) + 0.5) * 2.0**-23
    return math.sqrt(2.0) * tf.math.erfinv(2.0 * uniform - 1.0)


def _scramble(bits: tf.Tensor) -> tf.Tensor:
    for shift, factor in (_FIRST_ROUND, _SECOND_ROUND):
        bits = _shift_xor(bits, shift) * _word(factor)
    return _shift_xor(bits, _LAST_SHIFT)


def _shift_xor(bits: tf.Tensor, shift: int) -> tf.Tensor:
    return tf.bitwise.bitwise_xor(bits, tf.bitwise.right_shift(bits, _word(shift)))


def draw_masks_fast(layers: Iterable[Any]) -> None:
    """Lets recurrent layers draw the masks of their dropout with `random_bits`.

    Their cells draw a mask for each sequence in a method that has no setting, and cannot be
    replaced by cells of another class, since the layers make them.
    """
    for layer in layers:
        cell = getattr(layer, "cell", None)
        for drawing in getattr(cell, "cells", [cell]):
            if hasattr(drawing, "_create_dropout_mask"):
                drawing._create_dropout_mask = partial(_dropout_mask, drawing)


def _dropout_mask(cell: Any, inputs: tf.Tensor, rate: float) -> Any:
    """Draws as the method of Keras' cells does: one mask, or one for each gate."""
    count = getattr(cell, "dropout_mask_count", None)
    masks = [
        tf.cast(random_keep(tf.shape(inputs), rate, cell.seed_generator.next()), inputs.dtype)
        * (1.0 / (1.0 - rate))
        for _ in range(count or 1)
    ]
    return masks if count else masks[0]


def _word(value: int) -> tf.Tensor:
    return tf.constant(value, tf.uint32)


def _concrete(noise_shape: Sequence[Any] | None, inputs: tf.Tensor) -> tf.Tensor:
    shape = tf.shape(inputs)
    if noise_shape is None:
        return shape
    sizes = [shape[axis] if size is None else size for axis, size in enumerate(noise_shape)]
    return tf.stack(sizes)


def _drop(layer: Any, inputs: tf.Tensor, noise_shape: Sequence[Any] | None) -> tf.Tensor:
    if layer.rate >= 1:
        return tf.zeros_like(inputs)
    keep = random_keep(_concrete(noise_shape, inputs), layer.rate, layer.seed_generator.next())
    return inputs * tf.cast(keep, inputs.dtype) * (1.0 / (1.0 - layer.rate))


class Dropout(keras.layers.Dropout):  # type: ignore[misc]
    """Keras' Dropout, drawing with `random_bits`."""

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Drops values at training time."""
        return _drop(self, inputs, self.noise_shape) if training and self.rate > 0 else inputs


class SpatialDropout1D(keras.layers.SpatialDropout1D):  # type: ignore[misc]
    """Keras' SpatialDropout1D, drawing with `random_bits`."""

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Drops feature maps at training time."""
        if training and self.rate > 0:
            return _drop(self, inputs, self._get_noise_shape(inputs))
        return inputs


class SpatialDropout2D(keras.layers.SpatialDropout2D):  # type: ignore[misc]
    """Keras' SpatialDropout2D, drawing with `random_bits`."""

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Drops feature maps at training time."""
        if training and self.rate > 0:
            return _drop(self, inputs, self._get_noise_shape(inputs))
        return inputs


class SpatialDropout3D(keras.layers.SpatialDropout3D):  # type: ignore[misc]
    """Keras' SpatialDropout3D, drawing with `random_bits`."""

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Drops feature maps at training time."""
        if training and self.rate > 0:
            return _drop(self, inputs, self._get_noise_shape(inputs))
        return inputs


class AlphaDropout(keras.layers.AlphaDropout):  # type: ignore[misc]
    """Keras' AlphaDropout, drawing with `random_bits`.

    Formulas: Klambauer et al., Self-Normalizing Neural Networks (2017), section "alpha dropout".
    """

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Sets values to what SELU gives at minus infinity; mean and variance stay."""
        if not (training and self.rate > 0):
            return inputs
        shape = _concrete(self.noise_shape, inputs)
        keep = random_keep(shape, self.rate, self.seed_generator.next())
        slope = ((1 - self.rate) * (1 + self.rate * _SELU_LIMIT**2)) ** -0.5
        kept = tf.where(keep, inputs, tf.cast(_SELU_LIMIT, inputs.dtype))
        return slope * (kept - self.rate * _SELU_LIMIT)


class GaussianDropout(keras.layers.GaussianDropout):  # type: ignore[misc]
    """Keras' GaussianDropout, drawing with `random_normal`."""

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Multiplies by noise around 1 at training time."""
        if not (training and self.rate > 0):
            return inputs
        deviation = math.sqrt(self.rate / (1.0 - self.rate))
        noise = random_normal(tf.shape(inputs), self.seed_generator.next())
        return inputs * tf.cast(1.0 + deviation * noise, inputs.dtype)


class GaussianNoise(keras.layers.GaussianNoise):  # type: ignore[misc]
    """Keras' GaussianNoise, drawing with `random_normal`."""

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Adds noise at training time."""
        if not (training and self.stddev > 0):
            return inputs
        noise = random_normal(tf.shape(inputs), self.seed_generator.next())
        return inputs + tf.cast(self.stddev * noise, inputs.dtype)


FAST_LAYERS: Mapping[str, Any] = {
    "AlphaDropout": AlphaDropout,
    "Dropout": Dropout,
    "GaussianDropout": GaussianDropout,
    "GaussianNoise": GaussianNoise,
    "SpatialDropout1D": SpatialDropout1D,
    "SpatialDropout2D": SpatialDropout2D,
    "SpatialDropout3D": SpatialDropout3D,
}
"""The layers that `dl` builds instead of Keras' own of the same name, and saves as those."""
