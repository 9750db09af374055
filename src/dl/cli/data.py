"""`dl data`: a table at a glance, its rows before and after preparation, and where it leaks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dl.cli.options import json_option, print_json, runs_option, set_option, targets_option
from dl.errors import UsageError
from dl.rundir.directory import RunDirectory
from dl.text import listing, number, percent, plural, shortened, wrapped

if TYPE_CHECKING:
    from dl.audit.glance import Glance, Prepared, TokenGlance
    from dl.audit.table import Table
    from dl.config.load import Loaded

_NAME, _VALUES = 20, 28
"""Letters of a column's name, and of its values."""
_FEW, _MOST_SHOWN = 24, 200
_MOST_CLASSES = 4
"""Classes that have room beside each other."""


@click.command()
@click.argument("source", metavar="CONFIG|FILE|RUN", type=click.Path(path_type=Path))
@targets_option("The column of a FILE to predict. Repeatable.")
@click.option(
    "--rows",
    type=click.IntRange(min=1, max=20),
    metavar="N",
    help="Show N training rows before and after preparation.",
)
@set_option
@runs_option
@json_option
def data(
    source: Path,
    targets: tuple[str, ...],
    rows: int | None,
    overrides: tuple[str, ...],
    runs: Path,
    as_json: bool,
) -> None:
    """Look at a table: its columns, and where they leak.

    It is that of a CONFIG, of a RUN, or a FILE as `dl init` would read it. Shows each column: its
    kind, its values, what is missing, and how well it tells the target alone; and where the table
    leaks, with the line to write. Nothing is trained; a RUN keeps what is found for its page.

    \b
    dl data titanic.yaml
    dl data titanic.csv --target Survived
    dl data titanic.csv --target Survived --rows 3
    dl data titanic/1
    """
    from dl import app
    from dl.audit.glance import prepared_rows
    from dl.cli.config import note_text, placed_values
    from dl.progress import SilentReporter

    found = app.describe(_named(source, targets, overrides, runs), targets, SilentReporter())
    table, command = found.table, f"dl data {source} --target COLUMN"
    places: list[str] = []
    shown: list[Prepared] = []
    if rows is not None:
        if table.loaded is None:
            message = "--rows needs rows that a training can prepare"
            raise UsageError(message, found=found.why_not, hint=f"{command} --rows {rows}")
        places, shown = prepared_rows(table.loaded, rows, SilentReporter())
    if as_json:
        print_json(
            {
                "source": table.title,
                "rows": table.sizes,
                "about": table.about,
                "task": table.task if table.targets else None,
                "columns": found.columns,
                "tokens": found.tokens,
                "findings": list(map(placed_values, found.findings)),
                "sample": {"rows": places, "columns": shown},
            }
        )
        return
    blocks = [_head(table), _columns(found.columns, table), _by_class(found.columns)]
    blocks += map(_tokens, found.tokens)
    blocks += [_rows(places, shown)] if shown else []
    blocks += map(note_text, found.findings)
    if found.why_not:
        hint = "" if table.targets or targets else f" Name it: {command}"
        blocks.append(wrapped(f"Leaks are not looked for: {found.why_not}.{hint}"))
    elif (table.columns or table.texts) and not found.findings:
        blocks.append("Nothing doubtful was found.")
    click.echo("\n\n".join(filter(None, blocks)))


def _named(
    source: Path, targets: Sequence[str], overrides: tuple[str, ...], runs: Path
) -> Loaded | RunDirectory | Path:
    """Returns the config, the run, or the file; refuses the options of the others."""
    from dl import app

    is_run = RunDirectory(source).record.is_file() or not (source.exists() or source.suffix)
    if app.ends_as_config(source) or is_run:
        if targets:
            hint = f"dl data {source}" if is_run else f"--set data.target={targets[0]}"
            raise UsageError("--target is for a FILE; a config names its target", hint=hint)
        return app.config_or_run("data", str(source), runs, overrides)
    if overrides:
        hint = f"dl init {source} --target COLUMN > config.yaml"
        raise UsageError("--set is for a CONFIG", hint=hint)
    return source


def _head(table: Table) -> str:
    from dl.audit.glance import shares

    parts = [f"{name} {count:,}" for name, count in table.sizes.items()]
    head = f"{table.title.rpartition('/')[2]}: {plural(sum(table.sizes.values()), 'row')}"
    head += f" ({', '.join(parts)})" if len(parts) > 1 else ""
    if table.in_classes:
        counts = shares(*table.classes())
        whole = sum(counts.values())
        classes = [f"{name} {percent(count / whole)}" for name, count in counts.items()]
        head += f"\nto predict: {next(iter(table.targets))}, {listing(classes, '', 10)}"
    elif table.targets:
        head += f"\nto predict: {listing(table.targets, '', 10)} ({table.task})"
    if table.step > 1:
        head += f"\nlooked at: {len(table):,} rows, spread over all"
    return "\n".join(wrapped(line) for line in [*head.split("\n"), *table.about])


