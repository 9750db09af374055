"""The stories of the engine: train, evaluate, predict. Each reads like the list of its steps."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

import keras

from dl.config.load import Loaded, load_config
from dl.config.resolve import resolved_text
from dl.config.schema import Config
from dl.data.complete import complete
from dl.data.load import info_of, load_part, load_split, read_dataset, read_inputs
from dl.data.targets import decode
from dl.data.plane import Boundary
from dl.data.types import Array, DataInfo, Dataset, Inputs, Part
from dl.engine.best import Diverged
from dl.engine.boundary import Snapshots
from dl.engine.environment import machine, versions
from dl.engine.evaluate import evaluate as evaluate_part
from dl.engine.fit import check_training, fit
from dl.engine.model import build_model, compile_model
from dl.engine.normal_equation import solve
from dl.engine.predict import predict as predict_outputs
from dl.engine.storage import load_weights, save_model
from dl.engine.strategy import choose_strategy
from dl.errors import DlError, Interrupted, RunError
from dl.progress import Reporter
from dl.runs.directory import RunDirectory, create_run
from dl.runs.files import published, write_text
from dl.runs.history import write_history
from dl.runs.provenance import git_commit, now
from dl.runs.record import Process, RunRecord, Status, read_json, write_record
from dl.vocabulary.spec import Findings

Metrics = dict[str, dict[str, float]]


@dataclass(frozen=True, slots=True)
class Prepared:
    """Everything that a training needs, before anything is written."""

    loaded: Loaded
    config: Config
    dataset: Dataset
    model: keras.Sequential


@dataclass(frozen=True, slots=True)
class Trained:
    """A training that ended well.

    Attributes:
        run: Where everything about it lies.
        prepared: What it was made of; the model has its final weights.
        history: One row an epoch.
        metrics: Final metrics by part: train, validation, test.
        seconds: Duration of the whole, from the first reading of the data.
    """

    run: RunDirectory
    prepared: Prepared
    history: list[dict[str, float]]
    metrics: Metrics
    seconds: float


@dataclass(frozen=True, slots=True)
class Judged:
    """A trained model's outputs for the part that tells most: test, else validation, else train.

    `boundary` is how the network divides the plane, where its inputs are two numbers.
    """

    run: RunDirectory
    prepared: Prepared
    history: list[dict[str, float]]
    name: str
    part: Part
    outputs: Array
    boundary: Boundary | None = None


@dataclass(frozen=True, slots=True)
class SavedRun:
    """A run as it was saved, its model rebuilt."""

    run: RunDirectory
    config: Config
    learned: dict[str, Any]
    info: DataInfo
    model: keras.Sequential


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Metrics of a saved model on a part of its data, or on another file."""

    split: str
    rows: int
    metrics: dict[str, float]


def prepare(loaded: Loaded, dataset: Dataset, reporter: Reporter) -> Prepared:
    """Builds the model for the data, and tries one row of it.

    Raises:
        ConfigError: The model cannot be built; at the line of the layer.
    """
    try:
        config = complete(loaded.config, dataset)
        with reporter.stage("Building the model"):
            model = build_model(config, dataset.info)
            compile_model(model, config, dataset.info, dataset.learned)
            check_training(model, dataset, config)
    except Findings as error:
        raise loaded.error(error.findings) from error
    return Prepared(loaded, config, dataset, model)


def build(loaded: Loaded, reporter: Reporter) -> keras.Sequential:
    """Builds the model of a config; its data is read only where the shape of a row is not known.

    Raises:
        ConfigError: The model cannot be built; at the line of the layer.
        DataError: The data cannot be used.
    """
    config = loaded.config
    if config.model.input_shape is None:
        return prepare(loaded, read_dataset(loaded, reporter), reporter).model
    try:
        return build_model(config, None)
    except Findings as error:
        raise loaded.error(error.findings) from error


