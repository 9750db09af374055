"""Loads large libraries: in a thread, without looking for garbage, and in silence.

Most of the standard library is imported where it is used: `dl list` loads this module, too.
"""

from __future__ import annotations

import gc
import importlib
import os
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from typing import IO, TYPE_CHECKING, Any, TypeVar

from dl.errors import UsageError

if TYPE_CHECKING:
    import logging
    from concurrent.futures import Future

_KERAS_AS_IT_COMES = {
    "backend": "tensorflow",
    "floatx": "float32",
    "epsilon": 1e-7,
    "image_data_format": "channels_last",
}

T = TypeVar("T")
_STDERR = 2
_IMPORT = "import "


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