def _columns(columns: Sequence[Glance], table: Table) -> str:
    from dl.report.terminal import table as laid_out

    if not columns:
        return "The rows are arrays: there are no columns to look at."
    rows = [
        [
            shortened(column.name, _NAME),
            "target" if column.use == "target" else column.kind,
            f"{column.missing:,}" if column.missing else "",
            f"{column.distinct:,}",
            _values(column, len(table)),
            "" if column.alone is None else f"{max(0.0, column.alone):.2f}",
        ]
        for column in columns
    ]
    measure = "AUC alone" if table.in_classes else "R² alone"
    header = ["column", "kind", "missing", "distinct", "values", measure]
    shown = header if any(row[-1] for row in rows) else header[:-1]
    text = laid_out(rows, shown, spare=["distinct", "missing", "kind"])
    doubts = [_doubt(column) for column in columns if column.doubt or column.use == "left out"]
    return "\n".join([text, *filter(None, doubts)])


def _values(column: Glance, rows: int) -> str:
    """Returns the most frequent categories, and the range of numbers and dates."""
    if column.common:
        whole = rows - column.missing
        texts = [f"{shortened(n, 14)} {percent(c / whole)}" for n, c in column.common.items()]
        fitting = [n for n in range(1, len(texts) + 1) if len(", ".join(texts[:n])) <= _VALUES]
        most = max(fitting, default=1)
        return ", ".join(texts[:most]) + (", …" if most < column.distinct else "")
    if column.least is None or column.most is None:
        return ""
    ends = (v if isinstance(v, str) else number(v) for v in (column.least, column.most))
    mean = "" if column.mean is None else f", mean {number(column.mean)}"
    return " to ".join(ends) + (" characters" if column.kind == "text" else "") + mean


def _doubt(column: Glance) -> str:
    out = "left out" if column.use == "left out" else ""
    said = ", ".join(filter(None, [column.doubt, out]))
    return wrapped(f"`{column.name}` {said}" if column.doubt else f"`{column.name}` is {out}")


def _by_class(columns: Sequence[Glance]) -> str:
    """Returns the means of numbers, and the share of the most frequent category, by class."""
    from dl.report.terminal import table as laid_out

    shown = [column for column in columns if column.by_class and column.use == "input"]
    if not shown:
        return ""
    classes = list(shown[0].by_class)[:_MOST_CLASSES]
    rows = []
    for column in shown:
        of_category = column.kind == "categorical"
        what = f"share of {shortened(next(iter(column.common), ''), 20)}" if of_category else "mean"
        found = [column.by_class.get(name) for name in classes]
        written = percent if of_category else number
        texts = ["" if value is None else written(value) for value in found]
        rows.append([shortened(column.name, _NAME), what, *texts])
    return laid_out(rows, ["by class", "", *(shortened(name, 12) for name in classes)])


def _tokens(found: TokenGlance) -> str:
    """Returns what a column of texts is made of, and what of it the network will know."""
    common = listing([f"{token} {percent(share)}" for token, share in found.common.items()], "and")
    least, median, most = found.lengths
    text = (
        f"`{found.column}`: {least:,} to {most:,} tokens in a text, median {median:,}; "
        f"{found.known:,} of {found.tokens:,} are known. In the most texts: {common}."
    )
    if found.length is not None:
        text += f" {percent(found.longer)} of the texts have more than length: {found.length}."
    unknown = listing([f"{percent(share)} of {part}" for part, share in found.unknown.items()], "")
    return wrapped(f"{text} Unknown tokens: {unknown}.")


def _rows(places: Sequence[str], shown: Sequence[Prepared]) -> str:
    """Returns a line for each column and, below it, for each number that it becomes."""
    from dl.report.terminal import table as laid_out

    lines: list[list[str]] = []
    for column in shown:
        lines.append([column.name, *(shortened(text, 20) for text in column.before)])
        # Of thousands of inputs for tokens, those are shown that are not 0 in some row.
        some = {n: v for n, v in column.after.items() if any(v) or len(column.after) <= _FEW}
        for name, values in list(some.items())[:_MOST_SHOWN]:
            lines.append([f"-> {name}", *(number(value) for value in values)])
    return laid_out(lines, ["column", *(place.rpartition("/")[2] for place in places)])
