"""Durable writes: a file is there whole, or it is not there."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO

from dl.errors import DiskError, RunError
from dl.system import AT_ONCE, sync

_REASONS = {
    errno.EISDIR: ("it is a folder", "name a file in it"),
    errno.ENOENT: ("No such file or directory", "make the folder first"),
    errno.ENOTDIR: ("a part of its path is a file", "name another place"),
    errno.ENOSPC: ("the disk is full", "free some space, then run the command again"),
    errno.EDQUOT: ("the disk quota is used up", "free some space, then run the command again"),
    errno.EACCES: ("permission denied", "choose another folder, for example with --runs"),
    errno.EPERM: ("permission denied", "choose another folder, for example with --runs"),
    errno.EROFS: ("the file system is read-only", "choose another folder, for example with --runs"),
}


def disk_error(error: OSError, doing: str) -> DiskError:
    """Words a failed system call: what was being done, why it failed, what to do."""
    unknown = (error.strerror or str(error), "see whether the disk is in order")
    reason, hint = _REASONS.get(error.errno or 0, unknown)
    return DiskError(f"{doing} failed: {reason}", hint=hint)


@contextmanager
def disk_errors(doing: str) -> Iterator[None]:
    """Raises `DiskError` for a system call that fails inside the block; `doing` says at what."""
    try:
        yield
    except OSError as error:
        raise disk_error(error, doing) from error


def gone(folder: Path) -> RunError:
    """Returns the error for a run whose folder was removed since it was found."""
    return RunError(f"{folder} is gone: it was removed meanwhile", hint="see the runs: dl list")


TEMPORARY = ".new-"
"""How the names of files and folders begin that are not complete yet."""


def _nothing(path: Path) -> None:
    """Does nothing before a file appears."""


@contextmanager
def published(path: Path, before: Callable[[Path], None] = _nothing) -> Iterator[Path]:
    """Gives a temporary path to write to, and moves it to `path` once it is whole and on disk.

    Args:
        path: Where the file is to appear; the temporary name beside it ends alike.
        before: Is called with the temporary path when that is on disk, before it is moved.

    Raises:
        DiskError: Writing, syncing or renaming failed; an earlier file at `path` is untouched.
        RunError: The folder is gone, as that of a run which somebody removes.
    """
    try:
        temporary = path.parent / f"{TEMPORARY}{os.urandom(6).hex()}-{path.name}"
        # Not `mkstemp`, whose files are for the owner only: the system applies the umask to these.
        os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
    except FileNotFoundError as error:
        raise gone(path.parent) from error
    except OSError as error:
        raise disk_error(error, f"writing {path}") from error
    try:
        yield temporary
        sync(temporary)
        before(temporary)
        os.replace(temporary, path)
        sync(path.parent)
    except OSError as error:
        if not path.parent.exists():
            raise gone(path.parent) from error
        raise disk_error(error, f"writing {path}") from error
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def output(path: Path) -> Iterator[BinaryIO]:
    """Gives a stream to a file that the user names: it is replaced once it is whole.

    A link is followed. A device or a pipe is written to: only a file can be replaced.

    Raises:
        DiskError: Opening or publishing failed; an earlier file is untouched.
    """
    if os.path.exists(path) and not os.path.isfile(path):
        try:
            stream = path.open("wb")
        except OSError as error:
            raise disk_error(error, f"writing {path}") from error
        with stream:
            yield stream
    else:
        target = Path(os.path.realpath(path))
        try:
            os.stat(target.parent)
        except OSError as error:
            raise disk_error(error, f"writing {path}") from error
        with published(target) as temporary, temporary.open("wb") as stream:
            yield stream


def write_bytes(path: Path, data: bytes) -> None:
    """Writes a whole file durably; raises `DiskError`."""
    with published(path) as temporary:
        temporary.write_bytes(data)


def write_text(path: Path, text: str) -> None:
    """Writes a whole UTF-8 file durably; raises `DiskError`."""
    write_bytes(path, text.encode())


def write_output(path: Path, text: str) -> None:
    """Writes a text to a file that the user names; see `output`."""
    with output(path) as stream:
        stream.write(text.encode())


def read_regular(path: Path, most_bytes: int | None = None) -> bytes:
    """Reads a regular file; never waits, as the reading of a pipe would.

    Raises:
        OSError: It cannot be read, is not a regular file, or is larger than `most_bytes`.
    """
    with open_regular(path) as file:
        if most_bytes is not None and os.fstat(file.fileno()).st_size > most_bytes:
            raise OSError(errno.EFBIG, f"it is larger than {most_bytes} bytes", str(path))
        return file.read()


def open_regular(path: Path) -> BufferedReader:
    """Opens a regular file for reading; never waits, as the opening of a pipe would.

    Raises:
        OSError: It cannot be read, or is not a regular file.
    """
    return open(regular_descriptor(path, os.O_RDONLY), "rb")


def regular_descriptor(path: Path, flags: int) -> int:
    """Opens a regular file, as `os.open` does; never waits.

    Raises:
        OSError: It cannot be opened, or is not a regular file: a pipe, a device, a folder.
    """
    descriptor = os.open(path, flags | AT_ONCE, 0o644)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "it is not a regular file", str(path))
    return descriptor
