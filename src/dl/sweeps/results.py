"""What there is of a sweep: `sweep.json`, and what has come of it, read at any time."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal, cast

from dl.config.load import load_resolved
from dl.config.resolve import document_of, resolved_text
from dl.config.schema import Config
from dl.errors import RunError
from dl.rundir.directory import SweepDirectory
from dl.rundir.lock import is_held
from dl.rundir.manifest import publish, read_checked
from dl.rundir.record import now, read_json
from dl.rundir.typed import Count, Duration, Moment
from dl.sweeps.definition import Sweep
from dl.sweeps.journal import Journal
from dl.sweeps.ranking import EvaluationPlan, TrialSummary, leaderboard
from dl.text import listing, number
from dl.vocabulary.sections import read_section
from dl.vocabulary.spec import Findings

SCHEMA = 1
_FREE = ("base", "trials", "time_limit", "jobs", "resources", "keep")
"""What may change between two sessions of a sweep; the base is compared by its content."""
_FREE_OF_BASE = ("lint", "tracking")
"""Sections of the base that change nothing of what is learned."""
_MOST_LINES = 10
"""Numbers of torn lines that are named: one killed session leaves one."""

SweepStatus = Literal["running", "completed", "interrupted", "failed"]


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
    seconds: Duration = 0.0
    finished: str | None = None
    schema: int = SCHEMA

    def text(self) -> str:
        """Returns the record as JSON."""
        return json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n"


def first_record(sweep: Sweep, command: tuple[str, ...]) -> SweepRecord:
    """Returns what is known of a sweep before its first trial."""
    swept = document_of(sweep.file)
    swept["settings"] = [setting.values for setting in sweep.listed]
    return SweepRecord(
        name=sweep.name,
        status="running",
        started=now(),
        command=command,
        terms=sweep.plan,
        trials=sweep.size,
        sweep={key: value for key, value in swept.items() if key not in _FREE},
        base=cast(dict[str, Any], document_of(sweep.base.config)),
    )


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
    split = replace(config.data.split, folds=None, fold=1)
    whole = replace(config, data=replace(config.data, split=split))
    metric = results.record.terms.goal.metric
    return (
        f"# Trial {best.trial} of {label}: {metric} {number(best.mean, 6)}\n{resolved_text(whole)}"
    )
