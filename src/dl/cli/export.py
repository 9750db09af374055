"""`dl export`: a run as a file for other programs."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dl.cli.options import (
    check_output,
    output_option,
    print_json,
    run_argument,
    usual_options,
    yes_option,
)
from dl.cli.process import open_reporter
from dl.errors import UsageError
from dl.rundir.directory import find_run
from dl.text import painted, size

if TYPE_CHECKING:
    from dl.export.files import Exported

_ENDINGS = {
    "onnx": ".onnx",
    "saved_model": ".saved_model",
    "litert": ".tflite",
    "litert-int8": "-int8.tflite",
    "keras": ".keras",
    "script": ".py",
    "notebook": ".ipynb",
}
"""The formats, and what their files are called behind the name of the run."""


@click.command()
@run_argument
@click.option(
    "--to",
    "formats",
    multiple=True,
    required=True,
    type=click.Choice(list(_ENDINGS)),
    help="The format; may be repeated.",
)
@output_option(
    "The file, or the folder of a saved_model.  [default: NAME.onnx, NAME.tflite… here]",
    "PATH",
    folders=True,
)
@yes_option
@usual_options
def export(
    run: str,
    formats: tuple[str, ...],
    output: Path | None,
    yes: bool,
    runs: Path,
    quiet: bool,
    as_json: bool,
) -> None:
    """Write RUN as a file for other programs.

    Raw columns go in, predictions, probabilities and class names come out: what was learned of the
    data is inside. Each file is run by its own runtime on the test rows, and kept only if it
    answers as dl predict does, to 1e-5. A script or a notebook trains the same network on the same
    data by plain Keras.

    \b
    dl export titanic --to onnx
    dl export digits --to keras --to litert-int8 --json
    dl export titanic --to script -o titanic.py
    """
    from dl import app
    from dl.export import beside

    directory = find_run(run, runs)
    if output is not None and len(formats) > 1:
        raise UsageError(
            "-o names one file, but there are several formats",
            hint="leave it out, or export one after the other",
        )
    name = directory.label.partition("/")[0]
    paths = {to: output or Path(f"{name}{_ENDINGS[to]}") for to in dict.fromkeys(formats)}
    pairs = [(path, beside(to, path)) for to, path in paths.items()]
    for path in dict.fromkeys(each for pair in pairs for each in pair if each is not None):
        check_output(path, [directory])
        _ask_before_writing(path, yes=yes)
    with open_reporter(quiet=quiet) as reporter:
        found = app.export(directory, paths, reporter)
    if as_json:
        print_json({"run": directory, "exports": found})
        return
    click.echo(_text(found))
    for each in found:
        click.echo(str(each.path))


def _ask_before_writing(path: Path, *, yes: bool) -> None:
    """Asks on the terminal whether to write over what is there; raises `UsageError` if not."""
    if yes or not os.path.lexists(path):
        return
    if not sys.stdin.isatty() or not click.confirm(f"{path} is there. Replace it?", err=True):
        raise UsageError(f"{path} is there already", hint="name another with -o, or replace it: -y")


def _text(found: Sequence[Exported]) -> str:
    from dl.report.terminal import table

    speeds = ["" if n is None else f"{n:,.0f}" for n in (each.rows_per_second for each in found)]
    rows = [
        [each.to, size(each.bytes), speed, f"{each.difference:.1e}", each.rows, each.part]
        for each, speed in zip(found, speeds, strict=True)
    ]
    header = ["format", "size", "rows/s", "difference", "rows", "of"]
    notes = [f"{each.to}: {each.note}" for each in found if each.note]
    sums = [painted(f"sha256 {each.sha256}  {each.path.name}", "dim") for each in found]
    return "\n".join([table(rows, header, spare=["of", "rows"]), *notes, *sums])
