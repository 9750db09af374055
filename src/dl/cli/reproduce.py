"""`dl reproduce`: trains a run again and says whether every bit is the same."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from dl.cli.options import json_option, quiet_option, run_argument, runs_option
from dl.cli.resume import of_run, trained_again
from dl.errors import BusyError, ExitCode, Interrupted, RunError

if TYPE_CHECKING:
    from dl.engine.reproduce import Repeat
    from dl.progress import Reporter
    from dl.runs.directory import RunDirectory
    from dl.runs.record import RunRecord


@click.command()
@run_argument
@runs_option
@quiet_option
@json_option
def reproduce(run: str, runs: Path, quiet: bool, as_json: bool) -> None:
    """Train RUN again in a temporary folder and compare history and weights.

    The exit code is 0 if all is identical, and 4 if not; then the first epoch that differs is
    named, and what has changed since: data, versions, threads, processor.
    """
    from dl.cli.display import open_reporter
    from dl.runs.find import find_run
    from dl.runs.record import read_record

    directory = find_run(run, runs)
    record = _finished(directory, read_record(directory))
    with open_reporter(quiet=quiet) as reporter:
        repeat = _repeat(directory, record, reporter)
    click.echo(_json(directory, repeat) if as_json else _text(repeat))
    if not repeat.identical:
        raise click.exceptions.Exit(ExitCode.RUN)


def _finished(run: RunDirectory, record: RunRecord) -> RunRecord:
    if record.status == "running":
        raise BusyError(f"{run.label} is being trained by {record.process}", hint="wait for it")
    if record.epochs == 0 and record.status != "completed":
        raise RunError(f"{run.label} has no finished epoch to compare", hint="train it first")
    return record


def _repeat(run: RunDirectory, record: RunRecord, reporter: Reporter) -> Repeat:
    """Trains again, as far as the run came."""
    import tempfile

    from dl.cli.signals import stop_requests
    from dl.cli.train import prepared_of
    from dl.config.pinned import pinned

    planned = record.status == "completed"
    loaded = of_run(run, () if planned else (f"training.epochs={record.epochs}",))
    with trained_again(run):
        prepared = prepared_of(pinned(loaded, record.engine), reporter)
    with tempfile.TemporaryDirectory(prefix="dl-reproduce-") as folder, stop_requests() as request:
        from dl.engine import workflow
        from dl.engine.reproduce import compare

        place = workflow.Place(Path(folder), prepared.config.name)
        watch = workflow.Watch(stop_signal=request)
        command = ("dl", "reproduce", str(run.path))
        try:
            again = workflow.train(prepared, place, reporter, command=command, watch=watch)
        except Interrupted as error:  # the folder is gone: there is nothing to go on with
            raise Interrupted("interrupted", signal_number=error.exit_code - 128) from error
        return compare(run, record, again)


def _json(run: RunDirectory, repeat: Repeat) -> str:
    import json

    return json.dumps({"run": str(run.path), **repeat.document()})


def _text(repeat: Repeat) -> str:
    what = f"{repeat.epochs} epochs" + (" and model.h5" if repeat.model is not None else "")
    if repeat.identical:
        return f"identical: {what}, bit for bit"
    return "\n".join([_difference(repeat), *_reasons(repeat)])


def _difference(repeat: Repeat) -> str:
    first = repeat.first
    if first is None:
        return f"different: the same history of {repeat.epochs} epochs, but another model.h5"
    return f"different from epoch {first.epoch} on: {first.name} was {first.before}, is {first.now}"


def _reasons(repeat: Repeat) -> list[str]:
    if repeat.changed:
        return [f"changed since: {change}" for change in repeat.changed]
    return ["nothing that a run records has changed: data, versions, threads and processor"]
