"""A guarded reader of `.npz` files: plain arrays only, and none larger than the memory.

Each array's header is compared with the size that the zip file declares before anything is read;
nothing is ever unpickled.
"""

from __future__ import annotations

import struct
import tokenize
import zipfile
import zlib
from pathlib import Path
from types import TracebackType
from typing import IO

import numpy as np
from numpy.lib import format as npy

from dl.data.arrays.memory import check_memory
from dl.data.types import Array
from dl.errors import DataError, closest
from dl.text import listing

_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    MemoryError,
    struct.error,
    tokenize.TokenError,
    EOFError,
    NotImplementedError,
    OSError,
    OverflowError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
)
"""What Python's zip reader and numpy's header parser raise for damaged bytes."""


class NpzFile:
    """An open `.npz` file; use it in a `with` block."""

    def __init__(self, path: Path) -> None:
        """Opens the file.

        Raises:
            DataError: It is no zip file.
        """
        self.title = str(path)
        try:
            self._zip = zipfile.ZipFile(path)
        except _BROKEN as error:
            raise DataError(
                f"{path}: is not a whole .npz file",
                expected="a file that `numpy.savez` or `numpy.savez_compressed` wrote",
                found=f"a damaged or other file ({error})",
                hint="save or copy the file again",
            ) from error
        self.names = tuple(
            name.removesuffix(".npy") for name in self._zip.namelist() if name.endswith(".npy")
        )

    def __enter__(self) -> NpzFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._zip.close()

    def read(self, name: str, key: str) -> Array:
        """Returns an array.

        Args:
            name: Its name in the file.
            key: The config key that gives the name, for messages.

        Raises:
            DataError: It is not there, damaged, no plain array, or larger than the memory.
        """
        if name not in self.names:
            raise self._absent(name, key)
        try:
            with self._zip.open(f"{name}.npy") as member:
                self._check_header(name, member)
            with self._zip.open(f"{name}.npy") as member:
                return np.asarray(npy.read_array(member, allow_pickle=False))
        except _BROKEN as error:
            raise DataError(
                f"{self.title}: the array `{name}` is damaged",
                expected="an array that numpy wrote",
                found=str(error) or "the file ends too early",
                hint="save or copy the file again",
            ) from error

    def _absent(self, name: str, key: str) -> DataError:
        near = closest(name, self.names)
        advice = f"name it in `data.arrays.{key}`"
        return DataError(
            f"{self.title}: there is no array `{name}`",
            expected=f"the array that `data.arrays.{key}` names",
            found=listing((f"`{name}`" for name in self.names), "", 10) or "no arrays",
            hint=f"did you mean `{near}`? Then {advice}" if near else advice,
        )

    def _check_header(self, name: str, member: IO[bytes]) -> None:
        shape, dtype = _header(member)
        if dtype.hasobject:
            raise DataError(
                f"{self.title}: the array `{name}` holds Python objects",
                expected="numbers or text: objects are never read, they could run code",
                found=f"the type {dtype} in the shape {shape}",
                hint="save rows of equal length, with a type such as float32 or int64",
            )
        size = dtype.itemsize * int(np.prod(shape, dtype=object)) if shape else dtype.itemsize
        declared = self._zip.getinfo(f"{name}.npy").file_size
        check_memory(
            size,
            f"{self.title}: the array `{name}` does not fit in the memory",
            f"in the shape {shape}",
            "save fewer rows, or a smaller type such as uint8 or float32",
        )
        if size + member.tell() != declared:
            raise ValueError(f"{declared} bytes stand for the shape {shape} of {dtype}")


def _header(member: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[np.generic]]:
    version = npy.read_magic(member)
    if version == (1, 0):
        shape, _, dtype = npy.read_array_header_1_0(member)
    elif version == (2, 0):
        shape, _, dtype = npy.read_array_header_2_0(member)
    else:
        raise ValueError(f"the unknown version {version} of the format")
    return shape, dtype
