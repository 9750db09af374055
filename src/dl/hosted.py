"""How work is done in a process that is not `dl`'s own: a notebook, a script, a test.

It is done in a thread of its own, for which the caller waits. Keras keeps much of its state by
thread, so a training finds none of the caller's and leaves none; and Ctrl-C, which Python raises in
the main thread, asks the training to stop instead of tearing it apart.
"""

from __future__ import annotations

import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import TypeVar

from dl.app.training import Caller
from dl.errors import DlError, Interrupted, error_text
from dl.imports import check_keras, in_thread, quiet_warnings
from dl.progress import Advance, PlainReporter, SilentReporter
from dl.vocabulary.labels import metric_label

T = TypeVar("T")


class _Reporter(PlainReporter):
    """Tells on stderr what happens, unless it is quiet, and ends what is to be stopped.

    A training is not ended here: it looks itself whether it is to stop, between two batches.
    """

    def __init__(self, *, quiet: bool) -> None:
        super().__init__(sys.stderr, metric_label)
        self.stopping = threading.Event()
        self._quiet = quiet
        self._is_training = False

    @contextmanager
    def stage(self, title: str, total: int | None = None) -> Iterator[Advance]:
        self._check()
        with super().stage(title, total):
            yield lambda done: self._check()

    def note(self, text: str) -> None:
        if not self._quiet:
            super().note(text)

    def fit_begin(self, epochs: int, steps: int) -> None:
        self._is_training = True
        super().fit_begin(epochs, steps)

    def stop_signal(self) -> int | None:
        """Returns the number of the signal that Ctrl-C stands for, once that has come."""
        return signal.SIGINT if self.stopping.is_set() else None

    def _check(self) -> None:
        if self.stopping.is_set() and not self._is_training:
            raise Interrupted("interrupted", signal_number=signal.SIGINT)


def hosted(work: Callable[[SilentReporter, Caller], T], call: str, *, quiet: bool) -> T:
    """Has a training, or many, done for a caller, whose Ctrl-C asks them to stop.

    Args:
        work: Trains.
        call: How it was called, for the record of the run.
        quiet: Whether to tell nothing on stderr.
    """
    reporter = _Reporter(quiet=quiet)
    caller = Caller(reporter, (call,), lambda: nullcontext(reporter.stop_signal))
    return _waited_for(lambda: work(reporter, caller), reporter)


def computed(work: Callable[[SilentReporter], T]) -> T:
    """Has work done that trains nothing."""
    reporter = _Reporter(quiet=True)
    return _waited_for(lambda: work(reporter), reporter)


def _waited_for(work: Callable[[], T], reporter: _Reporter) -> T:
    """Has work done in a thread and returns what it returns; tells its warnings as Python's.

    Raises:
        KeyboardInterrupt: Ctrl-C, once the work has ended; a second Ctrl-C does not wait.
    """

    def quietly() -> T:
        check_keras()
        with quiet_warnings():
            return work()

    future = in_thread(quietly, "dl")
    try:
        return noted(future.result)
    except KeyboardInterrupt:
        reporter.stopping.set()
        error = future.exception()
        if error is None or not isinstance(error, Interrupted):
            raise
        hint = error.problems[0].hint
        raise KeyboardInterrupt(f"{error}; {hint}" if hint else str(error)) from None
    finally:
        for text in dict.fromkeys(reporter.warnings):
            warnings.warn(text, stacklevel=4)


def noted(work: Callable[[], T]) -> T:
    """Returns what work returns; an error of `dl` gets its whole text, which Python prints."""
    try:
        return work()
    except DlError as error:
        if not getattr(error, "__notes__", None):
            error.add_note(error_text(error))
        raise
