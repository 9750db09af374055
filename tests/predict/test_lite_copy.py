"""The convert copy gives the numbers of Keras, or is not made and says why."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from dl.data.types import Array
from dl.errors import DataError
from dl.model.build import build_model
from dl.predict import convert
from dl.predict.convert import TOLERANCE, lite_copy
from dl.predict.evaluate import Forward
from dl.predict.lite import LiteModel, UnusableError
from support.training import DENSE, config, dataset, inputs, labels

FIVE = {"type": "Dense", "units": 5, "activation": "relu"}
CONV = {"type": "Conv2D", "filters": 3, "kernel_size": 3, "activation": "gelu"}
NETWORKS: dict[str, tuple[list[Any], tuple[int, ...]]] = {
    "dense": ([FIVE, DENSE], (4,)),
    "norm and dropout": ([FIVE, "BatchNormalization", {"type": "Dropout", "rate": 0.5}], (4,)),
    "noise": ([{"type": "GaussianNoise", "stddev": 1.0}, FIVE], (4,)),
    "layer norm": (["LayerNormalization", FIVE, "Softmax"], (4,)),
    "own activation": ([{"type": "Dense", "units": 3, "activation": "heaviside"}], (4,)),
    "image": ([CONV, "MaxPooling2D", "GlobalAveragePooling2D", DENSE], (12, 12, 3)),
    "augmented": ([{"type": "RandomFlip", "mode": "horizontal"}, CONV, "Flatten"], (8, 8, 1)),
    "sequence": ([{"type": "Conv1D", "filters": 2, "kernel_size": 2}, "Flatten", DENSE], (6, 3)),
    "lstm": ([{"type": "LSTM", "units": 4}, DENSE], (5, 3)),
    "gru": ([{"type": "Bidirectional", "layer": {"type": "GRU", "units": 2}}], (5, 3)),
    "timed": ([{"type": "TimeDistributed", "layer": {"type": "LSTM", "units": 2}}], (2, 3, 2)),
}


def made(layers: list[Any], x: Array) -> keras.Sequential:
    """Returns a model whose weights are not those of the start: all have a say."""
    model = build_model(config(layers), dataset(x, labels(len(x))).preprocessing.input_shape)
    random = np.random.default_rng(0)
    model.set_weights(
        [
            weight + random.uniform(0, 0.3, weight.shape).astype(weight.dtype)
            if weight.dtype.kind == "f"
            else weight
            for weight in model.get_weights()
        ]
    )
    return model


def refusal(model: keras.Sequential, x: Array) -> str:
    with pytest.raises(UnusableError) as caught:
        lite_copy(model, x)
    return str(caught.value)


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_outputs_are_those_of_keras_for_any_number_of_rows(name: str) -> None:
    layers, shape = NETWORKS[name]
    x = inputs(300, *shape)
    model = made(layers, x)

    copy = lite_copy(model, x[:7])

    assert copy.record.difference <= TOLERANCE
    runner = LiteModel(copy.content, copy.record.batch)
    expected = Forward(model)(x)
    for rows in (300, 1, 129):
        np.testing.assert_allclose(runner(x[:rows]), expected[:rows], rtol=1e-5, atol=1e-5)


def test_words_are_looked_up() -> None:
    x = np.random.default_rng(0).integers(0, 9, (40, 6)).astype("int32")
    model = made([{"type": "Embedding", "input_dim": 9, "output_dim": 4}, "Flatten", DENSE], x)

    copy = lite_copy(model, x)
    runner = LiteModel(copy.content, copy.record.batch)

    np.testing.assert_allclose(runner(x), Forward(model)(x), atol=1e-5)
    for run in (runner, Forward(model)):
        with pytest.raises(DataError, match="the model cannot be run on these rows: "):
            run(x + 9)


def test_operation_that_litert_has_not_is_named() -> None:
    x = inputs(4, 4, 4, 4, 1)
    model = made(["MaxPooling3D", "Flatten"], x)
    assert refusal(model, x) == "LiteRT has no operation MaxPool3D"


def test_state_between_batches_is_refused() -> None:
    x = inputs(4, 5, 3)
    model = made([{"type": "LSTM", "units": 2}], x)
    model.layers[0].stateful = True
    assert refusal(model, x) == "a stateful layer depends on the rows before"


def test_large_model_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(convert, "_MOST_BYTES", 1 << 20)
    x = inputs(4, 600)
    model = made([{"type": "Dense", "units": 600}], x)
    assert refusal(model, x) == "its weights take 1 MiB, more than 1 MiB"


def test_copy_with_other_outputs_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    x = inputs(4, 4)
    model = made([FIVE], x)
    monkeypatch.setattr(convert, "TOLERANCE", -1.0)
    assert refusal(model, x).startswith("its outputs differ from Keras' by ")


def test_outputs_that_are_no_numbers_are_refused() -> None:
    x = inputs(4, 4)
    model = made([FIVE], x)
    model.set_weights([np.full_like(weight, np.nan) for weight in model.get_weights()])
    assert refusal(model, x) == "its outputs differ from Keras' by nan"
