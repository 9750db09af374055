"""The process of a command: its standard streams, what is told on stderr, and signals to stop.

SIGINT, SIGTERM and SIGHUP ask a command to stop. Everywhere the first one ends it with its exit
code; a training finishes its batch before and keeps what it has. A second one ends at once.

A signal never raises inside an import: the lock of a half-imported module would stay held, and a
thread that wants the module would wait for ever. Until this module is there, signals are not
answered; so it imports little.
"""

from __future__ import annotations

import codecs
import io
import os
import signal
import stat
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from types import FrameType
from typing import TYPE_CHECKING, NoReturn, TextIO

from dl.system import ALARM, STOPPING, set_alarm
from dl.text import printable

if TYPE_CHECKING:
    from dl.errors import DiskError
    from dl.progress import Reporter, SilentReporter

_STREAMS = (("stdin", "r"), ("stdout", "w"), ("stderr", "w"))
_PLAIN = {"·": "-", "→": "->", "…": "~", "≈": "~", "✓": "+", "✗": "x", "●": "O", "²": "2"}
_PLAIN |= {"\N{EN DASH}": "-", "\N{NO-BREAK SPACE}": " ", "≥": ">=", "≤": "<=", "≠": "!="}
"""What is written for a sign that a stream has not; any other becomes an escape."""


def _plainly(error: UnicodeError) -> tuple[str, int]:
    """Replaces what a stream cannot encode, for streams that know no Unicode."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    missing = error.object[error.start : error.end]
    return "".join(_PLAIN.get(c) or ascii(c)[1:-1] for c in missing), error.end


codecs.register_error("dl_plainly", _plainly)


class _Unfailing(io.TextIOWrapper):
    """Throws away what cannot be written: a full disk, or a reader that has gone or is slow."""

    def write(self, text: str, /) -> int:
        """Writes the text, if that can be done."""
        with suppress(OSError):
            super().write(text)
        return len(text)

    def flush(self) -> None:
        """Writes what is left, if that can be done."""
        with suppress(OSError):
            super().flush()

    def close(self) -> None:
        """Writes what is left, if that can be done, and closes the stream."""
        with suppress(OSError):
            super().close()


def open_streams() -> None:
    """Opens streams that the caller has closed, on the null device, and makes stderr unfailing.

    Otherwise the next file that is opened would get the number of a stream, and libraries would
    write their messages into it.
    """
    for number, (name, mode) in enumerate(_STREAMS):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest free number, which is this one
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, mode, encoding="utf-8", closefd=False))
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.encoding.lower() != "utf-8":
        sys.stdout.reconfigure(errors="dl_plainly")
    sys.stderr = unfailing(2, sys.stderr.encoding)


def unfailing(number: int, encoding: str) -> TextIO:
    """Returns a stream for messages on an open descriptor, whose writing never fails.

    What a work tells while it goes on is worth less than the work.
    """
    raw = io.FileIO(number, "w", closefd=number > 2)
    return _Unfailing(io.BufferedWriter(raw), encoding, errors="dl_plainly", line_buffering=True)


def flush_stdout() -> DiskError | None:
    """Writes what is left for stdout; returns why that failed, unless its reader has gone.

    What could not be written is thrown away, or Python would try again when it ends, and complain.
    """
    from dl.errors import DiskError

    failure = None
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        pass
    except OSError as error:
        failure = DiskError(f"writing to stdout failed: {error.strerror}")
    else:
        return None
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return failure


@contextmanager
def open_reporter(*, quiet: bool, rows: bool = False) -> Iterator[Reporter]:
    """Gives the reporter that fits stderr, and shows the collected warnings at the end.

    Args:
        quiet: Whether it shows nothing else.
        rows: Whether rows go to stdout meanwhile, perhaps to the same terminal.
    """
    from dl.cli.colours import coloured

    reporter = _reporter(quiet, rows)
    try:
        yield reporter
    finally:
        reporter.fit_end()
        for text in dict.fromkeys(reporter.warnings):
            print(coloured(printable(f"warning: {text}"), sys.stderr), file=sys.stderr)


def _reporter(quiet: bool, rows: bool) -> SilentReporter:
    from dl.progress import PlainReporter, SilentReporter

    if quiet:
        return SilentReporter()
    if is_live_terminal() and (not rows or stat.S_ISREG(os.fstat(sys.stdout.fileno()).st_mode)):
        from dl.cli.live import LiveReporter

        return LiveReporter(stderr_of_its_own())
    return PlainReporter(stderr_of_its_own(), _metric_label)


def _metric_label(name: str) -> str:
    from dl.vocabulary.labels import metric_label  # where something is trained, it is there

    return metric_label(name)


def stderr_of_its_own() -> TextIO:
    """Returns stderr by a descriptor of its own: 2 is silenced while TensorFlow is imported."""
    try:
        number = sys.stderr.fileno()
    except (OSError, ValueError):  # replaced by something that is not a file
        return sys.stderr
    return unfailing(os.dup(number), sys.stderr.encoding)


def is_live_terminal() -> bool:
    """Tells whether stderr can redraw lines: a live display fits, else plain lines."""
    return sys.stderr.isatty() and os.environ.get("TERM", "dumb") != "dumb"


_AGAIN = 0.02
"""Seconds after which a signal that came during an import is looked at again."""
_LONGEST = 5.0
"""Seconds that a stopped command may take: for the import that it is in, and to clean up."""
_LONGEST_IMPORT = 0.3
"""Seconds of these for the import: it is of a large library, and nothing is written meanwhile."""
_END = b"interrupted\n"
_SHOW_CURSOR = b"\x1b[?25h"

Handler = Callable[[int, FrameType | None], None]


class Stopped(KeyboardInterrupt):
    """A signal ended a command that has nothing to keep.

    Attributes:
        number: The signal's.
        end: Ends the process at once.
    """

    def __init__(self, number: int, end: Callable[[], object] = lambda: None) -> None:
        super().__init__()
        self.number = number
        self.end = end


class StopRequest:
    """Remembers the first signal; call it for its number, or None.

    `on_first_call` is called once, before the first answer.
    """

    def __init__(self, on_first_call: Callable[[], object] | None = None) -> None:
        self._number: int | None = None
        self._on_first_call = on_first_call

    def __call__(self) -> int | None:
        if self._on_first_call is not None:
            begin, self._on_first_call = self._on_first_call, None
            begin()
        return self._number

    def receive(self, number: int, frame: FrameType | None) -> None:
        """Takes a signal; the second one ends the process with its exit code."""
        if self._number is not None:
            os._exit(128 + number)
        self._number = number


@contextmanager
def stop_requests(*, once_asked: bool = False) -> Iterator[StopRequest]:
    """Turns SIGINT, SIGTERM and SIGHUP into a `StopRequest` inside the block.

    Args:
        once_asked: Whether only from the first look at it on: before, there is nothing to keep,
            and a signal ends the command at once.
    """
    with ExitStack() as stack:
        request = StopRequest(lambda: stack.enter_context(_handled_by(request.receive)))
        if not once_asked:
            request()
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
        late = ALARM is None or left <= _LONGEST - _LONGEST_IMPORT
        if self._raised or left <= 0 or (importing and late):
            _end(stopped, self._stderr)
        if importing:
            set_alarm(_AGAIN)
            return
        self._raised = True
        set_alarm(max(left, _AGAIN))
        raise Stopped(stopped, lambda: _end(stopped, self._stderr))

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
