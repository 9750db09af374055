"""`sweep.json`: what is swept, what it is judged by, when, and how far it came."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal, cast

from pydantic import ValidationError

from dl.config.resolve import document_of
from dl.config.schema import Config
from dl.runs.lock import is_held
from dl.runs.manifest import publish
from dl.runs.provenance import now
from dl.runs.record import read_json
from dl.runs.sweeps import SweepDirectory
from dl.runs.typed import Count, Duration, Moment
from dl.sweep.definition.load import Sweep
from dl.sweep.definition.terms import Terms

SCHEMA = 1
_FREE = ("base", "trials", "time_limit", "jobs", "resources", "keep")
"""What may change between two sessions of a sweep; the base is compared by its content."""

_FREE_OF_BASE = ("lint", "tracking")
"""Sections of the base that change nothing of what is learned."""

Status = Literal["running", "completed", "interrupted", "failed"]


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
        baseline: Metrics of a trivial answer.
        seconds: Duration of all sessions.
        finished: The end of the last session.
        schema: Version of this file's layout.
    """

    name: str
    status: Status
    started: Moment
    command: tuple[str, ...]
    terms: Terms
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


def first_sweep_record(sweep: Sweep, command: tuple[str, ...]) -> SweepRecord:
    """Returns what is known of a sweep before its first trial."""
    swept = sweep.file.model_dump(mode="json")
    swept["settings"] = [listed.setting.values for listed in sweep.listed]
    return SweepRecord(
        name=sweep.name,
        status="running",
        started=now(),
        command=command,
        terms=sweep.terms,
        trials=sweep.size,
        sweep={key: value for key, value in swept.items() if key not in _FREE},
        base=cast(dict[str, Any], document_of(sweep.base.config)),
    )


def write_sweep_record(directory: SweepDirectory, record: SweepRecord) -> None:
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
    pairs = [
        (before.sweep, after.sweep, "", ()),
        (_explicit(before.base), after.base, "base: ", _FREE_OF_BASE),
    ]
    return [
        f"{where}{key}"
        for old, new, where, free in pairs
        for key in {**old, **new}
        if key not in free and json.dumps(old.get(key)) != json.dumps(new.get(key))
    ]


def _explicit(base: dict[str, Any]) -> dict[str, Any]:
    """Returns a base with the keys, too, that an earlier `dl` did not know."""
    try:
        config = Config.model_validate_json(json.dumps(base))
    except ValidationError:  # it is another one then, whatever it is
        return base
    return cast(dict[str, Any], document_of(config))
