"""What an audit has found in the data of a run, as the run keeps it for its page."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from dl.config.rules import Note
from dl.rundir.directory import RunDirectory
from dl.rundir.files import locked
from dl.rundir.manifest import publish
from dl.rundir.record import read_json

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Finding:
    """A place where a table leaks, or a doubtful column; see `Note`."""

    rule: str
    path: str
    message: str
    why: str
    mended: str


@dataclass(frozen=True, slots=True)
class Audit:
    """The content of `audit.json`.

    Attributes:
        findings: What was found; none where nothing is doubtful.
        why_not: Why leaks were not looked for, in words; empty if they were.
    """

    findings: tuple[Finding, ...]
    why_not: str = ""
    schema: int = SCHEMA


def keep_audit(run: RunDirectory, notes: Sequence[Note], why_not: str) -> None:
    """Keeps what was found in the directory of a run.

    Raises:
        BusyError: Another process works on the run.
        DiskError: The file cannot be written.
    """
    findings = [Finding(n.rule, n.path, n.message, n.why, n.mended) for n in notes]
    content = json.dumps(asdict(Audit(tuple(findings), why_not)), indent=2, ensure_ascii=False)
    with locked(run):
        publish(run.audit, f"{content}\n".encode())


def read_audit(run: RunDirectory) -> Audit | None:
    """Reads what was found; None if nobody asked. Raises `RunError` if the file is damaged."""
    return read_json(run.audit, Audit) if run.audit.exists() else None
