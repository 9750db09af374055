"""The server of a sweep on this machine: prepares once what all trials share, and has workers.

Run as a module it is that server, in a process of its own. It imports TensorFlow and reads the
data, but runs no operation, since TensorFlow's threads would not survive the fork that makes a
worker. A worker does one task after the other, for its second costs half of its first; it is
replaced after some of them, or when its memory has grown. Where processes cannot be copied, a
worker begins anew and reads the data again.
"""

from __future__ import annotations

import contextlib
import gc
import multiprocessing
import os
import signal
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from statistics import fmean
from types import FrameType
from typing import TYPE_CHECKING, Any

from dl.config.load import Loaded, load_config
from dl.data.load import Datasets
from dl.data.trivial import trivial_of
from dl.errors import SCARCE, DlError, ExitCode, Interrupted, Problem, is_scarce
from dl.imports import importing
from dl.progress import SilentReporter
from dl.rundir.files import disk_errors, regular_descriptor
from dl.sweeps.pools import (
    Answer,
    EpochDone,
    Event,
    Ready,
    Refused,
    Result,
    Row,
    Setup,
    Stop,
    Task,
    TaskEnded,
    failed,
)
from dl.system import FORKS, process_memory

if TYPE_CHECKING:
    from dl.sweeps.training import Trainer

MOST_TASKS = 200
"""After so many a worker is replaced: what libraries never give back adds up."""
MOST_GROWTH = 1000.0
"""Megabytes that a worker may take more than after its first task."""
_PATIENCE = 5
"""Seconds that a worker may take to end."""
_TOLD_SECONDS = 0.1
"""Between two messages on epochs: each wakes two processes, which short epochs do not wait for."""
TRAINING = "dl.sweeps.training"
"""Has the trainer; takes Keras along, for seconds: it is loaded when there is need of it."""
_KERAS_SOURCE = "keras"
"""The source whose data Keras itself reads."""


class _ServerGone(BaseException):
    """Nobody listens any more; a training cannot take it for an error of its own."""


