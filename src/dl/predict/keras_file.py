"""Measures a model that plain Keras saved as `.h5`: its settings are data, its weights arrays.

Nothing that the file says is run, imported or looked up in Keras. Its architecture is checked like
the config of a user, and the model is built from the checked config.

The versions of Keras name weights differently. Keras 3 calls one `sequential/dense/kernel`, where
`sequential` is the model's name; older versions call it `dense/kernel:0` or `kernel`. The weights
of a model inside the model lie in one group. A name fits a weight if it ends alike and leaves
nothing but folders out; every name must fit one weight, and every weight be fitted once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from dl.config.keras_model import KerasModel, read_keras_model
from dl.config.load import Loaded, default_name, load_text
from dl.config.nodes import dotted, yaml_text
from dl.data.dataset import Dataset
from dl.data.load import load_dataset
from dl.data.rules import refuse_misfits
from dl.data.sources.numpy import labelled_pair
from dl.data.types import Array
from dl.errors import ConfigError, DataError, Problem, RunError, UsageError
from dl.model import h5, keras
from dl.model.build import build_model, compile_model
from dl.model.checks import check_training, shape_text
from dl.model.objects import BASES
from dl.model.saving import plain_config
from dl.predict.evaluate import Evaluation
from dl.predict.evaluate import evaluate as evaluate_part
from dl.progress import Reporter
from dl.vocabulary.spec import Finding, Findings, document
from dl.vocabulary.traits import CROSS_ENTROPIES

# What a hostile file could make endless has a limit, far above what Keras writes.
MOST_ARRAY_BYTES = 4 * 1024**3
MOST_SETTINGS = 4 * 1024 * 1024
_MOST_ADAPTED = 100_000
"""Numbers that a layer may be adapted to."""
_MOST_INSIDE = 1000
"""Weights of a model inside the model, where it has an adapted layer."""
_MOST_PROBLEMS = 5
"""A file with more is of another kind, and the first ones say so."""

_SOURCES = {".csv": "csv", ".parquet": "parquet", ".npz": "npz"}
_ADAPTED = ("mean", "variance", "count")
"""The weights of a layer `Normalization` that was adapted to data."""


@dataclass(frozen=True, slots=True)
class KerasFile:
    """A `.h5` file that was read, with its checked settings."""

    path: Path
    content: bytes
    settings: KerasModel


def read_keras_file(path: Path, overrides: Sequence[str] = ()) -> KerasFile:
    """Reads a model file and checks its settings; builds nothing.

    Args:
        path: The file.
        overrides: Options KEY=VALUE, for which the file is not asked.

    Raises:
        RunError: It is not a `.h5` file of Keras, is damaged, or holds what `dl` does not know.
    """
    content = h5.read_file(path, MOST_ARRAY_BYTES)
    with _refusing(path), h5.opened(path, content) as file:
        architecture = h5.text_of(file, "model_config", MOST_SETTINGS)
        training = h5.text_of(file, "training_config", MOST_SETTINGS)
        if architecture is None:
            raise h5.Refused("does not hold a model: it has no 'model_config'")
        version = h5.text_of(file, "keras_version", MOST_SETTINGS)
        settings = read_keras_model(
            architecture,
            training,
            partial(_statistics, file),
            _keys(overrides),
            version,
            h5.text_of(file, h5.BASES_OF, MOST_SETTINGS),
        )
    return KerasFile(path, content, settings)


def evaluate_keras_file(
    model: KerasFile,
    data: Path,
    target: Sequence[str],
    overrides: Sequence[str],
    reporter: Reporter,
) -> Evaluation:
    """Builds the model and measures it on all rows of a file, which are taken as they are.

    Args:
        model: From `read_keras_file`.
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
        _check_rows(model, data, dataset)
        refuse_misfits(loaded.config, dataset.target, dataset)
        with reporter.stage("Loading the model"):
            built = build_model(loaded.config, dataset.preprocessing.input_shape)
            compile_model(built, loaded.config, dataset.target)
            with h5.opened(model.path, model.content) as file:
                load_keras_weights(built, file, model.settings)
            check_training(built, dataset, loaded.config)
    with reporter.stage("Evaluating", len(dataset.train)):
        metrics = evaluate_part(built, dataset.train, loaded.config)
    return Evaluation(data.name, len(dataset.train), metrics)


