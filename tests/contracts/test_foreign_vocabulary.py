"""Every layer in a `.h5` file of plain Keras is measured as Keras measures it, or refused."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers as kl

from campaigns.samples import ROWS, layer_sample, sample_spec
from dl.data.types import Array
from dl.errors import RunError
from dl.model.objects import build_object
from dl.predict.keras_file import evaluate_keras_file, read_keras_file
from dl.progress import SilentReporter
from dl.vocabulary.catalog import entries
from dl.vocabulary.spec import Kind

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:.*does not support masking:UserWarning"),
    pytest.mark.filterwarnings("ignore:The object being serialized includes a `lambda`"),
]

NOT_SAVED = {
    "RandomBrightness",
    "RandomColorDegeneration",
    "RandomPosterization",
    "RandomSaturation",
    "RandomSharpness",
    "Solarization",
}
"""Layers that Keras 3.15 cannot save as `.h5` where they stand in a model as they are made."""
NOT_RUN = {"RandomCrop": "in Keras 3.15 its output has another shape at inference than it says"}
NAMES = [
    name
    for name, entry in entries(Kind.LAYER).items()
    if not entry.own and name not in NOT_RUN and name not in NOT_SAVED
]


def saved(folder: Path, layers: Sequence[Any], x: Array, **inputs: Any) -> tuple[Path, Any]:
    """Saves a model of the layers with one of its rows' numbers as the output."""
    keras.utils.set_random_seed(1)
    head = [kl.Rescaling(1.0), kl.Flatten(), kl.Dense(1)]
    model = keras.Sequential([keras.Input(x.shape[1:], dtype=x.dtype, **inputs), *layers, *head])
    model.compile("sgd", "mean_squared_error", metrics=["mae"], run_eagerly=True)
    for weight in model.weights:
        if weight.trainable:
            weight.assign(weight + 0.1)
    model.save(folder / "model.h5")
    np.savez(folder / "rows.npz", x=x, y=np.arange(len(x), dtype="float32"))
    return folder / "model.h5", model


def measured(path: Path, *overrides: str) -> dict[str, float]:
    model = read_keras_file(path, overrides)
    found = evaluate_keras_file(model, path.with_name("rows.npz"), (), overrides, SilentReporter())
    return dict(found.metrics)


def assert_as_keras(path: Path, x: Array, model: Any) -> None:
    expected = model.evaluate(x, np.arange(len(x)), verbose=0, return_dict=True)
    assert measured(path) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_layer_is_measured_as_keras_measures_it(name: str, tmp_path: Path) -> None:
    sample = layer_sample(name)
    x = sample.rows().astype("float32" if sample.below is None else "int32")
    spec = sample_spec(
        Kind.LAYER, name, **{k: v for k, v in sample.parameters.items() if k != "type"}
    )
    layers = [] if name == "Input" else [build_object(spec, seed=0, path=(), fast=False)]
    path, model = saved(tmp_path, layers, x)

    assert_as_keras(path, x, model)


SEQUENCES = np.random.default_rng(0).normal(size=(ROWS, 5, 2)).astype("float32")
VECTORS = np.random.default_rng(0).normal(size=(ROWS, 4)).astype("float32")
PICTURES = np.random.default_rng(0).random((ROWS, 4, 6, 3)).astype("float32")
TOKENS = np.random.default_rng(0).integers(0, 7, (ROWS, 5)).astype("int32")


def adapted(layer: Any, data: Array) -> Any:
    layer.adapt(data)
    return layer


def inside(*layers: Any, name: str | None = None) -> Any:
    return keras.Sequential(list(layers), name=name)


