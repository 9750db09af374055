"""`dl predict`: rows in, predictions out."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import BinaryIO

import click

from dl.cli.evaluate import SPLITS
from dl.cli.options import quiet_option, run_argument, runs_option, threshold_option


@click.command()
@run_argument
@click.argument("file", required=False, metavar="[FILE|-]")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), metavar="OUT", help="Default: stdout."
)
@click.option(
    "--split",
    type=SPLITS,
    help="A part of the run's own data instead of FILE.  [default: test, if there is no FILE]",
)
@threshold_option
@runs_option
@quiet_option
def predict(
    run: str,
    file: str | None,
    output: Path | None,
    split: str | None,
    threshold: float | None,
    runs: Path,
    quiet: bool,
) -> None:
    """Predict with the saved model of RUN; CSV in, CSV out, in the order of the rows.

    FILE is read as the run's own data was (the target may be absent); - is stdin. The columns are
    `prediction` and, for a classifier, `probability_<class>`.
    """
    from dl.cli.display import open_reporter
    from dl.errors import UsageError
    from dl.runs.find import find_run

    if file is not None and split is not None:
        raise UsageError("FILE and --split exclude each other", hint="leave one of them out")
    directory = find_run(run, runs)
    with open_reporter(quiet=quiet) as reporter:
        with reporter.stage("Loading Keras"):
            from dl.data.write import write_csv
            from dl.engine import saved as saved_runs
        saved = saved_runs.open_run(directory, reporter, threshold)
        columns = saved_runs.predict(saved, _source(file), split or "test", reporter)
        write_csv(columns, output if output is not None else sys.stdout.buffer)


def _source(file: str | None) -> Path | BinaryIO | None:
    if file is None:
        return None
    return sys.stdin.buffer if file == "-" else Path(file)
