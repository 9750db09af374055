"""Keeps a library from importing others that it takes along only because they are installed."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager


class _Hider:
    """Comes before the import system's own finders, and denies that some packages exist."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = frozenset(names)
        self._thread = threading.get_ident()

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        """Raises for a hidden package; leaves all others to the finders that follow."""
        if name in self._names and threading.get_ident() == self._thread:
            raise ModuleNotFoundError(f"{name} is hidden", name=name)


@contextmanager
def hidden(names: Sequence[str]) -> Iterator[None]:
    """Makes imports of these packages in this thread fail inside, as if they were not installed.

    A package that is imported already stays as it is.
    """
    hider = _Hider(names)
    sys.meta_path.insert(0, hider)
    try:
        yield
    finally:
        sys.meta_path.remove(hider)
