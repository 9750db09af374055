"""What campaigns share: commands of `dl` in this process, the rules of all commands, the figure."""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import re
import signal
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TypeVar

from dl.cli.main import run
from dl.errors import ExitCode

LONGEST = 5.0
"""Seconds of the processor that a command may take."""
_WAITING = 60
"""Seconds after which a command waits for ever, whatever else the machine does meanwhile."""
_STOPPED = -1
_PAUSE = 10.0
"""Seconds between two lines of progress."""
T = TypeVar("T")
os.environ["DL_WARM"] = "0"  # what is disturbed is what is started here
_TRACE = re.compile(r"its trace was saved in (\S+)")


class TooLong(BaseException):
    """A command did not end; no `except Exception` catches it."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command left: exit code, both streams, and seconds of the processor."""

    code: int
    out: str
    err: str
    seconds: float

    @property
    def broken(self) -> str | None:
        """Which rule of all commands was broken: no exit 1, no traceback, no hang."""
        trace = _TRACE.search(self.err)
        if trace:
            return Path(trace[1]).read_text(encoding="utf-8")
        if self.seconds >= LONGEST or self.code == _STOPPED:
            return f"took {self.seconds:.1f} s of the processor, or did not end"
        if "Traceback" in self.err or self.code not in set(ExitCode) - {ExitCode.BUG}:
            return f"exit code {self.code}: {self.err}"
        return None


def dl(*arguments: object, waiting: int = _WAITING) -> Outcome:
    """Runs a command; one that does not end within the seconds of `waiting` is stopped."""
    out, err = _stream("strict"), _stream("backslashreplace")
    started = time.process_time()
    code = _STOPPED
    with (
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        contextlib.suppress(TooLong),
        _limited(waiting),
    ):
        code = run([str(argument) for argument in arguments])
    return Outcome(code, _text(out), _text(err), time.process_time() - started)


def _stream(errors: str) -> io.TextIOWrapper:
    """Returns a stream as that of a process is: bytes below, and as strict."""
    return io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors=errors)


def _text(stream: io.TextIOWrapper) -> str:
    stream.seek(0)
    return stream.read()


@contextlib.contextmanager
def _limited(seconds: int) -> Iterator[None]:
    """Stops what takes longer; the time in which this process itself is stopped counts as one."""
    left = iter(range(seconds))

    def tick(number: int, frame: FrameType | None) -> None:
        if next(left, None) is None:
            raise TooLong

    before = signal.signal(signal.SIGALRM, tick)
    signal.setitimer(signal.ITIMER_REAL, 1, 1)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def options(about: str | None, size: int) -> argparse.Namespace:
    """Returns the options of a campaign: `seed` and `size`, whose default is the whole size."""
    parser = argparse.ArgumentParser(description=(about or "").splitlines()[0])
    parser.add_argument("--seed", type=int, default=0, help="Fixes every choice. Default: 0.")
    parser.add_argument("--size", type=int, default=size, help=f"Cases. Default: {size}.")
    return parser.parse_args()


def with_progress(cases: Sequence[T]) -> Iterator[T]:
    """Yields each case, and says on stderr from time to time how many are done."""
    started = told = time.monotonic()
    for done, case in enumerate(cases):
        if time.monotonic() - told >= _PAUSE:
            told = time.monotonic()
            left = (told - started) / done * (len(cases) - done)
            print(f"{done} of {len(cases)}, {left / 60:.0f} min left", file=sys.stderr, flush=True)
        yield case


def report(figure: str, failures: Iterable[str]) -> None:
    """Prints the figure and ends the process: with 1 if something broke, told on stderr."""
    told = list(failures)
    for failure in told[:20]:
        print(failure, file=sys.stderr)
    print(f"{figure}: {len(told)} failures")
    sys.exit(1 if told else 0)
