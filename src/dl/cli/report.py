"""`dl report`: the page of a run or a sweep."""

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
    help="Write the page there.  [default: report.html in its directory]",
)
@runs_option
def report(run: str, output: Path | None, runs: Path) -> None:
    """Write the page of RUN, a run or a sweep: one HTML file with everything in it.

    `dl train` has written that of a run already. The last line on stdout is the file.
    """
    from dl.runs.find import is_sweep

    write = _write_sweep if is_sweep(run, runs) else _write_run
    click.echo(str(write(run, runs, output)))


def _write_run(text: str, runs: Path, output: Path | None) -> Path:
    from dl.pages.page import write_page
    from dl.runs.find import find_run

    run = find_run(text, runs)
    target = output or run.report
    write_page(run, target)
    return target


def _write_sweep(text: str, runs: Path, output: Path | None) -> Path:
    from dl.pages.sweep_page import sweep_page
    from dl.runs.files import write_text
    from dl.runs.find import find_sweep
    from dl.sweep.results.reading import read_results

    sweep = find_sweep(text, runs)
    target = output or sweep.report
    write_text(target, sweep_page(read_results(sweep)))
    return target
