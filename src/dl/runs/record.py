"""`run.json`: what happened in a run, when, with which versions."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal

from dl.errors import RunError
from dl.runs.directory import RunDirectory
from dl.runs.lock import is_held
from dl.runs.manifest import damaged, publish, read_checked
from dl.runs.process import Process

SCHEMA = 1
Status = Literal["running", "completed", "interrupted", "failed"]


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
    started: str
    process: Process
    seed: int
    command: tuple[str, ...]
    fingerprint: str
    finished: str | None = None
    seconds: float = 0.0
    epochs: int = 0
    versions: dict[str, str] = field(default_factory=dict)
    machine: dict[str, Any] = field(default_factory=dict)
    engine: dict[str, Any] = field(default_factory=dict)
    data: dict[str, Any] = field(default_factory=dict)
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
    values = read_json(run.record)
    if values.get("schema", 0) > SCHEMA:
        raise RunError(
            f"{run.record} was made by a newer dl",
            expected=f"schema {SCHEMA} or older",
            found=f"schema {values['schema']}",
            hint="update dl: pip install --upgrade dl-keras",
        )
    try:
        record = _record_of(values)
    except (KeyError, TypeError) as error:
        raise damaged(run.record) from error
    if record.status == "running" and not (is_held(run) and record.process.is_alive()):
        return replace(record, status="interrupted")
    return record


def read_json(path: Path) -> dict[str, Any]:
    """Reads a JSON object of a run.

    Raises:
        RunError: The file is missing, or is not what was published.
    """
    try:
        values = json.loads(read_checked(path))
    except (ValueError, RecursionError) as error:
        raise damaged(path) from error
    if not isinstance(values, dict):
        raise damaged(path)
    return values


def _record_of(values: dict[str, Any]) -> RunRecord:
    known = {item.name for item in fields(RunRecord)}
    given = {key: value for key, value in values.items() if key in known}
    given["process"] = Process(**values["process"])
    given["command"] = tuple(values["command"])
    given["resumed"] = tuple(values.get("resumed", ()))
    return RunRecord(**given)
