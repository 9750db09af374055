"""From a config and its data to a model that is ready to be trained: `Prepared`."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import h5py
import numpy as np

import dl
from dl.config.load import Loaded, check_resolved
from dl.config.phases import PhasePlan
from dl.config.rules.facts import output_of
from dl.config.rules.training import better, placed_callbacks
from dl.config.schema import Config
from dl.data.dataset import Dataset
from dl.data.load import read_dataset
from dl.data.resolve import resolve_config
from dl.data.trivial import constant
from dl.errors import UsageError
from dl.model import keras, tf
from dl.model.bases import load_bases
from dl.model.build import build_model, check_phases, compile_model
from dl.model.checks import check_training, loss_targets
from dl.model.objects import build_object
from dl.model.saving import plain_copy
from dl.model.start import begin_from, located
from dl.model.vectors import start_from_vectors, vector_files
from dl.progress import Reporter
from dl.rundir.directory import DEFAULT_ROOT
from dl.rundir.files import published
from dl.rundir.record import Origin
from dl.system import processor_name, processors
from dl.training.front import first_front, rest_of
from dl.training.steps import Batches, device_scope
from dl.training.strategy import Strategy, choose_strategy
from dl.variables import recorded
from dl.vocabulary.spec import Findings, Spec
from dl.vocabulary.traits import BINARY

_PATH_PARAMETERS: Mapping[str, str] = {"ModelCheckpoint": "filepath", "TensorBoard": "log_dir"}
"""The parameter of a callback that says where it writes; the config holds a plain name."""

_PACKAGES: Mapping[str, str] = {"TensorBoard": "tensorboard"}
"""Packages that a callback needs beside Keras; extras of this one bring them."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """Everything that a training needs, before anything is written.

    Attributes:
        loaded: The config as it was written.
        config: The config with everything that the data says.
        text: The same as YAML, with the whole paths of its data.
        dataset: The data.
        model: The model with its initial weights, compiled for the first phase of the training.
        strategy: How it is to be trained.
        bases: The file that each pretrained base has its weights from, by its name.
        start: What the first weights were taken from; None where they are random.
        replaceable: Whether the model is traced for other rows of these shapes, too.
    """

    loaded: Loaded
    config: Config
    text: str
    dataset: Dataset
    model: keras.Sequential
    strategy: Strategy
    bases: Mapping[str, dict[str, str]] = field(default_factory=dict)
    start: Origin | None = None
    replaceable: bool = False


def prepare(
    loaded: Loaded,
    dataset: Dataset,
    reporter: Reporter,
    *,
    begun: bool = False,
    runs: Path = DEFAULT_ROOT,
    tried: bool = True,
) -> Prepared:
    """Builds the model for the data, and tries a few rows of it.

    Args:
        loaded: The config.
        dataset: The data.
        reporter: Is told what happens.
        begun: Whether the training has begun: then a checkpoint has the weights, and what the
            first ones were taken from is not read.
        runs: The folder of all runs, in which `model.start.from` may name one.
        tried: Whether rows are tried.

    Raises:
        ConfigError: The model cannot be built; at the line of the layer.
    """
    try:
        config = resolve_config(loaded.config, dataset)
        config = config if begun else located(config, runs)
        check_packages(config)
        with reporter.stage("Building the model"), device_scope(config, reporter):
            model = build_model(config, dataset.preprocessing.input_shape, dataset.target)
            bases = load_bases(model, config)
            check_phases(model, config)
            front = first_front(model, config)
            compile_model(model, config, dataset.target)
            for note in start_from_vectors(model, config, dataset.preprocessing):
                reporter.note(note)
            bases = {**bases, **vector_files(config)}
            start = None if begun else begin_from(model, config, dataset, reporter)
            if tried:
                check_training(model, dataset, config)
            if config.training.output_bias == "targets":
                set_output_bias(model, dataset, config, start)
    except Findings as error:
        raise loaded.error(error.findings) from error
    if config.engine.precision != "float32" and not tf.config.list_physical_devices("GPU"):
        told = f"engine.precision: {config.engine.precision} is slower than float32 on a processor"
        reporter.note(f"{told}: it gains on GPUs")
    text = check_resolved(loaded, config, trained=begun)
    batches = Batches.of(config.phases[0].of(config), dataset)
    strategy = choose_strategy(rest_of(model, front), config, batches)
    strategy = replace(strategy, front="once" if front else "each_step")
    return Prepared(loaded, config, text, dataset, model, strategy, bases, start)


def set_output_bias(
    model: keras.Sequential, dataset: Dataset, config: Config, start: Origin | None = None
) -> None:
    """Gives the last layer the bias with which the outputs are the shares of the classes.

    Of numbers, it is their mean, or what the loss is least for. Rows count as in the loss. Without
    it, the first epochs of rare classes learn little else: Karpathy, "A recipe for training neural
    networks" (2019), "init well".

    Raises:
        Findings: The outputs are of another shape than the answer, or the layer has begun from
            weights that were trained.
    """
    last = next(layer for layer in reversed(model.layers) if layer.weights)
    if start is not None and last.name in start.taken:
        raise Findings.one(
            ("training", "output_bias"),
            f"would replace the bias of {last.name}, which comes from model.start",
            hint="remove output_bias, or list the other layers in model.start.layers",
        )
    train, target = dataset.train, dataset.target
    _, weights = loss_targets(model, dataset, config, train)
    loss = config.training.loss.type
    answer = constant(replace(train, weights=weights), target, loss)
    if target.form != "numbers":
        least = 0.5 / len(train)  # a class that never comes counts as half a row
        shares = np.clip(answer, least, 1 - least)
        of_each = output_of(config.model).activation == "sigmoid" or loss in BINARY
        answer = np.log(shares / (1 - shares)) if of_each else np.log(shares)
        answer = answer[-1:] if target.form == "single" else answer
    bias = last.bias
    if answer.shape != tuple(bias.shape):
        raise Findings.one(
            ("training", "output_bias"),
            "cannot be targets: the last layer has not a bias for each class or number",
            expected=f"{answer.size} outputs at each place, after one layer",
            found=f"a bias of the shape {tuple(bias.shape)}",
            hint="remove output_bias",
        )
    bias.assign(answer)


def enter(prepared: Prepared, plan: PhasePlan) -> Prepared:
    """Returns a training as it holds in a phase, its model compiled for it.

    The phases are entered one after the other, also where a training goes on in a later one: the
    optimizer of one phase can be that of an earlier one.

    """
    model = prepared.model
    if plan.number > 1:
        before = model.optimizer if plan.goes_on else None
        compile_model(model, prepared.config, prepared.dataset.target, plan, before)
        if before is None:
            model.optimizer.build(model.trainable_variables)
        elif plan.phase is not None and plan.phase.learning_rate is not None:
            before.learning_rate = plan.phase.learning_rate
    return replace(prepared, config=plan.of(prepared.config))


def build(loaded: Loaded, reporter: Reporter) -> keras.Sequential:
    """Builds the model of a config; its data is read only where the shape of a row is not known.

    Raises:
        ConfigError: The model cannot be built; at the line of the layer.
        DataError: The data cannot be used.
    """
    config = loaded.config
    waiting = any(layer.parameters.get("input_dim", 0) is None for layer in config.model.layers)
    if config.model.input_shape is None or waiting:
        return prepare(loaded, read_dataset(loaded, reporter), reporter, tried=False).model
    try:
        return build_model(config, None)
    except Findings as error:
        raise loaded.error(error.findings) from error


def check_packages(config: Config) -> None:
    """Raises `Findings` where a callback needs a package that is not installed."""
    for path, spec in placed_callbacks(config.training):
        package = _PACKAGES.get(spec.type)
        if package is not None and find_spec(package) is None:
            message = f"{spec.type} needs the package {package}, which is not installed"
            hint = f"pip install 'dl-keras[{package}]', or leave the callback out"
            raise Findings.one(path, message, hint=hint)


def build_callbacks(config: Config, folder: Path | None) -> list[list[Any]]:
    """Builds the callbacks of the config, for each phase of the training.

    A callback that stands in several phases in the same way is the same object: Keras' callbacks
    begin anew with each phase, but for what a `ModelCheckpoint` has found to be best.

    Args:
        config: The config.
        folder: The directory of the run; None if nothing may be written.

    Raises:
        UsageError: A callback writes files and there is no folder.
    """
    built: list[tuple[Spec, Any]] = []
    phases: list[list[Any]] = []
    for plan in config.phases:
        own: list[Any] = []
        for position, spec in enumerate(plan.training.callbacks):
            same = (each for other, each in built if other == spec and each not in own)
            callback = next(same, None)
            if callback is None:
                path = (*plan.place("callbacks"), position)
                callback = _callback(config, spec, path, folder)
                built.append((spec, callback))
            own.append(callback)
        phases.append(own)
    return phases


def _callback(config: Config, spec: Spec, path: tuple[str | int, ...], folder: Path | None) -> Any:
    monitor = spec.parameters.get("monitor")
    if spec.parameters.get("mode") == "auto" and isinstance(monitor, str):
        # Keras asks the metric whether less or more is better, and not every metric knows: it
        # would warn and guess. All that can be monitored is known to the rules.
        mode = better(config.training, monitor)
        spec = replace(spec, parameters={**spec.parameters, "mode": mode})
    callback = build_object(spec, seed=config.seed, path=path)
    parameter = _PATH_PARAMETERS.get(spec.type)
    if parameter is not None:
        if folder is None:
            raise UsageError("a callback that writes files needs a run directory")
        setattr(callback, parameter, str(folder / getattr(callback, parameter)))
    if isinstance(callback, keras.callbacks.ModelCheckpoint):
        callback.__class__ = _PlainCheckpoint
    return callback


class _PlainCheckpoint(keras.callbacks.ModelCheckpoint):  # type: ignore[misc]
    """Saves a copy of Keras' own classes, which leaves the model alone and opens without `dl`."""

    def set_model(self, model: Any) -> None:
        super().set_model(_PlainSaves(model))


