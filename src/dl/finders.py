"""Has modules imported in another way: not at all, later, or with something changed in them.

Finders that come before the import system's own find them. `dl list` loads none of this.
"""

from __future__ import annotations

import functools
import importlib
import os
import sys
import threading
import typing
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from importlib.abc import Loader
else:  # takes 5 ms, and a loader is whatever has its methods
    Loader = object

Around = Callable[[], AbstractContextManager[None]]


class _Hider:
    """Comes before the import system's own finders, and denies that some packages exist."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = frozenset(names)
        self._thread = threading.get_ident()

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        """Raises for a hidden package; leaves all others to the finders that follow."""
        if name in self._names and threading.get_ident() == self._thread:
            raise ModuleNotFoundError(f"{name} is hidden", name=name)


class _Finder:
    """Comes before the import system's own finders, and has some modules run in another way."""

    def __init__(self, wanted: Callable[[str], bool], changed: Callable[[Loader], Loader]) -> None:
        self._wanted = wanted
        self._changed = changed

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Finds a module that is wanted; leaves all others to the finders that follow."""
        spec = PathFinder.find_spec(name, path, target) if self._wanted(name) else None
        if spec is not None and spec.loader is not None:
            spec.loader = self._changed(spec.loader)
        return spec


@contextmanager
def _asked_first(finder: _Hider | _Finder) -> Iterator[None]:
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


def hidden(names: Sequence[str]) -> AbstractContextManager[None]:
    """Makes imports of these packages in this thread fail inside, as if they were not installed.

    A package that is imported already stays as it is.
    """
    return _asked_first(_Hider(names))


class _PutOff(ModuleType):
    """A module that runs when one of its names is asked for; to look at what it is runs nothing."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name != "__version__":
            raise AttributeError(name)
        self._run()
        try:
            return self.__dict__[name]
        except KeyError:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}") from None

    def __dir__(self) -> Iterable[str]:
        self._run()
        return super().__dir__()

    def _run(self) -> None:
        loader = self.__spec__ and self.__spec__.loader
        if isinstance(loader, _PuttingOff):
            loader.run(self)


class _PuttingOff(Loader):
    """Makes a module at its import, and runs it later."""

    def __init__(self, loader: Loader, around: Around) -> None:
        self._loader: Loader | None = loader
        self._around = around
        self._lock = threading.RLock()

    @property
    def has_run(self) -> bool:
        """Tells whether the module has been asked for one of its names."""
        return self._loader is None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Makes the module, empty."""
        return _PutOff(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Does nothing yet."""

    def run(self, module: ModuleType) -> None:
        """Runs the module if it has not begun to; another thread waits until it has run."""
        with self._lock:
            loader, self._loader = self._loader, None
            if loader is None:
                return
            if sys.modules.get(module.__name__) is not module:  # it was lent
                vars(module).update(vars(importlib.import_module(module.__name__)))
                return
            with self._around():
                loader.exec_module(module)


def deferred(names: Sequence[str], around: Around = nullcontext) -> AbstractContextManager[None]:
    """Has modules imported at their first use.

    For those that only gather names: what a module does beside would come late.

    Args:
        names: The modules; a name that ends with a dot stands for all below it.
        around: Makes what surrounds each import that comes late, as all of them are surrounded
            that come at once.
    """
    below = tuple(name for name in names if name.endswith("."))

    def wanted(name: str) -> bool:
        return name in names or name.startswith(below)

    return _asked_first(_Finder(wanted, lambda loader: _PuttingOff(loader, around)))


@contextmanager
def lent(names: Sequence[str]) -> Iterator[None]:
    """Has packages stand empty for whoever imports them inside, until they are used.

    Whoever imports them afterwards gets them as they come: an empty package is no good to a module
    below it that is imported first, and looks at what the package has taken from it.
    """
    with deferred(names):
        yield
    for name in names:
        spec = getattr(sys.modules.get(name), "__spec__", None)
        if isinstance(loader := spec and spec.loader, _PuttingOff) and not loader.has_run:
            del sys.modules[name]


class _Blind(Loader):
    """Runs a module that logs its errors only, and to which one file seems not to be there."""

    def __init__(self, loader: Loader, file: str) -> None:
        self._loader = loader
        self._file = file

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Leaves that to the loader."""
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        """Runs the module. Other threads never ask for that very path."""
        import logging  # takes 3 ms, and `dl list` has no picture to draw

        logging.getLogger(module.__name__).setLevel(logging.ERROR)
        exists = os.path.exists
        os.path.exists = lambda path: path != self._file and exists(path)
        try:
            self._loader.exec_module(module)
        finally:
            os.path.exists = exists


def import_blind(name: str, file: str) -> None:
    """Has a module, when it is imported, log its errors only, and not find a file of settings."""
    blinder = _Finder(lambda imported: imported == name, lambda loader: _Blind(loader, file))
    sys.meta_path.insert(0, blinder)


class _Patched(Loader):
    """Runs a module, and then gives one of its names another value."""

    def __init__(self, loader: Loader, name: str, value: object) -> None:
        self._loader = loader
        self._name = name
        self._value = value

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Leaves that to the loader."""
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        """Runs the module. A name that it does not have, in another version, stays away."""
        self._loader.exec_module(module)
        if hasattr(module, self._name):
            setattr(module, self._name, self._value)


def patched(module: str, name: str, value: object) -> AbstractContextManager[None]:
    """Has a module that is imported inside have another value by a name."""
    return _asked_first(
        _Finder(lambda wanted: wanted == module, lambda loader: _Patched(loader, name, value))
    )


@contextmanager
def compiled_once() -> Iterator[None]:
    """Compiles each text that stands for a type once; TensorFlow repeats some 15,000 times."""
    vars(typing)["compile"] = functools.cache(compile)  # found before the built-in function
    try:
        yield
    finally:
        del vars(typing)["compile"]
