"""From a config and its data to a model that is ready to be trained, and how to train it."""

from __future__ import annotations

from dataclasses import dataclass

import keras

from dl.config.load import Loaded, check_resolved
from dl.config.schema import Config
from dl.data.dataset import Dataset
from dl.data.load import read_dataset, resolve_config
from dl.engine.network.checks import check_training
from dl.engine.network.model import build_model, compile_model
from dl.engine.training.callbacks import check_packages
from dl.engine.training.steps import Batches, device_scope
from dl.engine.training.strategy import Strategy, choose_strategy
from dl.progress import Reporter
from dl.vocabulary.spec import Findings


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
            compile_model(model, config, dataset.target)
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
