"""What the user sees on stderr while a command works: live on a terminal, plain lines elsewhere."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

import click

from dl.cli.streams import unfailing
from dl.progress import Reporter, SilentReporter
from dl.text import printable


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
    if quiet:
        return SilentReporter()
    if is_live_terminal():
        from dl.cli.live import LiveReporter

        return LiveReporter(stderr_of_its_own())
    from dl.progress import PlainReporter

    return PlainReporter(stderr_of_its_own())


def stderr_of_its_own() -> TextIO:
    """Returns stderr by a descriptor of its own: 2 is silenced while TensorFlow is imported."""
    try:
        number = sys.stderr.fileno()
    except (OSError, ValueError):  # replaced by something that is not a file
        return sys.stderr
    return unfailing(os.dup(number), sys.stderr.encoding)


def is_live_terminal() -> bool:
    """Tells whether stderr can redraw lines."""
    return sys.stderr.isatty() and os.environ.get("TERM", "dumb") != "dumb"
