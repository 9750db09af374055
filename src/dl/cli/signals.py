"""Signals that ask a training to stop: the first is a request, a second one ends at once."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


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
    before = {number: signal.signal(number, request.receive) for number in STOPPING}
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
