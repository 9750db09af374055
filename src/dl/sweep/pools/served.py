"""The pool of a server: a process that has tasks done, spoken to through a socket."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection
from pathlib import Path

from dl.errors import RunError, error_class
from dl.sweep.pools.server import Answer, Ready, Refused, Stop
from dl.sweep.pools.tasks import BegunAgain, EpochDone, Event, Task, TaskEnded
from dl.variables import environment_of_child


class ServedPool:
    """Starts a server as a process of its own; what it is given comes from its command."""

    def __init__(self, server: Sequence[str], jobs: int, log: Path, lock: int | None) -> None:
        """Starts the server and returns at once.

        Args:
            server: A module that calls `serve` of `server.py`, and arguments that are its own.
            jobs: Tasks at the same time, unless the server says another number.
            log: The file for what the libraries say.
            lock: The open file that holds the sweep's lock, if it has one; the processes inherit
                it, so that it is free when the last of them has ended.
        """
        self._jobs = jobs
        self._log = log
        ours, theirs = socket.socketpair()
        module, *own = server
        settings = (str(theirs.fileno()), str(log))
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, *settings, *own],
            pass_fds=(theirs.fileno(), *([] if lock is None else [lock])),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            env=environment_of_child(),
        )
        theirs.close()
        self._connection = Connection(ours.detach())

    @property
    def jobs(self) -> int:
        """How many tasks it takes at the same time."""
        return self._jobs

    def ready(self) -> Mapping[str, float]:
        """Waits until tasks can be given; returns the metrics of a trivial answer.

        Raises:
            DlError: The data cannot be used, or the server failed.
        """
        message = self._receive()
        if not isinstance(message, Ready):
            raise self._gone()
        self._jobs = message.jobs or self._jobs
        return message.baseline

    def submit(self, task: Task) -> None:
        """Begins a task."""
        self._send(task)

    def events(self, timeout: float) -> list[Event]:
        """Returns what happened, waiting for at most so many seconds for something.

        Raises:
            DlError: The server can do no more tasks.
        """
        found: list[Event] = []
        while self._connection.poll(0 if found else timeout):
            message = self._receive()
            if isinstance(message, EpochDone | TaskEnded | BegunAgain):
                found.append(message)
        return found

    def answer(self, key: tuple[int, int], go_on: bool) -> None:
        """Lets a task that asks go on, or end after this epoch."""
        self._send(Answer(key, go_on))

    def stop(self) -> None:
        """Asks all tasks to stop; each of them still ends with an event."""
        self._send(Stop())

    def close(self) -> None:
        """Ends the server, which takes its workers with it."""
        self._connection.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def _send(self, message: Task | Answer | Stop) -> None:
        try:
            self._connection.send(message)
        except OSError as error:
            raise self._gone() from error

    def _receive(self) -> object:
        try:
            message: object = self._connection.recv()
        except (EOFError, OSError) as error:
            raise self._gone() from error
        if isinstance(message, Refused):
            raise error_class(message.code).of(message.problems)
        return message

    def _gone(self) -> RunError:
        return RunError(
            "the server of the sweep has ended",
            found=f"see {self._log}",
            hint="finished trials are kept; go on with --resume",
        )
