"""From a config and its data to a model that is ready to be trained, and how to train it."""

from __future__ import annotations

from dataclasses import dataclass

import keras
import numpy as np

from dl.config.load import Loaded, check_resolved
from dl.config.schema import Config
from dl.data.dataset import Dataset
from dl.data.load import read_dataset, resolve_config
from dl.data.targets.target import class_weights, row_weights
from dl.data.types import Array
from dl.engine.network.build_errors import BUILD_ERRORS, first_failing, shape_text
from dl.engine.network.model import build_model, compile_model, shaped_target, tensors_of
from dl.engine.network.outputs import unmeasurable
from dl.engine.training.callbacks import check_packages
from dl.engine.training.steps import Batches, device_scope
from dl.engine.training.strategy import Strategy, choose_strategy
from dl.progress import Reporter
from dl.vocabulary.spec import Finding, Findings

_CHECKED_ROWS = 5
"""More than one: a single row fits any shape by broadcasting."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """Everything that a training needs, before anything is written.

    Attributes:
        loaded: The config as it was written.
        config: The config with everything that the data says.
        dataset: The data.
        model: The compiled model, with its initial weights.
        strategy: How it is to be trained.
    """

    loaded: Loaded
    config: Config
    dataset: Dataset
    model: keras.Sequential
    strategy: Strategy


def prepare(loaded: Loaded, dataset: Dataset, reporter: Reporter) -> Prepared:
    """Builds the model for the data, and tries a few rows of it.

    Raises:
        ConfigError: The model cannot be built; at the line of the layer.
    """
    try:
        config = resolve_config(loaded.config, dataset)
        check_packages(config)
        with reporter.stage("Building the model"), device_scope(config, reporter):
            model = build_model(config, dataset.info)
            compile_model(model, config, dataset.info, dataset.target)
            check_training(model, dataset, config)
    except Findings as error:
        raise loaded.error(error.findings) from error
    check_resolved(loaded, config)
    strategy = choose_strategy(model, config, Batches.of(config, len(dataset.train)))
    return Prepared(loaded, config, dataset, model, strategy)


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


def check_training(model: keras.Sequential, dataset: Dataset, config: Config) -> None:
    """Measures the loss and the metrics of a few rows, so that what does not fit shows early.

    The optimizer has its variables afterwards.

    Raises:
        Findings: The loss or a metric does not take the model's output and the target; or the
            class weights do not fit the target.
    """
    train = dataset.train
    y, weights = loss_targets(model, dataset, config, train.y[:_CHECKED_ROWS])
    places = dataset.target.places
    if weights is not None and places and len(model.output_shape) < len(places) + 2:
        raise Findings(
            [
                Finding(
                    ("training", "class_weight"),
                    "weighs the class of each place, but the outputs of a place have no axis of "
                    "their own",
                    expected=f"outputs of the shape {shape_text((*places, 1))}",
                    found=shape_text(tuple(model.output_shape[1:])),
                    hint="end with a Reshape to that shape, or remove class_weight",
                    at_key=True,
                )
            ]
        )
    state = [variable for variable in model.variables if not variable.trainable]
    before = [np.array(variable.numpy()) for variable in state]
    rows = tensors_of(train.x[:_CHECKED_ROWS], y)
    try:
        model.test_step(rows)
    except BUILD_ERRORS as error:
        raise unfit(model, dataset, config, error, training=False) from error
    for variable, value in zip(state, before, strict=True):
        variable.assign(value)  # Keras' recurrent layers draw a dropout mask at inference, too
    model.optimizer.build(model.trainable_variables)
    model.reset_metrics()


def loss_targets(
    model: keras.Sequential, dataset: Dataset, config: Config, y: Array
) -> tuple[Array, Array | None]:
    """Returns training targets as the loss takes them, and the weight of each row in it.

    Args:
        model: The model.
        dataset: The data; "balanced" weights follow from its whole training part.
        config: The config.
        y: Targets, shape (rows, ...).

    Returns:
        The targets with the axes of the model's outputs, and the weights, shape (rows, *places);
        None where all rows weigh the same.
    """
    weights = class_weights(dataset.train.y, dataset.target, config.training.class_weight)
    return shaped_target(y, model), row_weights(y, dataset.target, weights)


def unfit(
    model: keras.Sequential, dataset: Dataset, config: Config, error: Exception, *, training: bool
) -> Findings:
    """Returns why the first rows are not taken, and by which layer, loss or metric."""
    x, y = dataset.train.x[:_CHECKED_ROWS], dataset.train.y[:_CHECKED_ROWS]
    found = first_failing(model, config, x, error, training=training)
    y = shaped_target(y, model)
    return Findings([found or unmeasurable(model, config, dataset.target, x, y, error)])
