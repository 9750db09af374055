"""Files that hold whatever happens: one is there whole or not at all, and one process holds a lock.

The lock of a run is the system's, which ends with the process, however that ends. The file's
content names the process, for the message to the others, and decides where a file system has no
locks. A process is named so that a later one with the same number is told apart.
"""

from __future__ import annotations

import errno
import json
import os
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from io import BufferedReader
from pathlib import Path
from typing import Annotated, BinaryIO

from dl.errors import BusyError, DiskError, DlError, RunError
from dl.rundir.directory import RunDirectory
from dl.rundir.typed import Count, MisfitError, Range, parse_as
from dl.system import AT_ONCE, NO_LINK, host_name, is_running, lock_file, rewrite, start_ticks, sync

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
def disk_errors(doing: str, inside: Path | None = None) -> Iterator[None]:
    """Words a system call that fails inside the block.

    Args:
        doing: What is being done.
        inside: The folder of a run that somebody may remove meanwhile.

    Raises:
        DiskError: The call failed.
        RunError: The folder is gone.
    """
    try:
        yield
    except OSError as error:
        if inside is not None and not inside.exists():
            raise gone(inside) from error
        raise disk_error(error, doing) from error


def gone(folder: Path) -> RunError:
    """Returns the error for a run whose folder was removed since it was found."""
    return RunError(f"{folder} is gone: it was removed meanwhile", hint="see the runs: dl list")


TEMPORARY = ".new-"
"""How the names of files and folders begin that are not complete yet."""


@contextmanager
def published(
    path: Path, before: Callable[[Path], object] = lambda temporary: None
) -> Iterator[Path]:
    """Gives a temporary path to write to, and moves it to `path` once it is whole and on disk.

    Args:
        path: Where the file is to appear; the temporary name beside it ends alike.
        before: Is called with the temporary path when that is on disk, before it is moved.

    Raises:
        DiskError: Writing, syncing or renaming failed; an earlier file at `path` is untouched.
        RunError: The folder is gone, as that of a run which somebody removes.
    """
    temporary = path.parent / f"{TEMPORARY}{os.urandom(6).hex()}-{path.name}"
    with disk_errors(f"writing {path}", path.parent):
        # Not `mkstemp`, whose files are for the owner only: the system applies the umask to these.
        os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
        try:
            yield temporary
            sync(temporary)
            before(temporary)
            os.replace(temporary, path)
            sync(path.parent)
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
        with disk_errors(f"writing {path}"):
            stream = path.open("wb")
        with stream:
            yield stream
    else:
        target = Path(os.path.realpath(path))
        with disk_errors(f"writing {path}"):
            os.stat(target.parent)
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


_Number = Annotated[int, Range(lambda pid: 0 < pid < 2**31, "must be the number of a process")]


@dataclass(frozen=True, slots=True)
class Process:
    """A process on a machine.

    Attributes:
        host: Name of the machine.
        pid: Number of the process.
        started: Start of the process in clock ticks since boot; 0 where the system does not tell.
    """

    host: str
    pid: _Number
    started: Count

    @classmethod
    def current(cls) -> Process:
        """Returns this process."""
        return cls(host_name(), os.getpid(), start_ticks(os.getpid()))

    def is_alive(self) -> bool:
        """Tells whether the process still runs; one on another machine is taken to."""
        if self.host != host_name():
            return True
        return is_running(self.pid) and start_ticks(self.pid) == self.started

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}"


_TRIES = 10
_PAUSE = 0.03
"""Seconds between two tries: who only looks whether a run is locked holds it for a moment."""


@contextmanager
def locked(run: RunDirectory) -> Iterator[RunDirectory]:
    """Holds the lock of a run inside the block.

    Raises:
        BusyError: Another process holds it.
        RunError: The run is gone.
        DiskError: The lock cannot be written.
    """
    handle = take_lock(run)
    try:
        yield run
    finally:
        os.close(handle)


def take_lock(run: RunDirectory) -> int:
    """Takes the lock of a run and returns the open file that holds it; raises as `locked`."""
    with disk_errors(f"locking {run.path}", run.path):
        handle = regular_descriptor(run.lock, os.O_RDWR | os.O_CREAT | NO_LINK)
        try:
            if not _taken(handle, run.lock):
                raise BusyError(
                    f"{run.label} is in use by {_holder(run.lock) or 'another process'}",
                    hint="wait until it ends, or stop it; dl list shows how far it is",
                )
            if not _is_at(handle, run.lock):
                raise gone(run.path)
            rewrite(handle, json.dumps(asdict(Process.current())).encode())
        except (OSError, DlError):
            os.close(handle)
            raise
    return handle


def _is_at(handle: int, path: Path) -> bool:
    """Tells whether an open file is still the one of its name: who removes a run takes it away."""
    try:
        return os.path.samestat(os.fstat(handle), os.stat(path))
    except FileNotFoundError:
        return False


def is_held(run: RunDirectory) -> bool:
    """Tells whether a process holds the lock; True where that cannot be told."""
    try:
        handle = regular_descriptor(run.lock, os.O_RDONLY)
    except OSError:
        return True
    try:
        lock_file(handle, shared=True)
    except OSError:
        return True
    finally:
        os.close(handle)
    return False


def _taken(handle: int, path: Path) -> bool:
    for _ in range(_TRIES):
        try:
            lock_file(handle)
        except BlockingIOError:
            time.sleep(_PAUSE)
        except OSError:  # a file system without locks
            holder = _holder(path)
            return holder is None or not holder.is_alive()
        else:
            return True
    return False


def _holder(path: Path) -> Process | None:
    try:
        return parse_as(Process, read_regular(path))
    except (OSError, MisfitError):
        return None
