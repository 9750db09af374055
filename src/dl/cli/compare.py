"""`dl compare`: what differs between runs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dl.cli.options import RunType, json_option, runs_option

if TYPE_CHECKING:
    from dl.report.compare import Comparison


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
@json_option
@runs_option
def compare(
    selected: tuple[str, ...],
    everything: bool,
    as_csv: bool,
    html: Path | None,
    as_markdown: bool,
    as_json: bool,
    runs: Path,
) -> None:
    """Compare runs with the first one: settings that differ, metrics, and what is only chance.

    Of a single sweep, all its settings are ranked and compared with the best.

    \b
    dl compare digits/1 digits/2
    dl compare digits-search
    dl compare digits iris --all --md
    """
    from dl.cli.outputs import check_output
    from dl.errors import UsageError
    from dl.report.compare import compare as compare_runs
    from dl.report.compare import csv_text, json_text, markdown_text, plain_text
    from dl.runs.directory import find_run, is_sweep
    from dl.runs.query import read_entry

    if as_csv + as_markdown + as_json + (html is not None) > 1:
        raise UsageError(
            "--json, --csv, --md and --html exclude each other", hint="leave one of them"
        )
    if len(selected) == 1 and is_sweep(selected[0], runs):
        _show_sweep(selected[0], runs, everything, as_json)
        return
    found = [find_run(text, runs) for text in selected]
    if len({os.path.realpath(run.path) for run in found}) < max(2, len(found)):
        raise UsageError(
            "needs two or more different runs", hint="see the runs: dl list; then dl compare A B"
        )
    if html is not None:
        check_output(html, found)
    comparison: Comparison = compare_runs([read_entry(run) for run in found])
    if html is not None:
        _write_page(comparison, html)
    elif as_json:
        click.echo(json_text(comparison, everything))
    elif as_csv:
        click.echo(csv_text(comparison, everything), nl=False)
    else:
        click.echo((markdown_text if as_markdown else plain_text)(comparison, everything))


def _write_page(comparison: Comparison, target: Path) -> None:
    from dl.report.html import comparison_page
    from dl.runs.files import write_output

    write_output(target, comparison_page(comparison))
    click.echo(str(target))


def _show_sweep(text: str, runs: Path, everything: bool, as_json: bool) -> None:
    from dl.cli.sweep_text import MOST_LINES, sweep_json, sweep_text
    from dl.runs.directory import find_sweep
    from dl.sweep.results import read_results

    results = read_results(find_sweep(text, runs))
    most = len(results.trials) if everything else MOST_LINES
    click.echo(sweep_json(results) if as_json else sweep_text(results, most))
