"""`dl list`: the runs that are there."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dl.cli.options import json_option, runs_option

if TYPE_CHECKING:
    from dl.runs.directory import RunDirectory
    from dl.runs.record import RunRecord


@click.command(name="list")
@click.argument("name", required=False)
@runs_option
@json_option
def list_runs(name: str | None, runs: Path, as_json: bool) -> None:
    """List the runs, the newest last; with NAME only the runs of that name."""
    from dl.runs.find import all_runs

    found = [run for run in all_runs(runs) if name in (None, run.path.parent.name)]
    entries = [entry for run in found if (entry := _entry(run)) is not None]
    entries.sort(key=lambda entry: str(entry["started"]))
    if as_json:
        import json

        click.echo(json.dumps({"runs": entries}))
    elif entries:
        click.echo(_text(entries))
    else:
        click.echo(f"no runs in {runs}; dl train CONFIG makes one", err=True)


def _entry(run: RunDirectory) -> dict[str, object] | None:
    from dl.errors import RunError
    from dl.runs.record import read_record

    try:
        record = read_record(run)
        return _row(run, record)
    except RunError as error:
        click.echo(f"warning: {error.problems[0].message}", err=True)
        return None


def _row(run: RunDirectory, record: RunRecord) -> dict[str, object]:
    from dl.runs.record import read_json

    metrics = read_json(run.metrics) if run.metrics.exists() else {}
    return {
        "run": run.label,
        "status": record.status,
        "started": record.started,
        "seconds": record.seconds,
        "epochs": record.epochs,
        "metrics": metrics,
    }


def _text(entries: list[dict[str, object]]) -> str:
    from dl.report.terminal import table

    header = ["run", "status", "started", "took", "epochs", "result"]
    return table([_cells(entry) for entry in entries], header)


def _cells(entry: dict[str, object]) -> list[str]:
    from dl.cli.words import duration

    started = datetime.fromisoformat(str(entry["started"])).strftime("%Y-%m-%d %H:%M")
    seconds = entry["seconds"]
    took = duration(seconds) if isinstance(seconds, float | int) else ""
    cells = [str(entry["run"]), str(entry["status"]), started, took, str(entry["epochs"])]
    return [*cells, _result(entry["metrics"])]


def _result(metrics: object) -> str:
    """Words the last metric of the best part for judging: test, else validation, else train."""
    from dl.cli.words import number

    if not isinstance(metrics, dict):
        return ""
    for part in ("test", "validation", "train"):
        values = metrics.get(part)
        if values:
            name, value = list(values.items())[min(1, len(values) - 1)]
            return f"{part} {name} {number(float(value))}"
    return ""
