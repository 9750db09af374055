"""Fingerprints of data: SHA-256 of the bytes, so that a changed file is noticed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from dl.data.types import Array


def fingerprint_files(paths: Iterable[Path]) -> str:
    """Returns the SHA-256 of the files' bytes, in order, as hexadecimal digits.

    Names and times do not count: a file that was moved or copied has the same fingerprint.
    """
    total = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            total.update(hashlib.file_digest(file, "sha256").digest())
    return total.hexdigest()


def fingerprint_arrays(arrays: Iterable[Array]) -> str:
    """Returns the SHA-256 of the arrays' types, shapes and values, as hexadecimal digits."""
    total = hashlib.sha256()
    for array in arrays:
        total.update(f"{array.dtype.str}{array.shape}".encode())
        if array.dtype.hasobject:
            total.update("\0".join(map(str, array.ravel().tolist())).encode())
        else:
            total.update(np.ascontiguousarray(array).view(np.uint8).data)
    return total.hexdigest()
