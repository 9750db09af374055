"""`run.json`: what happened in a run, when, with which versions."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from dl.runs.directory import RunDirectory
from dl.runs.lock import is_held
from dl.runs.manifest import damaged, publish, read_checked, refuse_newer
from dl.runs.process import Process
from dl.runs.typed import Count, Duration, Keys, Metrics, MisfitError, Moment, Positive, read_as

T = TypeVar("T")

SCHEMA = 1
Status = Literal["running", "completed", "interrupted", "failed"]
Machine = Annotated[dict[str, Any], Keys({"threads": Count, "processor": str, "gpus": list[str]})]
Chosen = Annotated[
    dict[str, Any],
    Keys({"compiled": bool, "steps_per_call": Positive, "reason": str, "rows": str}),
]
_Array = Annotated[
    dict[str, Any], Keys({"shape": list[Count], "type": str, "bytes": Count}, required=True)
]
Sizes = Annotated[
    dict[str, Any], Keys({"rows": Count, "inputs": _Array, "targets": _Array}, required=True)
]


@dataclass(frozen=True, slots=True)
class RunRecord:
    """The content of `run.json`.

    Attributes:
        name: Name of the run.
        status: How far the run came. A `running` one whose process is gone reads `interrupted`.
        started: Start of the training, ISO 8601 with the offset from UTC.
        finished: Its end, if it has ended.
        seconds: Duration of the whole command so far.
        epochs: Epochs that were finished.
        seed: The seed of the config.
        command: The command line.
        process: The process that trains.
        fingerprint: SHA-256 of the data.
        versions: Versions of Python, `dl` and the libraries.
        machine: Threads, processor, accelerator: what can change the bits of the result.
        engine: How the training was run, and why so.
        data: Rows of each part, the shape of one and the bytes of all, for inputs and targets.
        git_commit: The commit of the config's repository, if it is in one.
        error: The message of the error that ended the run.
        resumed: When, after which epoch and by which command the run was gone on with.
        schema: Version of this file's layout.
    """

    name: str
    status: Status
    started: Moment
    process: Process
    seed: Count
    command: tuple[str, ...]
    fingerprint: str
    finished: str | None = None
    seconds: Duration = 0.0
    epochs: Count = 0
    versions: dict[str, str] = field(default_factory=dict)
    machine: Machine = field(default_factory=dict)
    engine: Chosen = field(default_factory=dict)
    data: dict[str, Sizes] = field(default_factory=dict)
    git_commit: str | None = None
    error: str | None = None
    resumed: tuple[dict[str, Any], ...] = ()
    schema: int = SCHEMA

    def text(self) -> str:
        """Returns the record as JSON."""
        return json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n"


def write_record(run: RunDirectory, record: RunRecord) -> None:
    """Publishes `run.json`; raises `DiskError`."""
    publish(run.record, record.text().encode())


def read_record(run: RunDirectory) -> RunRecord:
    """Reads `run.json`; a run whose process is gone reads `interrupted`.

    Raises:
        RunError: The file is missing, damaged or made by a newer `dl`.
    """
    record = read_json(run.record, RunRecord)
    if record.status == "running" and not (is_held(run) and record.process.is_alive()):
        return replace(record, status="interrupted")
    return record


def read_metrics(run: RunDirectory) -> Metrics:
    """Reads the final metrics of each part; none where the training did not end.

    Raises:
        RunError: The file is damaged.
    """
    return read_json(run.metrics, Metrics) if run.metrics.exists() else {}


def read_json(path: Path, kind: type[T]) -> T:
    """Reads the JSON of a run as a value of a type: see `dl.runs.typed`.

    Raises:
        RunError: The file is missing, is not what was published, holds something else, or was
            made by a newer `dl`.
    """
    content = read_checked(path)
    try:
        values = json.loads(content)
        schema = values.get("schema") if isinstance(values, dict) else None
        if type(schema) is int:
            refuse_newer(path, schema)
        return read_as(kind, values)
    except MisfitError as error:
        raise damaged(path, error) from error
    except (ValueError, RecursionError) as error:
        raise damaged(path) from error