class _PlainSaves:
    """Stands for the model that a callback saves: each file appears whole, or not at all."""

    def __init__(self, model: keras.Sequential) -> None:
        self._model = model

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def save(self, path: str, overwrite: bool = True) -> None:
        """Saves the whole model in Keras' own format."""
        with published(Path(path)) as temporary:
            plain_copy(self._model).save(temporary, overwrite=True)

    def save_weights(self, path: str, overwrite: bool = True) -> None:
        """Saves the weights alone."""
        with published(Path(path)) as temporary:
            plain_copy(self._model).save_weights(temporary, overwrite=True)


def versions() -> dict[str, str]:
    """Returns the versions of Python, `dl` and the libraries that compute."""
    return {
        "python": platform.python_version(),
        "dl": dl.__version__,
        "keras": keras.__version__,
        "tensorflow": tf.__version__,
        "numpy": np.__version__,
        "h5py": h5py.__version__,
    }


def machine() -> dict[str, Any]:
    """Returns what else can change the bits of a result.

    The processor, its threads, oneDNN's state, the GPUs, and variables that act.
    """
    gpus = tf.config.list_physical_devices("GPU")
    details = (tf.config.experimental.get_device_details(gpu) for gpu in gpus)
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "processor": processor_name(),
        "threads": int(tf.config.threading.get_intra_op_parallelism_threads()) or processors(),
        "onednn": os.environ.get("TF_ENABLE_ONEDNN_OPTS", "1") != "0",
        "gpus": [str(detail.get("device_name", "GPU")) for detail in details],
        **recorded(os.environ),
    }


def use_threads(count: int) -> None:
    """Limits the threads of an operation, and the operations at a time; before the first one."""
    tf.config.threading.set_intra_op_parallelism_threads(count)
    tf.config.threading.set_inter_op_parallelism_threads(count)
