"""Keeps a library from importing others that it takes along only because they are installed."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager


@contextmanager
def hidden(names: Sequence[str]) -> Iterator[None]:
    """Makes imports of these packages fail inside, as if they were not installed.

    A package that is imported already stays as it is.
    """
    absent = [name for name in names if name not in sys.modules]
    for name in absent:
        sys.modules[name] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]
