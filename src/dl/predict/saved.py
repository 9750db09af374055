"""A run as it was saved: its model rebuilt, and measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dl.config.schema import Config
from dl.data.dataset import Dataset, Preprocessing
from dl.data.load import load_part, load_split
from dl.data.rules import without_misfits
from dl.data.types import Part
from dl.errors import RunError
from dl.model import keras
from dl.model.build import build_model, compile_model
from dl.model.h5 import read_file
from dl.model.storage import load_weights
from dl.predict.evaluate import evaluate as evaluate_part
from dl.predict.lite import SavedFiles, open_files
from dl.progress import Reporter
from dl.runs.directory import RunDirectory
from dl.runs.manifest import read_checked
from dl.vocabulary.spec import Finding, Findings


@dataclass(frozen=True, slots=True)
class SavedRun:
    """A run as it was saved, its model rebuilt.

    Attributes:
        run: The run.
        config: Its resolved config, without the metrics that are left out.
        preprocessing: What was fitted on its training part.
        model: The model, with the weights of the run.
        left_out: Why metrics of an earlier `dl` are left out, by name.
    """

    run: RunDirectory
    config: Config
    preprocessing: Preprocessing
    model: keras.Sequential
    left_out: Mapping[str, Finding]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Metrics of a saved model on a part of its data, or on another file."""

    split: str
    rows: int
    metrics: dict[str, float]


def open_run(run: RunDirectory, reporter: Reporter, threshold: float | None = None) -> SavedRun:
    """Opens a run and rebuilds its model; see `open_files` and `rebuild`."""
    return rebuild(open_files(run, threshold), reporter)


def rebuild(files: SavedFiles, reporter: Reporter) -> SavedRun:
    """Rebuilds the model of a run from its resolved config and the arrays of `model.h5`.

    Raises:
        RunError: A file of the run is missing, damaged or does not fit.
    """
    run, fitted = files.run, files.preprocessing
    config, left_out = without_misfits(files.config, fitted)
    with reporter.stage("Loading the model"):
        try:
            model = build_model(config, fitted.input_shape)
            compile_model(model, config, fitted.target)
        except Findings as error:
            raise _unfit(run) from error
        load_weights(model, run.model, _read_model)
    return SavedRun(run, config, fitted, model, left_out)


def evaluate(saved: SavedRun, data: Path | None, split: str, reporter: Reporter) -> Evaluation:
    """Measures a saved model on a file of labelled rows, or on a part of the run's own data."""
    for name, finding in saved.left_out.items():
        subject = "it" if len(finding.path) == 3 else str(finding.path[-1])
        reporter.warn(f"{name} is left out: {subject} {finding.message}; {finding.hint}")
    part = load_labelled(saved, data, split, reporter)
    with reporter.stage("Evaluating", len(part)):
        metrics = evaluate_part(saved.model, part, saved.config)
    return Evaluation(data.name if data else split, len(part), metrics)


def load_labelled(saved: SavedRun, data: Path | None, split: str, reporter: Reporter) -> Part:
    """Returns labelled rows, prepared as the run's own."""
    if data is not None:
        return load_part(saved.config, saved.preprocessing, data, reporter)
    return load_split(saved.config, saved.preprocessing, split, reporter)


def training_data(saved: SavedRun, reporter: Reporter) -> Dataset:
    """Returns the training part of a run's own data, as it was trained on."""
    part = load_labelled(saved, None, "train", reporter)
    return Dataset(part, None, None, saved.preprocessing)


def _read_model(path: Path, array_bytes: int) -> bytes:
    return read_checked(path, lambda path: read_file(path, array_bytes))


def _unfit(run: RunDirectory) -> RunError:
    return RunError(f"{run.label} cannot be rebuilt: its files do not fit together")
