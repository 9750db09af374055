"""`dl compare`: what differs between runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from dl.cli.options import RunType, json_option, runs_option

if TYPE_CHECKING:
    from dl.compare.compare import Comparison

FORMATS = ("text", "json", "csv", "md")


@click.command()
@click.argument("selected", nargs=-1, required=True, metavar="RUN RUN…", type=RunType())
@click.option("--all", "everything", is_flag=True, help="Show all settings, also the equal ones.")
@click.option("--csv", "as_csv", is_flag=True, help="Print one table as CSV.")
@click.option("--md", "as_markdown", is_flag=True, help="Print Markdown tables.")
@json_option
@runs_option
def compare(
    selected: tuple[str, ...],
    everything: bool,
    as_csv: bool,
    as_markdown: bool,
    as_json: bool,
    runs: Path,
) -> None:
    """Compare runs with the first one: settings that differ, metrics, and what is only chance.

    \b
    dl compare digits/1 digits/2
    dl compare digits iris --all --md
    """
    from dl.browse.entries import read_entry
    from dl.compare.compare import compare as compare_runs
    from dl.compare.text import csv_text, json_text, markdown_text, plain_text
    from dl.errors import UsageError
    from dl.runs.find import find_run

    if as_csv + as_markdown + as_json > 1:
        raise UsageError("--json, --csv and --md exclude each other", hint="leave one of them")
    found = [find_run(text, runs) for text in selected]
    if len({run.path.resolve() for run in found}) < max(2, len(found)):
        raise UsageError(
            "needs two or more different runs", hint="see the runs: dl list; then dl compare A B"
        )
    comparison: Comparison = compare_runs([read_entry(run) for run in found])
    if as_json:
        click.echo(json_text(comparison, everything))
    elif as_csv:
        click.echo(csv_text(comparison, everything), nl=False)
    else:
        click.echo((markdown_text if as_markdown else plain_text)(comparison, everything))
