"""The warm process: it imports all that commands use, runs none of it, and is copied for each.

A copy of a process has one thread, so none may be there that a library needs: TensorFlow starts its
own with its first operation. The process itself reads nothing of what comes to its socket: a copy
does, and tells whether a command may be done.
"""

from __future__ import annotations

import gc
import marshal
import math
import os
import pkgutil
import select
import signal
import socket
import struct
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import import_module

import dl
from dl.imports import uncollected
from dl.system import process_memory
from dl.warm import (
    ANSWER,
    COLD,
    DIED,
    GO,
    READY,
    confines,
    difference,
    open_folder,
    short_path,
    socket_name,
    surroundings,
)
from dl.warm.children import copy_from_now_on, has_spare
from dl.warm.client import peer
from dl.warm.handed import Handed, end_with, open_streams, received, take_over
from dl.warm.standby import GONE, TAKEN, Standby, stand_by

_LOOK = 15.0
"""Seconds between two looks at the files."""
_QUIET = 0.25
"""Seconds of rest before a copy is made that stands by: the next line of a script has the cores."""
_FIRST = ("dl.model", "pandas")
"""What is imported before all else: as a command does it, Keras sees no other library."""
_LAST = (
    *("ai_edge_litert.interpreter", "sklearn.metrics", "tensorflow.lite.python.lite"),
    *("PIL.BmpImagePlugin", "PIL.GifImagePlugin", "PIL.ImageMath", "PIL.JpegImagePlugin"),
    "PIL.PpmImagePlugin",
    *("encodings.ascii", "encodings.utf_8_sig", "tensorflow.python.ops.stateful_random_ops"),
)
"""What is imported by functions of libraries, when they are called."""
_GATHERED = (
    *("__internal__.distribute", "autograph", "config", "distribute", "math", "nn", "random"),
    "raw_ops",
)
"""What gathers names of TensorFlow when it is first asked for one: see `dl.model`."""
_NOT_LOADED = ("dl.sweeps.pools.ray", "dl.tracking.mlflow_copy")
"""What commands start as processes of their own, with libraries that few have."""


def load(more: Callable[[], object] = lambda: None) -> None:
    """Imports what any command may use, and does what `more` does."""
    with uncollected():
        for name in (*_FIRST, *_modules(), *_LAST):
            with suppress(ImportError):
                import_module(name)
        for name in _GATHERED:
            hasattr(import_module(f"tensorflow._api.v2.{name}"), "gathered")
        more()
    gc.collect()
    gc.freeze()  # so that no copy looks through, and copies, what it shares with the others


def _modules() -> Iterator[str]:
    for module in pkgutil.walk_packages(dl.__path__, "dl."):
        if not module.name.endswith("__main__") and module.name not in _NOT_LOADED:
            yield module.name


def stamps() -> dict[str, tuple[int, int]]:
    """Returns when what is loaded was changed: the files of `dl`, the folders of packages."""
    found = {}
    for path in _files():
        with suppress(OSError):
            told = os.stat(path)
            found[path] = (told.st_mtime_ns, told.st_ino)
    return found


def _files() -> Iterator[str]:
    yield from (sys.executable, *sys.path)
    for place, folders, names in os.walk(os.path.dirname(dl.__file__)):
        if "__pycache__" in folders:
            folders.remove("__pycache__")
        yield from (os.path.join(place, name) for name in names)


def _socket() -> socket.socket:
    return socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)


