"""A run as it was saved: its model rebuilt, measured and used for predictions."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import keras
import numpy as np

from dl.config.load import load_resolved
from dl.config.schema import Config
from dl.data.load import info_of, load_part, load_split, read_inputs
from dl.data.targets import decode, with_cut
from dl.data.types import Array, DataInfo, Inputs, Part
from dl.engine.evaluate import evaluate as evaluate_part
from dl.engine.hdf5 import read_file
from dl.engine.model import build_model, compile_model
from dl.engine.predict import predict as predict_outputs
from dl.engine.storage import load_weights
from dl.errors import RunError
from dl.progress import Reporter
from dl.runs.directory import RunDirectory
from dl.runs.manifest import read_checked
from dl.runs.record import read_json
from dl.vocabulary.spec import Findings


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


def open_run(run: RunDirectory, reporter: Reporter, threshold: float | None = None) -> SavedRun:
    """Rebuilds the model of a run from its resolved config and the arrays of `model.h5`.

    Args:
        run: The run.
        reporter: Is told what happens.
        threshold: Probability from which a row is of the second class, or has a label. Default:
            the one that it was trained with.

    Raises:
        RunError: A file of the run is missing, damaged or does not fit.
        UsageError: A threshold is given, but the model gives no probability that it could cut.
    """
    if not run.model.exists():
        raise RunError(
            f"{run.label} has no model.h5: its training did not end",
            hint=f"train again: dl train {run.config}",
        )
    loaded = load_resolved(run.resolved, read_checked(run.resolved))
    learned = with_cut(read_json(run.preprocess), threshold, run.label)
    with reporter.stage("Loading the model"):
        info = info_of(learned)
        try:
            model = build_model(loaded.config, info)
            compile_model(model, loaded.config, info, learned)
        except Findings as error:
            raise _unfit(run) from error
        load_weights(model, run.model, _read_model)
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
    return {"file": np.asarray(files, dtype=object), **columns}


def _inputs(
    saved: SavedRun, source: Path | BinaryIO | None, split: str, reporter: Reporter
) -> Inputs:
    if source is None:
        return Inputs(load_split(saved.config, saved.learned, split, reporter).x, ())
    return read_inputs(saved.config, saved.learned, source, reporter)


def _read_model(path: Path, array_bytes: int) -> bytes:
    return read_checked(path, lambda path: read_file(path, array_bytes))


def _unfit(run: RunDirectory) -> RunError:
    return RunError(f"{run.label} cannot be rebuilt: its files do not fit together")
