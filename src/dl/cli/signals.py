"""Signals that ask a command to stop: SIGINT, SIGTERM and SIGHUP.

Everywhere the first one ends the command with its exit code; a training finishes its batch before
and keeps what it has. A second one ends at once.

A signal never raises inside an import: the lock of a half-imported module would stay held, and a
thread that wants the module would wait for ever.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from types import FrameType
from typing import NoReturn

from dl.system import ALARM, STOPPING, set_alarm

_AGAIN = 0.02
"""Seconds after which a signal that came during an import is looked at again."""
_LONGEST = 5.0
"""Seconds that a stopped command may take: for the import that it is in, and to clean up."""
_END = b"interrupted\n"
_SHOW_CURSOR = b"\x1b[?25h"

Handler = Callable[[int, FrameType | None], None]


class Stopped(KeyboardInterrupt):
    """A signal ended a command that has nothing to keep; `number` is the signal's."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


class StopRequest:
    """Remembers the first signal; call it for its number, or None."""

    def __init__(self) -> None:
        self._number: int | None = None

    def __call__(self) -> int | None:
        return self._number

    def receive(self, number: int, frame: FrameType | None) -> None:
        """Takes a signal; the second one ends the process with its exit code."""
        if self._number is not None:
            os._exit(128 + number)
        self._number = number


@contextmanager
def stop_requests() -> Iterator[StopRequest]:
    """Turns SIGINT, SIGTERM and SIGHUP into a `StopRequest` inside the block."""
    request = StopRequest()
    with _handled_by(request.receive):
        yield request


@contextmanager
def stopping_at_once() -> Iterator[None]:
    """Turns SIGINT, SIGTERM and SIGHUP into `Stopped`, raised in the main thread."""
    stopping, unraisable = _Stopping(), sys.unraisablehook
    sys.unraisablehook = stopping.lost
    try:
        with _handled_by(stopping.receive, STOPPING if ALARM is None else (*STOPPING, ALARM)):
            yield
    finally:
        set_alarm(0)
        sys.unraisablehook = unraisable
        stopping.close()


def end_at_once() -> None:
    """Lets SIGINT, SIGTERM and SIGHUP end this process, while it has no work."""

    def end(number: int, frame: FrameType | None) -> None:
        _end(number, 2)

    for number in STOPPING:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, end)


class _Stopping:
    """Raises `Stopped` once no import is running; ends the process if that takes too long."""

    def __init__(self) -> None:
        self._request = StopRequest()
        self._raised = False
        self._deadline = 0.0
        # Of its own: 2 is silenced while TensorFlow is imported.
        self._stderr = os.dup(2)

    def receive(self, number: int, frame: FrameType | None) -> None:
        """Takes a signal, or the alarm that comes after one."""
        if number != ALARM:
            self._request.receive(number, frame)
            self._deadline = time.monotonic() + _LONGEST
        stopped = self._request()
        if stopped is None:  # somebody else's alarm
            return
        left = self._deadline - time.monotonic()
        importing = _is_importing(frame)
        if self._raised or left <= 0 or (importing and ALARM is None):
            _end(stopped, self._stderr)
        if importing:
            set_alarm(_AGAIN)
            return
        self._raised = True
        set_alarm(max(left, _AGAIN))
        raise Stopped(stopped)

    def close(self) -> None:
        """Gives the descriptor back."""
        os.close(self._stderr)

    def lost(self, unraisable: sys.UnraisableHookArgs) -> None:
        """Raises again what Python threw away, since it came while an object was deleted."""
        if issubclass(unraisable.exc_type, Stopped):
            self._raised = False
            set_alarm(_AGAIN)
        else:
            sys.__unraisablehook__(unraisable)


def _end(number: int, stderr: int) -> NoReturn:
    with suppress(OSError):
        os.write(stderr, _SHOW_CURSOR + _END if os.isatty(stderr) else _END)
    os._exit(128 + number)


def _is_importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


@contextmanager
def _handled_by(handler: Handler, numbers: Sequence[int] = STOPPING) -> Iterator[None]:
    """Sets the handler inside the block; a signal that the caller ignores (nohup) stays ignored."""
    wanted = [number for number in numbers if signal.getsignal(number) != signal.SIG_IGN]
    before = [(number, signal.signal(number, handler)) for number in wanted]
    try:
        yield
    finally:
        for number, earlier in before:
            signal.signal(number, signal.SIG_DFL if earlier is None else earlier)