@dataclass(slots=True)
class WarmProcess:
    """Listens, and copies itself.

    Attributes:
        idle: Seconds without a command after which it ends.
        rehearse: Has TensorFlow do its first operations in a copy that then stands by; tells
            whether it did. None where there is to be no such copy.
        rested: Since when nothing is done; infinite while something is, or what stood by is gone.
    """

    idle: float
    rehearse: Callable[[], bool] | None = None
    stamps: dict[str, tuple[int, int]] = field(default_factory=stamps)
    surroundings: dict[str, object] = field(default_factory=surroundings)
    started: float = field(default_factory=time.monotonic)
    used: float = field(default_factory=time.monotonic)
    served: int = 0
    rested: float = 0.0
    copies: dict[int, tuple[int, socket.socket]] = field(default_factory=dict)
    standby: Standby | None = None
    pid: int = field(default_factory=os.getpid)
    listener: socket.socket = field(default_factory=_socket)
    poll: select.poll = field(default_factory=select.poll)
    owned: list[int] = field(default_factory=list)
    handle: int = -1
    inode: int = 0

    def listen(self) -> None:
        """Opens the socket; one that another warm process has there is replaced, which ends it.

        Raises:
            OSError: It cannot be opened.
        """
        self.handle = handle = open_folder(make=True)
        temporary = f"{socket_name()}.{self.pid}"
        before = os.umask(0o177)
        self.listener.bind(short_path(handle, temporary))
        os.umask(before)
        self.listener.listen(64)
        self.inode = os.stat(temporary, dir_fd=handle).st_ino
        os.rename(temporary, socket_name(), src_dir_fd=handle, dst_dir_fd=handle)
        self.used = time.monotonic()  # all was loaded meanwhile

    def serve(self) -> Handed | None:
        """Serves until it is to end; returns a command in the copy that is to do it."""
        woken, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        begun, begin = os.pipe2(os.O_CLOEXEC)
        self.owned += (woken, wake, begun)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda *_: None)
        signal.set_wakeup_fd(wake)
        for each in (woken, begun, self.listener.fileno()):
            self.poll.register(each, select.POLLIN)
        while self.inode or self.copies or self.standby is not None:
            ready = {number for number, _ in self.poll.poll(1000 * self._pause())}
            for pid in [pid for pid, (watched, _) in self.copies.items() if watched in ready]:
                self._bury(pid)
            if begun in ready:
                self.served += len(os.read(begun, 4096))
                self.used = time.monotonic()
                self.rested = math.inf
            if woken in ready:
                os.read(woken, 4096)
            if self.inode and (woken in ready or self._is_over()):
                self.close()
            connection = self._left(ready) or self._accepted(ready)
            if connection is not None and self._copied(connection):
                return self._become(connection, begin)
            if self._quiet_left() <= 0 and (taken := self._stood_by()):
                return self._become(taken, begin)
        return None

    def close(self) -> None:
        """Listens no longer."""
        self.poll.unregister(self.listener)
        self.listener.close()
        with suppress(OSError):
            if os.stat(socket_name(), dir_fd=self.handle).st_ino == self.inode:
                os.unlink(socket_name(), dir_fd=self.handle)
        self.inode = 0
        self._dismiss()

    def _pause(self) -> float:
        left = self.idle if self.copies else self.used + self.idle - time.monotonic()
        return min(max(min(left, self._quiet_left()), 0.0), _LOOK)

    def _quiet_left(self) -> float:
        """Returns the seconds until a copy is to be made that stands by."""
        if self.rehearse is None or self.standby is not None or self.copies or not self.inode:
            return math.inf
        return self.rested + _QUIET - time.monotonic()

    def _is_over(self) -> bool:
        """Tells whether nobody has come for long, its files have changed, or its socket is gone."""
        if not self.copies and time.monotonic() >= self.used + self.idle:
            return True
        try:
            inode = os.stat(socket_name(), dir_fd=self.handle).st_ino
        except OSError:
            return True
        return inode != self.inode or stamps() != self.stamps

    def _accepted(self, ready: set[int]) -> socket.socket | None:
        """Returns the connection of a command that is for a fresh copy."""
        if self.listener.fileno() not in ready:
            return None
        try:
            connection, _ = self.listener.accept()
        except OSError:
            return None
        if peer(connection)[1] != os.geteuid():
            connection.close()
            return None
        taken = self.standby is not None and self.standby.offer(connection)
        return None if taken else connection

    def _left(self, ready: set[int]) -> socket.socket | None:
        """Hears what stands by; returns the connection of a command that is for a fresh copy."""
        standby = self.standby
        if standby is None or standby.channel.fileno() not in ready:
            return None
        offered, standby.offered = standby.offered, None
        said = standby.hear()
        if said in (TAKEN, GONE):
            self.poll.unregister(standby.channel)
            standby.channel.close()
            self.standby = None
        if said == TAKEN and offered is not None:
            self._watch(standby.pid, offered)
            return None
        if said == GONE:
            _, status = os.waitpid(standby.pid, 0)
            self.rested = math.inf  # until a copy has ended: it may be a want of memory
            if not os.WIFSIGNALED(status):
                self.rehearse = None
        elif not self.inode:
            self._dismiss()
        return offered

    def _dismiss(self) -> None:
        if self.standby is not None and self.standby.offered is None:
            os.kill(self.standby.pid, signal.SIGKILL)

    def _copied(self, connection: socket.socket) -> bool:
        """Copies this process for a command; tells whether this is the copy."""
        copy = self._fork()
        if copy is None:
            connection.close()  # it is done cold
        elif copy:
            self._watch(copy, connection)
        return copy == 0

    def _stood_by(self) -> socket.socket | None:
        """Makes a copy that stands by; returns the connection of its command there."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        copy = self._fork()
        if copy == 0:
            ours.close()
            return stand_by(theirs, self.rehearse, self.surroundings)
        theirs.close()
        if copy is None:
            ours.close()
            self.rested = math.inf
        else:
            self.standby = Standby(copy, ours)
            self.poll.register(ours, select.POLLIN)
        return None

    def _fork(self) -> int | None:
        """Copies this process, if that can be; in the copy nothing is open that is not its own."""
        try:
            copy = os.fork()
        except OSError:
            return None
        if copy == 0:
            signal.set_wakeup_fd(-1)
            for watched, other in self.copies.values():
                os.close(watched)
                other.close()
            if self.standby is not None:
                self.standby.close()
            self.listener.close()
            for each in (*self.owned, self.handle):
                os.close(each)
            os.setpgrp()  # no session: its leader would take the next terminal that it opens
        return copy

    def _watch(self, pid: int, connection: socket.socket) -> None:
        watched = os.pidfd_open(pid)
        self.copies[pid] = (watched, connection)
        self.poll.register(watched, select.POLLIN)

    def _bury(self, pid: int) -> None:
        """Tells a command how its process ended, should it not know."""
        watched, connection = self.copies.pop(pid)
        self.poll.unregister(watched)
        os.close(watched)
        _, status = os.waitpid(pid, 0)
        with suppress(OSError):
            connection.send(DIED + status.to_bytes(4, sys.byteorder), socket.MSG_DONTWAIT)
        connection.close()
        if math.isinf(self.rested):
            self.rested = time.monotonic()

    def _become(self, connection: socket.socket, begin: int) -> Handed:
        """Makes this copy the process of the command that is handed over; else it ends."""
        try:
            request, alive, streams = received(connection)
            theirs = {**request["surroundings"], **confines(peer(connection)[0])}
            why = difference(self.surroundings, theirs)
            if request["arguments"] is None:
                connection.send(ANSWER + marshal.dumps(self._answer(why)))
                os._exit(0)
            if not why:
                why = take_over(request)
            if why:
                connection.send(COLD + why.encode(errors="replace"))
                os._exit(0)
            own = os.pidfd_open(os.getpid())
            rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, struct.pack("i", own))
            connection.sendmsg([READY], [rights])
            os.close(own)
            if connection.recv(16) != GO:
                os._exit(1)
            end_with(alive)
            os.write(begin, b".")
            os.close(begin)
        except BaseException:  # whatever it is, the command is not done here
            os._exit(1)
        connection.settimeout(None)
        open_streams(streams)
        if not has_spare():
            copy_from_now_on()
        sys.argv = request["arguments"]
        return Handed(connection, request["blocked"])

    def _answer(self, why: str) -> dict[str, object]:
        now, running, standby = time.monotonic(), len(self.copies), self.standby
        return {
            "pid": self.pid,
            "age": now - self.started,
            "memory": process_memory(self.pid),
            "commands": self.served,
            "running": running,
            "ends": None if running else self.used + self.idle - now,
            "cold": why,
            "standby": standby.pid if standby is not None and standby.is_ready else None,
        }
