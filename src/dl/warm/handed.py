"""How a copy of the warm process becomes the process of a command."""

from __future__ import annotations

import fcntl
import io
import marshal
import os
import random
import resource
import select
import signal
import socket
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from dl.variables import take_environment
from dl.warm import ENDED
from dl.warm.client import FORWARDED

_PATIENCE = 5.0
"""Seconds that a copy waits for its command."""
_MOST_HANDLES = 6


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


def read(content: int) -> Any:
    """Returns what a file in memory holds, and closes it."""
    with open(content, "rb") as file:
        file.seek(0)
        return marshal.load(file)


def looked_at(connection: socket.socket) -> Any:
    """Returns a command, which is there to be received as before."""
    connection.settimeout(_PATIENCE)
    space = socket.CMSG_SPACE(4 * _MOST_HANDLES)  # not `recv_fds`: it forgets its flags
    _, ((_, _, content),), _, _ = connection.recvmsg(16, space, socket.MSG_PEEK)
    handles = memoryview(content).cast("i").tolist()
    try:
        return read(os.dup(handles[1]))
    finally:
        for handle in handles:
            os.close(handle)


def received(connection: socket.socket) -> tuple[Any, int, list[int]]:
    """Receives a command and takes its streams; returns it, what tells of its end, and them."""
    connection.settimeout(_PATIENCE)
    message, handles, _, _ = socket.recv_fds(connection, 16, _MOST_HANDLES)
    alive, content, here, *streams = handles
    request = read(content)
    os.fchdir(here)
    os.close(here)
    for number in (0, 1, 2):
        os.close(number)
    for number, stream in zip(message, streams, strict=True):
        os.dup2(stream, number)
    for stream in streams:
        os.close(stream)
    return request, alive, list(message)


def take_over(request: Any) -> str:
    """Gives this process the environment and the limits of a command; returns what cannot be."""
    try:
        for limit, values in request["limits"]:
            if resource.getrlimit(limit) != values:
                resource.setrlimit(limit, values)
        if os.getpriority(os.PRIO_PROCESS, 0) != request["niceness"]:
            os.setpriority(os.PRIO_PROCESS, 0, request["niceness"])
    except (OSError, ValueError):
        return "a limit, or the priority"
    signal.pthread_sigmask(signal.SIG_BLOCK, FORWARDED)
    become(request["environment"], request["umask"], request["ignored"])
    return ""


def become(environment: Mapping[bytes, bytes], umask: int, ignored: Sequence[int]) -> None:
    """Gives this process what another one had of its own when it was started."""
    os.umask(umask)
    take_environment(environment)
    tempfile.tempdir = None
    for number in (*FORWARDED, signal.SIGTSTP):
        signal.signal(number, signal.SIG_IGN if number in ignored else signal.SIG_DFL)
    random.seed()
    sys.modules["numpy"].random.seed()


def end_with(alive: int) -> None:
    """Has the system kill this process when the command that it works for is gone."""
    fcntl.fcntl(alive, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(alive, fcntl.F_SETSIG, signal.SIGKILL)
    fcntl.fcntl(alive, fcntl.F_SETFL, fcntl.fcntl(alive, fcntl.F_GETFL) | os.O_ASYNC)
    if select.select([alive], [], [], 0)[0]:
        os._exit(0)


def open_streams(numbers: list[int]) -> None:
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
