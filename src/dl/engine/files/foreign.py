"""Measures a model that plain Keras saved as `.h5`: its settings are data, its weights arrays.

Nothing that the file says is run, imported or looked up in Keras. Its architecture is checked like
the config of a user, and the model is built from the checked config.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import keras

from dl.config.emit import yaml_text
from dl.config.keras_model import KerasModel, read_keras_model
from dl.config.load import Loaded, default_name, load_text
from dl.config.nodes import dotted
from dl.data.dataset import Preprocessing
from dl.data.load import load_dataset
from dl.data.rules import refuse_misfits
from dl.data.sources.npz import labelled_pair
from dl.data.targets.target import Target
from dl.data.types import DataInfo
from dl.engine.files.foreign_weights import load_foreign_weights, statistics
from dl.engine.files.hdf5 import Refused, opened, read_file, text_of
from dl.engine.inference.evaluate import evaluate as evaluate_part
from dl.engine.network.build_errors import shape_text
from dl.engine.network.model import build_model, compile_model
from dl.engine.prepare import check_training
from dl.engine.saved import Evaluation
from dl.errors import ConfigError, DataError, Problem, RunError, UsageError
from dl.progress import Reporter
from dl.vocabulary.spec import Finding, Findings, Spec, document
from dl.vocabulary.traits import CROSS_ENTROPIES

MOST_ARRAY_BYTES = 4 * 1024**3
MOST_SETTINGS = 1024 * 1024
_MOST_TOLD = 5
_SOURCES = {".csv": "csv", ".parquet": "parquet", ".npz": "npz"}


@dataclass(frozen=True, slots=True)
class ForeignModel:
    """A `.h5` file that was read, with its checked settings."""

    path: Path
    content: bytes
    settings: KerasModel


def read_foreign(path: Path, overrides: Sequence[str] = ()) -> ForeignModel:
    """Reads a model file and checks its settings; builds nothing.

    Args:
        path: The file.
        overrides: Options KEY=VALUE, for which the file is not asked.

    Raises:
        RunError: It is no `.h5` file of Keras, is damaged, or holds what the vocabulary has not.
    """
    content = read_file(path, MOST_ARRAY_BYTES)
    with _refusing(path), opened(path, content) as file:
        architecture = text_of(file, "model_config", MOST_SETTINGS)
        training = text_of(file, "training_config", MOST_SETTINGS)
        if architecture is None:
            raise Refused("holds no model: it has no 'model_config'")
        version = text_of(file, "keras_version", MOST_SETTINGS)
        settings = read_keras_model(
            architecture, training, partial(statistics, file), _keys(overrides), version
        )
    return ForeignModel(path, content, settings)


def _keys(overrides: Sequence[str]) -> set[str]:
    return {override.partition("=")[0].strip() for override in overrides}


def evaluate_foreign(
    model: ForeignModel,
    data: Path,
    target: Sequence[str],
    overrides: Sequence[str],
    reporter: Reporter,
) -> Evaluation:
    """Builds the model and measures it on all rows of a file, which are taken as they are.

    Args:
        model: From `read_foreign`.
        data: A `.csv`, `.parquet` or `.npz` file, or a folder of images, with the truth.
        target: The columns that hold the truth, for a table.
        overrides: Options KEY=VALUE on top of the config that the file amounts to.
        reporter: Is told what happens.

    Raises:
        ConfigError: An override is wrong.
        DataError: The data cannot be used, or not without preprocessing.
        RunError: The file does not fit together, or does not fit the data.
    """
    _check_options(model, data, target, overrides)
    loaded = _config(model, data, target, overrides)
    with _refusing(model.path):
        dataset = load_dataset(loaded.config, reporter)
        _refuse_encoded(data, dataset.preprocessing)
        _check_shape(model, data, dataset.info)
        refuse_misfits(loaded.config, dataset.target, dataset)
        with reporter.stage("Loading the model"):
            built = _built(model, loaded, dataset.info, dataset.target)
            check_training(built, dataset, loaded.config)
    with reporter.stage("Evaluating", len(dataset.train)):
        metrics = evaluate_part(built, dataset.train, loaded.config)
    return Evaluation(data.name, len(dataset.train), metrics)


def _built(model: ForeignModel, loaded: Loaded, info: DataInfo, target: Target) -> keras.Sequential:
    built = build_model(loaded.config, info)
    compile_model(built, loaded.config, info, target)
    with opened(model.path, model.content) as file:
        load_foreign_weights(built, file, model.settings)
    return built


def _config(
    model: ForeignModel, data: Path, target: Sequence[str], overrides: Sequence[str]
) -> Loaded:
    """Returns the config that trains such a model on such data, as far as measuring needs it."""
    text = yaml_text(_document(model, data, target)).encode()
    try:
        return load_text(model.path, text, overrides)
    except ConfigError as error:
        if all(problem.mark and problem.mark.line is None for problem in error.problems):
            raise
        raise RunError.of(
            _without_line(model.path, problem) for problem in error.problems
        ) from error


def _document(model: ForeignModel, data: Path, target: Sequence[str]) -> dict[str, object]:
    settings = model.settings
    training: dict[str, object] = {"metrics": [document(metric) for metric in settings.metrics]}
    if settings.loss is not None:
        training["loss"] = document(settings.loss)
    return {
        "name": default_name(model.path),
        "data": _data(settings, data, target),
        "preprocess": {"numeric": "none", "scale": 1.0},
        "model": {"layers": [document(layer) for layer in settings.layers]},
        "training": training,
    }


def _data(settings: KerasModel, data: Path, target: Sequence[str]) -> dict[str, object]:
    source = "images" if data.is_dir() else _SOURCES.get(data.suffix.lower(), "csv")
    section: dict[str, object] = {
        "source": source,
        "path": str(data.absolute()),
        "split": {"validation": 0, "test": 0},
    }
    if source == "npz":
        section["arrays"] = dict(zip(("x_train", "y_train"), labelled_pair(data), strict=True))
    if target:
        section["target"] = target[0] if len(target) == 1 else list(target)
    classes = _class_numbers(settings)
    return section | ({"classes": classes} if classes and source != "images" else {})


def _class_numbers(settings: KerasModel) -> list[str]:
    """Returns the classes 0, 1, 2… of a model whose loss and last layer say how many it has."""
    units = _units(settings.layers)
    if settings.loss is None or settings.loss.type not in CROSS_ENTROPIES or units is None:
        return []
    return [str(number) for number in range(max(2, units))]


def _units(layers: Sequence[Spec]) -> int | None:
    found = [spec.parameters["units"] for spec in layers if "units" in spec.parameters]
    return found[-1] if found and isinstance(found[-1], int) else None


def _check_options(
    model: ForeignModel, data: Path, target: Sequence[str], overrides: Sequence[str]
) -> None:
    """Asks for what neither the file nor an option says."""
    given = _keys(overrides)
    is_table = not data.is_dir() and data.suffix.lower() != ".npz"
    if is_table and not target and "data.target" not in given:
        raise UsageError(
            f"{data}: it is not said which column holds the truth", hint="name it: --target COLUMN"
        )
    if model.settings.loss is None and "training.loss" not in given:
        raise RunError(
            f"{model.path} names no loss: it was saved without being compiled",
            hint="name it: --set training.loss=NAME",
        )


def _check_shape(model: ForeignModel, data: Path, info: DataInfo) -> None:
    shape: Any = model.settings.layers[0].parameters["shape"]
    fits = len(shape) == len(info.input_shape) and all(
        size in (None, found) for size, found in zip(shape, info.input_shape, strict=False)
    )
    if not fits:
        columns = f": {', '.join(info.features[:10])}" if info.features else ""
        raise DataError(
            f"{data}: the rows do not fit the model",
            expected=f"inputs of shape {shape_text(tuple(shape))}",
            found=f"{shape_text(info.input_shape)}{columns}",
            hint="choose the columns and their order with --set data.features=[...]"
            if columns
            else None,
        )


def _refuse_encoded(path: Path, fitted: Preprocessing) -> None:
    """Refuses columns that would have to be encoded: nobody knows how it was done in training."""
    for feature in fitted.columns:
        if feature.kind != "numeric":
            raise DataError(
                f"{path}: the column {feature.name!r} does not hold numbers",
                expected="the numbers that the model was trained on: the file of a model does not "
                "say how words and dates were turned into them",
                hint="leave the column out with --set data.features=[...], or save numbers",
            )


@contextmanager
def _refusing(path: Path) -> Iterator[None]:
    try:
        yield
    except Findings as error:
        told = error.findings[:_MOST_TOLD]
        raise RunError.of(_problem(path, finding) for finding in told) from error


def _problem(path: Path, finding: Finding) -> Problem:
    place = dotted(finding.path)
    message = f"{path}: {place + ' ' if place else 'it '}{finding.message}"
    return Problem(message, None, finding.expected, finding.found, finding.hint)


def _without_line(path: Path, problem: Problem) -> Problem:
    if problem.mark is None or problem.mark.line is None:
        return problem
    message = f"{path}: {problem.message}"
    return Problem(message, None, problem.expected, problem.found, problem.hint)
