"""`dl list`: the runs that are there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from dl.cli.options import json_option, runs_option
from dl.text import printable

if TYPE_CHECKING:
    from dl.runs.query import Entry, Row

    Listed = list[tuple[Entry, Row]]


_MOST_SWEEPS = 5


@click.command(name="list")
@click.argument("name", required=False)
@click.option(
    "--filter",
    "conditions",
    multiple=True,
    metavar="CONDITION",
    help="Only runs that fulfil it: status=failed, 'accuracy>0.95', 'age<2h', tags~best, "
    "training.batch_size=32. Repeatable.",
)
@click.option(
    "--sort",
    metavar="KEY",
    default="started",
    show_default=True,
    help="A value to order by, such as seconds, test.loss or a config path; -KEY for descending.",
)
@click.option(
    "--columns",
    metavar="KEYS",
    default="",
    help="More columns, separated by commas: metrics, config paths, seed, started.",
)
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Only the last N.")
@runs_option
@json_option
def list_runs(
    name: str | None,
    conditions: tuple[str, ...],
    sort: str,
    columns: str,
    limit: int | None,
    runs: Path,
    as_json: bool,
) -> None:
    """List the runs, the newest last; with NAME only the runs of that name.

    \b
    dl list --filter 'accuracy>0.95' --sort accuracy
    dl list digits --columns training.batch_size,training.optimizer.learning_rate
    """
    from dl.app.using import select_runs

    more = [key.strip() for key in columns.split(",") if key.strip()]
    found = select_runs(runs, name, conditions, sort, more)
    for message in found.damaged:
        click.echo(f"warning: {message}", err=True)
    listed = found.chosen[-(limit or 0) :]
    if as_json:
        click.echo(_json(listed, more))
    elif listed:
        click.echo(_text(listed, more))
    elif found.any_readable:
        click.echo("no run fulfils these conditions", err=True)
    elif not found.damaged:
        click.echo(printable(f"no runs in {runs}; dl train CONFIG makes one"), err=True)
    if name is None and not as_json:
        _tell_of_sweeps(runs)


def _tell_of_sweeps(root: Path) -> None:
    """Says which sweeps there are: their trials are runs, but not in the list of all."""
    from dl.runs.directory import all_sweeps

    labels = [sweep.label for sweep in all_sweeps(root)]
    if labels:
        left_out = len(labels) - _MOST_SWEEPS
        named = [*(["…"] if left_out > 0 else []), *labels[-_MOST_SWEEPS:]]
        words = "1 sweep" if len(labels) == 1 else f"{len(labels)} sweeps"
        click.echo(f"and {words}: {', '.join(named)}", err=True)
        name = labels[-1].partition("/")[0]
        click.echo(f"ranked: dl compare {name}   all trials: dl list {name}", err=True)


def _json(listed: Listed, more: list[str]) -> str:
    import json

    return json.dumps({"runs": [_document(entry, row, more) for entry, row in listed]})


def _document(entry: Entry, row: Row, more: list[str]) -> dict[str, object]:
    columns = {"columns": {key: row.get(key) for key in more}} if more else {}
    return {
        "run": entry.run.label,
        "status": entry.record.status,
        "started": entry.record.started,
        "seconds": entry.record.seconds,
        "epochs": entry.record.epochs,
        "tags": list(entry.tags),
        "metrics": entry.metrics,
        **columns,
    }


def _text(listed: Listed, more: list[str]) -> str:
    from dl.report.terminal import table

    header = ["run", "status", "age", "took", "epochs", "result"]
    tagged = any(entry.tags for entry, _ in listed)
    rows = [_cells(entry, row, more, tagged) for entry, row in listed]
    return table(rows, [*header, *more, *(["tags"] if tagged else [])])


def _cells(entry: Entry, row: Row, more: list[str], tagged: bool) -> list[str]:
    from dl.runs.query import shown
    from dl.text import age, duration

    record = entry.record
    cells = [
        entry.run.label,
        record.status,
        age(float(str(row["age"]))),
        duration(record.seconds),
        str(record.epochs),
        _result(entry),
    ]
    tags = [" ".join(entry.tags)] if tagged else []
    return [*cells, *(shown(row.get(key)) for key in more), *tags]


def _result(entry: Entry) -> str:
    """Words the first metric of the part that tells most, or its loss where there is no other."""
    from dl.text import number

    if entry.judged is None:
        return ""
    part, values = entry.judged
    name, value = list(values.items())[min(1, len(values) - 1)]
    return f"{part} {name} {number(float(value), padded=True)}"
