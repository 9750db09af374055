"""Every recurrent layer behind every layer that makes or passes on a mask, as in plain Keras."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from campaigns.samples import layer_sample, sample_spec
from dl.data.dataset import Dataset
from dl.data.types import Array
from dl.inspect.layers import measure
from dl.inspect.trace import trace
from dl.model.objects import build_object
from dl.predict.convert import lite_copy
from dl.predict.evaluate import Forward, evaluate
from dl.predict.lite import LiteModel
from dl.training.strategy import model_cost
from dl.vocabulary.catalog import entries
from dl.vocabulary.spec import Kind
from dl.vocabulary.traits import PASSES_MASK, USES_MASK
from support.training import built, config, dataset, inputs, number_target, trained

pytestmark = pytest.mark.slow

ROWS, STEPS = 12, 4
DENSE = {"type": "Dense", "units": 1}
MASKING = "Masking"
EMBEDDING = {"type": "Embedding", "input_dim": 4, "output_dim": 3, "mask_zero": True}
LSTM = {"type": "LSTM", "units": 3}
GRU_SEQUENCES = {"type": "GRU", "units": 3, "return_sequences": True}
CELLS = [{"type": "GRUCell", "units": 3}, {"type": "SimpleRNNCell", "units": 3}]
RECURRENT: dict[str, Any] = {
    "SimpleRNN": {"type": "SimpleRNN", "units": 3},
    "GRU": {"type": "GRU", "units": 3},
    "LSTM": LSTM,
    "LSTM unrolled": {**LSTM, "unroll": True},
    "GRU backwards": {"type": "GRU", "units": 3, "go_backwards": True},
    "RNN": {"type": "RNN", "cell": {"type": "LSTMCell", "units": 3}},
    "RNN of a list": {"type": "RNN", "cell": CELLS},
    "RNN of a stack": {"type": "RNN", "cell": {"type": "StackedRNNCells", "cells": CELLS}},
}
BIDIRECTIONAL = {
    f"Bidirectional {name}": {"type": "Bidirectional", "layer": layer}
    for name, layer in RECURRENT.items()
    if name in ("SimpleRNN", "GRU", "LSTM", "RNN of a list")
}
SEQUENCES: dict[str, Any] = {
    "Bidirectional": {"type": "Bidirectional", "layer": GRU_SEQUENCES},
    "GRU": GRU_SEQUENCES,
    "GroupNormalization": {"type": "GroupNormalization", "groups": 1},
    "LSTM": {**LSTM, "return_sequences": True},
    "RNN": {**RECURRENT["RNN"], "return_sequences": True},
    "SimpleRNN": {"type": "SimpleRNN", "units": 3, "return_sequences": True},
}
"""Layers that pass a mask on, where the least parameters would not do."""
RANDOM = ("Dropout", "GaussianDropout", "GaussianNoise", "SpatialDropout1D", "AlphaDropout")
WITHOUT_STEPS = {"GlobalAveragePooling1D", "Masking", "Softmax", "SpatialDropout2D"} | {
    "SpatialDropout3D",
    *(f"ConvLSTM{rank}D" for rank in "123"),
}
"""Layers that end a mask, or take other rows than (steps, features)."""


def passing_on() -> list[str]:
    """Returns the layers that pass on a mask, by what Keras says of them."""
    names = [name for name in entries(Kind.LAYER) if name != "Input"]
    made = {name: build_object(sample_spec(Kind.LAYER, name), seed=0, path=()) for name in names}
    return [name for name, layer in made.items() if layer.supports_masking]


PASSED_ON = [
    "Activation",
    "ActivityRegularization",
    "AlphaDropout",
    "BatchNormalization",
    "Bidirectional",
    "Dense",
    "Dropout",
    "ELU",
    "GRU",
    "GaussianDropout",
    "GaussianNoise",
    "GroupNormalization",
    "Identity",
    "LSTM",
    "LayerNormalization",
    "LeakyReLU",
    "Normalization",
    "PReLU",
    "RNN",
    "ReLU",
    "Rescaling",
    "SimpleRNN",
    "SpatialDropout1D",
    "TimeDistributed",
    "UnitNormalization",
]


def masked_rows() -> Array:
    """Returns sequences in which some steps are all zeros, one of them at the end."""
    x = inputs(ROWS, STEPS, 3)
    x[np.random.default_rng(1).random((ROWS, STEPS)) < 0.4] = 0
    return x


def words() -> Array:
    return np.random.default_rng(1).integers(0, 4, (ROWS, STEPS)).astype("int32")


def case(layers: list[Any], x: Array) -> tuple[Any, Dataset]:
    chosen = config([*layers, DENSE], loss="mse", epochs=1, shuffle=False, batch_size=ROWS)
    y = np.random.default_rng(2).normal(size=(len(x), 1)).astype("float32")
    return chosen, dataset(x, y, number_target())


def plain(chosen: Any, x: Array) -> keras.Sequential:
    """Returns the model of Keras' own layers."""
    layers = [
        build_object(spec, seed=1, path=(), fast=False)  # the fast ones draw other noise
        for spec in chosen.model.layers
    ]
    return keras.Sequential([keras.Input(x.shape[1:]), *layers])


