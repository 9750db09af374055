"""`dl list`, `show`, `compare` and `report`: what a person looks at after a training."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dl.cli.options import (
    RunType,
    check_output,
    json_option,
    output_option,
    print_json,
    run_argument,
    runs_option,
    verbose_option,
)
from dl.cli.sweep import show_sweep
from dl.errors import RunError, UsageError
from dl.rundir.directory import RunDirectory, all_sweeps, find_run, find_sweep, is_sweep
from dl.text import age, duration, measured, painted, printable, wrapped

if TYPE_CHECKING:
    from dl.rundir.query import Entry, Row

    Listed = list[tuple[Entry, Row]]

_MOST_SWEEPS = 5
_STATES = {"running": "cyan", "interrupted": "yellow", "failed": "red"}


@click.command(name="list")
@click.argument("name", required=False)
@click.option(
    "--filter",
    "conditions",
    multiple=True,
    metavar="CONDITION",
    help="Only runs that meet it: status=failed, 'accuracy>0.95', 'age<2h', tags~best, "
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
@verbose_option("Also the verdict on each run.")
@runs_option
@json_option
def list_runs(
    name: str | None,
    conditions: tuple[str, ...],
    sort: str,
    columns: str,
    limit: int | None,
    verbose: bool,
    runs: Path,
    as_json: bool,
) -> None:
    """List the runs, the newest last.

    With NAME only the runs of that name.

    \b
    dl list --filter 'accuracy>0.95' --sort accuracy
    dl list digits --columns training.batch_size,training.optimizer.learning_rate
    """
    from dl.app import select_runs

    more = [key.strip() for key in columns.split(",") if key.strip()]
    found = select_runs(runs, name, conditions, sort, more)
    for message in found.damaged:
        click.echo(f"warning: {message}", err=True)
    if found.damaged:
        click.echo("hint: restore it from a copy, or remove the run: dl rm RUN", err=True)
    listed = found.chosen[-(limit or 0) :]
    if as_json:
        print_json({"runs": [_document(entry, row, more) for entry, row in listed]})
    elif listed:
        click.echo(_list_text(listed, more, verbose=verbose))
    elif found.any_readable:
        click.echo("no run meets these conditions", err=True)
    elif not found.damaged:
        click.echo(printable(f"no runs in {runs}; dl train CONFIG makes one"), err=True)
    if name is None and not conditions and not as_json:
        _tell_of_sweeps(runs)


def _tell_of_sweeps(root: Path) -> None:
    """Says which sweeps there are: their trials are runs, but not in the list of all."""

    labels = [sweep.label for sweep in all_sweeps(root)]
    if labels:
        left_out = len(labels) - _MOST_SWEEPS
        named = [*(["…"] if left_out > 0 else []), *labels[-_MOST_SWEEPS:]]
        words = "1 sweep" if len(labels) == 1 else f"{len(labels)} sweeps"
        click.echo(f"and {words}: {', '.join(named)}", err=True)
        name = labels[-1].partition("/")[0]
        click.echo(f"ranked: dl compare {name}   all trials: dl list {name}", err=True)


def _document(entry: Entry, row: Row, more: list[str]) -> dict[str, object]:
    from dl.report.verdict import verdict

    known = {key: row[key] for key in ("run", "status", "started", "seconds", "epochs")}
    columns = {"columns": {key: row.get(key) for key in more}} if more else {}
    metrics = {"metrics": entry.metrics, "verdict": verdict(entry)}
    return {**known, "tags": entry.tags, **metrics, **columns}


def _list_text(listed: Listed, more: list[str], *, verbose: bool) -> str:
    from dl.report.terminal import Styled, table
    from dl.rundir.query import shown

    tagged = any(entry.tags for entry, _ in listed)
    rows = [
        [
            entry.run.label,
            Styled(entry.record.status, _STATES.get(entry.record.status, "")),
            *_course(entry, float(str(row["age"]))),
            *(shown(row.get(key)) for key in more),
            *([" ".join(entry.tags)] if tagged else []),
        ]
        for entry, row in listed
    ]
    header = ["run", "status", "age", "took", "epochs", "result", "metric"]
    spare = ["took", "epochs", "age", "tags", "status", "metric"]
    text = table(rows, [*header, *more, *(["tags"] if tagged else [])], spare=spare)
    if not verbose:
        return text
    head, *lines = text.split("\n")
    below = [_verdict_below(entry) for entry, _ in listed]
    rest = lines[len(listed) :]
    return "\n".join([head, *(x for pair in zip(lines, below, strict=False) for x in pair), *rest])


def _course(entry: Entry, since: float) -> list[str]:
    """Returns age, duration, epochs, result and metric; of a run that trains, how far it is."""
    from dl.report.verdict import now_of, result_of
    from dl.rundir.record import read_history
    from dl.vocabulary.labels import column_label

    record, result = entry.record, result_of(entry)
    took, epochs = record.seconds, f"{record.epochs:,}"
    if record.status == "running":
        with suppress(RunError):  # it is written at this moment, or before its first epoch
            history = read_history(entry.run)
            planned = f"{record.planned:,}" if record.planned else "?"
            result, epochs = now_of(history), f"{len(history):,}/{planned}"
        took = since
    elif record.epochs < record.planned:
        epochs = f"{record.epochs:,}/{record.planned:,}"
    part, name, value = result
    label = "" if value is None else column_label(f"{part}.{name}")
    shown = measured(value)
    return [age(since), duration(took), epochs, shown, label]


def _verdict_below(entry: Entry) -> str:
    from dl.report.terminal import screen_width
    from dl.report.verdict import STYLES, verdict

    told = verdict(entry)
    width, sentence = screen_width(), f"  {told.sentence}"
    lines = [sentence] if width is None else wrapped(sentence, width).split("\n")
    return "\n".join(painted(line, STYLES[told.good]) for line in lines)


@click.command()
@click.argument("selected", nargs=-1, required=True, metavar="RUN RUN…", type=RunType())
@click.option("--all", "everything", is_flag=True, help="Show all settings, also the equal ones.")
@click.option("--csv", "as_csv", is_flag=True, help="Print one table as CSV.")
@click.option(
    "--html",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write a page with curves over each other.",
)
@click.option("--md", "as_markdown", is_flag=True, help="Print Markdown tables.")
@click.option(
    "--plots",
    multiple=True,
    metavar="NAME",
    help="With -o: that picture of each run, beside each other, such as boundary. Repeatable.",
)
@output_option("The PNG to write the pictures to.")
@json_option
@runs_option
def compare(
    selected: tuple[str, ...],
    everything: bool,
    as_csv: bool,
    html: Path | None,
    as_markdown: bool,
    plots: tuple[str, ...],
    output: Path | None,
    as_json: bool,
    runs: Path,
) -> None:
    """Compare runs: what differs, and what is only chance.

    They are compared with the first one, by settings and metrics. Of a single sweep, all its
    settings are ranked and compared with the best.

    \b
    dl compare digits/1 digits/2
    dl compare digits-search
    dl compare digits iris --all --md
    dl compare linear tanh sigmoid relu --plots boundary -o four.png
    """
    from dl.report.compare import compare as compare_runs
    from dl.report.comparison_text import csv_text, json_text, markdown_text, plain_text
    from dl.rundir.files import write_output
    from dl.rundir.query import read_entry

    if as_csv + as_markdown + as_json + (html is not None) + bool(plots) > 1:
        raise UsageError(
            "--json, --csv, --md, --html and --plots exclude each other", hint="leave one of them"
        )
    if bool(plots) != (output is not None):
        raise UsageError("--plots and -o belong together", hint="--plots boundary -o two.png")
    if output is not None:
        _write_plots(_several(selected, runs), plots, output)
        return
    if len(selected) == 1 and is_sweep(selected[0], runs):
        from dl.sweeps.results import read_results

        results = read_results(find_sweep(selected[0], runs))
        show_sweep(results, as_json=as_json, everything=everything)
        return
    found = _several(selected, runs)
    if html is not None:
        check_output(html, found)
    comparison = compare_runs([read_entry(run) for run in found])
    if html is not None:
        from dl.report.comparison_page import comparison_page

        write_output(html, comparison_page(comparison))
        click.echo(str(html))
        return
    laid_out = markdown_text if as_markdown else plain_text
    if as_json or as_csv:
        laid_out = json_text if as_json else csv_text
    click.echo(laid_out(comparison, everything), nl=not as_csv)


def _write_plots(found: list[RunDirectory], plots: tuple[str, ...], output: Path) -> None:
    from dl.report.beside import beside
    from dl.rundir import files

    check_output(output, found)
    picture = beside(found, plots)
    with files.output(output) as stream:
        stream.write(picture)
    click.echo(str(output))


def _several(selected: Iterable[str], runs: Path) -> list[RunDirectory]:
    found = [find_run(text, runs) for text in selected]
    if len({os.path.realpath(run.path) for run in found}) < max(2, len(found)):
        raise UsageError(
            "needs two or more different runs", hint="see the runs: dl list; then dl compare A B"
        )
    return found


@click.command()
@run_argument
@output_option("Write the page there.  [default: report.html in its directory]")
@runs_option
def report(run: str, output: Path | None, runs: Path) -> None:
    """Write the page of RUN, a run or a sweep.

    It is one HTML file with everything in it. `dl train` has written that of a run already. The
    last line on stdout is the file.
    """
    from dl.app import page
    from dl.rundir.files import write_output, write_text

    directory = find_sweep(run, runs) if is_sweep(run, runs) else find_run(run, runs)
    if output is None or os.path.realpath(output) == os.path.realpath(directory.report):
        write_text(directory.report, page(directory))
        click.echo(str(output or directory.report))
    else:
        check_output(output, [directory])
        write_output(output, page(directory))
        click.echo(str(output))
