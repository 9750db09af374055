"""Watches what the interpreter does while a hostile file is read."""

from __future__ import annotations

import os
import sys
import sysconfig
from pathlib import Path
from types import TracebackType
from typing import Any

import dl

_FORBIDDEN = ("os.system", "os.exec", "os.fork", "os.posix_spawn", "os.spawn", "subprocess.")
_FORBIDDEN += ("socket.", "urllib.", "marshal.loads", "pickle.", "ctypes.dlopen", "pty.")
_OPENED = ("open", "os.listdir", "os.remove", "os.rename", "os.mkdir", "os.symlink")


class Allowed:
    """Which files may be opened: those of the campaign's folder, but for those in `outside/`, the
    interpreter's own, and the system's.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = str(folder)
        self._outside = str(folder / "outside")
        libraries = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib")]
        system = ["/dev/null", "/dev/urandom", "/proc/", "/sys/", "/usr/lib/", "/lib/"]
        system += ["/usr/share/zoneinfo", "/etc/localtime", "/etc/ld.so.cache"]
        sources = [str(Path(dl.__file__).parent), str(Path(__file__).parent)]
        real = [os.path.realpath(path) for path in libraries]
        self._starts = (*libraries, *real, *system, *sources)

    def path(self, path: str) -> bool:
        """Tells whether a file may be opened."""
        full = os.path.abspath(path)
        if full.startswith(self._folder):
            return not full.startswith(self._outside)
        return full.startswith(self._starts)


class Watch:
    """Notes what is done inside a `with` block; a hook of the interpreter cannot be removed."""

    def __init__(self, allowed: Allowed) -> None:
        self._allowed = allowed
        self._events: list[str] = []
        self._on = False
        sys.addaudithook(self._note)

    def __enter__(self) -> Watch:
        self._events, self._on = [], True
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._on = False

    def wrong(self) -> list[str]:
        """Returns what was done that must not be."""
        return list(self._events)

    def _note(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self._on:
            return
        if event.startswith(_FORBIDDEN) and not self._is_module(event):
            self._events.append(f"{event}{arguments!r:.200}")
        elif event in _OPENED and not self._is_allowed(arguments[0]):
            self._events.append(f"{event}: {arguments[0]}")

    def _is_allowed(self, opened: object) -> bool:
        return not isinstance(opened, str | os.PathLike) or self._allowed.path(os.fspath(opened))

    def _is_module(self, event: str) -> bool:
        """Tells whether code is loaded by the import of a module of ours, as bytecode is."""
        if event != "marshal.loads":
            return False
        frame = sys._getframe(2)
        return frame is not None and "importlib" in frame.f_code.co_filename
