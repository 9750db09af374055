"""Where rows can be held: how much memory and disk there is, and files without a name for rows.

The system frees the space of such a file when the process ends, however it ends.
"""

from __future__ import annotations

import mmap
import shutil
import tempfile
import weakref
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import IO, Any

import numpy as np
from numpy.typing import DTypeLike

from dl.data.types import Array
from dl.errors import DataError, DiskError
from dl.rundir.files import disk_errors
from dl.system import available_memory, scratch_folder

_SHARE = 0.8
"""The rest of the memory is left to others: a system that swaps stands still."""
_WINDOW = 1 << 26
"""Bytes of a file that are mapped at a time, to gather rows from them."""


class ScratchFile:
    """A file that grows at its end, and whose content is read as arrays."""

    def __init__(self) -> None:
        self._folder = scratch_folder()
        with self.guarded():
            file = tempfile.TemporaryFile(dir=self._folder, buffering=0)  # noqa: SIM115
        self.file: IO[bytes] = file
        weakref.finalize(self, self.file.close)

    def guarded(self) -> AbstractContextManager[None]:
        """Turns errors of the system into a `DiskError`; for those who write to `file`."""
        return disk_errors(f"writing the rows to {self._folder}")

    def write(self, values: Array | bytes) -> None:
        """Appends an array or bytes.

        Raises:
            DiskError: The disk is full or broken.
        """
        if isinstance(values, bytes):
            data = memoryview(values)
        else:
            data = np.ascontiguousarray(values).reshape(-1).view(np.uint8).data
        with self.guarded():
            while len(data):
                data = data[self.file.write(data) :]

    def stored(self, values: Array) -> StoredArray:
        """Appends an array and returns it as one that lies on the disk; raises `DiskError`."""
        begin = self.file.tell()
        self.write(values)
        return self.array(values.dtype, values.shape, begin)

    def array(self, dtype: DTypeLike, shape: Sequence[int], begin: int = 0) -> StoredArray:
        """Returns the bytes from `begin` on as an array."""
        return StoredArray(self, np.dtype(dtype), tuple(shape), begin)

    def mapped(self, begin: int = 0, size: int = 0) -> mmap.mmap:
        """Maps bytes into memory, all by default; `begin` is a whole page."""
        return mmap.mmap(self.file.fileno(), size, access=mmap.ACCESS_READ, offset=begin)


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
            return np.array(self._window(0, len(self))[rows])
        return self._gathered(np.asarray(rows))

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


def check_memory(size: int, message: str, what: str, hint: str) -> None:
    """Refuses data that would take more than four fifths of the available memory.

    Args:
        size: The bytes that the data takes.
        message: What does not fit, with its file.
        what: What makes up the size.
        hint: What to do.

    Raises:
        DataError: It does not fit.
    """
    limit = _SHARE * available_memory()
    if size > limit:
        raise DataError(
            message,
            expected=f"at most {limit / 2**30:.1f} GiB",
            found=f"{size / 2**30:.1f} GiB, {what}",
            hint=hint,
        )


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
            expected=f"{size / 1e6:,.0f} MB free: {what}",
            found=f"{free / 1e6:,.0f} MB",
            hint="free some space, or set TMPDIR to a folder on another disk",
        )