MORE: dict[str, tuple[Array, Callable[[], list[Any]]]] = {
    "two-way-lstm": (SEQUENCES, lambda: [kl.Bidirectional(kl.LSTM(3, return_sequences=True))]),
    "two-way-gru-masked": (
        SEQUENCES,
        lambda: [kl.Masking(), kl.Bidirectional(kl.GRU(3, return_sequences=True), "sum")],
    ),
    "two-way-simple-rnns": (
        SEQUENCES,
        lambda: [
            kl.Bidirectional(kl.SimpleRNN(3, return_sequences=True)),
            kl.Bidirectional(kl.SimpleRNN(2, unroll=True)),
        ],
    ),
    "two-way-backward-layer": (
        SEQUENCES,
        lambda: [
            kl.Bidirectional(
                kl.LSTM(3), backward_layer=kl.LSTM(3, go_backwards=True, use_bias=False)
            )
        ],
    ),
    "two-way-cell": (
        SEQUENCES,
        lambda: [kl.Bidirectional(kl.RNN(kl.LSTMCell(2), return_sequences=True))],
    ),
    "stacked-cells": (SEQUENCES, lambda: [kl.RNN([kl.LSTMCell(3), kl.GRUCell(2)])]),
    "distributed-two-way": (
        SEQUENCES[:, None],
        lambda: [kl.TimeDistributed(kl.Bidirectional(kl.LSTM(2)))],
    ),
    "convolution-causal": (SEQUENCES, lambda: [kl.Conv1D(2, 2, padding="causal")]),
    "pools": (SEQUENCES, lambda: [kl.MaxPooling1D(2), kl.ZeroPadding1D(1), kl.AveragePooling1D(1)]),
    "adapted": (VECTORS, lambda: [adapted(kl.Normalization(), VECTORS), kl.Dense(2)]),
    "adapted-without-axis": (VECTORS, lambda: [adapted(kl.Normalization(axis=None), VECTORS)]),
    "adapted-first-axis": (PICTURES, lambda: [adapted(kl.Normalization(axis=1), PICTURES)]),
    "adapted-inverse": (VECTORS, lambda: [adapted(kl.Normalization(invert=True), VECTORS)]),
    "adapted-twice": (
        VECTORS,
        lambda: [adapted(kl.Normalization(), VECTORS), adapted(kl.Normalization(), VECTORS + 1)],
    ),
    "given-numbers": (VECTORS, lambda: [kl.Normalization(axis=None, mean=1.0, variance=2.0)]),
    "adapted-bins": (VECTORS, lambda: [adapted(kl.Discretization(num_bins=3), VECTORS)]),
    "vocabulary": (TOKENS, lambda: [kl.IntegerLookup(vocabulary=[1, 2, 3]), kl.Embedding(5, 2)]),
    "seeds": (
        VECTORS,
        lambda: [
            kl.Dense(
                2,
                kernel_initializer=keras.initializers.HeNormal(keras.random.SeedGenerator(3)),
                kernel_regularizer=keras.regularizers.L1L2(0.1, 0.2),
                activity_regularizer="l2",
                activation=keras.activations.gelu,
            )
        ],
    ),
    "types": (VECTORS, lambda: [kl.Dense(3, dtype=keras.DTypePolicy("float64"))]),
    "model-inside": (VECTORS, lambda: [inside(kl.Dense(5, "relu"), kl.BatchNormalization())]),
    "models-inside": (VECTORS, lambda: [inside(inside(kl.Dense(5)), kl.Dense(3))]),
    "same-names-inside": (
        VECTORS,
        lambda: [inside(kl.Dense(5, name="a"), name="b"), inside(kl.Dense(5, name="a"), name="c")],
    ),
    "adapted-inside": (
        VECTORS,
        lambda: [inside(adapted(kl.Normalization(), VECTORS), kl.Dense(5))],
    ),
    "augmentation-inside": (PICTURES, lambda: [inside(kl.RandomFlip(), kl.RandomRotation(0.1))]),
}


@pytest.mark.parametrize("name", MORE)
def test_layers_are_measured_as_keras_measures_them(name: str, tmp_path: Path) -> None:
    x, layers = MORE[name]
    path, model = saved(tmp_path, layers(), x)

    assert_as_keras(path, x, model)


REFUSED: dict[str, tuple[Array, Callable[[], list[Any]], str]] = {
    "several-axes": (
        PICTURES,
        lambda: [adapted(kl.Normalization(axis=(1, 3), name="norm"), PICTURES)],
        "does not hold numbers of a single axis at /model_weights/norm/norm/mean",
    ),
    "adapted-vocabulary": (
        TOKENS,
        lambda: [adapted(kl.IntegerLookup(), TOKENS), kl.Embedding(9, 2)],
        "model.layers.1 was adapted to data, but the file does not keep its vocabulary",
    ),
    "model-inside-a-layer": (
        SEQUENCES,
        lambda: [kl.TimeDistributed(inside(kl.Dense(2)))],
        "model.layers.1.layer is a model inside of a layer, which is not read",
    ),
    "functional-inside": (
        VECTORS,
        lambda: [functional()],
        "model.layers.1 is a Functional model inside the model",
    ),
    "lambda": (
        VECTORS,
        lambda: [kl.Dense(2, activation=lambda x: x)],
        "model.layers.1.activation is a custom function, which is not read",
    ),
    "stateful": (
        SEQUENCES,
        lambda: [kl.LSTM(2, zero_output_for_mask=True, return_sequences=True)],
        "model.layers.1.zero_output_for_mask is not a parameter of LSTM",
    ),
}


def functional() -> Any:
    row = keras.Input((4,))
    return keras.Model(row, kl.Dense(3)(row))


@pytest.mark.parametrize("name", REFUSED)
def test_layers_are_refused_by_name(name: str, tmp_path: Path) -> None:
    x, layers, text = REFUSED[name]
    path, _ = saved(tmp_path, layers(), x)

    with pytest.raises(RunError) as caught:
        measured(path)
    assert str(caught.value).replace(f"{path}: ", "").replace(f"{path} ", "").startswith(text)


def test_bfloat16_is_read(tmp_path: Path) -> None:
    """Keras 3.15 itself cannot read such a file again."""
    path, model = saved(tmp_path, [kl.Dense(3, dtype="bfloat16")], VECTORS)

    expected = model.evaluate(VECTORS, np.arange(ROWS), verbose=0, return_dict=True)
    assert measured(path) == pytest.approx(expected, rel=0.02)
