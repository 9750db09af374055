"""What is to be trained next: asks the search for settings, and keeps the journal."""

from __future__ import annotations

from collections import deque
from pathlib import Path

from dl.sweep.definition.load import Sweep
from dl.sweep.definition.space import Setting
from dl.sweep.pools.tasks import Task
from dl.sweep.results.journal import OwnJournal
from dl.sweep.results.ranking import trial_score
from dl.sweep.search.pruning import PRUNING_REPEAT
from dl.sweep.search.sampling import Search


class Agenda:
    """The tasks of a sweep, in their order; what the journal knows is not done again.

    With `jobs` trainings at the same time, a search that learns is asked for trial k when the
    trials up to k - jobs are over, and knows exactly those. So its answer does not depend on
    which of two trainings was faster.
    """

    def __init__(
        self, sweep: Sweep, search: Search, journal: OwnJournal, trials: Path, jobs: int
    ) -> None:
        self._sweep = sweep
        self._search = search
        self._journal = journal
        self._trials = trials
        self._jobs = jobs
        self._prunes = sweep.file.pruning.type != "none"
        self._runs = sweep.terms.runs
        self._asked = 0
        self._told = 0
        self._waiting: deque[Task] = deque()
        self._closed = False

    @property
    def is_done(self) -> bool:
        """Whether every setting was asked for, and all of its tasks are taken."""
        return self._asked == self._sweep.size and not self._waiting

    def next(self) -> Task | None:
        """Returns the next task; None if there is none now, perhaps since others have to end."""
        while not self._waiting and self._ask():
            pass
        return self._waiting.popleft() if self._waiting else None

    def follow(self, trial: int) -> None:
        """Queues the other repeats of a setting whose first one was not pruned."""
        self._queue(trial, after_first=True)

    def close(self) -> None:
        """Ends it: there are no more tasks."""
        self._closed = True
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
        self._journal.ask(trial, setting)
        self._queue(trial)
        return True

    def _has_told(self, trial: int) -> bool:
        """Tells the search what it has to know before it is asked; False if that is open yet."""
        if not self._search.learns:
            return True
        for earlier in range(self._told + 1, trial - self._jobs + 1):
            if not self._is_over(earlier):
                return False
            endings = self._journal.of_trial(earlier)
            pruned = any(ended.status == "pruned" for ended in endings)
            self._search.tell(earlier, trial_score(endings, self._sweep.goal), pruned)
            self._told = earlier
        return True

    def _is_over(self, trial: int) -> bool:
        endings = self._journal.of_trial(trial)
        if len(endings) >= self._runs:
            return True
        return self._prunes and any(ended.status != "completed" for ended in endings)

    def _queue(self, trial: int, after_first: bool = False) -> None:
        done = {ended.repeat for ended in self._journal.of_trial(trial)}
        if self._is_over(trial):
            return
        first_alone = self._prunes and PRUNING_REPEAT not in done
        last = PRUNING_REPEAT if first_alone else self._runs
        repeats = [repeat for repeat in range(1, last + 1) if repeat not in done]
        tasks = [self._task(trial, repeat) for repeat in repeats]
        if after_first:
            self._waiting.extendleft(reversed(tasks))
        else:
            self._waiting.extend(tasks)

    def _task(self, trial: int, repeat: int) -> Task:
        setting = self._journal.settings[trial]
        return Task(
            trial=trial,
            repeat=repeat,
            base=self._sweep.base.path,
            overrides=(
                *self._sweep.base.overrides,
                *setting.overrides,
                *repeat_overrides(self._sweep, setting, repeat),
            ),
            trials=self._trials,
            asks=self._prunes and repeat == PRUNING_REPEAT,
        )


def repeat_overrides(sweep: Sweep, setting: Setting, repeat: int) -> tuple[str, ...]:
    """Returns what tells a repeat of a setting from the others: its fold, or its seed."""
    if sweep.file.folds is not None:
        return (f"data.split.folds={sweep.file.folds}", f"data.split.fold={repeat}")
    if repeat == 1:
        return ()
    seed = setting.values.get("seed", sweep.base.config.seed)
    return (f"seed={(int(str(seed)) + repeat - 1) % 2**32}",)
