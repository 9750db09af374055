"""Processes that a command starts to do a part of its work: anew, or as copies where it is warm.

A copy needs no import. It is made only as long as the command has no thread beside those that it
began with: TensorFlow's would be missing in it.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib import import_module
from typing import IO, NoReturn

from dl.system import STOPPING
from dl.variables import environment_of_child

Spare = Callable[[str, Sequence[str], dict[int, int], bool], int]
"""Begins such a process, with module, arguments, streams, session; returns its number."""
_first_threads: list[int] = []
"""How many threads this process began with; empty where it is no copy itself."""

_spares: list[Spare] = []
"""The process that was made for a part before this one had threads, if there is one."""


def copy_from_now_on() -> None:
    """Has the processes that this one starts be copies of it."""
    _first_threads.append(_threads())


def keep_spare(spare: Spare) -> None:
    """Has the next part that suits be done by a process that is there."""
    _spares.append(spare)


def has_spare() -> bool:
    """Tells whether there is such a process."""
    return bool(_spares)


def start(
    module: str,
    arguments: Sequence[str] = (),
    *,
    keep: Sequence[int] = (),
    piped: bool = False,
    session: bool = False,
) -> subprocess.Popen[bytes] | Copy:
    """Starts a module's `main` in a process of its own, with nothing for stdout.

    Args:
        module: The module, which calls `main` where it is run.
        arguments: Its command line.
        keep: Descriptors that stay open in it.
        piped: Whether its stdin and stderr are pipes; else it has no stdin, and this stderr.
        session: Whether it has a session of its own, so that Ctrl-C is not for it.
    """
    if _spares and piped and not keep:
        with suppress(OSError):  # it was killed
            return Copy(module, arguments, keep, piped=piped, session=session, spare=_spares.pop())
    if _first_threads and _threads() == _first_threads[-1]:
        return Copy(module, arguments, keep, piped=piped, session=session)
    return subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        stdin=subprocess.PIPE if piped else subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE if piped else None,
        pass_fds=keep,
        start_new_session=session,
        env=environment_of_child(),
    )


def _threads() -> int:
    return len(os.listdir("/proc/self/task"))


class Copy:
    """A copy of this process at work, as `subprocess` would have it."""

    def __init__(
        self,
        module: str,
        arguments: Sequence[str],
        keep: Sequence[int],
        *,
        piped: bool,
        session: bool,
        spare: Spare | None = None,
    ) -> None:
        self.returncode: int | None = None
        self.stdin: IO[bytes] | None = None
        self._stderr: IO[bytes] | None = None
        streams = {0: os.open(os.devnull, os.O_RDWR), 1: os.open(os.devnull, os.O_RDWR)}
        if piped:
            os.close(streams[0])
            streams[0], into = os.pipe()
            out, streams[2] = os.pipe()
            self.stdin, self._stderr = os.fdopen(into, "wb"), os.fdopen(out, "rb")
        try:
            self.pid = spare(module, arguments, streams, session) if spare else os.fork()
            if self.pid == 0:
                work(module, arguments, streams, keep, session=session)
        except OSError:
            for stream in filter(None, (self.stdin, self._stderr)):
                stream.close()
            raise
        finally:
            for handle in streams.values():
                os.close(handle)
        self._watched = os.pidfd_open(self.pid)

    def communicate(self) -> tuple[None, bytes]:
        """Closes its stdin and waits for its end; returns what it wrote to stderr."""
        written = b""
        if self.stdin is not None:
            with suppress(BrokenPipeError):
                self.stdin.close()
        if self._stderr is not None and not self._stderr.closed:
            written = self._stderr.read()
            self._stderr.close()
        self.wait()
        return None, written

    def wait(self, timeout: float | None = None) -> int:
        """Waits for its end; raises `subprocess.TimeoutExpired`."""
        if self.returncode is None:
            if not select.select([self._watched], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
            _, status = os.waitpid(self.pid, 0)
            self.returncode = os.waitstatus_to_exitcode(status)
            os.close(self._watched)
        return self.returncode

    def kill(self) -> None:
        """Ends it at once."""
        if self.returncode is None:
            os.kill(self.pid, signal.SIGKILL)


def work(
    module: str,
    arguments: Sequence[str],
    streams: dict[int, int],
    keep: Sequence[int],
    *,
    session: bool,
) -> NoReturn:
    """Is the copy: runs the `main` of a module and ends."""
    code = 1
    try:
        _first_threads.clear()
        if session:
            os.setsid()
        for number in STOPPING:
            if signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, signal.SIG_DFL)
        for number, handle in streams.items():
            os.dup2(handle, number)
        begin = 3
        for handle in sorted(keep):
            os.closerange(begin, handle)
            begin = handle + 1
        os.closerange(begin, 1 << 16)
        sys.stdin = os.fdopen(0, closefd=False)
        sys.stdout = os.fdopen(1, "w", closefd=False)
        sys.stderr = os.fdopen(2, "w", buffering=1, closefd=False)
        sys.argv = [module, *arguments]
        import_module(module).main()
        code = 0
    except SystemExit as error:
        if isinstance(error.code, str):
            print(error.code, file=sys.stderr)
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        with suppress(OSError):
            sys.stderr.flush()
        os._exit(code)
