"""One process at a time works on a run.

The lock is the system's, which ends with the process, however that ends. The file's content names
the process, for the message to the others, and decides where a file system has no locks. A process
is named so that a later one with the same number is told apart.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

from dl.errors import BusyError, DlError
from dl.rundir.directory import RunDirectory
from dl.rundir.files import disk_error, gone, read_regular, regular_descriptor
from dl.rundir.typed import Count, MisfitError, Range, parse_as
from dl.system import NO_LINK, host_name, is_running, lock_file, rewrite, start_ticks

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
    try:
        handle = regular_descriptor(run.lock, os.O_RDWR | os.O_CREAT | NO_LINK)
    except FileNotFoundError as error:
        raise gone(run.path) from error
    except OSError as error:
        raise disk_error(error, f"locking {run.path}") from error
    try:
        if not _taken(handle, run.lock):
            raise _busy(run)
        if not _is_at(handle, run.lock):
            raise gone(run.path)
        rewrite(handle, json.dumps(asdict(Process.current())).encode())
    except OSError as error:
        os.close(handle)
        raise disk_error(error, f"locking {run.path}") from error
    except DlError:
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


def _busy(run: RunDirectory) -> BusyError:
    holder = _holder(run.lock)
    return BusyError(
        f"{run.label} is in use by {holder or 'another process'}",
        hint="wait until it ends, or stop it; dl list shows how far it is",
    )
