"""What has come of a sweep: how its settings compare, `sweep.json`, and both read at any time.

Settings are ordered by their scores over the repeats, and told which differences are real.
`leaderboard.csv` says it to programs; the table of `dl compare` and the page show the same rows.
"""

from __future__ import annotations

import csv
import io
import json
import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal, cast

from dl.config.data import Split
from dl.config.load import load_resolved
from dl.config.nodes import flow
from dl.config.schema import Config, document_of, resolved_text
from dl.errors import RunError
from dl.rundir.directory import SweepDirectory
from dl.rundir.files import is_held
from dl.rundir.manifest import publish, read_checked
from dl.rundir.record import read_json
from dl.rundir.typed import Count, Duration, Finite, Moment, Positive
from dl.stats import LEVEL, holm, resampled_power, resampled_t_test
from dl.sweeps.journal import Journal
from dl.sweeps.parameters import Setting
from dl.text import listing, measured, number
from dl.vocabulary.sections import read_section
from dl.vocabulary.spec import Findings

SCHEMA = 1
_FREE_OF_BASE = ("lint", "tracking")
"""Sections of the base that change nothing of what is learned."""
_MOST_LINES = 10
"""Numbers of torn lines that are named: one killed session leaves one."""

SweepStatus = Literal["running", "completed", "interrupted", "failed"]
METHOD = "corrected resampled t-test of the pairs of trainings, Holm's correction"
NOT_TESTED = "not tested: one training each"
ALIKE = "not distinguishable"
UNSURE = "too few trainings to tell"

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
        unsure: Whether it differs from the best by more than trainings of a setting do among
            themselves, which the test is too weak to call chance or not.
        enough: How many trainings of each setting would tell; None where it is not known.
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
    unsure: bool = False
    enough: int | None = None

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
        if self.p_value < LEVEL:
            return "worse"
        return UNSURE if self.unsure else ALIKE

    def cells(self, paths: Sequence[str], written: Callable[[object], str]) -> list[str]:
        """Returns a row of a table: rank, trial, mean, spread, the value of each path, verdict."""
        values = self.setting.values
        return [
            str(self.rank or ""),
            str(self.trial),
            measured(self.mean) if self.scores else "",
            measured(self.spread),
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
    differences = [
        [best - score for best, score in zip(done[0].scores, other.scores, strict=True)]
        for other in done[1:]
    ]
    corrected = holm([resampled_t_test(each, plan.overlap) for each in differences])
    ranked = [replace(summary, rank=1) for summary in done[:1]]
    for other, each, p_value in zip(done[1:], differences, corrected, strict=True):
        tested = replace(other, rank=len(ranked) + 1, p_value=p_value)
        ranked.append(_with_doubt(tested, done[0], each, plan))
    rest = [s for status in ("pruned", "failed", "unfinished") for s in found if s.status == status]
    return [*ranked, *rest]


def _with_doubt(
    other: TrialSummary, best: TrialSummary, differences: Sequence[float], plan: EvaluationPlan
) -> TrialSummary:
    """Returns a setting with whether more trainings are needed to tell it from the best.

    A test of two trainings finds next to nothing: what it does not find is not level therefore. So
    a setting counts as level with the best only where the two lie no further apart than their
    trainings do among themselves.
    """
    if other.p_value is None or other.p_value < LEVEL or best.spread is None:
        return other
    noise = math.sqrt((best.spread**2 + (other.spread or 0.0) ** 2) / 2)
    if abs(statistics.fmean(differences)) <= noise:
        return other
    enough = resampled_power(differences, plan.overlap, LEVEL)
    return replace(other, unsure=True, enough=enough)


def paths_of(summaries: Sequence[TrialSummary]) -> list[str]:
    """Returns the paths that some of the settings set, in their order."""
    return list(dict.fromkeys(path for summary in summaries for path in summary.setting.values))


def short_names(paths: Sequence[str]) -> list[str]:
    """Returns the last parts of paths, as many as tell them apart.

    A place in a list, or a type, says nothing without what it is of.
    """
    for count in range(1, 33):
        parts = [path.split(".") for path in paths]
        more = [each[-count:][0].isdigit() or each[-count:][0] == "type" for each in parts]
        names = [".".join(e[-count - by :]) for e, by in zip(parts, more, strict=True)]
        if len(set(names)) == len(names):
            return names
    return list(paths)


def setting_text(values: Mapping[str, object], written: Callable[[object], str]) -> str:
    """Returns a setting on one line, by its short names: `units 64, learning_rate 0.01`."""
    named = zip(short_names(list(values)), values.values(), strict=True)
    return ", ".join(f"{name} {written(value)}" for name, value in named)


@dataclass(frozen=True, slots=True)
class SweepRecord:
    """The content of `sweep.json`.

    Attributes:
        name: Name of the sweep.
        status: How far it came; `failed` where a trial failed.
        started: When it began, ISO 8601.
        command: The command line of the last session.
        terms: What the results are judged by.
        trials: Settings in all.
        sweep: The file with everything explicit, but for what may change.
        base: The base with everything explicit.
        baseline: Metrics of an answer that learns nothing.
        importance: How much of the differences each parameter explains alone; may be empty.
        seconds: Duration of all sessions.
        finished: The end of the last session.
        schema: Version of this file's layout.
    """

    name: str
    status: SweepStatus
    started: Moment
    command: tuple[str, ...]
    terms: EvaluationPlan
    trials: Count
    sweep: dict[str, Any]
    base: dict[str, Any]
    baseline: dict[str, float] = field(default_factory=dict)
    importance: dict[str, Finite] = field(default_factory=dict)
    seconds: Duration = 0.0
    finished: str | None = None
    schema: int = SCHEMA

    def text(self) -> str:
        """Returns the record as JSON."""
        return json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n"


def write_record(directory: SweepDirectory, record: SweepRecord) -> None:
    """Writes `sweep.json` durably; raises `DiskError`."""
    publish(directory.record, record.text().encode())


def read_sweep_record(directory: SweepDirectory) -> SweepRecord:
    """Reads `sweep.json`; a running sweep that no process holds reads `interrupted`.

    Raises:
        RunError: The file is missing, damaged or made by a newer `dl`.
    """
    record = read_json(directory.record, SweepRecord)
    if record.status == "running" and not is_held(directory.directory):
        return replace(record, status="interrupted")
    return record


def changes(before: SweepRecord, after: SweepRecord) -> list[str]:
    """Returns the keys in which two sessions differ that must not differ."""
    return [
        *_changed(before.sweep, after.sweep),
        *(
            f"base: {key}"
            for key in _changed(_explicit(before.base), after.base)
            if key not in _FREE_OF_BASE
        ),
    ]


def _changed(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    keys = {**old, **new}
    return [key for key in keys if json.dumps(old.get(key)) != json.dumps(new.get(key))]


def _explicit(base: dict[str, Any]) -> dict[str, Any]:
    """Returns a base with the keys, too, that an earlier `dl` did not know."""
    try:
        config = read_section(Config, base)
    except Findings:  # it is another one then, whatever it is
        return base
    return cast(dict[str, Any], document_of(config))


@dataclass(frozen=True, slots=True)
class Results:
    """A sweep and its leaderboard.

    Attributes:
        directory: Where it is.
        record: What it is.
        journal: What was asked and what came of it.
        trials: The leaderboard.
    """

    directory: SweepDirectory
    record: SweepRecord
    journal: Journal
    trials: tuple[TrialSummary, ...]

    @classmethod
    def of(cls, directory: SweepDirectory, record: SweepRecord, journal: Journal) -> Results:
        """Ranks what the journal knows."""
        return cls(directory, record, journal, tuple(leaderboard(record.terms, journal)))

    @property
    def best(self) -> TrialSummary | None:
        """The best setting that is complete, if there is one."""
        return self.trials[0] if self.trials and self.trials[0].rank else None

    @property
    def scored(self) -> list[TrialSummary]:
        """The settings that have a score; a pruned one has that of its end."""
        return [trial for trial in self.trials if trial.status in ("completed", "pruned")]

    @property
    def baseline(self) -> float | None:
        """The objective of an answer that learns nothing, if it is known."""
        return self.record.baseline.get(self.record.terms.goal.metric)

    @property
    def cannot_tell(self) -> str:
        """What is said of settings that so few trainings cannot tell from the best, if any."""
        unsure = [trial for trial in self.trials if trial.unsure]
        if not unsure:
            return ""
        said = f"{self.record.terms.runs} trainings each cannot tell"
        key = "folds" if self.record.sweep.get("folds") else "repeats"
        enough = [trial.enough for trial in unsure if trial.enough is not None]
        return f"{said}; `{key}: {max(enough)}` can" if enough else f"{said}; more {key} may"

    @property
    def torn(self) -> str:
        """What is said of lines of the journal that are left out; empty without any."""
        if not self.journal.torn:
            return ""
        lines = listing(map(str, self.journal.torn[:_MOST_LINES]), "")
        return (
            f"{self.journal.path.name} is torn and left out in line {lines}: what it recorded is "
            "done again with --resume."
        )

    @property
    def code(self) -> int:
        """The exit code that belongs to the first failure; 0 without one."""
        return next((ended.code for ended in self.journal.ended.values() if ended.code), 0)

    def write_leaderboard(self) -> None:
        """Writes `leaderboard.csv` durably; raises `DiskError`."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        paths, metric = paths_of(self.trials), self.record.terms.goal.metric
        last = ("trainings", "p_value", "verdict", "error")
        writer.writerow(["rank", "trial", "status", metric, "spread", *paths, *last])
        for trial in self.trials:
            values = trial.setting.values
            row = [
                trial.rank or "",
                trial.trial,
                trial.status,
                repr(trial.mean) if trial.scores else "",
                "" if trial.spread is None else f"{trial.spread:.6g}",
                *(flow(values[name]) if name in values else "" for name in paths),
                len(trial.scores),
                "" if trial.p_value is None else f"{trial.p_value:.4g}",
                trial.verdict,
                trial.error or "",
            ]
            writer.writerow(row)
        publish(self.directory.leaderboard, text.getvalue().encode())


def read_results(directory: SweepDirectory) -> Results:
    """Reads a sweep; raises `RunError` where it is damaged."""
    return Results.of(directory, read_sweep_record(directory), Journal(directory.journal))


def best_config(results: Results) -> str:
    """Returns the config of the best setting, with a comment that says where it comes from.

    Raises:
        RunError: No setting is complete.
    """
    best, label = results.best, results.directory.label
    if best is None:
        message = f"{label} has no setting that is complete"
        raise RunError(message, hint=f"see what came of it: dl compare {label}")
    resolved = results.directory.run(best.trial, 1).resolved
    config = load_resolved(resolved, read_checked(resolved)).config
    split = config.data.split
    if split.folds:  # random folds take no other validation rows, so a run of one says 0
        split = replace(split, folds=None, fold=1, validation=_own_split(results.record).validation)
    if split.column is not None:
        split = replace(split, stratify=None)  # the folds could be; the parts are as written
    whole = replace(config, data=replace(config.data, split=split))
    metric = results.record.terms.goal.metric
    return (
        f"# Trial {best.trial} of {label}: {metric} {number(best.mean, 6)}\n{resolved_text(whole)}"
    )


def _own_split(record: SweepRecord) -> Split:
    try:
        return read_section(Config, record.base).data.split
    except Findings:  # an earlier base that is refused now
        return Split()
