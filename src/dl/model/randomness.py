"""All randomness: every random thing has a seed of its own, made of the config's and of its place.

Keras draws dropout masks with TensorFlow's default generator, which is twenty times slower inside
an XLA-compiled loop than the hash below. The hash is ordinary integer arithmetic: the same bits
come compiled or not, on a processor or an accelerator. Each value is a function of the layer's
seed, the number of draws so far (both from Keras' own seed generator) and the value's position.
"""

from __future__ import annotations

import contextlib
import hashlib
import math
import random
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from dl.model.held import Held
from dl.vocabulary.spec import Path

_SEED_LIMIT = 2**31
"""Keras and TensorFlow take seeds of 31 bits."""
# The hash "lowbias32" of Chris Wellons' search for integer hashes, with the golden ratio as step.
_GOLDEN = 0x9E3779B9
_FIRST_ROUND = (16, 0x7FEB352D)
_SECOND_ROUND = (15, 0x846CA68B)
_LAST_SHIFT = 16
RowNumbers = np.ndarray[tuple[int], np.dtype[np.int32]]


def derived_seed(seed: int, path: Path) -> int:
    """Returns the seed of the random thing at a path of the config, below 2**31.

    It depends on nothing else: not on the order in which things are made, nor on the process.
    """
    text = "/".join(str(part) for part in (seed, *path))
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return int.from_bytes(digest[:8], "little") % _SEED_LIMIT


@contextlib.contextmanager
def seeded_python(seed: int, purpose: str) -> Iterator[None]:
    """Makes what Python's own generator gives a function of the seed, and leaves it as it was.

    Keras' AugMix draws its operations from that one when its steps are traced, and whatever Keras
    initializes by itself, as the vector of SpectralNormalization, its seed when it is built.
    """
    before = random.getstate()
    random.seed(derived_seed(seed, (purpose,)))
    try:
        yield
    finally:
        random.setstate(before)


def row_order(seed: int, epoch: int, rows: int) -> RowNumbers:
    """Returns the order in which an epoch (1-based) takes the rows, shape (rows,)."""
    return _generator(seed, "order", epoch).permutation(np.arange(rows, dtype=np.int32))


def row_draws(seed: int, epoch: int, rows: int) -> RowNumbers:
    """Returns as many row numbers as there are rows, each drawn from all of them."""
    return _generator(seed, "draws", epoch).integers(0, rows, rows, dtype=np.int32)


def class_draws(seed: int, epoch: int, labels: np.ndarray) -> RowNumbers:
    """Returns as many row numbers as there are rows: each class equally likely, then its rows."""
    present, counts = np.unique(labels, return_counts=True)
    random, rows = _generator(seed, "classes", epoch), len(labels)
    drawn = random.integers(0, len(present), rows)
    place = np.cumsum(counts)[drawn] - 1 - (random.random(rows) * counts[drawn]).astype(np.int64)
    return np.argsort(labels, kind="stable")[place].astype(np.int32)


def _generator(seed: int, purpose: str, epoch: int) -> np.random.Generator:
    stream = np.random.SeedSequence([derived_seed(seed, (purpose,)), epoch])
    return np.random.Generator(np.random.PCG64(stream))


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
    held = rate.taken(_share, tf.uint32) if isinstance(rate, Held) else None
    least = _word(_share(rate)) if held is None else held
    return random_bits(shape, seed) >= least


def _share(rate: float) -> int:
    return min(round(rate * 2**32), 2**32 - 1)


def random_normal(shape: Sequence[Any] | tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Returns float32 values of the standard normal distribution."""
    # 23 bits are what a float32 holds exactly; half a step up, so that 0 and 1 never come.
    bits = tf.bitwise.right_shift(random_bits(shape, seed), _word(9))
    uniform = (tf.cast(tf.bitcast(bits, tf.int32), tf.float32) + 0.5) * 2.0**-23
    return math.sqrt(2.0) * tf.math.erfinv(2.0 * uniform - 1.0)


def _scramble(bits: tf.Tensor) -> tf.Tensor:
    for shift, factor in (_FIRST_ROUND, _SECOND_ROUND):
        bits = _shift_xor(bits, shift) * _word(factor)
    return _shift_xor(bits, _LAST_SHIFT)


def _shift_xor(bits: tf.Tensor, shift: int) -> tf.Tensor:
    return tf.bitwise.bitwise_xor(bits, tf.bitwise.right_shift(bits, _word(shift)))


def _word(value: int) -> tf.Tensor:
    return tf.constant(value, tf.uint32)
