"""The source `npy`: a `.npy` file for each row, in a folder that is read as `media` tells.

Files are mapped into memory, never unpickled: objects in them could run code.
"""

from __future__ import annotations

import struct
import tokenize
from pathlib import Path

import numpy as np
from numpy.lib import format as npy

from dl.data.files import check_file
from dl.data.sources.media import Medium
from dl.data.types import Array
from dl.errors import DataError, first_line

_BROKEN = (
    ArithmeticError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    tokenize.TokenError,
)
"""What numpy raises for damaged headers, objects and files that are too short."""


def medium() -> Medium:
    """Returns how the files of a config are read."""
    return Medium(
        noun="array",
        examples="healthy/ and ill/",
        suffixes=frozenset({".npy"}),
        read=read_row,
        stage="Reading arrays",
        smaller="save smaller arrays, or a smaller type such as uint8 or float32",
    )


def read_row(path: Path) -> Array:
    """Returns the array of a file, of numbers in the order and byte order of this machine.

    Raises:
        DataError: As in `mapped`, or it is a single number.
    """
    values = mapped(path)
    if values.ndim == 0:
        raise _no_array(path, "is a single number", "the shape ()")
    return np.ascontiguousarray(values, values.dtype.newbyteorder("="))


def mapped(path: Path) -> Array:
    """Returns the array of a file, which stays on the disk until it is used.

    Raises:
        DataError: It is no file of numpy, is not complete, empty, or holds no numbers.
    """
    check_file(path)
    try:
        values: Array = npy.open_memmap(path, mode="r")
    except _BROKEN as error:
        if "Python objects" in str(error):
            raise _no_array(path, "holds Python objects", "the type object") from error
        raise _no_array(path, "is not a complete .npy file", first_line(error)) from error
    if values.dtype.kind not in "biuf":
        raise _no_array(path, "does not hold numbers", f"the type {values.dtype}")
    return values


def _no_array(path: Path, message: str, found: str) -> DataError:
    return DataError(
        f"{path}: {message}",
        expected="an array of integers, floats or truth values, as numpy.save writes it: objects "
        "are never read, they could run code",
        found=found,
        hint="save it again: numpy.save(FILE, array)",
    )
