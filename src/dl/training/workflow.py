"""The story of a training. It reads like the list of its steps."""

from __future__ import annotations

import json
import math
import signal
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from dl.config.schema import resolved_text
from dl.data.dataset import Dataset
from dl.data.drift import summaries_text
from dl.data.predictions import DecisionSurface, ParameterPath, Predictions, write_predictions
from dl.data.recording import Recording
from dl.data.trivial import trivial_of
from dl.data.types import Array, Part
from dl.errors import DlError, Interrupted
from dl.model.saving import save_model
from dl.predict.evaluate import evaluate as evaluate_part
from dl.predict.evaluate import keep_errors, tell_infinite
from dl.predict.evaluate import predict as predict_outputs
from dl.progress import Reporter
from dl.rundir.directory import RunDirectory
from dl.rundir.files import Process, read_regular
from dl.rundir.folders import create_run
from dl.rundir.manifest import Checkpoint, file_sha256, publish, publishing
from dl.rundir.record import Ending, Judgement, RunRecord, git_commit, now, write_record
from dl.text import plural
from dl.training.checkpoint import Checkpoints, History
from dl.training.fit import Diverged, fit, out_of_time, solve
from dl.training.recorder import Recorder
from dl.training.setup import Prepared, machine, versions
from dl.training.two_inputs import PathKeeper, Snapshots
from dl.vocabulary.spec import Findings

Metrics = dict[str, dict[str, float]]

_MOST_ROWS = 20_000
"""Rows in the pictures of a part that lies on the disk: to read all would take as long as an
epoch, and a picture shows no more."""
_MOST_PLACES = 2_000_000
"""Places of rows in the pictures: the curves of a class take about a second for so many."""


@dataclass(frozen=True, slots=True)
class Trained:
    """A training that ended well.

    Attributes:
        run: Where everything about it lies.
        prepared: What it was made of; the model has its final weights.
        history: One row an epoch.
        metrics: Final metrics by part: train, validation, test.
        seconds: Duration of the whole, from the first reading of the data.
        model_sha256: The SHA-256 of `model.h5`.
    """

    run: RunDirectory
    prepared: Prepared
    history: History
    metrics: Metrics
    seconds: float
    model_sha256: str


@dataclass(frozen=True, slots=True)
class PartPredictions:
    """A trained model's outputs for the part that tells most: test, else validation, else train.

    Of rows that lie on the disk, and of rows of very many places, it is a sample.

    Attributes:
        run: Where the pictures go.
        prepared: What the model was made of.
        history: One row an epoch.
        name: The part.
        part: Its rows, or a sample of them.
        outputs: The outputs for them, shape (rows, ...).
        surface: The decision surface of the network, where its inputs are two numbers.
        path: The way of its parameters, where it is a unit with one input.
        recording: What it said of some validation rows, epoch by epoch.
    """

    run: RunDirectory
    prepared: Prepared
    history: History
    name: str
    part: Part
    outputs: Array
    surface: DecisionSurface | None = None
    path: ParameterPath | None = None
    recording: Recording | None = None


@dataclass(frozen=True, slots=True)
class RunLocation:
    """Where a run is kept: `<root>/<name>/<number>`; the next number where there is none."""

    root: Path
    name: str
    number: int | None = None


@dataclass(frozen=True, slots=True)
class Hooks:
    """Who looks at a training, may end it, and judges what came of it.

    Attributes:
        on_begin: Is given the run's directory before the first epoch.
        stop_signal: Gives the number of the signal that asked to stop, or None.
        go_on: Is given each row of the history; False ends the training after that epoch.
        on_predictions: Is given the outputs of the trained model before it is saved, for the
            pictures. Where it is None, they are not computed.
        judge: Is given the history and the final metrics, and says what they tell.
    """

    on_begin: Callable[[RunDirectory], None] = lambda run: None
    stop_signal: Callable[[], int | None] = lambda: None
    go_on: Callable[[Mapping[str, float]], bool] = lambda row: True
    on_predictions: Callable[[PartPredictions], None] | None = None
    judge: Callable[[RunRecord, History, Metrics], Judgement | None] = lambda *known: None


@dataclass(frozen=True, slots=True)
class RunJob:
    """A run to be worked on.

    Attributes:
        run: Its directory, locked.
        record: What `run.json` is to say while it runs.
        checkpoint: Where it goes on from; None for its first epoch.
    """

    run: RunDirectory
    record: RunRecord
    checkpoint: Checkpoint | None = None


def train(
    prepared: Prepared,
    location: RunLocation,
    reporter: Reporter,
    *,
    command: tuple[str, ...],
    hooks: Hooks,
) -> Trained:
    """Trains a prepared model and keeps everything about it in a new run directory.

    Args:
        prepared: From `prepare`.
        location: Where the run is kept.
        reporter: Is told what happens.
        command: The command line, for the record.
        hooks: Who looks on, and may end the training.

    Raises:
        Interrupted: `hooks.stop_signal` gave a number; the finished epochs are kept.
        NumericError: The loss became NaN or infinite.
        DiskError: A file could not be written.
    """
    record = _first_record(prepared, command)
    files = _first_files(prepared, record)
    with create_run(location.root, location.name, files, location.number) as run:
        return _carry_out(prepared, RunJob(run, record), reporter, hooks)


