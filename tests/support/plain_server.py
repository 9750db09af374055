"""A server whose trainings are a few lines of Python; run as a module by the tests of the pool."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping
from multiprocessing.connection import Connection

from dl.errors import DataError, Interrupted, NumericError
from dl.sweeps.pools import OnEpoch, Ready, Result, Setup, StopSignal, Task
from dl.sweeps.pools.processes import Server, serve


class PlainTrainer:
    """Does what the overrides of a task say."""

    def __init__(self, ready: str) -> None:
        self._ready = ready
        self._done = 0

    def prepare(self) -> Mapping[str, float]:
        if self._ready == "refuse":
            raise DataError("the data is not there")
        if self._ready == "break":
            raise KeyError("a bug")
        return {"val_accuracy": 0.5}

    def begin(self, threads: int) -> None:
        self._threads = threads

    def train(self, task: Task, epoch: OnEpoch, stop_signal: StopSignal) -> Result:
        self._done += 1
        match task.overrides[0]:
            case "raise":
                raise NumericError("the loss is no number")
            case "bug":
                raise ZeroDivisionError("division by zero")
            case "memory":
                raise MemoryError
            case "die":
                os.kill(os.getpid(), signal.SIGKILL)
            case "wait":
                self._wait(stop_signal)
        epochs = 1
        while epoch({"epoch": epochs}) and epochs < 3:
            epochs += 1
        metrics = {"done": self._done, "pid": os.getpid(), "threads": self._threads}
        return Result("completed", {"seen": {**metrics, "epochs": epochs}})

    def _wait(self, stop_signal: StopSignal) -> None:
        while stop_signal() is None:
            time.sleep(0.01)
        raise Interrupted("stopped", signal_number=signal.SIGTERM)


def serve_plainly(client: Connection, setup: Setup) -> None:
    """Is told by the name of the base what becomes of its preparation."""
    trainer = PlainTrainer(setup.base.name)
    client.send(Ready(dict(trainer.prepare()), setup.jobs or 1))
    Server(client, trainer, setup.threads).run()


if __name__ == "__main__":
    serve(serve_plainly)
