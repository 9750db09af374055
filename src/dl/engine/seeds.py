"""Every random thing has a seed of its own: a function of the config's seed and of its place."""

from __future__ import annotations

import contextlib
import hashlib
import random
from collections.abc import Iterator

import numpy as np

from dl.vocabulary.spec import Path

_SEED_LIMIT = 2**31


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


def row_order(seed: int, epoch: int, rows: int) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
    """Returns the order in which an epoch (1-based) takes the rows."""
    return _generator(seed, "order", epoch).permutation(np.arange(rows, dtype=np.int32))


def row_draws(seed: int, epoch: int, rows: int) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
    """Returns as many row numbers as there are rows, each drawn from all of them."""
    return _generator(seed, "draws", epoch).integers(0, rows, rows, dtype=np.int32)


def _generator(seed: int, purpose: str, epoch: int) -> np.random.Generator:
    stream = np.random.SeedSequence([derived_seed(seed, (purpose,)), epoch])
    return np.random.Generator(np.random.PCG64(stream))