def check(layers: list[Any], x: Array) -> None:
    """Compares outputs, loss and trained weights with those of Keras' own layers and `fit`."""
    chosen, data = case(layers, x)
    model = built(chosen, data)
    reference = plain(chosen, x)
    reference.set_weights(model.get_weights())
    np.testing.assert_allclose(Forward(model)(x), reference(x), atol=1e-5)

    model, history = trained(chosen, data)
    reference.compile(keras.optimizers.SGD(0.1), "mse", run_eagerly=True)
    expected = reference.fit(x, data.train.y, batch_size=ROWS, epochs=1, shuffle=False, verbose=0)

    assert model_cost(model).loop_steps >= STEPS
    if not any(name in str(layers) for name in RANDOM):
        assert history[0]["loss"] == pytest.approx(expected.history["loss"][0], rel=1e-5)
        for one, other in zip(model.get_weights(), reference.get_weights(), strict=True):
            np.testing.assert_allclose(one, other, atol=1e-5)


@pytest.mark.parametrize("name", RECURRENT | BIDIRECTIONAL)
def test_recurrent_layer_behind_a_mask_trains_as_in_keras(name: str) -> None:
    check([MASKING, (RECURRENT | BIDIRECTIONAL)[name]], masked_rows())


@pytest.mark.parametrize("name", PASSED_ON)
def test_mask_that_is_passed_on_is_the_one_of_keras(name: str) -> None:
    layer = SEQUENCES.get(name, layer_sample(name).parameters)
    check([MASKING, layer, LSTM], masked_rows())


@pytest.mark.parametrize("name", ["Embedding", "ReversibleEmbedding"])
def test_mask_of_an_embedding_is_the_one_of_keras(name: str) -> None:
    check([{**EMBEDDING, "type": name}, {"type": "Dropout", "rate": 0.1}, LSTM], words())


@pytest.mark.filterwarnings("ignore:Layer 'flatten:UserWarning")
def test_masked_steps_inside_of_time_distributed_are_those_of_keras() -> None:
    layers = [MASKING, {"type": "TimeDistributed", "layer": LSTM}, "Flatten"]
    x = np.random.default_rng(0).normal(size=(ROWS, 2, STEPS, 3)).astype("float32")
    x[:, :, ::2] = 0
    chosen, data = case(layers, x)
    model, _ = trained(chosen, data)
    reference = plain(chosen, x)
    reference.set_weights(model.get_weights())

    np.testing.assert_allclose(Forward(model)(x), reference(x), atol=1e-5)


def test_layers_that_pass_on_a_mask_are_all_tried() -> None:
    assert set(passing_on()) == USES_MASK | PASSES_MASK
    assert set(PASSED_ON) == (USES_MASK | PASSES_MASK) - WITHOUT_STEPS


@pytest.mark.parametrize(
    ("layers", "x"),
    [
        ([MASKING, {"type": "Bidirectional", "layer": LSTM}], masked_rows()),
        ([EMBEDDING, GRU_SEQUENCES, LSTM], words()),
    ],
    ids=["Masking", "Embedding"],
)
def test_light_copy_trace_and_signals_know_the_mask(layers: list[Any], x: Array) -> None:
    chosen, data = case(layers, x)
    model, _ = trained(chosen, data)
    ended_early = x.copy()
    ended_early[:, 2:] = 0
    copy = lite_copy(model, x)

    outputs = LiteModel(copy.content, copy.record.batch)(ended_early)

    np.testing.assert_allclose(outputs, Forward(model)(ended_early), atol=1e-5)
    assert len(measure(model, data, chosen, trained=True).layers) >= 2
    loss = evaluate(model, data.train, chosen)["loss"]
    assert trace(model, data, chosen, rows=len(x)).loss == pytest.approx(loss, rel=1e-5)
