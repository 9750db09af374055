"""The loop of a sweep: hands tasks to a pool, and writes down what came of them.

To resume a sweep is to run it from its first trial with a journal that is not empty: a training
that the journal knows is not done again, but told like any other.
"""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from dl.errors import ExitCode
from dl.runs.sweeps import SweepDirectory, drop_arrays
from dl.sweep.agenda import Agenda
from dl.sweep.definition.load import Sweep
from dl.sweep.pools.tasks import BegunAgain, EpochDone, Event, Pool, Result, Task, TaskEnded
from dl.sweep.results.journal import Ended, Journal, OwnJournal
from dl.sweep.results.ranking import Standing, rank_key, standing_of
from dl.sweep.results.record import Status
from dl.sweep.search.pruning import Pruner
from dl.sweep.search.sampling import new_search

_TICK = 0.25
"""Seconds between two looks at signals and the clock while nothing happens."""


@dataclass(frozen=True, slots=True)
class Running:
    """A training in progress: since when, and the objective after each epoch so far."""

    task: Task
    since: float
    values: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a sweep is.

    Attributes:
        done: Trainings that have ended, in this session or before.
        total: Trainings in all, as far as it is known.
        failed: How many of those that ended failed.
        pruned: How many of them were pruned.
        best: The best setting so far, or None.
        running: What is being trained.
        left: Seconds until the end, or None while that is not known.
    """

    done: int
    total: int
    failed: int
    pruned: int
    best: Standing | None
    running: tuple[Running, ...]
    left: float | None


@dataclass(frozen=True, slots=True)
class Watcher:
    """Who looks at a sweep and may end it.

    Attributes:
        show: Is given the progress whenever something has happened.
        stop_signal: Gives the number of the signal that asked to stop, or None.
        fail_fast: Whether the first failure ends the sweep.
    """

    show: Callable[[Progress], None] = lambda progress: None
    stop_signal: Callable[[], int | None] = lambda: None
    fail_fast: bool = False


class Loop:
    """A sweep in progress.

    Attributes:
        journal: What has come of it so far.
    """

    def __init__(
        self,
        sweep: Sweep,
        directory: SweepDirectory,
        journal: OwnJournal,
        pool: Pool,
        watcher: Watcher,
    ) -> None:
        self._sweep = sweep
        self._directory = directory
        self._pool = pool
        self._watcher = watcher
        self.journal = journal
        search = new_search(sweep)
        self._agenda = Agenda(sweep, search, self.journal, directory.trials, pool.jobs)
        self._pruner = new_pruner(sweep, self.journal)
        self._ranked = _Ranked(sweep, directory, self.journal)
        self._running: dict[tuple[int, int], Running] = {}
        self._pruned: set[tuple[int, int]] = set()
        self._started = time.monotonic()
        self._trained = 0
        self._failed = False
        self._stopping = False

    def run(self) -> None:
        """Runs until every setting is done, or something ends it.

        Raises:
            DlError: A file cannot be written, or the pool is gone.
        """
        while True:
            self._fill()
            self._watcher.show(self.progress())
            if not self._running:
                return
            for event in self._pool.events(_TICK):
                self._hear(event)
            self._look_for_an_end()

    @property
    def status(self) -> Status:
        """How far the sweep has come, once `run` has returned."""
        if not self._agenda.is_done or self._running or self._stopping:
            return "interrupted"
        return "failed" if self.journal.counts["failed"] else "completed"

    def progress(self) -> Progress:
        """Returns how far it is."""
        counts, done = self.journal.counts, len(self.journal.ended)
        runs = self._sweep.terms.runs
        skipped = (counts["failed"] + counts["pruned"]) * (runs - 1) if self._pruner else 0
        total = self._sweep.size * runs - skipped
        seconds = time.monotonic() - self._started
        left = seconds / self._trained * (total - done) if self._trained else None
        return Progress(
            done=done,
            total=total,
            failed=counts["failed"],
            pruned=counts["pruned"],
            best=self._ranked.best,
            running=tuple(self._running.values()),
            left=left,
        )

    def _fill(self) -> None:
        """Begins tasks while there are any and the pool takes them; none after the time limit."""
        limit = self._sweep.file.seconds
        if limit is not None and time.monotonic() - self._started > limit:
            self._agenda.close()
        while len(self._running) < self._pool.jobs and (task := self._agenda.next()):
            # What an earlier session left of it is not whole; the journal would know it.
            shutil.rmtree(self._directory.run(*task.key).path, ignore_errors=True)
            self._running[task.key] = Running(task, time.monotonic())
            self._pool.submit(task)

    def _look_for_an_end(self) -> None:
        if self._stopping:
            return
        failed = self._watcher.fail_fast and self._failed
        if failed or self._watcher.stop_signal() is not None:
            self._stopping = True
            self._agenda.close()
            self._pool.stop()

    def _hear(self, event: Event) -> None:
        running = self._running.get(event.key)
        if running is None:
            return
        match event:
            case TaskEnded():
                self._end(running, event.result)
            case EpochDone():
                self._judge(running, event)
            case BegunAgain():
                running.values.clear()

    def _judge(self, running: Running, event: EpochDone) -> None:
        value = float(event.row.get(self._sweep.goal.metric, math.nan))
        running.values.append(value)
        if not running.task.asks or self._pruner is None:
            return
        goes_on = self._pruner.goes_on(running.task.trial, len(running.values), value)
        if not goes_on:
            self._pruned.add(event.key)
        self._pool.answer(event.key, goes_on)

    def _end(self, running: Running, result: Result) -> None:
        del self._running[running.task.key]
        if result.status == "interrupted":
            return
        ended = self._ended(running, result)
        self.journal.end(ended)
        self._trained += 1
        self._failed = self._failed or ended.status == "failed"
        if self._pruner is not None and running.task.asks:
            self._pruner.end(ended)
            self._agenda.follow(ended.trial)
        self._ranked.take(ended.trial)

    def _ended(self, running: Running, result: Result) -> Ended:
        key, values = running.task.key, tuple(running.values)
        result = _judged(result, values, self._sweep.goal.metric)
        pruned = result.status == "completed" and key in self._pruned
        return Ended(
            *key,
            status="pruned" if pruned else result.status,
            values=values,
            metrics=result.metrics,
            seconds=round(result.seconds, 3),
            error=result.error,
            code=result.code,
            again=result.again,
        )


class _Ranked:
    """The completed settings, the best first; only the best keep their trained models."""

    def __init__(self, sweep: Sweep, directory: SweepDirectory, journal: Journal) -> None:
        self._sweep = sweep
        self._directory = directory
        self._journal = journal
        self._kept: list[Standing] = []
        self.best: Standing | None = None
        for trial in journal.settings:
            self.take(trial)

    def take(self, trial: int) -> None:
        """Ranks a setting of which a training has ended, if it was the last."""
        goal = self._sweep.goal
        standing = standing_of(self._journal, trial, self._sweep.terms)
        if standing.status in ("failed", "pruned"):
            self._drop(standing)
        if standing.status != "completed":
            return
        order = sorted([*self._kept, standing], key=lambda kept: rank_key(kept, goal))
        self.best = min([standing, *filter(None, [self.best])], key=lambda s: rank_key(s, goal))
        self._kept = order[: self._sweep.file.keep]
        for dropped in order[self._sweep.file.keep :]:
            self._drop(dropped)

    def _drop(self, standing: Standing) -> None:
        for repeat in range(1, self._sweep.terms.runs + 1):
            drop_arrays(self._directory.run(standing.trial, repeat))


def new_pruner(sweep: Sweep, journal: Journal) -> Pruner | None:
    """Returns the pruner of a sweep that prunes, which knows what the journal tells."""
    if sweep.file.pruning.type == "none":
        return None
    epochs = sweep.base.config.training.epochs
    pruner = Pruner(sweep.file.pruning, epochs, sweep.goal.maximize)
    pruner.replay(journal.ended.values())
    return pruner


def _judged(result: Result, values: tuple[float, ...], metric: str) -> Result:
    """Turns a training without a number to compare into a failure."""
    if result.status != "completed" or (values and all(map(math.isfinite, values))):
        return result
    text = f"{metric} is no number" if values else f"{metric} was not measured"
    return replace(result, status="failed", error=text, code=int(ExitCode.NUMERIC))
