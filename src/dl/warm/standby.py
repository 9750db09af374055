"""A copy that has done a small training before its command comes: TensorFlow's first operations.

The warm process makes one while nothing else runs, and offers it the next command. The copy looks
at that, and takes it or leaves it to a fresh copy: its limits and its threads are those it began
with. Since it has threads, it cannot be copied: what draws for it is a process that it has made
before.
"""

from __future__ import annotations

import gc
import os
import signal
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NoReturn

from dl.warm import difference
from dl.warm.children import keep_spare, work
from dl.warm.client import FORWARDED, ignored, in_memory, limits
from dl.warm.handed import become, looked_at, read

READY, TAKEN, LEFT, GONE = b"R", b"T", b"L", b""
"""What such a copy tells the warm process: it may be offered commands; it does this one; it does
not; and what is read when it has ended."""
_COMMANDS = frozenset({"diagnose", "evaluate", "lr", "reproduce", "summary", "trace", "train"})
"""The commands that have TensorFlow compute in their own process."""
_MOST_HANDLES = 5


@dataclass(slots=True)
class Standby:
    """Such a copy, as the warm process knows it.

    Attributes:
        pid: Its number.
        channel: To it.
        is_ready: Whether it may be offered commands.
        offered: The connection of the command that it looks at.
    """

    pid: int
    channel: socket.socket
    is_ready: bool = False
    offered: socket.socket | None = None

    def offer(self, connection: socket.socket) -> bool:
        """Offers it a command; False where it is not there, or not free."""
        if not self.is_ready or self.offered is not None:
            return False
        with suppress(OSError):  # it has been killed
            socket.send_fds(self.channel, [b"."], [connection.fileno()])
            self.offered = connection
        return self.offered is not None

    def hear(self) -> bytes:
        """Returns what it tells."""
        try:
            said = self.channel.recv(1)
        except OSError:  # reset: it was killed before it has read all
            said = GONE
        self.is_ready = self.is_ready or said == READY
        return said

    def close(self) -> None:
        """Closes what is open of it, in a copy of the warm process."""
        self.channel.close()
        if self.offered is not None:
            self.offered.close()


def stand_by(
    channel: socket.socket, rehearse: Callable[[], bool] | None, ours: dict[str, object]
) -> socket.socket:
    """Is that copy; returns the connection of the command that it takes.

    Args:
        channel: To the warm process.
        rehearse: Has TensorFlow do its first operations; tells whether it did.
        ours: The surroundings of the warm process.
    """
    try:
        for number in FORWARDED:
            signal.signal(number, signal.SIG_DFL)
        keep_spare(_Spare(channel))
        # The threads that come now leave the signals of a command to the first one.
        signal.pthread_sigmask(signal.SIG_BLOCK, FORWARDED)
        if rehearse is None or not rehearse():
            os._exit(0)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, FORWARDED)
        gc.collect()
        gc.freeze()
        channel.send(READY)
        while True:
            _, handles, _, _ = socket.recv_fds(channel, 1, 1)
            if not handles:  # the warm process has ended
                os._exit(0)
            connection = socket.socket(fileno=handles[0])
            if _suits(connection, ours):
                channel.send(TAKEN)
                channel.close()
                return connection
            connection.close()
            channel.send(LEFT)
    except BaseException:  # whatever it is, a fresh copy does the command
        os._exit(1)


def _suits(connection: socket.socket, ours: dict[str, object]) -> bool:
    """Tells whether a command can be done here; if not, a fresh copy can, or says why not."""
    try:
        request = looked_at(connection)
        return (
            request["arguments"][1] in _COMMANDS
            and request["limits"] == limits()
            and request["niceness"] == os.getpriority(os.PRIO_PROCESS, 0)
            and not difference(ours, request["surroundings"])
        )
    except Exception:
        return False


class _Spare:
    """A process without threads of TensorFlow that waits for a part of a command."""

    def __init__(self, channel: socket.socket) -> None:
        self._ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._pid = os.fork()
        if self._pid == 0:
            channel.close()
            self._ours.close()
            _wait_for_part(theirs)
        theirs.close()

    def __call__(
        self, module: str, arguments: Sequence[str], streams: dict[int, int], session: bool
    ) -> int:
        """Has it do a part as this process would; returns its number.

        Raises:
            OSError: It has been killed.
        """
        umask = os.umask(0o077)
        os.umask(umask)
        mask = [int(each) for each in signal.pthread_sigmask(signal.SIG_BLOCK, ())]
        own = dict(os.environb), umask, ignored()
        part: Any = (module, list(arguments), session, own, mask)
        handles = [in_memory(part), os.open(".", os.O_PATH | os.O_DIRECTORY)]
        try:
            socket.send_fds(self._ours, [b"."], [*handles, *(streams[each] for each in (0, 1, 2))])
        finally:
            for handle in handles:
                os.close(handle)
        return self._pid


def _wait_for_part(channel: socket.socket) -> NoReturn:
    """Is that process."""
    try:
        _, handles, _, _ = socket.recv_fds(channel, 1, _MOST_HANDLES)
        if not handles:  # there is none, and the command has ended
            os._exit(0)
        content, here, *streams = handles
        module, arguments, session, own, mask = read(content)
        os.fchdir(here)
        become(*own)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    except BaseException:
        os._exit(1)
    work(module, arguments, dict(enumerate(streams)), (), session=session)
