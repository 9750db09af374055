"""The process that copies a run or a sweep to MLflow: it looks into the directory every so often.

Run as a module, with the destination as its argument. The first line on stdin is the directory; at
the end of stdin everything is copied a last time. What could not be copied is said on stdout.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from dl.errors import first_line
from dl.system import lower_priority
from dl.tracking.copying import bring
from dl.tracking.destination import Destination
from dl.tracking.store import Store

_TICK = 2.0
"""Seconds between two looks."""
_PAUSE = 30.0
"""Seconds without a try after one that failed."""
_NICENESS = 10
"""The training goes first."""


class Follower:
    """Copies what is new, now and then; what a store makes of it never stops the training.

    Args:
        copy: Copies what is new, the last time with True; raises whatever stands in the way.
        clock: Gives the time in seconds.
    """

    def __init__(
        self, copy: Callable[[bool], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._copy = copy
        self._clock = clock
        self._not_before = 0.0

    def look(self) -> None:
        """Copies what is new; after a failure nothing is tried for a while."""
        if self._clock() >= self._not_before and self._failure(last=False) is not None:
            self._not_before = self._clock() + _PAUSE

    def finish(self) -> str | None:
        """Copies all that is left; returns why that failed, if it did."""
        return self._failure(last=True)

    def _failure(self, *, last: bool) -> str | None:
        try:
            self._copy(last)
        except Exception as error:  # a store can fail in any way, and none may matter
            return _reason(error)
        return None


def _reason(error: BaseException) -> str:
    """Words an error of a library in one line, by what caused it."""
    while (cause := error.__cause__ or error.__context__) is not None:
        error = cause
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return first_line(error)


def main(destination: str) -> None:
    """Copies the directory that stdin names until stdin ends."""
    lower_priority(_NICENESS)
    path = sys.stdin.readline().strip()
    if not path:  # the training failed before it had a directory
        return
    store = Store(Destination.of(destination))
    follower = Follower(lambda last: bring(store, Path(path), last=last))
    follower.look()
    ended = threading.Event()
    # A thread, since Windows cannot wait for a pipe; it ends with the process.
    threading.Thread(target=_wait_for_end, args=(ended,), daemon=True).start()
    while not ended.wait(_TICK):
        follower.look()
    failure = follower.finish()
    if failure is not None:
        print(failure)


def _wait_for_end(ended: threading.Event) -> None:
    sys.stdin.read()
    ended.set()


if __name__ == "__main__":
    main(sys.argv[1])
