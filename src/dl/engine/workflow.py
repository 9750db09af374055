"""The story of a training. It reads like the list of its steps."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from dl.data.decision_surface import DecisionSurface, ParameterPath
from dl.data.predictions import Predictions, write_predictions
from dl.data.types import Array, Part
from dl.engine.files.storage import save_model
from dl.engine.inference.evaluate import evaluate as evaluate_part
from dl.engine.inference.evaluate import predict as predict_outputs
from dl.engine.inside.boundary import Snapshots
from dl.engine.inside.parameter_path import PathKeeper
from dl.engine.prepare import Prepared
from dl.engine.record import close_record, first_files, first_record, status_of
from dl.engine.training.checkpoint import Checkpoints, History
from dl.engine.training.fit import Diverged, fit, solve
from dl.errors import DlError, Interrupted
from dl.progress import Reporter
from dl.runs.checkpoints import Checkpoint
from dl.runs.create import create_run
from dl.runs.directory import RunDirectory
from dl.runs.manifest import file_sha256, publish, publishing
from dl.runs.record import RunRecord, write_record
from dl.vocabulary.spec import Findings

Metrics = dict[str, dict[str, float]]

_MOST_JUDGED = 20_000
"""Rows in the pictures of a part that lies on the disk."""
_MOST_JUDGED_PLACES = 2_000_000
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
    history: list[dict[str, float]]
    metrics: Metrics
    seconds: float
    model_sha256: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where a run is kept: `<root>/<name>/<number>`; the next number where there is none."""

    root: Path
    name: str
    number: int | None = None


@dataclass(frozen=True, slots=True)
class Watch:
    """Who looks at a training and may end it.

    Attributes:
        on_begin: Is given the run's directory before the first epoch.
        stop_signal: Gives the number of the signal that asked to stop, or None.
        go_on: Is given each row of the history; False ends the training after that epoch.
        on_judged: Is given the outputs of the trained model before it is saved, for the pictures.
            Where it is None, they are not computed.
    """

    on_begin: Callable[[RunDirectory], None] = lambda run: None
    stop_signal: Callable[[], int | None] = lambda: None
    go_on: Callable[[Mapping[str, float]], bool] = lambda row: True
    on_judged: Callable[[Judged], None] | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """A trained model's outputs for the part that tells most: test, else validation, else train.

    Of rows that lie on the disk, and of rows of very many places, it is a sample.

    Attributes:
        run: Where the pictures go.
        prepared: What the model was made of.
        history: One row an epoch.
        name: The part.
        part: Its rows, or a sample of them.
        outputs: The outputs for them.
        boundary: How the network divides the plane, where its inputs are two numbers.
        path: The way of its parameters, where it is a unit with one input.
    """

    run: RunDirectory
    prepared: Prepared
    history: list[dict[str, float]]
    name: str
    part: Part
    outputs: Array
    boundary: DecisionSurface | None = None
    path: ParameterPath | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """A run to be worked on.

    Attributes:
        run: Its directory, locked.
        record: What `run.json` is to say while it runs.
        checkpoint: Where it goes on from; None for its first epoch.
    """

    run: RunDirectory
    record: RunRecord
    checkpoint: Checkpoint | None = None


@dataclass(frozen=True, slots=True)
class _Seen:
    """What is kept of the way of a training, for the pictures."""

    snapshots: Snapshots
    path: PathKeeper


def train(
    prepared: Prepared, place: Place, reporter: Reporter, *, command: tuple[str, ...], watch: Watch
) -> Trained:
    """Trains a prepared model and keeps everything about it in a new run directory.

    Args:
        prepared: From `prepare`.
        place: Where the run is kept.
        reporter: Is told what happens.
        command: The command line, for the record.
        watch: Looks on, and may end the training.

    Raises:
        Interrupted: `watch.stop_signal` gave a number; the finished epochs are kept.
        NumericError: The loss left the numbers.
        DiskError: A file could not be written.
    """
    record = first_record(prepared, command)
    files = first_files(prepared, record)
    with create_run(place.root, place.name, files, place.number) as run:
        return _carry_out(prepared, Job(run, record), reporter, watch)


def resume(prepared: Prepared, job: Job, reporter: Reporter, watch: Watch) -> Trained:
    """Goes on with a run, as if it had never stopped.

    Args:
        prepared: From `prepare`, with the engine's choice of the run.
        job: From `dl.engine.resume`; the caller holds the run's lock.
        reporter: Is told what happens.
        watch: Looks on, and may end the training.

    Raises:
        RunError: The checkpoint is of another model.
        DlError: What `train` raises.
    """
    write_record(job.run, job.record)
    return _carry_out(prepared, job, reporter, watch)


