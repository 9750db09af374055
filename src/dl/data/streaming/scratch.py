"""Files without a name: the system frees their space when the process ends, however it ends."""

from __future__ import annotations

import mmap
import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import DTypeLike

from dl.data.types import Array
from dl.errors import DiskError
from dl.runs.files import disk_error

_ON_DISK = Path("/var/tmp")
"""Often on a disk where `/tmp` is in memory."""


class ScratchFile:
    """A file to be written once, from its start to its end, and then mapped into memory."""

    def __init__(self) -> None:
        self._folder = scratch_folder()
        try:
            # It is closed once it is mapped, or when nothing refers to it any more.
            self._file: IO[bytes] = tempfile.TemporaryFile(  # noqa: SIM115
                dir=self._folder, buffering=0
            )
        except OSError as error:
            raise disk_error(error, self._doing) from error

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

    def mapped(self, dtype: DTypeLike, shape: Sequence[int]) -> Array:
        """Returns the content as an array that is read from the disk as it is used."""
        if 0 in shape:
            return np.empty(shape, dtype)
        array: Array = np.asarray(np.memmap(self._file, dtype, "r", shape=tuple(shape)))
        self._file.close()
        return array

    def buffer(self) -> mmap.mmap:
        """Returns the content as bytes that are read from the disk as they are used."""
        content = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)
        self._file.close()
        return content


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
