"""Imports the heavy half of `dl` in a thread, while this one reads a config and its data."""

from __future__ import annotations

import importlib
import threading
from types import ModuleType, TracebackType
from typing import Any, Self


class Importing:
    """A module on its way; as a context manager it is waited for at the end, also after an error.

    Nobody may leave before: the import redirects stderr, and a thread that is cut off in native
    code takes the process down.
    """

    def __init__(self, module: str) -> None:
        self._name = module
        self._module: ModuleType | None = None
        self._error: BaseException | None = None
        # Not `Thread.join`: one that a signal interrupts takes the thread for ended (bpo-45274).
        self._done = threading.Event()
        threading.Thread(target=self._import, name=f"import {module}").start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._done.wait()

    def module(self) -> Any:
        """Waits for the module and returns it; raises what its import raised."""
        self._done.wait()
        if self._error is not None:
            raise self._error
        return self._module

    def _import(self) -> None:
        try:
            self._module = importlib.import_module(self._name)
        except BaseException as error:
            self._error = error
        finally:
            self._done.set()