def train(
    prepared: Prepared,
    root: Path,
    reporter: Reporter,
    *,
    command: tuple[str, ...],
    stop_signal: Callable[[], int | None],
    on_judged: Callable[[Judged], None],
) -> Trained:
    """Trains a prepared model and keeps everything about it in a new run directory.

    Args:
        prepared: From `prepare`.
        root: The folder of all runs.
        reporter: Is told what happens.
        command: The command line, for the record.
        stop_signal: Gives the number of the signal that asked to stop, or None.
        on_judged: Is given the outputs of the trained model before it is saved, for the pictures.

    Raises:
        Interrupted: `stop_signal` gave a number; the finished epochs are kept.
        NumericError: The loss left the numbers.
        DiskError: A file could not be written.
    """
    started = time.perf_counter()
    record = _first_record(prepared, command)
    run = create_run(root, prepared.config.name, _first_files(prepared, record))
    try:
        snapshots = Snapshots(prepared.model, prepared.dataset, prepared.config.training.epochs)
        history = _fit(prepared, run, reporter, stop_signal, snapshots)
        if number := stop_signal():
            raise Interrupted(f"interrupted after {len(history)} epochs", signal_number=number)
        on_judged(_judge(prepared, run, history, snapshots, reporter))
        metrics = _finish(prepared, run, reporter)
    except BaseException as error:
        if isinstance(error, Diverged) and error.kept is not None:
            _save(prepared, run)
        _close_record(run, record, _status_of(error), started, error)
        raise
    seconds = _close_record(run, record, "completed", started, None)
    return Trained(run, prepared, history, metrics, seconds)


def open_run(run: RunDirectory, reporter: Reporter) -> SavedRun:
    """Rebuilds the model of a run from its resolved config and the arrays of `model.h5`.

    Raises:
        RunError: A file of the run is missing, damaged or does not fit.
    """
    if not run.model.exists():
        raise RunError(
            f"{run.label} has no model.h5: its training did not end",
            hint=f"train again: dl train {run.config}",
        )
    loaded = _resolved(run)
    learned = read_json(run.preprocess)
    with reporter.stage("Loading the model"):
        info = info_of(learned)
        try:
            model = build_model(loaded.config, info)
            compile_model(model, loaded.config, info, learned)
        except Findings as error:
            raise _unfit(run) from error
        load_weights(model, run.model)
    return SavedRun(run, loaded.config, learned, info, model)


def evaluate(saved: SavedRun, data: Path | None, split: str, reporter: Reporter) -> Evaluation:
    """Measures a saved model on a file of labelled rows, or on a part of the run's own data."""
    part = load_labelled(saved, data, split, reporter)
    with reporter.stage("Evaluating", len(part)):
        metrics = evaluate_part(saved.model, part, saved.config)
    return Evaluation(data.name if data else split, len(part), metrics)


def load_labelled(saved: SavedRun, data: Path | None, split: str, reporter: Reporter) -> Part:
    """Returns labelled rows, prepared with what the run learned."""
    if data is not None:
        return load_part(saved.config, saved.learned, data, reporter)
    return load_split(saved.config, saved.learned, split, reporter)


def predict(
    saved: SavedRun, source: Path | BinaryIO | None, split: str, reporter: Reporter
) -> dict[str, Array]:
    """Returns the columns of the predictions, in the order of the rows.

    Args:
        saved: From `open_run`.
        source: A file or stream of rows; None for a part of the run's own data.
        split: Which part, where there is no source.
        reporter: Is told what happens.
    """
    inputs = _inputs(saved, source, split, reporter)
    x, files = inputs.x, inputs.files
    columns = decode(predict_outputs(saved.model, x, reporter), saved.learned)
    if not files:
        return columns
    return {"file": _text_array(files), **columns}


def _inputs(
    saved: SavedRun, source: Path | BinaryIO | None, split: str, reporter: Reporter
) -> Inputs:
    if source is None:
        return Inputs(load_split(saved.config, saved.learned, split, reporter).x, ())
    return read_inputs(saved.config, saved.learned, source, reporter)


