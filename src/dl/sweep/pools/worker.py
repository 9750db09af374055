"""A worker of a sweep's server: does one task after the other until its connection closes."""

from __future__ import annotations

import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from multiprocessing.connection import Connection
from types import FrameType

from dl.errors import DlError, Interrupted
from dl.sweep.pools.tasks import EpochDone, Result, Row, Task, TaskEnded, Trainer, failed
from dl.system import process_memory


class _ServerGone(BaseException):
    """Nobody listens any more; a training cannot take it for an error of its own."""


class _Listening:
    """Passes on what a training says, and remembers the signal that stops it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._signal: int | None = None
        self._task: Task | None = None

    def begin(self, task: Task) -> None:
        self._task = task

    def receive(self, number: int, frame: FrameType | None) -> None:
        self._signal = number

    def stop_signal(self) -> int | None:
        return self._signal

    def epoch(self, row: Row) -> bool:
        if self._task is None:
            return True
        try:
            self._connection.send(EpochDone(self._task.key, dict(row)))
            return bool(self._connection.recv()) if self._task.asks else True
        except (EOFError, OSError) as error:
            raise _ServerGone from error


def work(
    connection: Connection, trainer: Trainer, threads: int, inherited: Sequence[Connection]
) -> None:
    """Does tasks; the main function of a worker's process.

    Args:
        connection: Tasks come from it, events go into it. SIGTERM stops them, and is blocked
            until this function listens.
        trainer: What training is; its preparation is done.
        threads: How many may be used.
        inherited: The server's ends of connections, which a fork copies and this process closes.
    """
    for other in inherited:
        other.close()
    listening = _Listening(connection)
    signal.signal(signal.SIGTERM, listening.receive)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    trainer.begin(threads)
    while True:
        try:
            task: Task = connection.recv()
            listening.begin(task)
            result = carried_out(task, partial(trainer.train, task, listening))
            connection.send(TaskEnded(task.key, result))
        except (EOFError, OSError, _ServerGone):
            return


def carried_out(task: Task, train: Callable[[], Result]) -> Result:
    """Trains, and returns how that ended, whatever was raised."""
    started = time.perf_counter()
    try:
        result = train()
    except Interrupted:
        result = Result("interrupted")
    except (DlError, MemoryError) as error:
        result = failed(error)
    except Exception as error:
        print(f"trial {task.trial}, repeat {task.repeat}:", file=sys.stderr)
        traceback.print_exc()
        result = failed(error)
    return replace(result, seconds=time.perf_counter() - started, memory=process_memory())
