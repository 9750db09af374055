"""Keeps what native libraries write to the standard error stream away from the user."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from dl.runtime.quiet import quiet_stderr

__all__ = ["quiet_deprecations", "quiet_stderr"]


@contextmanager
def quiet_deprecations() -> Iterator[None]:
    """Hides the warnings that a library gives its own developers, as Keras does when it saves."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        yield