def _carry_out(prepared: Prepared, job: Job, reporter: Reporter, watch: Watch) -> Trained:
    run, started = job.run, time.perf_counter() - job.record.seconds
    seen = _seen(prepared)
    also = {"snapshots": seen.snapshots}
    checkpoints = Checkpoints(run, also, job.checkpoint)
    watch.on_begin(run)
    try:
        history = _fit(prepared, checkpoints, reporter, watch, seen)
        checkpoints.write()
        _stop_if_asked(run, history, watch)
        if watch.on_judged is not None:
            judged = _judge(prepared, run, history, seen, reporter)
            write_predictions(run, Predictions(judged.name, judged.part.y, judged.outputs))
            watch.on_judged(judged)
        _stop_if_asked(run, history, watch)
        metrics = _finish(prepared, run, reporter)
    except BaseException as error:
        with suppress(DlError):
            _keep_what_is_there(prepared, job, checkpoints, started, error)
        raise
    seconds = close_record(run, job.record, "completed", started, len(history), None)
    return Trained(run, prepared, history, metrics, seconds, file_sha256(run.model))


def _keep_what_is_there(
    prepared: Prepared, job: Job, checkpoints: Checkpoints, started: float, error: BaseException
) -> None:
    checkpoints.write()
    if isinstance(error, Diverged) and error.kept is not None:
        _save(prepared, job.run)
    epochs = len(checkpoints.rows)
    close_record(job.run, job.record, status_of(error), started, epochs, error)


def _stop_if_asked(run: RunDirectory, history: History, watch: Watch) -> None:
    if number := watch.stop_signal():
        raise Interrupted(
            f"interrupted after {len(history)} epochs",
            signal_number=number,
            hint=f"go on with it: {run.command_to_resume}",
        )


def _seen(prepared: Prepared) -> _Seen:
    model, dataset = prepared.model, prepared.dataset
    snapshots = Snapshots(model, dataset, prepared.config.training.epochs)
    return _Seen(snapshots, PathKeeper(model, dataset))


def _fit(
    prepared: Prepared,
    checkpoints: Checkpoints,
    reporter: Reporter,
    watch: Watch,
    seen: _Seen,
) -> History:
    def keep(row: Mapping[str, float]) -> None:
        checkpoints.see(row)
        seen.snapshots.see(len(checkpoints.rows))
        if not watch.go_on(row):
            prepared.model.stop_training = True

    if prepared.config.training.solver == "normal_equation":
        return solve(prepared, reporter, keep)
    try:
        return fit(
            prepared,
            reporter,
            keep,
            folder=checkpoints.run.path,
            should_stop=lambda: watch.stop_signal() is not None,
            watchers=[seen.path],
            checkpoints=checkpoints,
        )
    except Findings as error:
        raise prepared.loaded.error(error.findings) from error


def _judge(
    prepared: Prepared,
    run: RunDirectory,
    history: list[dict[str, float]],
    seen: _Seen,
    reporter: Reporter,
) -> Judged:
    name, part = list(prepared.dataset.parts.items())[-1]
    if prepared.dataset.storage.streamed:
        part = part.sample(_MOST_JUDGED)
    places = math.prod(prepared.dataset.target.places)
    if places > 1:
        part = part.sample(max(1, _MOST_JUDGED_PLACES // places))
    outputs = predict_outputs(prepared.model, part.x, reporter)
    boundary = seen.snapshots.boundary(len(history))
    path = seen.path.path(prepared.model, prepared.dataset)
    return Judged(run, prepared, history, name, part, outputs, boundary, path)


def _finish(prepared: Prepared, run: RunDirectory, reporter: Reporter) -> Metrics:
    with reporter.stage("Evaluating"):
        metrics = {
            name: evaluate_part(prepared.model, part, prepared.config)
            for name, part in prepared.dataset.parts.items()
        }
    with reporter.stage("Saving"):
        publish(run.metrics, f"{json.dumps(metrics, indent=2)}\n".encode())
        _save(prepared, run)
    return metrics


def _save(prepared: Prepared, run: RunDirectory) -> None:
    with publishing(run.model) as temporary:
        save_model(prepared.model, temporary)
