"""The standard streams of a command, always open, and what is told on stderr while it works."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, TextIO

import click

from dl.errors import DiskError
from dl.text import printable

if TYPE_CHECKING:
    from dl.progress import Reporter, SilentReporter

_STREAMS = (("stdin", "r"), ("stdout", "w"), ("stderr", "w"))


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
    sys.stderr = unfailing(2, sys.stderr.encoding)


def unfailing(number: int, encoding: str) -> TextIO:
    """Returns a stream for messages on an open descriptor, whose writing never fails.

    What a work tells while it goes on is worth less than the work.
    """
    raw = io.FileIO(number, "w", closefd=number > 2)
    return _Unfailing(
        io.BufferedWriter(raw), encoding, errors="backslashreplace", line_buffering=True
    )


def flush_stdout() -> DiskError | None:
    """Writes what is left for stdout; returns why that failed, unless its reader has gone.

    What could not be written is thrown away, or Python would try again when it ends, and complain.
    """
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
def open_reporter(*, quiet: bool) -> Iterator[Reporter]:
    """Gives the reporter that fits stderr, and shows the collected warnings at the end."""
    reporter = _reporter(quiet)
    try:
        yield reporter
    finally:
        reporter.fit_end()
        for text in dict.fromkeys(reporter.warnings):
            click.echo(printable(f"warning: {text}"), err=True)


def _reporter(quiet: bool) -> SilentReporter:
    from dl.progress import PlainReporter, SilentReporter

    if quiet:
        return SilentReporter()
    if is_live_terminal():
        from dl.cli.live import LiveReporter

        return LiveReporter(stderr_of_its_own())
    return PlainReporter(stderr_of_its_own())


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
