"""Keeps what libraries write to the standard error stream away from the user."""

from __future__ import annotations

import logging
import os
import sys
import tempfile
import threading
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO

_STDERR = 2
_LOGGERS = ("absl", "tensorflow")


def _is_error(record: logging.LogRecord) -> bool:
    # A filter, not a level: TensorFlow sets its level when it is loaded, which may be inside.
    return record.levelno >= logging.ERROR


@contextmanager
def quiet_stderr() -> Iterator[None]:
    """Swallows all that is written to file descriptor 2 inside; replays it if the block raises.

    TensorFlow's native code logs to the descriptor before any log level is in force, so that
    replacing `sys.stderr` or setting TF_CPP_MIN_LOG_LEVEL does not help.
    """
    _SILENCE.begin()
    failed = True
    try:
        yield
        failed = False
    finally:
        _SILENCE.end(failed)


@contextmanager
def quiet_warnings() -> Iterator[None]:
    """Hides what Keras and TensorFlow warn of inside, and what any library tells its developers."""
    _WARNINGS.begin()
    try:
        yield
    finally:
        _WARNINGS.end()


class _Warnings:
    """One change of the filters for all blocks: they are the process's, but threads overlap."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._blocks = 0
        self._filters = warnings.catch_warnings()

    def begin(self) -> None:
        """Begins a block; the first one changes the filters."""
        with self._lock:
            self._blocks += 1
            if self._blocks == 1:
                self._filters = warnings.catch_warnings()
                self._filters.__enter__()
                warnings.simplefilter("ignore", DeprecationWarning)
                warnings.filterwarnings("ignore", module=r"keras\.src")
                for name in _LOGGERS:
                    logging.getLogger(name).addFilter(_is_error)

    def end(self) -> None:
        """Ends a block; the last one changes them back."""
        with self._lock:
            self._blocks -= 1
            if not self._blocks:
                self._filters.__exit__(None, None, None)
                for name in _LOGGERS:
                    logging.getLogger(name).removeFilter(_is_error)


class _Silence:
    """One silence for all blocks: the descriptor is the process's, but threads overlap.

    The first block that begins turns the descriptor away, the last one that ends turns it back.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._blocks: Counter[int] = Counter()
        self._stderr: int | None = None
        self._swallowed: IO[bytes] | None = None
        self._failed = False

    def begin(self) -> None:
        """Begins a block of this thread."""
        with self._lock:
            self._blocks[threading.get_ident()] += 1
            if self._blocks.total() > 1:
                return
            try:
                self._stderr = os.dup(_STDERR)
            except OSError:  # the process has no standard error stream: nothing to keep quiet
                return
            _flush()
            self._swallowed = _nameless()
            os.dup2(self._swallowed.fileno(), _STDERR)

    def end(self, failed: bool) -> None:
        """Ends a block of this thread; an error counts where it leaves the outermost one."""
        with self._lock:
            self._blocks[threading.get_ident()] -= 1
            self._failed |= failed and not self._blocks[threading.get_ident()]
            if not self._blocks.total():
                self._turn_back()

    def _turn_back(self) -> None:
        stderr, swallowed, failed = self._stderr, self._swallowed, self._failed
        self._stderr, self._swallowed, self._failed = None, None, False
        self._blocks.clear()
        if stderr is None or swallowed is None:
            return
        _flush()
        os.dup2(stderr, _STDERR)
        os.close(stderr)
        with swallowed:
            if failed:
                swallowed.seek(0)
                _write_all(swallowed.read())


_SILENCE = _Silence()
_WARNINGS = _Warnings()


def _nameless() -> IO[bytes]:
    """Returns a file without a name: in memory, where the system can, which needs no folder."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("stderr"), "w+b")
    return tempfile.TemporaryFile()


def _flush() -> None:
    with suppress(AttributeError, OSError, ValueError):
        sys.stderr.flush()


def _write_all(content: bytes) -> None:
    with suppress(OSError):
        os.write(_STDERR, content)
