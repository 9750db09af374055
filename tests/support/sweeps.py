"""Sweeps over a small config, and a pool that trains with a plain function."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from dl.rundir.directory import SweepDirectory
from dl.sweeps.definition import Sweep, load_sweep
from dl.sweeps.journal import OwnJournal
from dl.sweeps.loop import Loop
from dl.sweeps.pools import EpochDone, Event, Result, Task, TaskEnded, failed
from dl.sweeps.watching import Watcher

BASE = """\
name: iris
data: {source: builtin, dataset: iris}
model:
  layers:
    - {type: Dense, units: 8, activation: relu, name: hidden}
    - {type: Dense, units: 3, activation: softmax}
training:
  loss: sparse_categorical_crossentropy
  metrics: [accuracy]
  optimizer: {type: adam, learning_rate: 0.01}
"""

Curve = Callable[[Task], Sequence[float] | Exception]
"""The objective of a task after each epoch, or what its training raises."""


def make_sweep(folder: Path, text: str) -> Sweep:
    """Writes a sweep beside its base, and loads it."""
    (folder / "base.yaml").write_text(BASE)
    (folder / "sweep.yaml").write_text(f"base: base.yaml\n{text}")
    return load_sweep(folder / "sweep.yaml")


class FakePool:
    """Trains in this process; all tasks that run advance by an epoch at each look.

    Attributes:
        seen: The tasks that were begun, in order.
    """

    def __init__(self, curve: Curve, jobs: int = 1) -> None:
        self._curve = curve
        self._jobs = jobs
        self._running: dict[tuple[int, int], Iterator[Event]] = {}
        self._ended: set[tuple[int, int]] = set()
        self._stopped = False
        self.seen: list[Task] = []

    @property
    def jobs(self) -> int:
        return self._jobs

    def submit(self, task: Task) -> None:
        self.seen.append(task)
        self._running[task.key] = self._events(task)

    def events(self, timeout: float) -> list[Event]:
        events = [next(running) for running in self._running.values()]
        for event in events:
            if isinstance(event, TaskEnded):
                del self._running[event.key]
        return events

    def answer(self, key: tuple[int, int], go_on: bool) -> None:
        if not go_on:
            self._ended.add(key)

    def stop(self) -> None:
        self._stopped = True

    def close(self) -> None:
        self._running.clear()

    def _events(self, task: Task) -> Iterator[Event]:
        curve = self._curve(task)
        if isinstance(curve, Exception):
            result = failed(curve)
            yield TaskEnded(task.key, replace(result, error=str(curve), code=6))
            return
        for value in curve:
            if self._stopped:
                yield TaskEnded(task.key, Result("interrupted"))
            if task.key in self._ended:
                break
            yield EpochDone(task.key, {"val_accuracy": value})
        yield TaskEnded(task.key, Result("completed", {"validation": {"accuracy": 1.0}}))


def run_loop(sweep: Sweep, folder: Path, pool: FakePool, watcher: Watcher | None = None) -> Loop:
    """Runs a sweep in `<folder>/run`, which may have a journal already."""
    directory = SweepDirectory(folder / "run")
    directory.path.mkdir(exist_ok=True)
    loop = Loop(sweep, directory, OwnJournal(directory.journal), pool, watcher or Watcher())
    loop.run()
    return loop


def settings(loop: Loop) -> list[Mapping[str, object]]:
    """Returns what was asked for, by the number of the trial."""
    return [loop.journal.settings[trial].values for trial in sorted(loop.journal.settings)]
