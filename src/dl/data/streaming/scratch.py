"""A file without a name: the system frees its space when the process ends, however it ends."""

from __future__ import annotations

import mmap
import os
import shutil
import tempfile
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import DTypeLike

from dl.data.types import Array
from dl.errors import DiskError
from dl.runs.files import disk_error

_ON_DISK = Path("/var/tmp")
"""Often on a disk where `/tmp` is in memory."""


_WINDOW = 1 << 26
"""Bytes of a file that are mapped at a time, to gather rows from them."""


class ScratchFile:
    """A file that grows at its end, and whose content is read as arrays."""

    def __init__(self) -> None:
        self._folder = scratch_folder()
        try:
            self._file: IO[bytes] = tempfile.TemporaryFile(  # noqa: SIM115
                dir=self._folder, buffering=0
            )
        except OSError as error:
            raise disk_error(error, self._doing) from error
        weakref.finalize(self, self._file.close)

    @property
    def _doing(self) -> str:
        return f"writing the rows to {self._folder}"

    @property
    def file(self) -> IO[bytes]:
        """The open file, for writers that want one; they must translate its errors."""
        return self._file

    def write(self, values: Array | bytes) -> None:
        """Appends an array or bytes.

        Raises:
            DiskError: The disk is full or broken.
        """
        data = memoryview(values) if isinstance(values, bytes) else _bytes_of(values).data
        try:
            while len(data):
                data = data[self._file.write(data) :]
        except OSError as error:
            raise disk_error(error, self._doing) from error

    def stored(self, values: Array) -> StoredArray:
        """Appends an array and returns it as one that lies on the disk; raises `DiskError`."""
        begin = self._file.tell()
        self.write(values)
        return self.array(values.dtype, values.shape, begin)

    def array(self, dtype: DTypeLike, shape: Sequence[int], begin: int = 0) -> StoredArray:
        """Returns the bytes from `begin` on as an array."""
        return StoredArray(self, np.dtype(dtype), tuple(shape), begin)

    def mapped(self, begin: int, size: int) -> mmap.mmap:
        """Maps bytes into memory, until nothing refers to them; `begin` is a whole page."""
        return mmap.mmap(self._file.fileno(), size, access=mmap.ACCESS_READ, offset=begin)

    def content(self) -> mmap.mmap:
        """Maps the whole file."""
        return self.mapped(0, 0)


@dataclass(frozen=True, slots=True)
class StoredArray:
    """An array in a scratch file.

    It is mapped anew at each use and unmapped after it: pages that stayed mapped would count as
    memory of the process.

    Attributes:
        file: The file.
        dtype: Type of the numbers.
        shape: Shape of the array.
        begin: Position of its first byte in the file.
    """

    file: ScratchFile
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    begin: int

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: slice | Array) -> Array:
        if isinstance(rows, slice):
            return np.array(self.mapped()[rows])
        return self._gathered(np.asarray(rows))

    def mapped(self) -> Array:
        """Returns the array, read from the disk as it is used; it stays mapped as long."""
        return self._window(0, len(self))

    def _gathered(self, rows: Array) -> Array:
        """Reads rows in the order in which they lie, from one window of the file at a time."""
        order = np.argsort(rows, kind="stable")
        ascending = rows[order]
        result = np.empty((len(rows), *self.shape[1:]), self.dtype)
        height = max(1, _WINDOW // max(1, self._row_bytes))
        begin = 0
        while begin < len(rows):
            first = int(ascending[begin])
            end = int(np.searchsorted(ascending, first + height))
            window = self._window(first, min(first + height, len(self)))
            result[order[begin:end]] = window[ascending[begin:end] - first]
            begin = end
        return result

    def _window(self, first: int, end: int) -> Array:
        shape = (end - first, *self.shape[1:])
        if 0 in shape:
            return np.empty(shape, self.dtype)
        start = self.begin + first * self._row_bytes
        page = start - start % mmap.ALLOCATIONGRANULARITY
        size = start - page + (end - first) * self._row_bytes
        return np.ndarray(shape, self.dtype, self.file.mapped(page, size), start - page)

    @property
    def _row_bytes(self) -> int:
        return int(np.prod(self.shape[1:], dtype=np.int64)) * self.dtype.itemsize


def scratch_folder() -> Path:
    """Returns the folder of large temporary files: `TMPDIR` where it is set, else `/var/tmp`."""
    if not os.environ.get("TMPDIR") and os.access(_ON_DISK, os.W_OK):
        return _ON_DISK
    return Path(tempfile.gettempdir())


def check_space(size: int, what: str) -> None:
    """Refuses to write more than the disk has left.

    Args:
        size: The bytes to write.
        what: What they are, for the message.

    Raises:
        DiskError: There is less space.
    """
    folder = scratch_folder()
    free = shutil.disk_usage(folder).free
    if size > free:
        raise DiskError(
            f"{folder}: has no space for the rows",
            expected=f"{_megabytes(size)} free: {what}",
            found=f"{_megabytes(free)}",
            hint="free some space, or set TMPDIR to a folder on another disk",
        )


def _bytes_of(values: Array) -> Array:
    return np.ascontiguousarray(values).reshape(-1).view(np.uint8)


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.0f} MB"
