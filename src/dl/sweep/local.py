"""The pool of this machine: a server process and its workers, spoken to through a socket."""

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

from dl.errors import DlError, RunError, error_class
from dl.sweep.server import Answer, Ready, Refused, Stop, serve
from dl.sweep.tasks import EpochDone, Event, Task, TaskEnded, Trainer


class LocalPool:
    """Starts a server as a process of its own; what it is given comes from its command."""

    def __init__(self, server: Sequence[str], jobs: int, log: Path, lock: int | None) -> None:
        """Starts the server and returns at once.

        Args:
            server: A module that calls `run_server`, and arguments that are its own.
            jobs: Tasks at the same time.
            log: The file for what the libraries say.
            lock: The open file that holds the sweep's lock, if it has one; the processes inherit
                it, so that it is free when the last of them has ended.
        """
        self._jobs = jobs
        self._log = log
        ours, theirs = socket.socketpair()
        threads = max(1, len(os.sched_getaffinity(0)) // jobs)
        module, *own = server
        settings = (str(theirs.fileno()), str(threads), str(log))
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, *settings, *own],
            pass_fds=(theirs.fileno(), *([] if lock is None else [lock])),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
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
        if isinstance(message, Refused):
            raise _error_of(message)
        if not isinstance(message, Ready):
            raise self._gone()
        return message.baseline

    def submit(self, task: Task) -> None:
        """Begins a task."""
        self._send(task)

    def events(self, timeout: float) -> list[Event]:
        """Returns what happened, waiting for at most so many seconds for something."""
        found: list[Event] = []
        while self._connection.poll(0 if found else timeout):
            message = self._receive()
            if isinstance(message, EpochDone | TaskEnded):
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
            return self._connection.recv()
        except (EOFError, OSError) as error:
            raise self._gone() from error

    def _gone(self) -> RunError:
        return RunError(
            "the server of the sweep has ended",
            found=f"see {self._log}",
            hint="finished trials are kept; go on with --resume",
        )


def run_server(trainer: Trainer, descriptor: str, threads: str, log: str) -> None:
    """Serves the pool that started this process; the arguments are those of its command."""
    serve(Connection(int(descriptor)), trainer, int(threads), log)


def _error_of(message: Refused) -> DlError:
    return error_class(message.code).of(message.problems)
