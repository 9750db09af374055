"""`sweep.json`: what is swept, what it is judged by, when, and how far it came."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal, cast

from dl.config.resolve import document_of
from dl.errors import RunError
from dl.runs.lock import is_held
from dl.runs.manifest import publish
from dl.runs.provenance import now
from dl.runs.sweeps import SweepDirectory
from dl.sweep.definition.load import Sweep
from dl.sweep.definition.terms import Goal, Terms

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
    started: str
    command: tuple[str, ...]
    terms: Terms
    trials: int
    sweep: dict[str, Any]
    base: dict[str, Any]
    baseline: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0
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
    try:
        values = json.loads(directory.record.read_bytes())
        newer = values["schema"] > SCHEMA
        record = _record_of(values)
    except OSError as error:
        raise RunError(f"{directory.record} cannot be read: {error.strerror}") from error
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise RunError(f"{directory.record} is damaged", hint="sweep again") from error
    if newer:
        hint = "update dl: pip install --upgrade dl-keras"
        raise RunError(f"{directory.record} was made by a newer dl", hint=hint)
    if record.status == "running" and not is_held(directory.directory):
        return SweepRecord(**{**_shallow(record), "status": "interrupted"})
    return record


def changes(before: SweepRecord, after: SweepRecord) -> list[str]:
    """Returns the keys in which two sessions differ that must not differ."""
    pairs = [
        (before.sweep, after.sweep, "", ()),
        (before.base, after.base, "base: ", _FREE_OF_BASE),
    ]
    return [
        f"{where}{key}"
        for old, new, where, free in pairs
        for key in {**old, **new}
        if key not in free and json.dumps(old.get(key)) != json.dumps(new.get(key))
    ]


def _shallow(record: SweepRecord) -> Mapping[str, Any]:
    return {item.name: getattr(record, item.name) for item in fields(record)}


def _record_of(values: dict[str, Any]) -> SweepRecord:
    terms = values["terms"]
    known = {item.name for item in fields(SweepRecord)}
    given = {key: value for key, value in values.items() if key in known}
    given["terms"] = Terms(Goal(**terms["goal"]), terms["runs"], terms["overlap"])
    given["command"] = tuple(values["command"])
    return SweepRecord(**given)