def resume(prepared: Prepared, job: RunJob, reporter: Reporter, hooks: Hooks) -> Trained:
    """Goes on with a run, as if it had never stopped.

    Args:
        prepared: From `prepare`, with the engine's choice of the run.
        job: From `dl.training.resume`; the caller holds the run's lock.
        reporter: Is told what happens.
        hooks: Who looks on, and may end the training.

    Raises:
        RunError: The checkpoint is of another model.
        DlError: What `train` raises.
    """
    write_record(job.run, job.record)
    return _carry_out(prepared, job, reporter, hooks)


def _first_record(prepared: Prepared, command: tuple[str, ...]) -> RunRecord:
    """Returns what is known of a run before its first epoch."""
    return RunRecord(
        name=prepared.config.name,
        status="running",
        started=now(),
        process=Process.current(),
        seed=prepared.config.seed,
        command=command,
        fingerprint=prepared.dataset.preprocessing.fingerprint,
        versions=versions(),
        machine=machine(),
        engine={**prepared.strategy.document(), **prepared.dataset.storage.document()},
        data=prepared.dataset.sizes(),
        git_commit=git_commit(prepared.loaded.folder),
        trivial=trivial_of(prepared.config, prepared.dataset),
        bases=dict(prepared.bases),
        start=prepared.start,
        planned=_planned(prepared),
    )


def _planned(prepared: Prepared) -> int:
    training = prepared.config.training
    return 1 if training.solver == "normal_equation" else training.epochs


def _first_files(prepared: Prepared, record: RunRecord) -> dict[str, bytes]:
    """Returns the files that a run directory is made with, by name."""
    loaded = prepared.loaded
    text = prepared.text
    if loaded.rows is not None:
        text = resolved_text(prepared.config, loaded.rows.parent)
    files = {
        "config.yaml": loaded.text,
        "resolved.yaml": text.encode(),
        "run.json": record.text().encode(),
        **_data_files(prepared.dataset),
    }
    if loaded.rows is not None:
        files[loaded.rows.name] = read_regular(loaded.rows)
    if loaded.overrides:
        files["overrides.txt"] = "".join(f"{item}\n" for item in loaded.overrides).encode()
    return files


def _data_files(dataset: Dataset) -> dict[str, bytes]:
    """Returns the files about the data; the trials of a sweep share them."""
    files: dict[str, bytes] = _LATEST[1]
    if _LATEST[0] is not dataset.preprocessing:
        files = {"preprocess.json": dataset.preprocessing.text().encode()}
        if dataset.columns:
            files["columns.json"] = summaries_text(dataset.columns).encode()
        _LATEST[:] = dataset.preprocessing, files
    return files


_LATEST: list[Any] = [None, {}]
"""What the last training was fitted with, and the files about its data."""


def _carry_out(prepared: Prepared, job: RunJob, reporter: Reporter, hooks: Hooks) -> Trained:
    run, started = job.run, time.perf_counter() - job.record.seconds
    model, dataset, epochs = prepared.model, prepared.dataset, prepared.config.training.epochs
    snapshots = Snapshots(model, dataset, epochs)
    recorder = Recorder(model, dataset, epochs, wanted=hooks.on_predictions is not None)
    path = PathKeeper(model, dataset)
    checkpoints = Checkpoints(run, {"snapshots": snapshots, "recorder": recorder}, job.checkpoint)
    hooks.on_begin(run)
    try:
        recorder.begin()
        seeing = (snapshots, recorder)
        history, ending = _fit(prepared, checkpoints, reporter, hooks, seeing, path)
        checkpoints.write()
        _stop_if_asked(run, history, hooks)
        keep_errors(run, prepared.model, prepared.dataset, prepared.config.training.loss.type)
        for earlier in run.made_last:
            earlier.unlink(missing_ok=True)
        if hooks.on_predictions is not None:
            name, part = _shown_part(prepared)
            outputs = predict_outputs(prepared.model, part.x, reporter)
            surface = snapshots.surface(len(history))
            way, frames = path.path(model, dataset), recorder.recording(ending.kept)
            y, weights = part.targets()
            write_predictions(run, Predictions(name, y, outputs, weights))
            hooks.on_predictions(
                PartPredictions(run, prepared, history, name, part, outputs, surface, way, frames)
            )
        _stop_if_asked(run, history, hooks)
        metrics = _finish(prepared, run, reporter)
        judgement = hooks.judge(job.record, history, metrics)
    except BaseException as error:
        with suppress(DlError):  # the first error is the one to be told
            checkpoints.write()
            kept = error.kept if isinstance(error, Diverged) else None
            if kept is not None:
                _save(prepared, run)
            _close(job, started, len(checkpoints.rows), error, ending=Ending(kept=kept))
        raise
    ended_by = _limit_that_ended(prepared, history)
    ending = replace(ending, why=f"{ended_by} reached") if ended_by else ending
    known = {"ended_by": ended_by, "ending": ending, "judgement": judgement}
    seconds = _close(job, started, len(history), None, **known)
    if ended_by is not None:
        reporter.note(
            f"ended by the {ended_by} after {len(history)} of {prepared.config.training.epochs} "
            f"epochs; to go on: {run.command_to_resume} --set training.time_limit=null"
        )
    return Trained(run, prepared, history, metrics, seconds, file_sha256(run.model))


