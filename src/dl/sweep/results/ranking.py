"""How settings stand: their scores over the repeats, and their order."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from dl.sweep.definition.space import Setting
from dl.sweep.definition.terms import Goal, Terms
from dl.sweep.results.journal import Ended, Journal

Status = Literal["completed", "pruned", "failed", "unfinished"]


@dataclass(frozen=True, slots=True)
class Standing:
    """What came of a setting.

    Attributes:
        trial: Its number.
        setting: What it changes.
        status: completed: all of its trainings are; pruned, failed: one of them is.
        scores: The objective of each training that ended, by repeat.
        epochs: The epoch of each score.
        error: Why a training failed.
    """

    trial: int
    setting: Setting
    status: Status
    scores: tuple[float, ...]
    epochs: tuple[int, ...]
    error: str | None = None

    @property
    def mean(self) -> float:
        """The mean of the scores; NaN without any."""
        return statistics.fmean(self.scores) if self.scores else math.nan

    @property
    def spread(self) -> float | None:
        """The standard deviation of the scores; None where there is only one."""
        return statistics.stdev(self.scores) if len(self.scores) > 1 else None


def standing_of(journal: Journal, trial: int, terms: Terms) -> Standing:
    """Returns how a setting stands."""
    endings = sorted(journal.of_trial(trial), key=lambda ended: ended.repeat)
    scored = [terms.goal.score(ended.values) for ended in endings if ended.status != "failed"]
    error = next((ended.error for ended in endings if ended.error), None)
    scores = tuple(score for score, _ in scored)
    epochs = tuple(epoch for _, epoch in scored)
    status = _status(endings, terms.runs)
    return Standing(trial, journal.settings[trial], status, scores, epochs, error)


def standings(journal: Journal, terms: Terms) -> list[Standing]:
    """Returns all settings that were asked for: the completed ones first, the best of them first.

    Then come those that were pruned, failed or are not finished, by their numbers.
    """
    found = [standing_of(journal, trial, terms) for trial in sorted(journal.settings)]
    done = [standing for standing in found if standing.status == "completed"]
    order = ("pruned", "failed", "unfinished")
    rest = [standing for status in order for standing in found if standing.status == status]
    return [*sorted(done, key=lambda standing: rank_key(standing, terms.goal)), *rest]


def rank_key(standing: Standing, goal: Goal) -> tuple[float, int]:
    """Returns what completed settings are sorted by; equal ones by their numbers."""
    return (-standing.mean if goal.maximize else standing.mean, standing.trial)


def trial_score(endings: Iterable[Ended], goal: Goal) -> float | None:
    """Returns the mean score of a setting's trainings, or None if one of them failed."""
    listed = list(endings)
    if not listed or any(ended.status == "failed" for ended in listed):
        return None
    return statistics.fmean(goal.score(ended.values)[0] for ended in listed)


def _status(endings: Sequence[Ended], runs: int) -> Status:
    found = {ended.status for ended in endings}
    if "failed" in found:
        return "failed"
    if "pruned" in found:
        return "pruned"
    return "completed" if len(endings) == runs else "unfinished"
