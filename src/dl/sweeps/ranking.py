"""How settings compare: their scores over the repeats, their order, and which differences are real.

`leaderboard.csv` says it to programs; the table of `dl compare` and the page show the same rows.
"""

from __future__ import annotations

import csv
import io
import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from dl.config.emit import flow
from dl.rundir.manifest import publish
from dl.rundir.typed import Finite, Positive
from dl.stats import LEVEL, holm, resampled_t_test
from dl.sweeps.journal import Journal
from dl.sweeps.parameters import Setting
from dl.text import number

METHOD = "corrected resampled t-test of the pairs of trainings, Holm's correction"
NOT_TESTED = "not tested: one training each"
ALIKE = "not distinguishable"

TrialStatus = Literal["completed", "pruned", "failed", "unfinished"]


@dataclass(frozen=True, slots=True)
class Objective:
    """What is compared: a column of the history, at the best epoch or at the last."""

    metric: str
    maximize: bool
    at_best: bool

    def score(self, values: Sequence[float]) -> tuple[float, int]:
        """Returns the score of a training and its epoch (1-based), from its value of each epoch."""
        if not self.at_best:
            return values[-1], len(values)
        best = max(values) if self.maximize else min(values)
        return best, values.index(best) + 1


@dataclass(frozen=True, slots=True)
class EvaluationPlan:
    """What the results of a sweep are judged by; its names are those of `sweep.json`.

    Attributes:
        goal: What is compared.
        runs: The trainings of each setting.
        overlap: The rows that validate for each row that trains, where they change places from
            one training of a setting to the next; else 0.
    """

    goal: Objective
    runs: Positive
    overlap: Finite


@dataclass(frozen=True, slots=True)
class TrialSummary:
    """What came of a setting.

    Attributes:
        trial: Its number.
        setting: What it changes.
        status: completed: all of its trainings are; pruned, failed: one of them is.
        scores: The objective of each training that ended, by repeat.
        epochs: The epoch of each score.
        curve: The objective after each epoch of the first training that has ended.
        error: Why a training failed.
        rank: The place, from 1; None for what is not ranked.
        p_value: How often chance alone would give such a difference to the best; None where it
            cannot be tested.
    """

    trial: int
    setting: Setting
    status: TrialStatus
    scores: tuple[float, ...]
    epochs: tuple[int, ...]
    curve: tuple[float, ...] = ()
    error: str | None = None
    rank: int | None = None
    p_value: float | None = None

    @property
    def mean(self) -> float:
        """The mean of the scores; NaN without any."""
        return statistics.fmean(self.scores) if self.scores else math.nan

    @property
    def spread(self) -> float | None:
        """The standard deviation of the scores; None where there is only one."""
        return statistics.stdev(self.scores) if len(self.scores) > 1 else None

    @property
    def verdict(self) -> str:
        """How a ranked setting compares with the best, in words; empty for one that is not."""
        if self.rank is None:
            return ""
        if self.rank == 1:
            return "best"
        if self.p_value is None:
            return NOT_TESTED
        return "worse" if self.p_value < LEVEL else ALIKE

    def cells(self, paths: Sequence[str], written: Callable[[object], str]) -> list[str]:
        """Returns a row of a table: rank, trial, mean, spread, the value of each path, verdict."""
        values = self.setting.values
        return [
            str(self.rank or ""),
            str(self.trial),
            number(self.mean, padded=True) if self.scores else "",
            "" if self.spread is None else number(self.spread, padded=True),
            *(written(values[path]) if path in values else "" for path in paths),
            self.verdict or self.status,
        ]


def summary_of(journal: Journal, trial: int, plan: EvaluationPlan) -> TrialSummary:
    """Returns what has come of a setting so far."""
    endings = sorted(journal.of_trial(trial), key=lambda ended: ended.repeat)
    scored = [plan.goal.score(ended.values) for ended in endings if ended.status != "failed"]
    found = {ended.status for ended in endings}
    status: TrialStatus = "completed" if len(endings) == plan.runs else "unfinished"
    return TrialSummary(
        trial,
        journal.settings[trial],
        "failed" if "failed" in found else "pruned" if "pruned" in found else status,
        scores=tuple(score for score, _ in scored),
        epochs=tuple(epoch for _, epoch in scored),
        curve=endings[0].values if endings else (),
        error=next((ended.error for ended in endings if ended.error), None),
    )


def rank_key(summary: TrialSummary, objective: Objective) -> tuple[float, int]:
    """Returns what completed settings are sorted by; equal ones by their numbers."""
    return (-summary.mean if objective.maximize else summary.mean, summary.trial)


def leaderboard(plan: EvaluationPlan, journal: Journal) -> list[TrialSummary]:
    """Returns all settings that were asked for: the completed ones, ranked, the best first.

    Then come those that were pruned, failed or are not finished, by their numbers.
    """
    found = [summary_of(journal, trial, plan) for trial in sorted(journal.settings)]
    done = [summary for summary in found if summary.status == "completed"]
    done.sort(key=lambda summary: rank_key(summary, plan.goal))
    tested = [
        resampled_t_test(
            [best - score for best, score in zip(done[0].scores, other.scores, strict=True)],
            plan.overlap,
        )
        for other in done[1:]
    ]
    ranked = [
        replace(summary, rank=rank, p_value=p_value)
        for rank, (summary, p_value) in enumerate(
            zip(done, [None, *holm(tested)], strict=False), start=1
        )
    ]
    rest = [s for status in ("pruned", "failed", "unfinished") for s in found if s.status == status]
    return [*ranked, *rest]


def paths_of(summaries: Sequence[TrialSummary]) -> list[str]:
    """Returns the paths that some of the settings set, in their order."""
    return list(dict.fromkeys(path for summary in summaries for path in summary.setting.values))


def write_leaderboard(path: Path, metric: str, summaries: Sequence[TrialSummary]) -> None:
    """Writes `leaderboard.csv` durably; raises `DiskError`."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    paths = paths_of(summaries)
    last = ("trainings", "p_value", "verdict", "error")
    writer.writerow(["rank", "trial", "status", metric, "spread", *paths, *last])
    for summary in summaries:
        values = summary.setting.values
        writer.writerow(
            [
                summary.rank or "",
                summary.trial,
                summary.status,
                repr(summary.mean) if summary.scores else "",
                "" if summary.spread is None else f"{summary.spread:.6g}",
                *(flow(values[name]) if name in values else "" for name in paths),
                len(summary.scores),
                "" if summary.p_value is None else f"{summary.p_value:.4g}",
                summary.verdict,
                summary.error or "",
            ]
        )
    publish(path, text.getvalue().encode())