def _keys(overrides: Sequence[str]) -> set[str]:
    return {override.partition("=")[0].strip() for override in overrides}


def _check_options(
    model: KerasFile, data: Path, target: Sequence[str], overrides: Sequence[str]
) -> None:
    """Asks for what neither the file nor an option says."""
    given = _keys(overrides)
    is_table = not data.is_dir() and data.suffix.lower() != ".npz"
    if is_table and not target and "data.target" not in given:
        raise UsageError(
            f"{data}: the column of the true values is not named", hint="name it: --target COLUMN"
        )
    if model.settings.loss is None and "training.loss" not in given:
        raise RunError(
            f"{model.path} names no loss: it was saved without being compiled",
            hint="name it: --set training.loss=NAME",
        )


def _config(
    model: KerasFile, data: Path, target: Sequence[str], overrides: Sequence[str]
) -> Loaded:
    """Returns the config that trains such a model on such data, as far as measuring needs it."""
    settings = model.settings
    training: dict[str, object] = {"metrics": [document(metric) for metric in settings.metrics]}
    if settings.loss is not None:
        training["loss"] = document(settings.loss)
    sections = {
        "name": default_name(model.path),
        "data": _data(settings, data, target),
        "preprocess": {"numeric": "none", "scale": 1.0},
        "model": {"layers": [document(layer) for layer in settings.layers]},
        "training": training,
    }
    try:
        return load_text(model.path, yaml_text(sections).encode(), overrides)
    except ConfigError as error:
        if all(problem.mark and problem.mark.line is None for problem in error.problems):
            raise
        raise RunError.of(
            _without_line(model.path, problem) for problem in error.problems
        ) from error


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
    # Without names, the classes are 0, 1, 2…: loss and last layer say how many there are.
    units = [spec.parameters["units"] for spec in settings.layers if "units" in spec.parameters]
    of_classes = settings.loss is not None and settings.loss.type in CROSS_ENTROPIES
    if of_classes and source != "images" and units and isinstance(units[-1], int):
        section["classes"] = [str(number) for number in range(max(2, units[-1]))]
    return section


def _check_rows(model: KerasFile, data: Path, dataset: Dataset) -> None:
    for feature in dataset.preprocessing.columns:
        if feature.kind != "numeric":  # nobody knows how it was encoded in training
            raise DataError(
                f"{data}: the column {feature.name!r} does not hold numbers",
                expected="the numbers that the model was trained on: the file of a model does not "
                "say how words and dates were turned into them",
                hint="leave the column out with --set data.features=[...], or save numbers",
            )
    fitted = dataset.preprocessing
    shape: Any = model.settings.layers[0].parameters["shape"]
    fits = len(shape) == len(fitted.input_shape) and all(
        size in (None, found) for size, found in zip(shape, fitted.input_shape, strict=False)
    )
    if not fits:
        columns = f": {', '.join(fitted.feature_names[:10])}" if fitted.feature_names else ""
        raise DataError(
            f"{data}: the rows do not fit the model",
            expected=f"inputs of shape {shape_text(tuple(shape))}",
            found=f"{shape_text(fitted.input_shape)}{columns}",
            hint="choose the columns and their order with --set data.features=[...]"
            if columns
            else None,
        )


def load_keras_weights(model: keras.Sequential, file: Any, settings: KerasModel) -> None:
    """Gives a model its weights from an open file; it is not touched where one does not fit."""
    for weight, array in list(_weights(file, settings, model)):
        weight.assign(array)


def _weights(
    file: Any, settings: KerasModel, model: keras.Sequential
) -> Iterator[tuple[Any, Array]]:
    """Yields every weight of a model with its array.

    Raises:
        h5.Refused: The file holds what it must not, or other names, shapes or types.
    """
    wanted: dict[str, list[tuple[h5.Names, Any]]] = {}
    for layer in model.layers:
        group, name = settings.places.get(layer.name, (layer.name, layer.name))
        own = wanted.setdefault(group, [])
        outer = 0 if layer.name in settings.bases else 2  # the names of model and layer
        own += [((name, *weight.path.split("/")[outer:]), weight) for weight in layer.weights]
        if layer.name in settings.adapted:  # its weights have become settings
            own += [((name, weight), None) for weight in _ADAPTED]
    check_bases(model, settings.bases)
    root = h5.weights_in(file)
    ignored = {str(layer.parameters["name"]) for layer in settings.layers[:1]} | {h5.BESIDE_LAYERS}
    found = h5.names_in(root, len(wanted) + len(ignored) + 1)
    for name in sorted(set(found) ^ set(wanted)):
        if name not in ignored:
            where = "its weights" if name in found else "its settings"
            raise h5.Refused(f"is inconsistent: only {where} have a layer {name[:100]!r}")
    for name, weights in wanted.items():
        yield from _of_group(h5.group_in(root, name), settings, weights)


