"""The warm process: it imports all that commands use, runs none of it, and is copied for each.

A copy of a process has one thread, so none may be there that a library needs: TensorFlow starts its
own with its first operation. The process itself reads nothing of what comes to its socket: a copy
does, and tells whether a command may be done.
"""

from __future__ import annotations

import fcntl
import gc
import io
import marshal
import os
import pkgutil
import random
import resource
import select
import signal
import socket
import struct
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

import dl
from dl.imports import uncollected
from dl.system import process_memory
from dl.variables import take_environment
from dl.warm import (
    ANSWER,
    COLD,
    DIED,
    ENDED,
    GO,
    READY,
    difference,
    open_folder,
    short_path,
    socket_name,
    surroundings,
)
from dl.warm.children import copy_from_now_on
from dl.warm.client import FORWARDED, peer

_LOOK = 15.0
"""Seconds between two looks at the files."""
_PATIENCE = 5.0
"""Seconds that a copy waits for its command."""
_MOST_HANDLES = 6
_FIRST = ("dl.model", "pandas")
"""What is imported before all else: as a command does it, Keras sees no other library."""
_LAST = (
    *("ai_edge_litert.interpreter", "sklearn.metrics", "tensorflow.lite.python.lite"),
    *("PIL.BmpImagePlugin", "PIL.GifImagePlugin", "PIL.ImageMath", "PIL.JpegImagePlugin"),
    *("encodings.ascii", "encodings.utf_8_sig", "tensorflow.python.ops.stateful_random_ops"),
)
"""What is imported by functions of libraries, when they are called."""
_NOT_LOADED = ("dl.sweeps.pools.ray", "dl.tracking.mlflow_copy")
"""What commands start as processes of their own, with libraries that few have."""


def load() -> None:
    """Imports what any command may use."""
    with uncollected():
        for name in (*_FIRST, *_modules(), *_LAST):
            with suppress(ImportError):
                import_module(name)
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


@dataclass(slots=True)
class Handed:
    """A command that this process, a copy, is to do.

    Attributes:
        connection: To the command, which waits for the exit code.
        blocked: The signals that the command has blocked; others are until `begin`.
    """

    connection: socket.socket
    blocked: list[int]

    def begin(self) -> None:
        """Lets signals in."""
        signal.pthread_sigmask(signal.SIG_SETMASK, self.blocked)

    def end(self, code: int) -> None:
        """Tells the exit code, when all files are closed: what a process held ends with it."""
        kept = self.connection.detach()
        os.closerange(0, kept)
        os.closerange(kept + 1, 1 << 16)
        with suppress(OSError):
            os.write(kept, ENDED + bytes([code]))


def _socket() -> socket.socket:
    return socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)


@dataclass(slots=True)
class WarmProcess:
    """Listens, and copies itself.

    Attributes:
        idle: Seconds without a command after which it ends.
        began: What it has read, and when.
    """

    idle: float
    stamps: dict[str, tuple[int, int]] = field(default_factory=stamps)
    surroundings: dict[str, object] = field(default_factory=surroundings)
    started: float = field(default_factory=time.monotonic)
    used: float = field(default_factory=time.monotonic)
    served: int = 0
    copies: dict[int, tuple[int, socket.socket]] = field(default_factory=dict)
    pid: int = field(default_factory=os.getpid)
    listener: socket.socket = field(default_factory=_socket)
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

    def serve(self) -> Handed | None:
        """Serves until it is to end; returns a command in the copy that is to do it."""
        woken, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        begun, begin = os.pipe2(os.O_CLOEXEC)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda *_: None)
        signal.set_wakeup_fd(wake)
        poll = select.poll()
        for each in (woken, begun, self.listener.fileno()):
            poll.register(each, select.POLLIN)
        while self.inode or self.copies:
            ready = {number for number, _ in poll.poll(1000 * self._pause())}
            for pid in [pid for pid, (watched, _) in self.copies.items() if watched in ready]:
                poll.unregister(self.copies[pid][0])
                self._bury(pid)
            if begun in ready:
                self.served += len(os.read(begun, 4096))
                self.used = time.monotonic()
            if self.inode and (woken in ready or self._is_over()):
                poll.unregister(self.listener)
                self.close()
            connection = self._accepted() if self.listener.fileno() in ready else None
            copy = None if connection is None else _forked(connection)
            if connection is None or copy is None:
                continue
            if copy == 0:
                signal.set_wakeup_fd(-1)
                for each in (woken, wake, begun):
                    os.close(each)
                return self._become(connection, begin)
            watched = os.pidfd_open(copy)
            self.copies[copy] = (watched, connection)
            poll.register(watched, select.POLLIN)
        return None

    def close(self) -> None:
        """Listens no longer."""
        self.listener.close()
        with suppress(OSError):
            if os.stat(socket_name(), dir_fd=self.handle).st_ino == self.inode:
                os.unlink(socket_name(), dir_fd=self.handle)
        self.inode = 0

    def _pause(self) -> float:
        left = self.idle if self.copies else self.used + self.idle - time.monotonic()
        return min(max(left, 0.0), _LOOK)

    def _is_over(self) -> bool:
        """Tells whether nobody has come for long, its files have changed, or its socket is gone."""
        if not self.copies and time.monotonic() >= self.used + self.idle:
            return True
        try:
            inode = os.stat(socket_name(), dir_fd=self.handle).st_ino
        except OSError:
            return True
        return inode != self.inode or stamps() != self.stamps

    def _accepted(self) -> socket.socket | None:
        try:
            connection, _ = self.listener.accept()
        except OSError:
            return None
        if peer(connection)[1] == os.geteuid():
            return connection
        connection.close()
        return None

    def _bury(self, pid: int) -> None:
        """Tells a command how its process ended, should it not know."""
        watched, connection = self.copies.pop(pid)
        os.close(watched)
        _, status = os.waitpid(pid, 0)
        with suppress(OSError):
            connection.send(DIED + status.to_bytes(4, sys.byteorder), socket.MSG_DONTWAIT)
        connection.close()

    def _become(self, connection: socket.socket, begin: int) -> Handed:
        """Makes this copy the process of the command that is handed over; else it ends."""
        running = len(self.copies)
        for watched, other in self.copies.values():
            os.close(watched)
            other.close()
        self.listener.close()
        os.close(self.handle)
        os.setpgrp()  # no session: its leader would take the next terminal that it opens
        try:
            request, alive, streams = _received(connection)
            why = difference(self.surroundings, request["surroundings"])
            if request["arguments"] is None:
                connection.send(ANSWER + marshal.dumps(self._answer(running, why)))
                os._exit(0)
            if not why:
                why = _take_over(request)
            if why:
                connection.send(COLD + why.encode(errors="replace"))
                os._exit(0)
            own = os.pidfd_open(os.getpid())
            rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, struct.pack("i", own))
            connection.sendmsg([READY], [rights])
            os.close(own)
            if connection.recv(16) != GO:
                os._exit(1)
            _end_with(alive)
            os.write(begin, b".")
            os.close(begin)
        except BaseException:  # whatever it is, the command is not done here
            os._exit(1)
        connection.settimeout(None)
        _open_streams(streams)
        copy_from_now_on()
        sys.argv = request["arguments"]
        return Handed(connection, request["blocked"])

    def _answer(self, running: int, why: str) -> dict[str, object]:
        now = time.monotonic()
        return {
            "pid": self.pid,
            "age": now - self.started,
            "memory": process_memory(self.pid),
            "commands": self.served,
            "running": running,
            "ends": None if running else self.used + self.idle - now,
            "cold": why,
        }


