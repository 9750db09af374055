"""What not every operating system has, and what is done where it is missing; nobody else asks.

Linux has all of it. macOS lacks `/proc`, the processors of a process and a fork that its libraries
survive. Windows lacks most of it: what `dl` cannot do there is in the README.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from types import ModuleType

_PROC = Path("/proc")
"""What Linux tells of processes and memory."""
_ON_DISK = Path("/var/tmp")
"""Often on a disk where `/tmp` is in memory."""

_fcntl: ModuleType | None = None
_resource: ModuleType | None = None
with suppress(ImportError):
    _fcntl, _resource = import_module("fcntl"), import_module("resource")

AT_ONCE = sum(getattr(os, name, 0) for name in ("O_NONBLOCK", "O_CLOEXEC", "O_BINARY"))
"""Flags to open a file without waiting for a pipe's other end, not for children, and as it is."""
NO_LINK = getattr(os, "O_NOFOLLOW", 0)
"""Flag that refuses a symbolic link; without it the link is followed."""

STOPPING = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)
"""The signals that ask a command to stop."""
ALARM: int | None = getattr(signal, "SIGALRM", None)
"""The signal of `set_alarm`; None where there is no timer."""

HAS_SERVERS = hasattr(os, "setsid")
"""Whether a process can be given open sockets and a session of its own, as a sweep needs."""
FORKS = hasattr(os, "fork") and sys.platform != "darwin"
"""Whether a process may be copied: the frameworks of macOS do not survive it."""

_FAR = 2**30
"""A byte that no lock file has: where Windows locks one, nobody can read it."""


def processors() -> int:
    """Returns how many processors this process may use; all of them where it cannot be told."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def processor_name() -> str:
    """Returns the model of the processor; without `/proc` what Python knows of it."""
    for line in _lines("cpuinfo"):
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    import platform  # takes a millisecond, and all commands load this module

    return platform.processor()


def physical_memory() -> float:
    """Returns the bytes of memory of this machine, infinity where the system does not tell."""
    try:
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, ValueError, OSError):
        return float("inf")


def available_memory() -> float:
    """Returns the bytes that programs can still take; without `/proc` all that there are."""
    for line in _lines("meminfo"):
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return physical_memory()


def process_memory(process: int | str = "self") -> float:
    """Returns the megabytes of a process; without `/proc` the most this had, or 0 if unknown."""
    for line in _lines(f"{process}/statm"):
        return int(line.split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
    if _resource is None:
        return 0.0
    most = float(_resource.getrusage(_resource.RUSAGE_SELF).ru_maxrss)
    return most / (1e6 if sys.platform == "darwin" else 1e3)  # bytes there, kilobytes elsewhere


def start_ticks(pid: int) -> int:
    """Returns the start of a process in ticks since boot; 0 if it is gone, or without `/proc`."""
    for line in _lines(f"{pid}/stat"):
        fields = line.rpartition(")")[2].split()
        return 0 if fields[0] in "ZX" else int(fields[19])  # a dead child waits for its parent as Z
    return 0


def is_running(pid: int) -> bool:
    """Tells whether there is a process of that number; on Windows it is taken to be there."""
    if os.name == "nt":  # `os.kill` would send it a Ctrl-C there
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def lower_priority(niceness: int) -> None:
    """Lets other processes go first; without `nice` nothing is done."""
    if hasattr(os, "nice"):
        os.nice(niceness)


def limit_process(seconds: int, memory: float, file_size: int) -> None:
    """Ends this process if it takes more from now on; without such limits nothing is done.

    Args:
        seconds: Of processor time.
        memory: Bytes of address space beside those that it has; no more are given.
        file_size: Bytes of the largest file that it may write.
    """
    if _resource is None:
        return
    for line in _lines("self/statm"):
        space = int(line.split()[0]) * os.sysconf("SC_PAGE_SIZE") + int(memory)
        _resource.setrlimit(_resource.RLIMIT_AS, (space, space))
    _resource.setrlimit(_resource.RLIMIT_CPU, (seconds, seconds + 1))
    _resource.setrlimit(_resource.RLIMIT_FSIZE, (file_size, file_size))
    _resource.setrlimit(_resource.RLIMIT_CORE, (0, 0))


def set_alarm(seconds: float) -> None:
    """Has `ALARM` sent after that time, 0 for never; nothing is sent without a timer."""
    if ALARM is not None:
        signal.setitimer(signal.ITIMER_REAL, seconds)


def lock_file(handle: int, *, shared: bool = False, wait: bool = False) -> None:
    """Locks an open file until it is closed, also by the end of the process.

    Without `flock`, on Windows, one of its bytes is locked; such a lock is never shared.

    Raises:
        BlockingIOError: It is locked by another process, and `wait` is not set.
        OSError: The file system has no locks.
    """
    if _fcntl is not None:
        kind = _fcntl.LOCK_SH if shared else _fcntl.LOCK_EX
        _fcntl.flock(handle, kind | (0 if wait else _fcntl.LOCK_NB))
        return
    msvcrt = import_module("msvcrt")
    os.lseek(handle, _FAR, os.SEEK_SET)
    try:
        msvcrt.locking(handle, msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)
    except PermissionError as error:
        raise BlockingIOError(*error.args) from error


@contextmanager
def locked_folder(path: Path) -> Iterator[None]:
    """Waits for a folder and locks it; nothing is locked where folders cannot be, as on Windows.

    Raises:
        OSError: It cannot be opened.
    """
    if not hasattr(os, "O_DIRECTORY"):
        yield
        return
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | AT_ONCE)
    try:
        with suppress(OSError):  # a file system without locks
            lock_file(handle, wait=True)
        yield
    finally:
        os.close(handle)


def rewrite(handle: int, content: bytes) -> None:
    """Replaces the content of an open file; raises `OSError`."""
    os.ftruncate(handle, 0)
    os.lseek(handle, 0, os.SEEK_SET)
    os.write(handle, content)


def sync(path: Path) -> None:
    """Asks the system to bring a file, or the entries of a folder, to the disk.

    Windows can do it only for files that may be written, and does it for folders by itself.
    """
    windows = os.name == "nt"
    if windows and path.is_dir():
        return
    handle = os.open(path, os.O_RDWR if windows else os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def host_name() -> str:
    """Returns the name of this machine."""
    if hasattr(os, "uname"):
        return os.uname().nodename  # `socket`, which asks the same, takes milliseconds to load
    import socket

    return socket.gethostname()


def user_name() -> str:
    """Returns what tells a user's folders from those of others: the number, or the name."""
    if hasattr(os, "getuid"):
        return str(os.getuid())
    return os.environ.get("USERNAME", "user")


def is_own(path: Path) -> bool:
    """Tells whether this user made a file or folder; True where files have no owner."""
    return not hasattr(os, "getuid") or path.lstat().st_uid == os.getuid()


def _lines(name: str) -> Iterator[str]:
    """Yields the lines of a file in `/proc`; none if it is not there."""
    try:
        with open(_PROC / name, encoding="utf-8", errors="replace") as lines:
            yield from lines
    except OSError:
        return


def scratch_folder() -> Path:
    """Returns the folder of large temporary files: `TMPDIR` where it is set, else `/var/tmp`."""
    if not os.environ.get("TMPDIR") and os.access(_ON_DISK, os.W_OK):
        return _ON_DISK
    return Path(tempfile.gettempdir())
