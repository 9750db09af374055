"""Files of data: whether a path can be read at all, what has changed, and reading ahead.

A path is looked at before it is opened: a pipe would block for ever.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import re
import stat
import struct
import tarfile
import tokenize
import zipfile
import zlib
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import numpy as np

from dl.config.files import STORES
from dl.data.types import Array
from dl.errors import DataError, closest

T = TypeVar("T")

DAMAGED = (
    *(ArithmeticError, AssertionError, AttributeError, EOFError, LookupError, NameError, OSError),
    *(RuntimeError, SyntaxError, TypeError, ValueError, pickle.UnpicklingError, struct.error),
    *(tarfile.TarError, tokenize.TokenError, zipfile.BadZipFile, zlib.error),
)
"""What libraries raise for damaged bytes: of a name that was never set, for one. Some also raise
`MemoryError`, for a size that nothing has."""
_URL = re.compile(r"(?:^|/)([a-z][a-z0-9+.-]+):/", re.IGNORECASE)


def check_file(path: Path) -> None:
    """Refuses what is not a readable regular file.

    Raises:
        DataError: The path is a URL, is not there, is a folder, a pipe or a device, or may not be
            read.
    """
    mode = _mode(path)
    if stat.S_ISDIR(mode):
        raise DataError(f"{path}: is a folder", expected="a file", hint="name a file inside it")
    if not stat.S_ISREG(mode):
        raise DataError(
            f"{path}: is a pipe or a device",
            expected="a regular file",
            hint="write the rows to a file first (`dl predict` reads a pipe as `-`)",
        )
    _check_access(path, os.R_OK)


def check_folder(path: Path) -> None:
    """Refuses what is not a readable folder.

    Raises:
        DataError: The path is a URL, is not there, is not a folder, or may not be read.
    """
    if not stat.S_ISDIR(_mode(path)):
        raise DataError(f"{path}: is a file", expected="a folder", hint="name the folder around it")
    _check_access(path, os.R_OK | os.X_OK)


@contextmanager
def unchanged(paths: Sequence[Path]) -> Iterator[None]:
    """Refuses files that another program writes while they are read.

    Raises:
        DataError: A file is not the same afterwards; instead of any error about its content.
    """
    before, fault = [_state(path) for path in paths], None
    try:
        yield
    except DataError as error:
        fault = error
    for path, state in zip(paths, before, strict=True):
        if _state(path) != state:
            raise DataError(
                f"{path}: has changed while it was read",
                expected="a file that nobody writes to",
                hint="wait until it is complete, then run the command again",
            ) from fault
    if fault:
        raise fault


def _state(path: Path) -> tuple[int, int, int] | None:
    """Returns what differs when a file was written to or replaced; None if it is not there."""
    try:
        status = path.stat()
    except (OSError, ValueError):
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns


def _mode(path: Path) -> int:
    url = _URL.search(os.fspath(path))  # a file of a store has a copy
    if url is not None:
        own = "; what is in a store of your own is read there with `remote: true` below `data`"
        raise DataError(
            f"{str(path)[url.start(1) :]}: is a URL",
            expected="a path on this machine",
            hint="download it first" + own * (url[1] in STORES),
        )
    try:
        return path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        if any(character in str(path) for character in "*?["):
            raise DataError(f"{path}: no file fits this pattern") from None
        raise DataError(f"{path}: there is no such file", hint=_near(path)) from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise DataError(f"{path}: cannot be read: {reason}") from error


def _near(path: Path) -> str | None:
    try:
        found = closest(path.name, sorted(os.listdir(path.parent)))
    except OSError:
        return f"there is no folder {path.parent} either"
    return f"did you mean {path.parent / found}?" if found else None


def _check_access(path: Path, mode: int) -> None:
    if not os.access(path, mode):
        raise DataError(f"{path}: cannot be read: Permission denied")


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


def ahead(
    tasks: Iterable[Callable[[], T]], threads: int = 1, most: int = 1
) -> Generator[T, None, None]:
    """Yields what the tasks return, in their order; threads do the next ones meanwhile.

    Args:
        tasks: The tasks.
        threads: How many are done at a time.
        most: How many are done before they are asked for.
    """
    pool = ThreadPoolExecutor(threads)
    waiting: deque[Future[T]] = deque()
    try:
        for task in tasks:
            waiting.append(pool.submit(task))
            if len(waiting) > most:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
