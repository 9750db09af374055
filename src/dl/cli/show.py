"""`dl show`: one run at a glance."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from dl.cli.options import json_option, run_argument, runs_option

if TYPE_CHECKING:
    from dl.runs.directory import RunDirectory
    from dl.runs.record import RunRecord


@click.command()
@run_argument
@runs_option
@json_option
def show(run: str, runs: Path, as_json: bool) -> None:
    """Show a run: status, data, hyperparameters, learning curves, metrics, files."""
    from dl.runs.directory import find_run
    from dl.runs.record import read_record

    directory = find_run(run, runs)
    record = read_record(directory)
    click.echo(_json(directory, record) if as_json else _text(directory, record))


def _json(run: RunDirectory, record: RunRecord) -> str:
    import json
    from dataclasses import asdict

    return json.dumps({"run": str(run.path), **asdict(record), "metrics": _metrics(run)})


def _text(run: RunDirectory, record: RunRecord) -> str:
    from dl.cli.tables import data_text, metrics_text

    blocks = ["\n".join(_facts(run, record)), data_text(record.data) if record.data else ""]
    blocks += [_hyperparameters(run), _curves(run)]
    metrics = _metrics(run)
    if metrics:
        blocks.append(metrics_text(metrics))
    blocks.append("\n".join(["files", *(f"  {name}" for name in _files(run))]))
    return "\n\n".join(block for block in blocks if block)


def _facts(run: RunDirectory, record: RunRecord) -> list[str]:
    from dl.text import duration

    facts = {
        "run": str(run.path),
        "status": record.status + (f": {record.error}" if record.error else ""),
        "started": record.started,
        "took": f"{duration(record.seconds)}, {record.epochs} epochs",
        "seed": str(record.seed),
        "commit": record.git_commit,
        "command": " ".join(record.command),
    }
    return [f"{key:8} {value}" for key, value in facts.items() if value]


def _hyperparameters(run: RunDirectory) -> str:
    from dl.cli.tables import hyperparameters_text
    from dl.config.load import load_resolved
    from dl.config.resolve import hyperparameters
    from dl.runs.manifest import read_checked

    if not run.resolved.exists():
        return ""
    loaded = load_resolved(run.resolved, read_checked(run.resolved))
    return hyperparameters_text(hyperparameters(loaded.config))


def _curves(run: RunDirectory) -> str:
    from dl.report.terminal import learning_curves
    from dl.runs.record import read_history

    return learning_curves(read_history(run)) if run.history.exists() else ""


def _metrics(run: RunDirectory) -> dict[str, dict[str, float]]:
    from dl.runs.record import read_metrics

    return read_metrics(run)


def _files(run: RunDirectory) -> list[str]:
    paths = sorted(path for path in run.path.rglob("*") if path.is_file())
    return [str(path.relative_to(run.path)) for path in paths if not path.name.startswith(".")]