def check_bases(model: keras.Sequential, bases: Mapping[str, Mapping[str, Any]]) -> None:
    """Compares the pretrained bases that were built with what Keras would read from the file.

    Raises:
        h5.Refused: They are not the same: the file lies about one.
    """
    for layer in model.layers:
        stated = bases.get(layer.name, {}).get("config")
        if layer.name in bases and _frozen_or_not(stated) != _frozen_or_not(plain_config(layer)):
            kind = BASES[layer].type
            raise h5.Refused(
                f"is inconsistent: {layer.name[:100]!r} is not the {kind} that it says"
            )


def _frozen_or_not(settings: Any) -> Any:
    """Returns settings without what is trained in them, which changes with the training."""
    if isinstance(settings, list | tuple):
        return [_frozen_or_not(item) for item in settings]
    if not isinstance(settings, Mapping):
        return settings
    return {key: _frozen_or_not(item) for key, item in settings.items() if key != "trainable"}


def _of_group(
    group: Any, settings: KerasModel, weights: list[tuple[h5.Names, Any]]
) -> Iterator[tuple[Any, Array]]:
    found: dict[h5.Names, Any] = {}
    for names, dataset in h5.arrays_in(group, len(weights)).items():
        plain = tuple(name.removesuffix(":0") for name in names)
        while len(plain) > 1 and plain[0] in settings.models:
            plain = plain[1:]
        if plain in found:
            raise h5.Refused(f"is inconsistent: two weights are {'/'.join(plain)[:100]}")
        found[plain] = dataset
    for wanted, weight in weights:
        fitting = [names for names in found if h5.fits(names, wanted)]
        if len(fitting) != 1:
            raise h5.Refused(f"is inconsistent: no weight {'/'.join(wanted)}")
        dataset = found.pop(fitting[0])
        if weight is not None:
            yield weight, h5.values_for(dataset, weight)
    if found:
        raise h5.Refused(f"is inconsistent: no layer takes {'/'.join(next(iter(found)))[:100]}")


def _statistics(file: Any, group: str, layer: str) -> dict[str, object]:
    """Returns the mean and the variance that a `Normalization` was adapted to; none if not there.

    Raises:
        h5.Refused: They are not numbers, or those of several axes.
    """
    found: dict[str, object] = {}
    most = len(_ADAPTED) if group == layer else _MOST_INSIDE
    for names, dataset in h5.arrays_in(h5.group_in(h5.weights_in(file), group), most).items():
        name = names[-1].removesuffix(":0")
        if (names[:-1] and layer not in names[:-1]) or name not in _ADAPTED[:2]:
            continue
        if dataset.dtype.kind != "f" or len(dataset.shape) > 1 or dataset.size > _MOST_ADAPTED:
            raise h5.Refused(f"does not hold numbers of a single axis at {dataset.name}")
        found[name] = h5.values_of(dataset).tolist()
    return found


@contextmanager
def _refusing(path: Path) -> Iterator[None]:
    try:
        yield
    except Findings as error:
        raise RunError.of(
            _problem(path, item) for item in error.findings[:_MOST_PROBLEMS]
        ) from error


def _problem(path: Path, finding: Finding) -> Problem:
    place = dotted(finding.path)
    message = f"{path}: {place + ' ' if place else 'it '}{finding.message}"
    return Problem(message, None, finding.expected, finding.found, finding.hint)


def _without_line(path: Path, problem: Problem) -> Problem:
    if problem.mark is None or problem.mark.line is None:
        return problem
    message = f"{path}: {problem.message}"
    return Problem(message, None, problem.expected, problem.found, problem.hint)