def _forked(connection: socket.socket) -> int | None:
    """Copies this process; closes the connection where it cannot: the command is done cold."""
    try:
        return os.fork()
    except OSError:
        connection.close()
        return None


def _received(connection: socket.socket) -> tuple[Any, int, list[int]]:
    """Receives a command and takes its streams; returns it, what tells of its end, and them."""
    connection.settimeout(_PATIENCE)
    message, handles, _, _ = socket.recv_fds(connection, 16, _MOST_HANDLES)
    alive, content, here, *streams = handles
    with open(content, "rb") as file:
        file.seek(0)
        request = marshal.load(file)
    os.fchdir(here)
    os.close(here)
    for number in (0, 1, 2):
        os.close(number)
    for number, stream in zip(message, streams, strict=True):
        os.dup2(stream, number)
    for stream in streams:
        os.close(stream)
    return request, alive, list(message)


def _take_over(request: Any) -> str:
    """Gives this process the environment and the limits of a command; returns what cannot be."""
    try:
        for limit, values in request["limits"]:
            if resource.getrlimit(limit) != values:
                resource.setrlimit(limit, values)
        if os.getpriority(os.PRIO_PROCESS, 0) != request["niceness"]:
            os.setpriority(os.PRIO_PROCESS, 0, request["niceness"])
    except (OSError, ValueError):
        return "a limit, or the priority"
    os.umask(request["umask"])
    take_environment(request["environment"])
    tempfile.tempdir = None
    signal.pthread_sigmask(signal.SIG_BLOCK, FORWARDED)
    for number in (*FORWARDED, signal.SIGTSTP):
        ignored = number in request["ignored"]
        signal.signal(number, signal.SIG_IGN if ignored else signal.SIG_DFL)
    random.seed()
    sys.modules["numpy"].random.seed()
    return ""


def _end_with(alive: int) -> None:
    """Has the system kill this process when the command that it works for is gone."""
    fcntl.fcntl(alive, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(alive, fcntl.F_SETSIG, signal.SIGKILL)
    fcntl.fcntl(alive, fcntl.F_SETFL, fcntl.fcntl(alive, fcntl.F_GETFL) | os.O_ASYNC)
    if select.select([alive], [], [], 0)[0]:
        os._exit(0)


def _open_streams(numbers: list[int]) -> None:
    """Opens Python's standard streams as Python does when it starts."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        before, stream = getattr(sys, f"__{name}__"), None
        if number in numbers:
            raw = io.FileIO(number, "w" if number else "r", closefd=False)
            stream = io.TextIOWrapper(
                io.BufferedWriter(raw) if number else io.BufferedReader(raw),
                before.encoding,
                before.errors,
                newline="\n" if number else None,
                line_buffering=number == 2 or (number == 1 and raw.isatty()),
                write_through=before.write_through,
            )
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)
