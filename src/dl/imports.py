"""Loads large libraries: in a thread, without what they take along unused, and in silence.

Most of the standard library is imported where it is used: `dl list` loads this module, too.
"""

from __future__ import annotations

import functools
import gc
import importlib
import os
import sys
import threading
import typing
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import IO, TYPE_CHECKING, Any, TypeVar

from dl.errors import UsageError

if TYPE_CHECKING:
    import logging
    from concurrent.futures import Future
    from importlib.abc import Loader
else:  # takes 5 ms, and a loader is whatever has its methods
    Loader = object

_KERAS_AS_IT_COMES = {
    "backend": "tensorflow",
    "floatx": "float32",
    "epsilon": 1e-7,
    "image_data_format": "channels_last",
}

T = TypeVar("T")
_STDERR = 2
_IMPORT = "import "

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
        sys.modules.pop(name, None)


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


@contextmanager
def uncollected() -> Iterator[None]:
    """Looks for no garbage inside, and never again among the objects that were made inside.

    An import makes hundreds of thousands of objects that stay; to look through them over and over
    takes a tenth of its time.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if enabled:
            gc.enable()


def in_thread(work: Callable[[], T], name: str) -> Future[T]:
    """Has work done in a thread; not a daemon: one cut off in native code takes the process down.

    The future is waited for: `Thread.join` takes a thread for ended when a signal comes meanwhile
    (bpo-45274).
    """
    from concurrent.futures import Future  # takes 4 ms, of which only a training has any use

    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=run, name=name).start()
    return future


@contextmanager
def importing(name: str) -> Iterator[Callable[[], Any]]:
    """Imports a module in a thread; gives what waits for it and returns it, or raises its error.

    The import is waited for at the end, also after an error: it redirects stderr. But not after a
    Ctrl-C, with which the process ends: see `is_importing`.
    """
    future = in_thread(lambda: importlib.import_module(name), f"{_IMPORT}{name}")
    waits = True
    try:
        yield future.result
    except KeyboardInterrupt:
        waits = False
        raise
    finally:
        if waits:
            future.exception()


def is_importing() -> bool:
    """Tells whether a thread of `importing` is at work still."""
    return any(thread.name.startswith(_IMPORT) for thread in threading.enumerate())


class _Shared:
    """A change of the process that all threads share: the first block begins it, the last ends it.

    A block inside of a block of the same thread does nothing.
    """

    def __init__(self, change: Callable[[], AbstractContextManager[None]]) -> None:
        self._change = change
        self._current: AbstractContextManager[None] = nullcontext()
        self._lock = threading.Lock()
        self._threads: set[int] = set()
        self._error: BaseException | None = None

    @contextmanager
    def block(self) -> Iterator[None]:
        """Has the change in force inside; it gets to know an error that leaves any block."""
        thread = threading.get_ident()
        if thread in self._threads:
            yield
            return
        with self._lock:
            if not self._threads:
                self._current = self._change()
                self._current.__enter__()
            self._threads.add(thread)
        try:
            yield
        except BaseException as error:
            self._error = error
            raise
        finally:
            with self._lock:
                self._threads.remove(thread)
                if not self._threads:
                    left, self._error = self._error, None
                    self._current.__exit__(type(left) if left else None, left, None)


def quiet_stderr() -> AbstractContextManager[None]:
    """Swallows all that is written to file descriptor 2 inside; replays it if the block raises.

    TensorFlow's native code logs to the descriptor before any log level is in force, so that
    replacing `sys.stderr` or setting TF_CPP_MIN_LOG_LEVEL does not help.
    """
    return _SILENCE.block()


def quiet_warnings() -> AbstractContextManager[None]:
    """Hides what Keras and TensorFlow warn of inside, and what any library tells its developers."""
    return _WARNINGS.block()


@contextmanager
def _stderr_turned_away() -> Iterator[None]:
    try:
        stderr = os.dup(_STDERR)
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
            os.dup2(stderr, _STDERR)
            os.close(stderr)
            if failed:
                swallowed.seek(0)
                with suppress(OSError):
                    os.write(_STDERR, swallowed.read())


def _flush() -> None:
    with suppress(AttributeError, OSError, ValueError):
        sys.stderr.flush()


def _nameless() -> IO[bytes]:
    """Returns a file without a name: in memory, where the system can, which needs no folder."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("stderr"), "w+b")
    import tempfile

    return tempfile.TemporaryFile()


@contextmanager
def _warnings_hidden() -> Iterator[None]:
    import logging

    def is_error(record: logging.LogRecord) -> bool:
        # A filter, not a level: TensorFlow sets its level when it is loaded, which may be inside.
        return record.levelno >= logging.ERROR

    loggers = [logging.getLogger(name) for name in ("absl", "tensorflow")]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.filterwarnings("ignore", module=r"keras\.src")
        for logger in loggers:
            logger.addFilter(is_error)
        try:
            yield
        finally:
            for logger in loggers:
                logger.removeFilter(is_error)


_SILENCE = _Shared(_stderr_turned_away)
_WARNINGS = _Shared(_warnings_hidden)


def check_keras() -> None:
    """Refuses to work with a Keras that the host, who has loaded it, has set to other numbers.

    Raises:
        UsageError: With it, a training would have other results than anywhere else.
    """
    keras, tensorflow = sys.modules.get("keras"), sys.modules.get("tensorflow")
    config = getattr(keras, "config", None)
    if config is None or tensorflow is None:
        return
    for name, value in _KERAS_AS_IT_COMES.items():
        found = getattr(config, name)()
        if found != value:
            raise UsageError(
                f"Keras' {name} is {found} in this process",
                expected=str(value),
                hint="set KERAS_BACKEND=tensorflow before Keras is imported"
                if name == "backend"
                else f"keras.config.set_{name}({value!r})",
            )
    if tensorflow.config.functions_run_eagerly():
        raise UsageError(
            "TensorFlow runs functions eagerly in this process",
            hint="tf.config.run_functions_eagerly(False)",
        )
