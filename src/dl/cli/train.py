"""`dl train`: from a config to a trained, evaluated, saved model."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dl.cli.options import (
    ConfigPath,
    RunType,
    json_option,
    quiet_option,
    runs_option,
    set_option,
)
from dl.cli.resume import NEWEST, find, is_complete, named_run, of_run, result_of, trained_again
from dl.errors import UsageError

if TYPE_CHECKING:
    from dl.cli.looking import Looking
    from dl.config.load import Loaded
    from dl.data.dataset import Dataset
    from dl.engine.prepare import Prepared
    from dl.engine.workflow import Trained, Watch
    from dl.pages.drawing import Drawing
    from dl.progress import Reporter
    from dl.runs.directory import RunDirectory


Show = Callable[[dict[str, object]], None]
"""Prints the result of a training."""
Lock = Callable[["RunDirectory"], AbstractContextManager[object]]

_KERAS_SOURCE = "keras"
"""The source that needs Keras to be read."""


@click.command()
@click.argument("config", type=ConfigPath(), required=False)
@set_option
@click.option("--epochs", type=click.IntRange(min=1), metavar="N", help="The number of epochs.")
@click.option("--name", metavar="NAME", help="Name of the run. Default: the config's.")
@runs_option
@click.option(
    "--resume",
    type=RunType(),
    is_flag=False,
    flag_value=NEWEST,
    metavar="[RUN]",
    help="Go on with a run from its last checkpoint. Default: CONFIG's newest unfinished run.",
)
@click.option("--force", is_flag=True, help="Go on although config, data or versions changed.")
@click.option("--dry-run", is_flag=True, help="Read, check and build everything, train nothing.")
@quiet_option
@json_option
def train(
    config: Path | None,
    overrides: tuple[str, ...],
    epochs: int | None,
    name: str | None,
    runs: Path,
    resume: str | None,
    force: bool,
    dry_run: bool,
    quiet: bool,
    as_json: bool,
) -> None:
    """Train the model of CONFIG and keep everything about it in a run directory.

    The last line on stdout is the run directory.

    \b
    dl train configs/digits.yaml
    dl train configs/digits.yaml --set training.epochs=5 --set model.layers.hidden.units=32
    dl train --resume digits              (after an interruption)
    dl train --resume digits --epochs 40  (longer than was planned)
    """
    from dl.cli.display import open_reporter
    from dl.config.load import load_config
    from dl.tracking.destination import check_packages

    if epochs is not None:
        overrides = (*overrides, f"training.epochs={epochs}")
    if resume is not None:
        resume, config = named_run(resume, config)
    loaded = None if config is None else load_config(config, overrides, name)
    if loaded is not None:
        check_packages(loaded)
    show = _print_json if as_json else _print_result
    with open_reporter(quiet=quiet) as reporter:
        if resume is not None:
            run = find(resume, loaded, runs)
            _resume(run, loaded or of_run(run, overrides), reporter, show, force=force)
        elif loaded is None:
            raise UsageError("a config is missing", hint="dl train CONFIG, or --resume RUN")
        elif dry_run:
            prepared_of(loaded, reporter, advise=True)
            reporter.note("dry run: nothing was trained and nothing was written")
        else:
            _train(loaded, runs, reporter, show)


def _train(loaded: Loaded, runs: Path, reporter: Reporter, show: Show) -> None:
    from dl.runs.lock import locked

    def start(prepared: Prepared, watch: Watch) -> Trained:
        from dl.engine import workflow

        place = workflow.Place(runs, prepared.config.name)
        return workflow.train(prepared, place, reporter, command=_command(), watch=watch)

    _carry_out(loaded, reporter, show, start, locked, advise=True)


def _resume(
    run: RunDirectory, loaded: Loaded, reporter: Reporter, show: Show, *, force: bool
) -> None:
    from dl.config.pinned import pinned
    from dl.runs.lock import locked
    from dl.runs.record import read_record
    from dl.tracking.tracker import tracking

    with locked(run):
        record = read_record(run)
        if is_complete(run, record, loaded, reporter):
            reporter.note(f"{run.label} is complete: nothing is left to do (longer: --epochs N)")
            with tracking(loaded, reporter) as track:
                track(run.path)
            show(result_of(run, record))
            return

        def start(prepared: Prepared, watch: Watch) -> Trained:
            from dl.engine import workflow
            from dl.engine.resume import job_of

            job = job_of(run, record, prepared, reporter, command=_command(), force=force)
            return workflow.resume(prepared, job, reporter, watch)

        # The run is locked already.
        with trained_again(run):
            _carry_out(pinned(loaded, record.engine), reporter, show, start, nullcontext)


def _tell_of_variables(reporter: Reporter) -> None:
    from dl.variables import unheeded

    if unheeded():
        reporter.note(f"not heeded, since they could change results: {', '.join(unheeded())}")


def _advise(loaded: Loaded, dataset: Dataset, reporter: Reporter) -> None:
    from dl.config.rules.notes import placed
    from dl.data.rules import advice_for

    found = placed(loaded, advice_for(loaded.config, dataset))
    for note in found:
        reporter.note(f"advice: {note.path} {note.message} ({note.rule})")
    if found:
        reporter.note(f"the reasons, and what to write: dl lint {loaded.path}")


def prepared_of(loaded: Loaded, reporter: Reporter, *, advise: bool = False) -> Prepared:
    """Reads the data while Keras loads, then builds the model; `advise`: tells what is doubtful."""
    from dl.cli.background import Importing
    from dl.cli.tables import data_text, summary_text

    if advise:
        _tell_of_variables(reporter)
    if loaded.config.data.source == _KERAS_SOURCE:
        dataset = _read(loaded, reporter)
    with Importing("dl.engine.workflow") as engine:
        if loaded.config.data.source != _KERAS_SOURCE:
            dataset = _read(loaded, reporter)
        with reporter.stage("Loading Keras"):
            engine.module()
    from dl.engine.inside.summary import layer_rows
    from dl.engine.prepare import prepare

    if advise:
        _advise(loaded, dataset, reporter)
    prepared = prepare(loaded, dataset, reporter)
    reporter.note(data_text(dataset.sizes()))
    reporter.note(summary_text(prepared.config.name, layer_rows(prepared.model)))
    return prepared


def _read(loaded: Loaded, reporter: Reporter) -> Dataset:
    from dl.data.load import read_dataset

    return read_dataset(loaded, reporter)


def _carry_out(
    loaded: Loaded,
    reporter: Reporter,
    show: Show,
    start: Callable[[Prepared, Watch], Trained],
    lock: Lock,
    *,
    advise: bool = False,
) -> None:
    """Trains and shows the result; what nobody waits for is made at the end.

    Another process draws the pictures and writes the page, while this one makes the model's light
    copy.

    Args:
        loaded: The config.
        reporter: Is told what happens.
        show: Is given the result.
        start: Trains.
        lock: Locks the run for what is made at the end.
        advise: Whether to tell what is doubtful in config and data.
    """
    from dl.cli.looking import Looking
    from dl.cli.signals import stop_requests
    from dl.pages.drawing import Drawing
    from dl.tracking.tracker import tracking

    with tracking(loaded, reporter) as track, Drawing() as drawing:
        prepared = prepared_of(loaded, reporter, advise=advise)
        with stop_requests() as request:
            from dl.engine.workflow import Watch

            looking = Looking(drawing)
            watch = Watch(
                on_begin=lambda run: track(run.path),
                stop_signal=request,
                on_judged=looking.draw,
            )
            trained = start(prepared, watch)
        show(_result(trained))
        sys.stdout.flush()
        _hint(trained, reporter)
        failure = _finish(trained, looking, drawing, lock)
    if failure is not None:
        reporter.warn(f"the pictures, the report or the light copy could not be made: {failure}")


def _finish(trained: Trained, looking: Looking, drawing: Drawing, lock: Lock) -> str | None:
    """Makes what nobody waits for, with the lock of the run; returns what went wrong."""
    from dl.engine.files.light import keep_light
    from dl.errors import BusyError, RunError

    try:
        with lock(trained.run):
            looking.write_page()
            keep_light(trained)
            return drawing.end()
    except (BusyError, RunError) as error:  # somebody goes on with it at once, or has removed it
        return str(error)


def _hint(trained: Trained, reporter: Reporter) -> None:
    """Says that something in the history is worth a look; the layers are not looked at here."""
    from dl.data.judged import read_answers
    from dl.data.one_answer import one_answer
    from dl.diagnose import Case, diagnose

    target = trained.prepared.dataset.target
    said = one_answer(read_answers(trained.run, target), target)
    if said:
        reporter.warn(f"the model {said}")
    found = diagnose(Case(trained.prepared.config, trained.history, one_answer=said))
    if found:
        names = ", ".join(name for name, _ in found)
        reporter.note(f"worth a look: {names}; what to try: dl diagnose {trained.run.path}")


def _command() -> tuple[str, ...]:
    return ("dl", *sys.argv[1:])


def _result(trained: Trained) -> dict[str, object]:
    return {
        "run": str(trained.run.path),
        "status": "completed",
        "epochs": len(trained.history),
        "seconds": trained.seconds,
        "metrics": trained.metrics,
    }


def _print_result(result: dict[str, object]) -> None:
    from dl.cli.tables import metrics_text

    metrics: Any = result["metrics"]
    click.echo(metrics_text(metrics))
    click.echo(str(result["run"]))


def _print_json(result: dict[str, object]) -> None:
    import json

    click.echo(json.dumps(result))
