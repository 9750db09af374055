"""The command that hands itself over: it waits, passes signals on, and ends as its copy ends.

Only small modules of C are imported here: this is what the time of a warm command begins with.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # `signal` and `socket` take milliseconds
import _socket
import marshal
import os
import resource
import stat
import struct
import sys
from collections.abc import Sequence
from contextlib import suppress
from types import FrameType
from typing import Any, NoReturn

from dl.warm import (
    ANSWER,
    DIED,
    ENDED,
    GO,
    READY,
    open_folder,
    short_path,
    socket_name,
    surroundings,
)

_PATIENCE = 3.0
"""Seconds after which a command goes on cold."""
_MOST_BYTES = 1 << 16
FORWARDED = (
    _signal.SIGHUP,
    _signal.SIGINT,
    _signal.SIGQUIT,
    _signal.SIGTERM,
    _signal.SIGUSR1,
    _signal.SIGUSR2,
)
"""The signals that are passed on as they come."""
_HELD = (*FORWARDED, _signal.SIGTSTP)
_LIMITS = [getattr(resource, name) for name in sorted(dir(resource)) if name.startswith("RLIMIT_")]
_GONE = b"""\
error: the process that did this command was killed, and the warm process with it
hint: what it had finished is kept; a training goes on with dl train --resume
"""


def hand_over(arguments: Sequence[str]) -> None:
    """Has a command done by the warm process and ends as it does; returns if that cannot be."""
    before = _signal.pthread_sigmask(_signal.SIG_BLOCK, _HELD)
    handed = ask(list(arguments), before)
    if handed is not None:
        connection, process = handed
        _wait(connection, process, before)
    _signal.pthread_sigmask(_signal.SIG_SETMASK, before)


def connect() -> Any | None:
    """Returns a connection to the warm process of this user; None if there is none."""
    connection = None
    try:
        handle = open_folder()
    except OSError:
        return None
    try:
        found = os.stat(socket_name(), dir_fd=handle, follow_symlinks=False)
        own = found.st_uid == os.geteuid() and stat.S_ISSOCK(found.st_mode)
        if own and stat.S_IMODE(found.st_mode) == 0o600:
            kind = _socket.SOCK_SEQPACKET | _socket.SOCK_CLOEXEC
            connection = _socket.socket(_socket.AF_UNIX, kind)
            connection.settimeout(_PATIENCE)
            connection.connect(short_path(handle, socket_name()))
            if peer(connection)[1] == os.geteuid():
                return connection
    except OSError:  # it has ended, or another one takes its place
        pass
    finally:
        os.close(handle)
    if connection is not None:
        connection.close()
    return None


def peer(connection: Any) -> tuple[int, int, int]:
    """Returns process, user and group at the other end."""
    kind = struct.Struct("3i")
    found = connection.getsockopt(_socket.SOL_SOCKET, _socket.SO_PEERCRED, kind.size)
    process, user, group = kind.unpack(found)
    return process, user, group


def ask(arguments: list[str] | None, mask: Sequence[int] = ()) -> tuple[Any, Any] | None:
    """Hands over what is to be done, and begins it; None if there is nobody who may do it.

    Args:
        arguments: The command; None for what the warm process says of itself.
        mask: The signals that the command has blocked.

    Returns:
        The connection, and a descriptor of the process that does the command; or None and what
        the warm process says.
    """
    streams = [number for number in (0, 1, 2) if _is_open(number)]  # before others take a number
    connection = connect()
    if connection is None:
        return None
    alive, held = os.pipe()  # `held` is closed when this process ends, however it does
    handles, begun = [alive], False
    try:
        handles.append(_request(arguments, mask))
        handles.append(os.open(".", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC))
        rights = (_socket.SOL_SOCKET, _socket.SCM_RIGHTS, _packed([*handles, *streams]))
        connection.sendmsg([bytes(streams)], [rights])
        message, rights, _, _ = connection.recvmsg(_MOST_BYTES, _socket.CMSG_SPACE(4))
        if message[:1] == ANSWER:
            return None, marshal.loads(message[1:])
        process = int.from_bytes(rights[0][2], sys.byteorder) if rights else None
        if message == READY and process is not None:
            connection.settimeout(None)
            connection.send(GO)
            begun = True
            return connection, process
    except OSError:
        pass
    finally:
        for handle in handles if begun else (*handles, held, connection.detach()):
            os.close(handle)
    return None


def _request(arguments: list[str] | None, mask: Sequence[int]) -> int:
    """Returns a file in memory that holds all that makes up a command beside its streams."""
    umask = os.umask(0o077)
    os.umask(umask)
    request: Any = {
        "arguments": arguments,
        "environment": dict(os.environb),
        "surroundings": surroundings(),
        "umask": umask,
        "limits": limits(),
        "niceness": os.getpriority(os.PRIO_PROCESS, 0),
        "ignored": ignored(),
        "blocked": [int(each) for each in mask],
    }
    return in_memory(request)


def in_memory(content: Any) -> int:
    """Returns a file in memory that holds something."""
    handle = os.memfd_create("dl")
    os.write(handle, marshal.dumps(content))
    return handle


def limits() -> list[tuple[int, tuple[int, int]]]:
    """Returns the limits of this process."""
    return [(each, resource.getrlimit(each)) for each in _LIMITS]


def ignored() -> list[int]:
    """Returns the signals that this process ignores."""
    return [int(each) for each in _HELD if _signal.getsignal(each) == _signal.SIG_IGN]


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


def _packed(handles: Sequence[int]) -> bytes:
    return struct.pack(f"{len(handles)}i", *handles)


def _wait(connection: Any, process: int, before: Sequence[int]) -> NoReturn:
    """Waits for the end of a command, whose process gets the signals, and ends likewise."""

    def forward(number: int, frame: FrameType | None) -> None:
        with suppress(ProcessLookupError):  # it ends
            _signal.pidfd_send_signal(process, number)

    def stop(number: int, frame: FrameType | None) -> None:
        forward(_signal.SIGSTOP, frame)
        _signal.signal(number, _signal.SIG_DFL)
        os.kill(os.getpid(), number)
        _signal.signal(number, stop)
        forward(_signal.SIGCONT, frame)

    for number in _HELD:
        if _signal.getsignal(number) != _signal.SIG_IGN:
            _signal.signal(number, stop if number == _signal.SIGTSTP else forward)
    _signal.pthread_sigmask(_signal.SIG_SETMASK, before)
    message = b""
    with suppress(OSError):  # reset: what came to its end has not read all
        message = connection.recv(_MOST_BYTES)
    if message[:1] == ENDED:
        os._exit(message[1])
    if message[:1] == DIED:
        _end_as(int.from_bytes(message[1:], sys.byteorder))
    os.write(2, _GONE)
    os._exit(128 + _signal.SIGKILL)


def _end_as(status: int) -> NoReturn:
    """Ends with the exit code of another process, or of the signal that it died of."""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # there is one already
        if number not in (_signal.SIGKILL, _signal.SIGSTOP):
            _signal.signal(number, _signal.SIG_DFL)
        _signal.pthread_sigmask(_signal.SIG_UNBLOCK, [number])
        os.kill(os.getpid(), number)
    os._exit(os.waitstatus_to_exitcode(status) & 0xFF)
