"""What was traced of a model, kept with it: to trace again costs more than to run."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TypeVar
from weakref import WeakKeyDictionary

import keras

T = TypeVar("T")

_TRACED: WeakKeyDictionary[keras.Sequential, dict[Hashable, object]] = WeakKeyDictionary()


def traced(model: keras.Sequential, name: Hashable, make: Callable[[], T]) -> T:
    """Returns what `make` gave for this model and name the first time."""
    known = _TRACED.setdefault(model, {})
    if name not in known:
        known[name] = make()
    return known[name]  # type: ignore[return-value]


def forget(model: keras.Sequential) -> None:
    """Drops what was traced for a model; needed when it is compiled anew."""
    _TRACED.pop(model, None)