def _close(
    job: RunJob,
    started: float,
    epochs: int,
    error: BaseException | None,
    **known: Any,
) -> float:
    """Writes how a run ended, after how many epochs, and what else is known of it.

    Returns:
        Its duration in seconds.
    """
    stopped = isinstance(error, Interrupted | KeyboardInterrupt)
    ended = replace(
        job.record,
        status="completed" if error is None else "interrupted" if stopped else "failed",
        finished=now(),
        seconds=round(time.perf_counter() - started, 3),
        epochs=epochs,
        error=str(error) if error else None,
        **known,
    )
    write_record(job.run, ended)
    return ended.seconds


def _limit_that_ended(prepared: Prepared, history: History) -> str | None:
    """Returns the limit that ended a training before its last epoch, in words."""
    training, model = prepared.config.training, prepared.model
    last = not history or history[-1].get("phase", 1) == len(prepared.config.phases)
    whole = len(history) >= training.epochs or (last and model.stop_training)
    over = not whole and training.time_limit and out_of_time(prepared.config, history)
    return f"time limit of {training.time_limit}" if over else None


def _stop_if_asked(run: RunDirectory, history: History, hooks: Hooks) -> None:
    if number := hooks.stop_signal():
        raise _interrupted(run, len(history), number)


def _interrupted(run: RunDirectory, epochs: int, number: int) -> Interrupted:
    return Interrupted(
        f"interrupted after {plural(epochs, 'epoch')}",
        signal_number=number,
        hint=f"resume it: {run.command_to_resume}",
    )


def _fit(
    prepared: Prepared,
    checkpoints: Checkpoints,
    reporter: Reporter,
    hooks: Hooks,
    seeing: tuple[Snapshots, Recorder],
    path: PathKeeper,
) -> tuple[History, Ending]:
    given_up = False
    endings: list[Ending] = []

    def keep(row: Mapping[str, float]) -> None:
        nonlocal given_up
        checkpoints.see(row)
        for watcher in seeing:
            watcher.see(len(checkpoints.rows))
        if not hooks.go_on(row):
            given_up = prepared.model.stop_training = True

    if prepared.config.training.solver == "normal_equation":
        return solve(prepared, reporter, keep), Ending(kept=1)
    try:
        history = fit(
            prepared,
            reporter,
            keep,
            folder=checkpoints.run.path,
            should_stop=lambda: given_up or hooks.stop_signal() is not None,
            watchers=[path],
            checkpoints=checkpoints,
            on_end=endings.append,
        )
    except Findings as error:
        raise prepared.loaded.error(error.findings) from error
    except KeyboardInterrupt as error:  # before the first look at what stops a training
        number = getattr(error, "number", signal.SIGINT)
        raise _interrupted(checkpoints.run, len(checkpoints.rows), number) from error
    [ending] = endings
    return history, replace(ending, why="given up", early=False) if given_up else ending


def _shown_part(prepared: Prepared) -> tuple[str, Part]:
    """Returns the part that tells most, or a sample of it."""
    name, part = list(prepared.dataset.parts.items())[-1]
    if prepared.dataset.storage.streamed:
        part = part.sample(_MOST_ROWS)
    places = math.prod(prepared.dataset.target.places)
    return name, part.sample(max(1, _MOST_PLACES // places)) if places > 1 else part


def _finish(prepared: Prepared, run: RunDirectory, reporter: Reporter) -> Metrics:
    with reporter.stage("Evaluating"):
        metrics = {
            name: evaluate_part(prepared.model, part, prepared.config)
            for name, part in prepared.dataset.parts.items()
        }
    for name, measured in metrics.items():
        tell_infinite(name, measured, prepared.dataset.target, reporter)
    with reporter.stage("Saving"):
        # The model last: a run that has it is complete.
        publish(run.metrics, f"{json.dumps(metrics, indent=2)}\n".encode())
        _save(prepared, run)
    return metrics


def _save(prepared: Prepared, run: RunDirectory) -> None:
    with publishing(run.model) as temporary:
        save_model(prepared.model, temporary)
