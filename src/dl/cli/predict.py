"""`dl predict`: rows in, predictions out."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click

from dl.cli.evaluate import SPLITS
from dl.cli.options import quiet_option, run_argument, runs_option, threshold_option

if TYPE_CHECKING:
    from dl.data.chunks import InputChunks
    from dl.progress import Reporter
    from dl.runtime.predict import Outputs
    from dl.runtime.saved import SavedFiles

_STDIN = 0


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
    `prediction` and, for a classifier, `probability_<class>`. A table may be of any length: a few
    thousand rows at a time are in memory.
    """
    from dl.cli.display import open_reporter
    from dl.cli.outputs import check_output
    from dl.errors import UsageError
    from dl.runs.find import find_run

    if file is not None and split is not None:
        raise UsageError("FILE and --split exclude each other", hint="leave one of them out")
    directory = find_run(run, runs)
    if output is not None:
        reads: list[Path | int] = [_STDIN if file == "-" else Path(file)] if file else []
        check_output(output, [directory], reads)
    with open_reporter(quiet=quiet) as reporter:
        from dl.data.write import csv_output
        from dl.runtime.predict import predictions
        from dl.runtime.saved import open_files

        files = open_files(directory, threshold)
        model = _model(files, reporter)
        rows = _rows(files, file, split or "test", reporter)
        with csv_output(output if output is not None else sys.stdout.buffer) as write:
            for columns in predictions(model, rows, files.preprocessing.target, reporter):
                write(columns)


def _model(files: SavedFiles, reporter: Reporter) -> Outputs:
    """Opens the light copy of the model; loads TensorFlow only where that cannot be used."""
    from dl.runtime.artefact import open_light
    from dl.runtime.light_model import UnusableError

    try:
        return open_light(files.run)
    except UnusableError as error:
        unusable = error
    if not unusable.suspicious:
        reporter.note(f"no light copy of the model ({unusable}): TensorFlow is loaded")
    with reporter.stage("Loading Keras"):
        from dl.engine.inference.evaluate import Forward
        from dl.engine.saved import rebuild
    model = Forward(rebuild(files, reporter).model)
    if unusable.suspicious:
        reporter.warn(f"{files.run.label}: {unusable}; TensorFlow predicted from model.h5 instead")
    return model


def _rows(files: SavedFiles, file: str | None, split: str, reporter: Reporter) -> InputChunks:
    from dl.data.chunks import open_chunks, split_chunks

    if file is None:
        return split_chunks(files.config, files.preprocessing, split, reporter)
    source: Path | BinaryIO = sys.stdin.buffer if file == "-" else Path(file)
    return open_chunks(files.config, files.preprocessing, source, reporter)
