"""A process that has everything loaded, and is copied for each command: what both sides agree on.

`dl.warm.client` is the command, which hands over what it was called with and waits;
`dl.warm.server` is the process. They meet at a socket that only their user can open, and a copy
works for a command only where nothing is other that the process has read when it began: see
`surroundings`. Every command asks here, so nothing is imported that takes time.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
import zlib

from dl import __version__
from dl.variables import TAKEN_AWAY, settle

_ON_CONFIGS = ("lr", "summary", "sweep", "trace", "train")
_ON_RUNS = ("baseline", "diagnose", "evaluate", "report", "reproduce")
COMMANDS = frozenset({*_ON_CONFIGS, *_ON_RUNS})
"""The commands that load what takes seconds, and end by themselves."""
SUPPORTED = sys.platform == "linux"
"""Whether a process that holds TensorFlow can be copied, and terminals and signals handed over."""

READY, COLD, ENDED, DIED, ANSWER = b"R", b"C", b"E", b"D", b"A"
"""How messages to a command begin: it may be done; may not, and why; its exit code; the status of
its process; what the warm process says of itself."""
GO = b"G"
"""The command's own: it is to be done. Who has not heard it does nothing."""

_READ_AT_IMPORT = (
    *TAKEN_AWAY,
    *("ARROW_", "CUBLAS_", "CUDA_", "GLIBC_", "HDF5_", "HIP_", "HOME", "LANG", "LC_", "LD_"),
    *("MALLOC_", "MPL", "NVIDIA_", "PYTHON", "ROCR_", "TZ", "XDG_CACHE", "XDG_CONFIG"),
)
"""How the variables begin that Python and the libraries read when they are loaded."""
_OPTIONS = (
    *("bytes_warning", "dev_mode", "dont_write_bytecode", "ignore_environment", "isolated"),
    *("no_site", "no_user_site", "optimize", "utf8_mode", "verbose"),
)
_NAMESPACES = ("mnt", "net", "pid", "user")
_RIGHTS = ("CapBnd", "CapEff", "NoNewPrivs", "Seccomp:")


def may_be_warm(arguments: list[str]) -> bool:
    """Tells whether a command is done by the warm process, if there is one; takes microseconds."""
    return (
        SUPPORTED
        and len(arguments) > 1
        and arguments[1] in COMMANDS
        and os.environ.get("DL_WARM") != "0"
        and os.path.exists(os.path.join(folder(), socket_name()))
    )


def folder() -> str:
    """Returns the folder of the sockets: in the user's own of this session, else in the cache."""
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    cache = runtime or os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.path.join(cache, "dl")


def socket_name() -> str:
    """Returns the name of the socket of this version, interpreter and machine."""
    told = (__version__, __file__, sys.executable, sys.version, os.uname().nodename)
    return f"warm-{zlib.crc32(repr(told).encode(errors='surrogateescape')):08x}"


def open_folder(*, make: bool = False) -> int:
    """Returns a descriptor of the folder of the sockets, which `make` makes.

    Raises:
        OSError: There is none, or others than this user may do something there.
    """
    if make:
        os.makedirs(folder(), mode=0o700, exist_ok=True)
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    handle = os.open(folder(), flags)
    found = os.fstat(handle)
    if found.st_uid == os.geteuid() and stat.S_IMODE(found.st_mode) == 0o700:
        return handle
    os.close(handle)
    raise PermissionError(errno.EPERM, "is not for this user alone (mode 0700)", folder())


def short_path(handle: int, name: str) -> str:
    """Returns a path in an open folder: that of a socket may have 107 bytes."""
    return f"/proc/self/fd/{handle}/{name}"


def surroundings() -> dict[str, object]:
    """Returns what must be the same for a copy of the warm process to do a command, by name."""
    environment = dict(os.environ)
    settle(environment)
    options = [getattr(sys.flags, name) for name in _OPTIONS]
    return {
        **{
            f"the variable {name}": value
            for name, value in environment.items()
            if name.startswith(_READ_AT_IMPORT)
        },
        "Python's options": (options, sys.warnoptions, sorted(map(str, sys._xoptions.items()))),
        "the user or a group": (os.getresuid(), os.getresgid(), sorted(os.getgroups())),
        "the processors that may be used": sorted(os.sched_getaffinity(0)),
        **confines("self"),
    }


def confines(process: int | str) -> dict[str, object]:
    """Returns those of the surroundings that the system tells of any process of the user.

    A command that is confined says of itself what it likes.

    Raises:
        OSError: There is no such process, or it is another user's.
    """
    root = os.stat(f"/proc/{process}/root/")
    with open(f"/proc/{process}/status", encoding="utf-8", errors="replace") as lines:
        rights = [line.split() for line in lines if line.startswith(_RIGHTS)]
    return {
        "the container": (
            [root.st_dev, root.st_ino],
            [os.readlink(f"/proc/{process}/ns/{name}") for name in _NAMESPACES],
        ),
        "the control group": _control_group(process),
        "what a process may do": rights,
    }


def difference(ours: dict[str, object], theirs: dict[str, object]) -> str:
    """Returns the name of the first thing that differs; empty if nothing does."""
    names = sorted({*ours, *theirs}, key=lambda name: (not name.startswith("the variable"), name))
    return next((name for name in names if ours.get(name) != theirs.get(name)), "")


def _control_group(process: int | str) -> list[str]:
    """Returns the groups of a process, without what each terminal has of its own."""
    try:
        with open(f"/proc/{process}/cgroup", encoding="utf-8", errors="replace") as lines:
            return ["/".join(line.strip().split("/")[:3]) for line in lines]
    except OSError:
        return []
