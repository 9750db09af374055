"""Made-up rows: the logic gates, curves in the plane, and a line with noise.

The rows depend on the seed, the data set, their number and the noise alone. `moons` and `circles`
are those of scikit-learn: half of the rows on an outer and half on an inner curve, with gaussian
noise on both coordinates.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from dl.config.data import SyntheticData
from dl.data.files import fingerprint_arrays
from dl.data.raw import RawArrays, RawParts
from dl.data.types import Array
from dl.vocabulary.data_sets import SYNTHETIC

_CIRCLES_FACTOR = 0.8
_SPIRAL_TURNS = 1.5
_BLOB_CENTERS = ((-4.0, -4.0), (4.0, 4.0))

_Rows = tuple[Array, Array]


def make_synthetic(data: SyntheticData, seed: int) -> RawParts:
    """Returns the rows of a made-up problem: x as float32 (rows, 1 or 2), y as int or float.

    Args:
        data: The section `data`.
        seed: The config's seed.
    """
    rows, noise = default_rows(data), default_noise(data)
    x, y = _MAKERS[data.dataset](rows, noise, _generator(seed, data.dataset))
    x = x.astype(np.float32)
    train = RawArrays(x, y, np.arange(rows, dtype=np.int64), data.dataset)
    names = SYNTHETIC[data.dataset].classes or None
    return RawParts(train, class_names=names, fingerprint=fingerprint_arrays([x, y]))


def default_rows(data: SyntheticData) -> int:
    """Returns the number of rows: as given, else 4 for the gates and 1000 for others."""
    return data.rows or SYNTHETIC[data.dataset].rows


def default_noise(data: SyntheticData) -> float:
    """Returns the standard deviation of the noise: as given, else 0 (gates), 1 or 0.1."""
    if data.noise is not None:
        return data.noise
    return SYNTHETIC[data.dataset].noise


def is_whole_truth(data: SyntheticData) -> bool:
    """Whether the rows are all that there is: a gate's four corners, which are not to be split."""
    return default_rows(data) <= SYNTHETIC["and"].rows


def _generator(seed: int, dataset: str) -> np.random.Generator:
    return np.random.default_rng([seed, zlib.crc32(b"synthetic"), zlib.crc32(dataset.encode())])


def _gate(truth: tuple[int, int, int, int]) -> Callable[..., _Rows]:
    """Returns the maker of a gate, of its values at (0, 0), (0, 1), (1, 0) and (1, 1)."""

    def make(rows: int, noise: float, random: np.random.Generator) -> _Rows:
        corner = np.arange(rows) % 4
        x = np.column_stack([corner // 2, corner % 2]).astype(np.float64)
        return _noisy(x, noise, random), np.array(truth, np.int64)[corner]

    return make


def _moons(rows: int, noise: float, random: np.random.Generator) -> _Rows:
    outer, inner = _half_angles(rows, np.pi, closed=True)
    x = np.concatenate([_circle(outer), np.column_stack([1 - np.cos(inner), 0.5 - np.sin(inner)])])
    return _shuffled(_noisy(x, noise, random), _two_halves(rows), random)


def _circles(rows: int, noise: float, random: np.random.Generator) -> _Rows:
    outer, inner = _half_angles(rows, 2 * np.pi, closed=False)
    x = np.concatenate([_circle(outer), _CIRCLES_FACTOR * _circle(inner)])
    return _shuffled(_noisy(x, noise, random), _two_halves(rows), random)


def _spiral(rows: int, noise: float, random: np.random.Generator) -> _Rows:
    """Two arms from the middle outwards, the second turned by half a circle."""
    first, second = (np.linspace(0.05, 1, count) for count in _halves(rows))
    arms = [_circle(2 * np.pi * _SPIRAL_TURNS * part) * part[:, None] for part in (first, second)]
    x = 4 * np.concatenate([arms[0], -arms[1]])
    return _shuffled(_noisy(x, noise, random), _two_halves(rows), random)


def _blobs(rows: int, noise: float, random: np.random.Generator) -> _Rows:
    """Two clouds, 11 apart: a line separates them but for noise far above 1."""
    y = np.arange(rows, dtype=np.int64) % len(_BLOB_CENTERS)
    return _shuffled(_noisy(np.array(_BLOB_CENTERS)[y], noise, random), y, random)


def _linear(rows: int, noise: float, random: np.random.Generator) -> _Rows:
    """The line y = 4 + 3x for x from 0 to 2, with noise on y."""
    x = random.uniform(0, 2, (rows, 1))
    return x, 4 + 3 * x[:, 0] + random.normal(0, noise, rows)


def _circle(angles: Array) -> NDArray[np.float64]:
    return np.column_stack([np.cos(angles), np.sin(angles)])


def _halves(rows: int) -> tuple[int, int]:
    return rows // 2, rows - rows // 2


def _half_angles(rows: int, end: float, closed: bool) -> tuple[Array, Array]:
    outer, inner = _halves(rows)
    return np.linspace(0, end, outer, endpoint=closed), np.linspace(0, end, inner, endpoint=closed)


def _two_halves(rows: int) -> NDArray[np.int64]:
    outer, inner = _halves(rows)
    return np.repeat(np.array([0, 1], np.int64), [outer, inner])


def _noisy(x: Array, noise: float, random: np.random.Generator) -> Array:
    return x + random.normal(0, noise, x.shape) if noise else x


def _shuffled(x: Array, y: Array, random: np.random.Generator) -> _Rows:
    order = random.permutation(len(x))
    return x[order], y[order]


_MAKERS: dict[str, Callable[[int, float, np.random.Generator], _Rows]] = {
    "and": _gate((0, 0, 0, 1)),
    "or": _gate((0, 1, 1, 1)),
    "xor": _gate((0, 1, 1, 0)),
    "moons": _moons,
    "circles": _circles,
    "spiral": _spiral,
    "blobs": _blobs,
    "linear": _linear,
}
