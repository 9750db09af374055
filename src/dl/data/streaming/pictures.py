"""Pictures larger than memory: decoded once, kept as bytes on the disk."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from dl.data.streaming.scratch import ScratchFile, check_space
from dl.data.types import Array, Rows


def on_disk(pictures: Iterator[Array], shape: tuple[int, ...], folder: str) -> Rows:
    """Keeps pictures of the shape (rows, height, width, channels) in a scratch file.

    Raises:
        DiskError: There is no space for them.
    """
    check_space(math.prod(shape), f"{shape[0]:,} pictures of {folder}")
    scratch = ScratchFile()
    for picture in pictures:
        scratch.write(picture)
    return scratch.array(np.uint8, shape)