def _fit(
    prepared: Prepared,
    run: RunDirectory,
    reporter: Reporter,
    stop_signal: Callable[[], int | None],
    snapshots: Snapshots,
) -> list[dict[str, float]]:
    rows: list[Mapping[str, float]] = []

    def keep(row: Mapping[str, float]) -> None:
        rows.append(row)
        write_history(run, rows)
        snapshots.see(len(rows))

    if prepared.config.training.solver == "normal_equation":
        return solve(prepared.model, prepared.dataset, prepared.config, reporter, keep)
    return fit(
        prepared.model,
        prepared.dataset,
        prepared.config,
        reporter,
        keep,
        folder=run.path,
        should_stop=lambda: stop_signal() is not None,
    )


def _judge(
    prepared: Prepared,
    run: RunDirectory,
    history: list[dict[str, float]],
    snapshots: Snapshots,
    reporter: Reporter,
) -> Judged:
    name, part = list(parts(prepared.dataset).items())[-1]
    outputs = predict_outputs(prepared.model, part.x, reporter)
    boundary = snapshots.boundary(len(history))
    return Judged(run, prepared, history, name, part, outputs, boundary)


def _finish(prepared: Prepared, run: RunDirectory, reporter: Reporter) -> Metrics:
    with reporter.stage("Evaluating"):
        metrics = {
            name: evaluate_part(prepared.model, part, prepared.config)
            for name, part in parts(prepared.dataset).items()
        }
    with reporter.stage("Saving"):
        write_text(run.metrics, json.dumps(metrics, indent=2) + "\n")
        _save(prepared, run)
    return metrics


def _save(prepared: Prepared, run: RunDirectory) -> None:
    with published(run.model) as temporary:
        save_model(prepared.model, prepared.config, temporary)


def parts(dataset: Dataset) -> dict[str, Part]:
    """Returns the parts that the data has, by name: train, validation, test."""
    named = {"train": dataset.train, "validation": dataset.validation, "test": dataset.test}
    return {name: part for name, part in named.items() if part is not None}


def _first_record(prepared: Prepared, command: tuple[str, ...]) -> RunRecord:
    return RunRecord(
        name=prepared.config.name,
        status="running",
        started=now(),
        process=Process.current(),
        seed=prepared.config.seed,
        command=command,
        fingerprint=prepared.dataset.fingerprint,
        versions=versions(),
        machine=machine(),
        engine={
            **choose_strategy(
                prepared.model, prepared.config, len(prepared.dataset.train)
            ).document(),
            **prepared.dataset.held.document(),
        },
        git_commit=git_commit(prepared.loaded.folder),
    )


def _first_files(prepared: Prepared, record: RunRecord) -> dict[str, bytes]:
    loaded = prepared.loaded
    learned = json.dumps(prepared.dataset.learned, indent=2, ensure_ascii=False) + "\n"
    files = {
        "config.yaml": loaded.text,
        "resolved.yaml": resolved_text(prepared.config).encode(),
        "preprocess.json": learned.encode(),
        "run.json": record.text().encode(),
    }
    if loaded.overrides:
        files["overrides.txt"] = "".join(f"{item}\n" for item in loaded.overrides).encode()
    return files


def _close_record(
    run: RunDirectory,
    record: RunRecord,
    status: Status,
    started: float,
    error: BaseException | None,
) -> float:
    seconds = round(time.perf_counter() - started, 3)
    ended = replace(
        record,
        status=status,
        finished=now(),
        seconds=seconds,
        epochs=_finished_epochs(run),
        error=str(error) if error else None,
    )
    write_record(run, ended)
    return seconds


def _finished_epochs(run: RunDirectory) -> int:
    if not run.history.exists():
        return 0
    return max(0, len(run.history.read_text().splitlines()) - 1)


def _status_of(error: BaseException) -> Status:
    stopped = isinstance(error, Interrupted | KeyboardInterrupt)
    return "interrupted" if stopped else "failed"


def _resolved(run: RunDirectory) -> Loaded:
    try:
        return load_config(run.resolved)
    except DlError as error:
        raise RunError(
            f"{run.resolved} is damaged: {error.problems[0].message}", hint="train again"
        ) from error


def _unfit(run: RunDirectory) -> RunError:
    return RunError(f"{run.label} cannot be rebuilt: its files do not fit together")


def _text_array(texts: tuple[str, ...]) -> Array:
    import numpy as np

    return np.asarray(texts, dtype=object)
