"""Every entry of the vocabulary is built, trained a step, saved and opened again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from campaigns.samples import ROWS, layer_sample, loss_sample, metric_sample, sample_spec
from dl.config.schema import Config
from dl.data.dataset import Dataset
from dl.data.target import Target
from dl.data.types import Array
from dl.model.build import build_model, compile_model
from dl.model.checks import check_training
from dl.model.h5 import load_weights
from dl.model.saving import save_model
from dl.vocabulary.catalog import entries
from dl.vocabulary.spec import Kind, Spec, document
from support.training import config, dataset

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:.*does not support masking:UserWarning"),
]

NOT_READ_BACK = {
    "Equalization": "Keras 3.15 cannot add it as the first layer of a model that it loads",
    "RandomCrop": "in Keras 3.15 its output has another shape at inference than it says",
}


NOT_COMPILED = {"CategoricalGeneralizedCrossEntropy", "Lamb"}
"""What Keras 3.15 does not find again in a file: the model opens, but is not compiled."""


def names(kind: Kind) -> list[str]:
    return [name for name, entry in entries(kind).items() if not entry.own]


def numbers_of(x: Array, y: Array) -> Dataset:
    """Returns a data set whose target has any shape."""
    return dataset(x, y, Target("regression", ("y",), "numbers", units=None))


def stepped(chosen: Config, data: Dataset) -> keras.Sequential:
    """Returns the model after one step on all rows."""
    model = build_model(chosen, data.preprocessing.input_shape)
    compile_model(model, chosen, data.target)
    check_training(model, data, chosen)
    rows = [keras.ops.convert_to_tensor(array) for array in (data.train.x, data.train.y)]
    model.train_step(tuple(rows))
    return model


def outputs(model: keras.Sequential, data: Dataset) -> Array:
    """Returns what a model gives for the rows."""
    return np.asarray(keras.ops.convert_to_numpy(model(data.train.x, training=False)))


def assert_comes_back(chosen: Config, data: Dataset, folder: Path) -> None:
    """Saves the trained model, opens it both ways and compares what it gives."""
    path = folder / "model.h5"
    model = stepped(chosen, data)
    expected = outputs(model, data)

    save_model(model, path)
    rebuilt = build_model(chosen, data.preprocessing.input_shape)
    load_weights(rebuilt, path)
    plain = keras.models.load_model(path)

    np.testing.assert_array_equal(outputs(rebuilt, data), expected)
    np.testing.assert_allclose(outputs(plain, data), expected, rtol=1e-6, atol=1e-6)
    named = {chosen.training.loss.type, chosen.training.optimizer.type}
    assert plain.compiled is not bool(named & NOT_COMPILED)


def network(units: Sequence[int]) -> list[Spec]:
    """Returns layers whose outputs have the shape and are probabilities."""
    return [
        sample_spec(Kind.LAYER, "Dense", units=int(np.prod(units)), activation="sigmoid"),
        sample_spec(Kind.LAYER, "Reshape", target_shape=list(units)),
    ]


@pytest.mark.parametrize("name", [name for name in names(Kind.LAYER) if name not in NOT_READ_BACK])
def test_layer_comes_back(name: str, tmp_path: Path) -> None:
    sample = layer_sample(name)
    layers: list[Any] = [sample.parameters, "Flatten", {"type": "Dense", "units": 1}]
    if name == "Input":
        layers[0] = {"type": "Input", "shape": list(sample.shape)}
    x = sample.rows().astype("float32" if sample.below is None else "int32")
    data = numbers_of(x, np.ones((ROWS, 1), "float32"))

    assert_comes_back(config(layers, loss="mse"), data, tmp_path)


@pytest.mark.parametrize("name", names(Kind.LOSS))
def test_loss_comes_back(name: str, tmp_path: Path) -> None:
    sample = loss_sample(name)
    chosen = config(network(sample.predictions.shape[1:]), loss=sample_spec(Kind.LOSS, name))
    data = numbers_of(np.ones((ROWS, 3), "float32"), sample.targets)

    assert_comes_back(chosen, data, tmp_path)


@pytest.mark.parametrize("name", names(Kind.METRIC))
def test_metric_comes_back(name: str, tmp_path: Path) -> None:
    sample = metric_sample(name)
    loss = "sparse_categorical_crossentropy" if name.startswith("Sparse") else "mse"
    shape = sample.predictions.shape[1:]
    chosen = config(network(shape), loss=loss, metrics=(sample_spec(Kind.METRIC, name),))
    data = numbers_of(np.ones((ROWS, 3), "float32"), sample.targets)

    assert_comes_back(chosen, data, tmp_path)


@pytest.mark.parametrize("name", names(Kind.OPTIMIZER))
def test_optimizer_comes_back(name: str, tmp_path: Path) -> None:
    chosen = config(network([2]), loss="mse", optimizer=sample_spec(Kind.OPTIMIZER, name))
    data = numbers_of(np.ones((ROWS, 3), "float32"), np.ones((ROWS, 2), "float32"))

    assert_comes_back(chosen, data, tmp_path)


@pytest.mark.parametrize("name", names(Kind.SCHEDULE))
def test_schedule_comes_back(name: str, tmp_path: Path) -> None:
    rate = document(sample_spec(Kind.SCHEDULE, name))
    optimizer = sample_spec(Kind.OPTIMIZER, "SGD", learning_rate=rate)
    data = numbers_of(np.ones((ROWS, 3), "float32"), np.ones((ROWS, 2), "float32"))

    assert_comes_back(config(network([2]), loss="mse", optimizer=optimizer), data, tmp_path)


@pytest.mark.parametrize(
    ("kind", "parameter"),
    [
        (Kind.ACTIVATION, "activation"),
        (Kind.INITIALIZER, "kernel_initializer"),
        (Kind.REGULARIZER, "kernel_regularizer"),
        (Kind.CONSTRAINT, "kernel_constraint"),
    ],
)
def test_parts_of_layers_come_back(kind: Kind, parameter: str, tmp_path: Path) -> None:
    layers = [
        sample_spec(Kind.LAYER, "Dense", units=4, **{parameter: document(sample_spec(kind, name))})
        for name in names(kind)
        if name not in ("STFT", "glu")  # these give or need another shape
    ]
    data = numbers_of(np.ones((ROWS, 4), "float32"), np.ones((ROWS, 4), "float32"))

    assert_comes_back(config(layers, loss="mse"), data, tmp_path)
