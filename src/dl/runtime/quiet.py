"""Keeps what native libraries write to the standard error stream away from the user."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO

_STDERR = 2


@contextmanager
def quiet_stderr() -> Iterator[None]:
    """Swallows all that is written to file descriptor 2 inside; replays it if the block raises.

    TensorFlow's native code logs to the descriptor before any log level is in force, so that
    replacing `sys.stderr` or setting TF_CPP_MIN_LOG_LEVEL does not help.
    """
    try:
        saved = os.dup(_STDERR)
    except OSError:  # the process has no standard error stream: nothing to keep quiet
        yield
        return
    _flush()
    with _nameless() as swallowed:
        os.dup2(swallowed.fileno(), _STDERR)
        failed = True
        try:
            yield
            failed = False
        finally:
            _flush()
            os.dup2(saved, _STDERR)
            os.close(saved)
            if failed:
                swallowed.seek(0)
                _write_all(swallowed.read())


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
