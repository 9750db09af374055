"""Small configs, data and models for the tests of the engine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import keras
import numpy as np

from dl.config.data import Split
from dl.config.schema import Config
from dl.data.arrays import ArrayFeature
from dl.data.dataset import Dataset, Preprocessing
from dl.data.target import Target, TargetForm
from dl.data.types import Array, Part
from dl.model.build import build_model, compile_model
from dl.model.checks import check_training
from dl.progress import SilentReporter
from dl.training.fit import fit
from dl.training.setup import Prepared
from dl.training.steps import Batches
from dl.training.strategy import choose_strategy
from dl.vocabulary.sections import read_section

DENSE = {"type": "Dense", "units": 3, "activation": "softmax"}
SPARSE = "sparse_categorical_crossentropy"
CLASSES = ("a", "b", "c")


def config(
    layers: Sequence[Any], engine: dict[str, Any] | None = None, seed: int = 1, **training: Any
) -> Config:
    """Returns a config with these layers; three classes unless `loss` says other."""
    return read_section(
        Config,
        {
            "name": "case",
            "seed": seed,
            "data": {"source": "synthetic", "dataset": "blobs"},
            "model": {"layers": tuple(layers)},
            "training": {
                "loss": SPARSE,
                "optimizer": {"type": "SGD", "learning_rate": 0.1},
                "batch_size": 4,
                "epochs": 2,
                **training,
            },
            "engine": engine or {"compile": False},
        },
    )


def inputs(rows: int, *shape: int) -> Array:
    """Returns random rows, the same at each call."""
    return np.random.default_rng(0).normal(size=(rows, *shape)).astype("float32")


def labels(rows: int) -> Array:
    """Returns class numbers below 3."""
    return (np.arange(rows) % 3).astype("int32")


def part(x: Array, y: Array) -> Part:
    """Returns rows as a part."""
    return Part(x, y, np.arange(len(x)))


def class_target(form: TargetForm = "labels") -> Target:
    """Returns a target of three classes."""
    return Target("multiclass", ("label",), form, CLASSES, CLASSES, 3, probabilities=True)


def number_target(**scaling: Any) -> Target:
    """Returns a target that is one number."""
    return Target("regression", ("price",), "numbers", units=1, **scaling)


def dataset(
    x: Array, y: Array, target: Target | None = None, validation: Part | None = None
) -> Dataset:
    """Returns a data set with a training part and perhaps a validation part."""
    return Dataset(
        part(x, y), validation, None, preprocessing(target or class_target(), x.shape[1:])
    )


def preprocessing(target: Target, shape: tuple[int, ...]) -> Preprocessing:
    """Returns a preprocessing that leaves arrays of rows of a shape as they are."""
    feature = ArrayFeature(
        shape,
        channel_axis=False,
        dtype="float32",
        scale=1.0,
        scaling="none",
        center=(),
        spread=(),
        image=False,
        pixel_max=1.0,
    )
    return Preprocessing(fingerprint="", split=Split(), features=(feature,), target=target)


def built(chosen: Config, data: Dataset) -> keras.Sequential:
    """Returns the compiled model of a config."""
    model = build_model(chosen, data.preprocessing.input_shape, data.target)
    compile_model(model, chosen, data.target)
    return model


def ready(chosen: Config, data: Dataset, model: keras.Sequential | None = None) -> Prepared:
    """Returns what `fit` trains: a model, or the compiled one of a config."""
    model = built(chosen, data) if model is None else model
    check_training(model, data, chosen)
    strategy = choose_strategy(model, chosen, Batches.of(chosen, data))
    return Prepared(cast(Any, None), chosen, "", data, model, strategy)


def trained(
    chosen: Config, data: Dataset, **arguments: Any
) -> tuple[keras.Sequential, list[dict[str, float]]]:
    """Returns a trained model and its history."""
    prepared = ready(chosen, data)
    history = fit(prepared, SilentReporter(), lambda row: None, **arguments)
    return prepared.model, history
