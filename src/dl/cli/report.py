"""`dl report`: the page of a run or a sweep."""

from __future__ import annotations

import os
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
    help="Write the page there.  [default: report.html in its directory]",
)
@runs_option
def report(run: str, output: Path | None, runs: Path) -> None:
    """Write the page of RUN, a run or a sweep: one HTML file with everything in it.

    `dl train` has written that of a run already. The last line on stdout is the file.
    """
    from dl.app.using import page
    from dl.cli.outputs import check_output
    from dl.runs.directory import find_run, find_sweep, is_sweep
    from dl.runs.files import write_output, write_text

    directory = find_sweep(run, runs) if is_sweep(run, runs) else find_run(run, runs)
    if output is None or os.path.realpath(output) == os.path.realpath(directory.report):
        write_text(directory.report, page(directory))
        click.echo(str(output or directory.report))
    else:
        check_output(output, [directory])
        write_output(output, page(directory))
        click.echo(str(output))
