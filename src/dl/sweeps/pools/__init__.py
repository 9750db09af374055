"""One training of a sweep, as a task; what is heard of it; and the client of those who do tasks.

A pool does tasks, some at the same time. Its server is a process of its own: what its libraries
write goes into the sweep's log, and the command stays quick and outlives it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Literal

from dl.errors import DiskError, DlError, ExitCode, Problem, RunError, error_class, first_line
from dl.warm.children import start

Status = Literal["completed", "pruned", "failed", "interrupted"]
Row = Mapping[str, float]
OnEpoch = Callable[[Row], bool]
StopSignal = Callable[[], int | None]
Key = tuple[int, int]
"""The trial and the repeat of a task."""

_MACHINE = (MemoryError, DiskError, OSError)
_EXHAUSTED = "ResourceExhaustedError"
"""TensorFlow's error for want of memory, by its name: the command does not load TensorFlow."""
_PATIENCE = 5.0
"""Seconds that a server may take to end by itself."""


@dataclass(frozen=True, slots=True)
class Task:
    """One training.

    Attributes:
        trial: Number of the setting, from 1.
        repeat: Which of its trainings, from 1.
        base: The config.
        overrides: What the setting and the repeat change, as typed after `--set`.
        trials: The folder of all trials; the run is `<trials>/<trial>/<repeat>`.
        asks: Whether the training waits after each epoch for leave to go on.
    """

    trial: int
    repeat: int
    base: Path
    overrides: tuple[str, ...]
    trials: Path
    asks: bool = False

    @property
    def key(self) -> Key:
        """Tells it from all others."""
        return (self.trial, self.repeat)


@dataclass(frozen=True, slots=True)
class Result:
    """How a training ended.

    Attributes:
        status: How.
        metrics: The final metrics by part; empty where it failed.
        seconds: Its duration.
        error: Why it failed.
        code: The exit code that `dl train` would have had.
        again: Whether the machine failed, not the setting: it may succeed another time.
        memory: The most megabytes that its process has taken so far; 0 where it is not known.
    """

    status: Status
    metrics: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    seconds: float = 0.0
    error: str | None = None
    code: int = 0
    again: bool = False
    memory: float = 0.0


@dataclass(frozen=True, slots=True)
class EpochDone:
    """A training has finished an epoch; `row` is its row of the history."""

    key: Key
    row: Row


@dataclass(frozen=True, slots=True)
class TaskEnded:
    """A training has ended."""

    key: Key
    result: Result


@dataclass(frozen=True, slots=True)
class BegunAgain:
    """A training has begun anew from its first epoch; what was heard of it does not count."""

    key: Key


Event = EpochDone | TaskEnded | BegunAgain


@dataclass(frozen=True, slots=True)
class Setup:
    """What a server is told before all tasks.

    Attributes:
        base: The config.
        variants: What the repeats of the base itself change; their data is read beforehand.
        threads: Of each training.
        jobs: Trainings at the same time; None for as many as there is room for.
        gpus: What each training occupies of them on a cluster.
        address: Of the cluster, if one is named.
    """

    base: Path
    variants: tuple[tuple[str, ...], ...]
    threads: int
    jobs: int | None = None
    gpus: float = 0.0
    address: str | None = None


@dataclass(frozen=True, slots=True)
class Ready:
    """The server can be given tasks.

    Attributes:
        baseline: The metrics of an answer that learns nothing.
        jobs: How many tasks it takes at the same time.
    """

    baseline: dict[str, float]
    jobs: int


@dataclass(frozen=True, slots=True)
class Refused:
    """The server could not be made ready, or can do no more tasks."""

    problems: tuple[Problem, ...]
    code: int


@dataclass(frozen=True, slots=True)
class Answer:
    """To a task that asks after an epoch whether it may go on."""

    key: Key
    go_on: bool


@dataclass(frozen=True, slots=True)
class Stop:
    """All tasks are to stop."""


def failed(error: BaseException) -> Result:
    """Returns the result of a task that an error ended."""
    code, text = int(ExitCode.RUN), f"{type(error).__name__}: {first_line(error)}"
    if isinstance(error, DlError):
        code, first = int(error.exit_code), error.problems[0]
        text = f"{first.message}; found {first.found}" if first.found else first.message
    elif isinstance(error, MemoryError):
        text = "not enough memory"
    again = isinstance(error, _MACHINE) or type(error).__name__ == _EXHAUSTED
    return Result("failed", error=text, code=code, again=again)


class PoolClient:
    """The pool whose server is a process, spoken to through a socket.

    Attributes:
        jobs: How many tasks it takes at the same time, once it is ready.
    """

    def __init__(self, server: str, setup: Setup, log: Path, lock: int | None = None) -> None:
        """Starts the server and returns at once.

        Args:
            server: A module whose `main` calls `serve`.
            setup: What it is told.
            log: The file for what the libraries say.
            lock: The open file that holds the sweep's lock, if it has one; the processes inherit
                it, so that it is free when the last of them has ended.
        """
        self.jobs = setup.jobs or 1
        self._log = log
        ours, theirs = socket.socketpair()
        kept = [theirs.fileno(), *([] if lock is None else [lock])]
        self._process = start(server, [str(theirs.fileno()), str(log)], keep=kept)
        theirs.close()
        self._connection = Connection(ours.detach())
        self._send(setup)

    def ready(self) -> Mapping[str, float]:
        """Waits until tasks can be given; returns the metrics of an answer that learns nothing.

        Raises:
            DlError: The data cannot be used, or the server failed.
        """
        message = self._receive()
        if not isinstance(message, Ready):
            raise self._gone()
        self.jobs = message.jobs
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
            if isinstance(message, list):
                found += message
        return found

    def answer(self, key: Key, go_on: bool) -> None:
        """Lets a task that asks go on, or end after this epoch."""
        self._send(Answer(key, go_on))

    def stop(self) -> None:
        """Asks all tasks to stop; each of them still ends with an event."""
        self._send(Stop())

    def close(self) -> None:
        """Ends the server, which takes its workers with it."""
        self._connection.close()
        try:
            self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def _send(self, message: Setup | Task | Answer | Stop) -> None:
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
            hint="finished trials are kept; continue with --resume",
        )