class _Reporting:
    """Passes on what a training says, and remembers the signal that stops it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._signal: int | None = None
        self._events: list[Event] = []
        self._told = 0.0
        self.task: Task | None = None

    def receive(self, number: int, frame: FrameType | None) -> None:
        self._signal = number

    def stop_signal(self) -> int | None:
        return self._signal

    def epoch(self, row: Row) -> bool:
        if self.task is None:
            return True
        self._events.append(EpochDone(self.task.key, dict(row)))
        try:
            if self.task.asks or time.monotonic() - self._told >= _TOLD_SECONDS:
                self.tell()
            return bool(self._connection.recv()) if self.task.asks else True
        except (EOFError, OSError) as error:
            raise _ServerGone from error

    def tell(self, *more: Event) -> None:
        self._connection.send([*self._events, *more])
        self._events.clear()
        self._told = time.monotonic()


def work(
    connection: Connection, trainer: Trainer, threads: int, inherited: Sequence[Connection]
) -> None:
    """Does tasks until the connection closes; the main function of a worker's process.

    Args:
        connection: Tasks come from it, events go into it. SIGTERM stops them, and is blocked
            until this function listens.
        trainer: What training is; its preparation is done.
        threads: How many may be used.
        inherited: The server's ends of connections, which a fork copies and this process closes.
    """
    for other in inherited:
        other.close()
    reporting = _Reporting(connection)
    signal.signal(signal.SIGTERM, reporting.receive)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    trainer.begin(threads)
    while True:
        try:
            reporting.task = task = connection.recv()
            result = carried_out(
                task, partial(trainer.train, task, reporting.epoch, reporting.stop_signal)
            )
            reporting.tell(TaskEnded(task.key, result))
        except (EOFError, OSError, _ServerGone):
            return


def carried_out(task: Task, train: Callable[[], Result]) -> Result:
    """Trains, and returns how that ended, whatever was raised."""
    started = time.perf_counter()
    try:
        result = train()
    except Interrupted:
        result = Result("interrupted")
    except Exception as error:
        if not isinstance(error, DlError | MemoryError):
            print(f"trial {task.trial}, repeat {task.repeat}:", file=sys.stderr)
            traceback.print_exc()
        result = failed(error)
    return replace(result, seconds=time.perf_counter() - started, memory=process_memory())


class _Worker:
    """A process that trains, and what it does now."""

    def __init__(self, trainer: Trainer, threads: int, others: list[Connection]) -> None:
        context: Any = multiprocessing.get_context("fork" if FORKS else "spawn")
        self.connection, theirs = context.Pipe()
        inherited = [*others, self.connection] if FORKS else []
        with warnings.catch_warnings():
            # The libraries' idle threads make Python 3.12 doubt the fork; none holds a lock.
            warnings.simplefilter("ignore", DeprecationWarning)
            self.process: BaseProcess = context.Process(
                target=work, args=(theirs, trainer, threads, inherited)
            )
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
            self.process.start()
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
        theirs.close()
        self.task: Task | None = None
        self._done = 0
        self._first_memory = 0.0

    def say(self, message: Task | bool) -> None:
        with contextlib.suppress(OSError):  # of a worker that has just died, the sentinel tells
            self.connection.send(message)

    def end(self, result: Result) -> bool:
        """Takes the end of its task; returns whether it has done enough."""
        self.task = None
        self._done += 1
        self._first_memory = self._first_memory or result.memory
        return self._done >= MOST_TASKS or result.memory > self._first_memory + MOST_GROWTH

    def retire(self) -> None:
        self.connection.close()
        self.process.join(_PATIENCE)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


class Server:
    """Hands tasks to workers, and what they say to the client, who gave the tasks."""

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
                worker = self._idle_worker()
                worker.task = message
                worker.say(message)
            case Answer():
                for worker in self._workers:
                    if worker.task is not None and worker.task.key == message.key:
                        worker.say(message.go_on)
            case Stop():
                for worker in self._workers:
                    if worker.task is not None:
                        worker.process.terminate()

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
            events: list[Event] = worker.connection.recv()
        except (EOFError, OSError):
            return False
        last = events[-1]
        if isinstance(last, TaskEnded) and worker.end(last.result):
            self._workers.remove(worker)
            worker.retire()
        self._client.send(events)
        return True

    def _bury(self, worker: _Worker) -> None:
        """Tells what became of the task of a worker that died."""
        self._workers.remove(worker)
        worker.connection.close()
        worker.process.join()
        if worker.task is None:
            return
        code = worker.process.exitcode or 0
        text = f"its process ended with exit code {code}"
        if -code == signal.SIGKILL:
            text = "its process was killed (SIGKILL); perhaps the memory ran out"
        elif code < 0:
            text = f"its process died of {signal.Signals(-code).name}"
        result = Result("failed", error=text, code=int(ExitCode.RUN), again=True)
        self._client.send([TaskEnded(worker.task.key, result)])


def serve(work: Callable[[Connection, Setup], None]) -> None:
    """Runs a server by the arguments that its client gave it: a descriptor, and the log's path.

    Args:
        work: Makes ready, says so, and serves until the client is gone.
    """
    descriptor, log = sys.argv[1:]
    client = Connection(int(descriptor))
    os.setsid()  # Ctrl-C is for the command, which tells the server
    try:
        _write_to(Path(log))
        work(client, client.recv())
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


def _write_to(log: Path) -> None:
    sys.stdout.flush()
    with disk_errors(f"writing {log}"):
        descriptor = regular_descriptor(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(descriptor, stream)
    os.close(descriptor)


def variants_of(setup: Setup) -> list[Loaded]:
    """Loads the base once for each repeat."""
    return [load_config(setup.base, overrides) for overrides in setup.variants]


def read_baseline(variants: Sequence[Loaded], datasets: Datasets) -> dict[str, float]:
    """Reads the data of all repeats; returns the metrics of an answer that learns nothing: means.

    Raises:
        DlError: The data cannot be used.
    """
    each = [_trivial_metrics(loaded, datasets) for loaded in variants]
    return {name: fmean(metrics[name] for metrics in each) for name in each[0]}


def _trivial_metrics(loaded: Loaded, datasets: Datasets) -> dict[str, float]:
    """Returns what the trivial answer reaches, named as in the history."""
    trivial = trivial_of(loaded.config, datasets.get(loaded, SilentReporter()))
    if trivial is None:
        return {}
    parts = {"": trivial.metrics["train"], "val_": trivial.metrics.get("validation", {})}
    return {
        f"{prefix}{name}": value for prefix, part in parts.items() for name, value in part.items()
    }


def serve_here(client: Connection, setup: Setup) -> None:
    """Serves by processes of this machine; the data is read while a thread imports Keras."""
    datasets, variants = Datasets(), variants_of(setup)
    with importing(TRAINING) as engine:
        if variants[0].config.data.source == _KERAS_SOURCE:
            engine()
        baseline = read_baseline(variants, datasets)
        trainer = engine().Trainer(datasets)
    gc.collect()
    gc.freeze()  # so that no worker looks through, and copies, what it shares with the others
    client.send(Ready(baseline, setup.jobs or 1))
    Server(client, trainer, setup.threads).run()


def main() -> None:
    """Is the server."""
    serve(serve_here)


if __name__ == "__main__":
    main()
