"""NIfTI-1 files, written by the bytes of the format."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np

from dl.data.types import Array

_CODES = {"u1": 2, "i2": 4, "f4": 16, "f8": 64}


def save_nifti(
    path: Path, volume: Array, fields: dict[int, tuple[str, object]] | None = None
) -> None:
    """Writes a volume, packed where its name says so.

    Args:
        path: The file.
        volume: The values, as they are stored.
        fields: What is written over the header: format of `struct` and value, by their place.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    header = bytearray(352)
    struct.pack_into("<i", header, 0, 348)
    struct.pack_into("<8h", header, 40, volume.ndim, *(*volume.shape, 1, 1, 1, 1, 1)[:7])
    struct.pack_into("<h", header, 70, _CODES[volume.dtype.str[1:]])
    struct.pack_into("<f", header, 108, 352)
    header[344:348] = b"n+1\0"
    for place, (form, value) in (fields or {}).items():
        struct.pack_into(form, header, place, value)
    content = bytes(header) + np.asarray(volume).tobytes(order="F")
    path.write_bytes(gzip.compress(content, 1, mtime=0) if path.suffix == ".gz" else content)
