"""The loop of a sweep: asks for settings, hands tasks to a pool, and writes down what came of them.

To resume a sweep is to run it from its first trial with a journal that is not empty: a training
that the journal knows is not done again, but told like any other.
"""

from __future__ import annotations

import math
import shutil
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace

from dl.errors import ExitCode
from dl.rundir.directory import SweepDirectory
from dl.rundir.folders import drop_arrays
from dl.sweeps.definition import Sweep
from dl.sweeps.journal import Ended, OwnJournal
from dl.sweeps.parameters import Setting
from dl.sweeps.pools import (
    BegunAgain,
    EpochDone,
    Event,
    Key,
    PoolClient,
    Result,
    Task,
    TaskEnded,
)
from dl.sweeps.results import SweepStatus, TrialSummary, rank_key, summary_of
from dl.sweeps.search import PRUNING_REPEAT, Pruner, Search, new_search
from dl.sweeps.watching import Progress, Running, Watcher

_TICK = 0.25
"""Seconds between two looks at signals and the clock while nothing happens."""
_AHEAD = 32
"""Settings that are known before they are trained, where none depends on what came of others."""


@dataclass(slots=True, eq=False)
class TrialQueue:
    """The tasks of a sweep, in their order; what the journal knows is not done again.

    With `jobs` trainings at the same time, a search that learns is asked for trial k when the
    trials up to k - jobs are over, and knows exactly those. So its answer does not depend on
    which of two trainings was faster.

    Where nothing depends on what came before, who has trained a network is given the next setting
    of the same network: its steps are traced already, which takes longer than to train it.
    """

    _sweep: Sweep
    _search: Search
    _journal: OwnJournal
    _directory: SweepDirectory
    _jobs: int
    _asked: int = 0
    _told: int = 0
    _waiting: deque[Task] = field(default_factory=deque)
    _closed: bool = False
    _settings: dict[int, Setting] = field(default_factory=dict)
    _left: bool = False

    @property
    def is_done(self) -> bool:
        """Whether every setting was asked for, and all of its tasks are taken."""
        return self._asked == self._sweep.size and not self._waiting and not self._left

    def next(self, after: Task | None = None, others: Iterable[Task] = ()) -> Task | None:
        """Returns the next task; None if there is none now, perhaps since others have to end.

        Args:
            after: What was done last by who is to do it.
            others: What is being done.
        """
        while len(self._waiting) < self._ahead and self._ask():
            pass
        if not self._waiting:
            return None
        task = self._waiting[0]
        if after is not None and self._ahead > 1:
            begun = [_network(other) for other in others]
            same = (each for each in self._waiting if _network(each) == _network(after))
            new = (each for each in self._waiting if _network(each) not in begun)
            task = next(same, None) or next(new, task)
        self._waiting.remove(task)
        self._journal.ask(task.trial, self._settings[task.trial])
        return task

    @property
    def _ahead(self) -> int:
        return 1 if self._search.learns or self._sweep.prunes else _AHEAD

    def follow(self, trial: int) -> None:
        """Queues the other repeats of a setting whose first one was not pruned, before all else."""
        self._waiting.extendleft(reversed(self._open_tasks(trial)))

    def close(self) -> None:
        """Ends it: there are no more tasks."""
        self._closed = True
        self._left = bool(self._waiting)
        self._waiting.clear()

    def _ask(self) -> bool:
        """Asks for the next setting; False if there is none, or it may not be asked for yet."""
        trial = self._asked + 1
        if self._closed or trial > self._sweep.size or not self._has_told(trial):
            return False
        known = self._journal.settings.get(trial)
        asked = self._search.ask(trial, known)
        setting = known or asked
        if setting is None:
            self._closed = True
            return False
        self._asked = trial
        self._settings[trial] = setting
        self._waiting.extend(self._open_tasks(trial))
        return True

    def _has_told(self, trial: int) -> bool:
        """Tells the search what it has to know before it is asked; False if that is open yet."""
        if not self._search.learns:
            return True
        for earlier in range(self._told + 1, trial - self._jobs + 1):
            if not self._is_over(earlier):
                return False
            summary = summary_of(self._journal, earlier, self._sweep.plan)
            score = None if summary.status == "failed" else summary.mean
            self._search.tell(earlier, score, summary.status == "pruned")
            self._told = earlier
        return True

    def _is_over(self, trial: int) -> bool:
        endings = self._journal.of_trial(trial)
        if len(endings) >= self._sweep.plan.runs:
            return True
        return self._sweep.prunes and any(ended.status != "completed" for ended in endings)

    def _open_tasks(self, trial: int) -> list[Task]:
        """Returns what is to be trained of a setting now: where trials are pruned, one first."""
        if self._is_over(trial):
            return []
        done = {ended.repeat for ended in self._journal.of_trial(trial)}
        first_alone = self._sweep.prunes and PRUNING_REPEAT not in done
        last = PRUNING_REPEAT if first_alone else self._sweep.plan.runs
        return [
            Task(
                trial=trial,
                repeat=repeat,
                base=self._sweep.base.path,
                overrides=self._sweep.overrides(repeat, self._settings[trial]),
                trials=self._directory.trials,
                asks=self._sweep.prunes and repeat == PRUNING_REPEAT,
            )
            for repeat in range(1, last + 1)
            if repeat not in done
        ]


