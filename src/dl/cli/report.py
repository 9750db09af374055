"""`dl report`: the page of a run, made anew."""

from __future__ import annotations

from pathlib import Path

import click

from dl.cli.options import run_argument, runs_option


@click.command()
@run_argument
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write the page there.  [default: report.html in the run's directory]",
)
@runs_option
def report(run: str, output: Path | None, runs: Path) -> None:
    """Write the page of RUN: one HTML file with everything in it, to open in a browser.

    `dl train` has written it already. The last line on stdout is the file.
    """
    from dl.pages.page import write_page
    from dl.runs.find import find_run

    directory = find_run(run, runs)
    target = output or directory.report
    write_page(directory, target)
    click.echo(str(target))
