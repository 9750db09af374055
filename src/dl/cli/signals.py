"""Signals that ask a command to stop: SIGINT, SIGTERM and SIGHUP.

Everywhere the first one ends the command with its exit code; a training finishes its batch before
and keeps what it has. A second one ends at once.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

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
    request = StopRequest()

    def stop(number: int, frame: FrameType | None) -> None:
        request.receive(number, frame)
        raise Stopped(number)

    with _handled_by(stop):
        yield


@contextmanager
def _handled_by(handler: Handler) -> Iterator[None]:
    """Sets the handler inside the block; a signal that the caller ignores (nohup) stays ignored."""
    wanted = [number for number in STOPPING if signal.getsignal(number) != signal.SIG_IGN]
    before = [(number, signal.signal(number, handler)) for number in wanted]
    try:
        yield
    finally:
        for number, earlier in before:
            signal.signal(number, signal.SIG_DFL if earlier is None else earlier)
