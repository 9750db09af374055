"""The server of a sweep: prepares once what all trials share, and forks workers that have it.

It runs in a process of its own. TensorFlow is imported there, but no operation runs, since its
threads would not survive the fork. A worker does one task after the other, for its second costs
half of its first; it is replaced after some of them, or when its memory has grown.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from dl.errors import SCARCE, DlError, ExitCode, Problem, is_scarce
from dl.runs.files import disk_error, regular_descriptor
from dl.sweep.pools.tasks import EpochDone, Result, Task, TaskEnded, Trainer
from dl.sweep.pools.worker import work
from dl.system import FORKS

MOST_TASKS = 40
"""After so many a worker is replaced."""
MOST_GROWTH = 1000.0
"""Megabytes that a worker may take more than after its first task."""


@dataclass(frozen=True, slots=True)
class Ready:
    """The server can be given tasks.

    Attributes:
        baseline: The metrics of a trivial answer.
        jobs: How many tasks it takes at the same time; None where it was told.
    """

    baseline: dict[str, float]
    jobs: int | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """The server could not be made ready, or can do no more tasks."""

    problems: tuple[Problem, ...]
    code: int


@dataclass(frozen=True, slots=True)
class Answer:
    """To a task that asks after an epoch whether it may go on."""

    key: tuple[int, int]
    go_on: bool


@dataclass(frozen=True, slots=True)
class Stop:
    """All tasks are to stop."""


class _Worker:
    """A forked process, and what it does now."""

    def __init__(self, trainer: Trainer, threads: int, others: list[Connection]) -> None:
        context: Any = multiprocessing.get_context("fork" if FORKS else "spawn")
        self.connection, theirs = context.Pipe()
        with warnings.catch_warnings():
            # The libraries' idle threads make Python 3.12 doubt the fork; none holds a lock.
            warnings.simplefilter("ignore", DeprecationWarning)
            self.process: BaseProcess = context.Process(
                target=work, args=(theirs, trainer, threads, [*others, self.connection])
            )
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
            self.process.start()
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
        theirs.close()
        self.task: Task | None = None
        self._done = 0
        self._first_memory = 0.0

    def begin(self, task: Task) -> None:
        self.task = task
        self.say(task)

    def say(self, message: Task | bool) -> None:
        with contextlib.suppress(OSError):  # of a worker that has just died, the sentinel tells
            self.connection.send(message)

    def end(self, result: Result) -> None:
        self.task = None
        self._done += 1
        self._first_memory = self._first_memory or result.memory

    def is_worn(self, result: Result) -> bool:
        return self._done >= MOST_TASKS or result.memory > self._first_memory + MOST_GROWTH

    def retire(self) -> None:
        self.connection.close()
        self.process.join(5)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


class Server:
    """Hands tasks to workers, and what they say to the one who gave the tasks."""

    def __init__(self, client: Connection, trainer: Trainer, threads: int) -> None:
        self._client = client
        self._trainer = trainer
        self._threads = threads
        self._workers: list[_Worker] = []

    def run(self) -> None:
        """Serves until the client is gone, which raises `EOFError` or an `OSError`."""
        try:
            while True:
                self._turn()
        finally:
            for worker in self._workers:
                worker.process.kill()

    def _turn(self) -> None:
        connections = [worker.connection for worker in self._workers]
        sentinels = [worker.process.sentinel for worker in self._workers]
        ready = wait([self._client, *connections, *sentinels])
        if self._client in ready:
            self._hear(self._client.recv())
        for worker in list(self._workers):
            spoke = worker.connection in ready
            died = worker.process.sentinel in ready and not worker.connection.poll()
            if died or (spoke and not self._relay(worker)):
                self._bury(worker)

    def _hear(self, message: object) -> None:
        match message:
            case Task():
                self._idle_worker().begin(message)
            case Answer():
                for worker in self._workers:
                    if worker.task is not None and worker.task.key == message.key:
                        worker.say(message.go_on)
            case Stop():
                for worker in self._workers:
                    if worker.task is not None and worker.process.pid is not None:
                        os.kill(worker.process.pid, signal.SIGTERM)

    def _idle_worker(self) -> _Worker:
        for worker in self._workers:
            if worker.task is None and worker.process.is_alive():
                return worker
        connections = [self._client, *(worker.connection for worker in self._workers)]
        worker = _Worker(self._trainer, self._threads, connections)
        self._workers.append(worker)
        return worker

    def _relay(self, worker: _Worker) -> bool:
        """Passes one message on; False if the worker has said its last."""
        try:
            message: EpochDone | TaskEnded = worker.connection.recv()
        except (EOFError, OSError):
            return False
        if isinstance(message, TaskEnded):
            worker.end(message.result)
            if worker.is_worn(message.result):
                self._workers.remove(worker)
                worker.retire()
        self._client.send(message)
        return True

    def _bury(self, worker: _Worker) -> None:
        """Tells what became of the task of a worker that died."""
        self._workers.remove(worker)
        worker.connection.close()
        worker.process.join()
        if worker.task is not None:
            self._client.send(TaskEnded(worker.task.key, _dead(worker.process.exitcode or 0)))


def serve(descriptor: str, log: str, work: Callable[[Connection], None]) -> None:
    """Runs a server; called by the main function of its process.

    Args:
        descriptor: Of the connection to the one who gives the tasks.
        log: The file for what libraries write to stdout and stderr.
        work: Makes ready, says so, and serves until the client is gone.
    """
    client = Connection(int(descriptor))
    os.setsid()  # Ctrl-C is for the command, which tells the server
    try:
        _write_to(Path(log))
        work(client)
    except (EOFError, BrokenPipeError, ConnectionResetError):
        pass
    except DlError as error:
        client.send(Refused(error.problems, int(error.exit_code)))
    except Exception as error:
        traceback.print_exc()
        if is_scarce(error):
            client.send(Refused((SCARCE,), int(ExitCode.DISK)))
            return
        problem = Problem(f"the sweep's server failed; its trace is in {log}")
        client.send(Refused((problem,), int(ExitCode.BUG)))


def serve_here(descriptor: str, log: str, threads: str, trainer: Trainer) -> None:
    """Runs a server whose workers are processes of this machine, with so many threads each."""

    def work(client: Connection) -> None:
        client.send(Ready(dict(trainer.prepare())))
        Server(client, trainer, int(threads)).run()

    serve(descriptor, log, work)


def _write_to(log: Path) -> None:
    sys.stdout.flush()
    try:
        descriptor = regular_descriptor(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    except OSError as error:
        raise disk_error(error, f"writing {log}") from error
    for stream in (1, 2):
        os.dup2(descriptor, stream)
    os.close(descriptor)


def _dead(code: int) -> Result:
    if code >= 0:
        text = f"its process ended with exit code {code}"
    elif -code == signal.SIGKILL:
        text = "its process was killed (SIGKILL); perhaps the memory ran out"
    else:
        text = f"its process died of {signal.Signals(-code).name}"
    return Result("failed", error=text, code=int(ExitCode.RUN), again=True)
