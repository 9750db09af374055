"""What a run or a sweep is to a tool that tracks runs, read from its directory alone."""

from __future__ import annotations

import getpass
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from dl.browse.settings import read_settings
from dl.config.emit import flow
from dl.runs.directory import RunDirectory
from dl.runs.history import read_history
from dl.runs.record import read_metrics, read_record
from dl.runs.sweeps import SweepDirectory
from dl.sweep.results import read_sweep_record

Row = Mapping[str, float]

_OURS = "tracking."
"""Settings that say nothing about the training."""


@dataclass(frozen=True, slots=True)
class Contents:
    """A run or a sweep.

    Attributes:
        label: Its name for users.
        status: running, completed, interrupted or failed.
        started: Its start in milliseconds since 1970, UTC.
        finished: Its end, if it has ended.
        settings: The resolved config by dotted path, as YAML.
        facts: What is known of it beside: seed, commit, versions, directory.
        rows: Its history, one row an epoch.
        final: The final metrics, as `test.accuracy`.
        files: The files that are worth a copy, and the folder below which each belongs.
    """

    label: str
    status: str
    started: int
    finished: int | None
    settings: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)
    rows: Sequence[Row] = ()
    final: Mapping[str, float] = field(default_factory=dict)
    files: Sequence[tuple[Path, str]] = ()


def of_run(run: RunDirectory, *, is_trial: bool = False) -> Contents:
    """Reads the directory of a run; a sweep keeps few models, so a trial is read without.

    Raises:
        RunError: A file of it is missing or damaged.
    """
    record = read_record(run)
    final = read_metrics(run)
    settings = read_settings(run).items()
    return Contents(
        label=run.label,
        status=record.status,
        started=_milliseconds(record.started),
        finished=_milliseconds(record.finished) if record.finished else None,
        settings={key: flow(value) for key, value in settings if not key.startswith(_OURS)},
        facts=_facts(run.path, run.label, record, {"dl.seed": str(record.seed)}),
        rows=read_history(run) if run.history.exists() else (),
        final={
            f"{part}.{name}": value
            for part, values in final.items()
            for name, value in values.items()
        },
        files=list(_run_files(run, is_trial)),
    )


def of_sweep(sweep: SweepDirectory) -> Contents:
    """Reads the directory of a sweep; raises `RunError`."""
    record = read_sweep_record(sweep)
    files = [(path, "") for path in (sweep.leaderboard, sweep.report) if path.is_file()]
    return Contents(
        label=sweep.label,
        status=record.status,
        started=_milliseconds(record.started),
        finished=_milliseconds(record.finished) if record.finished else None,
        facts=_facts(sweep.path, sweep.label, record, {}),
        files=[*files, *_pictures(sweep.plots)],
    )


def _facts(path: Path, label: str, record: Any, more: Mapping[str, str]) -> dict[str, str]:
    """Returns what is no setting, under MLflow's own names where it has one."""
    facts = {
        "dl.name": record.name,
        "dl.run": label,
        "dl.directory": str(path),
        **more,
        "mlflow.source.name": " ".join(record.command),
        "mlflow.source.type": "LOCAL",
        "mlflow.user": _user(),
    }
    versions = getattr(record, "versions", {})
    commit = getattr(record, "git_commit", None)
    facts |= {f"dl.version.{name}": version for name, version in versions.items()}
    return facts | ({"mlflow.source.git.commit": commit} if commit else {})


def _run_files(run: RunDirectory, is_trial: bool) -> Iterator[tuple[Path, str]]:
    small = [run.resolved, run.history, run.metrics, run.preprocess]
    large = [] if is_trial else [run.model, run.report]
    yield from ((path, "") for path in [*small, *large] if path.is_file())
    yield from _pictures(run.plots)


def _pictures(folder: Path) -> Iterator[tuple[Path, str]]:
    if folder.is_dir():
        yield from ((path, folder.name) for path in sorted(folder.iterdir()) if path.is_file())


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"


def _milliseconds(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)