def _network(task: Task) -> list[str]:
    return [override for override in task.overrides if override.startswith("model.")]


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
        pool: PoolClient,
        watcher: Watcher,
    ) -> None:
        self._sweep = sweep
        self._directory = directory
        self._pool = pool
        self._watcher = watcher
        self.journal = journal
        self._queue = TrialQueue(sweep, new_search(sweep), journal, directory, pool.jobs)
        self._pruner: Pruner | None = None
        if sweep.prunes:
            epochs = sweep.base.config.training.epochs
            self._pruner = Pruner(sweep.file.pruning, epochs, sweep.plan.goal.maximize)
            self._pruner.replay(journal.ended.values())
        self._best: list[TrialSummary] = []
        for trial in journal.settings:
            self._rank(trial)
        self._running: dict[Key, Running] = {}
        self._ended: list[Task] = []
        self._pruned: set[Key] = set()
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
            failed = self._watcher.fail_fast and self._failed
            if not self._stopping and (failed or self._watcher.stop_signal() is not None):
                self._stopping = True
                self._queue.close()
                self._pool.stop()

    @property
    def status(self) -> SweepStatus:
        """How far the sweep has come, once `run` has returned."""
        if not self._queue.is_done or self._running or self._stopping:
            return "interrupted"
        return "failed" if self.journal.counts["failed"] else "completed"

    def progress(self) -> Progress:
        """Returns how far it is."""
        counts, done = self.journal.counts, len(self.journal.ended)
        runs = self._sweep.plan.runs
        skipped = (counts["failed"] + counts["pruned"]) * (runs - 1) if self._pruner else 0
        total = self._sweep.size * runs - skipped
        seconds = time.monotonic() - self._started
        return Progress(
            done=done,
            total=total,
            failed=counts["failed"],
            pruned=counts["pruned"],
            best=self._best[0] if self._best else None,
            running=tuple(self._running.values()),
            left=seconds / self._trained * (total - done) if self._trained else None,
        )

    def _fill(self) -> None:
        """Begins tasks while there are any and the pool takes them; none after the time limit."""
        limit = self._sweep.file.seconds
        if limit is not None and time.monotonic() - self._started > limit:
            self._queue.close()
        while len(self._running) < self._pool.jobs:
            others = [running.task for running in self._running.values()]
            task = self._queue.next(self._ended.pop() if self._ended else None, others)
            if task is None:
                return
            # What an earlier session left of it is not whole; the journal would know it.
            shutil.rmtree(self._directory.run(*task.key).path, ignore_errors=True)
            setting = self.journal.settings[task.trial]
            self._running[task.key] = Running(task, setting, time.monotonic())
            self._pool.submit(task)

    def _hear(self, event: Event) -> None:
        running = self._running.get(event.key)
        if running is None:
            return
        match event:
            case TaskEnded():
                del self._running[event.key]
                self._ended = [running.task]
                if event.result.status != "interrupted":
                    self._end(running, event.result)
            case EpochDone():
                running.values.append(float(event.row.get(self._sweep.plan.goal.metric, math.nan)))
                if self._pruner is not None and running.task.asks:
                    epoch, value = len(running.values), running.values[-1]
                    goes_on = self._pruner.goes_on(running.task.trial, epoch, value)
                    self._pruned |= set() if goes_on else {event.key}
                    self._pool.answer(event.key, goes_on)
            case BegunAgain():
                running.values.clear()

    def _end(self, running: Running, result: Result) -> None:
        key, values = running.task.key, tuple(running.values)
        if result.status == "completed" and not (values and all(map(math.isfinite, values))):
            # A training without a number to compare is a failure.
            what = "is not a number" if values else "was not measured"
            text, code = f"{self._sweep.plan.goal.metric} {what}", int(ExitCode.NUMERIC)
            result = replace(result, status="failed", error=text, code=code)
        elif result.status == "completed" and key in self._pruned:
            result = replace(result, status="pruned")
        told = asdict(replace(result, seconds=round(result.seconds, 3)))
        del told["memory"]
        ended = Ended(*key, values=values, **told)
        self.journal.end(ended)
        self._trained += 1
        self._failed |= ended.status == "failed"
        if self._pruner is not None and running.task.asks:
            self._pruner.end(ended)
            self._queue.follow(ended.trial)
        self._rank(ended.trial)

    def _rank(self, trial: int) -> None:
        """Ranks a setting that is over; only the best of them keep their trained models."""
        plan, keep = self._sweep.plan, self._sweep.file.keep
        dropped = [summary := summary_of(self.journal, trial, plan)]
        if summary.status == "unfinished":
            return
        if summary.status == "completed":
            order = sorted([*self._best, summary], key=lambda each: rank_key(each, plan.goal))
            self._best, dropped = order[: max(1, keep)], order[keep:]
        for each in dropped:
            for repeat in range(1, plan.runs + 1):
                drop_arrays(self._directory.run(each.trial, repeat))
