"""What is measured of the layers, against the same computed with NumPy."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from dl.data.types import Array
from dl.inspect import NetworkStatistics
from dl.inspect.layers import measure
from dl.model.build import build_model, compile_model
from support.training import SPARSE, config, dataset, inputs, labels, number_target

SOFTMAX = {"type": "Dense", "units": 3, "activation": "softmax", "name": "out"}


def signals(
    layers: list[Any], x: Array, y: Array, weights: list[Any] | None = None
) -> NetworkStatistics:
    """Measures a model with these weights."""
    numbers = layers[-1]["units"] == 1
    made = config(layers, loss="mean_squared_error" if numbers else SPARSE)
    data = dataset(x, y, number_target() if numbers else None)
    model = build_model(made, data.preprocessing.input_shape)
    compile_model(model, made, data.target)
    if weights is not None:
        model.set_weights([np.asarray(values, "float32") for values in weights])
    before = model.get_weights()
    found = measure(model, data, made, trained=True)
    assert all(map(np.array_equal, before, model.get_weights()))
    return found


def hidden(activation: str | None, units: int = 4) -> dict[str, Any]:
    return {"type": "Dense", "units": units, "activation": activation, "name": "hidden"}


def test_norms_are_those_of_the_formula() -> None:
    x, y = inputs(20, 3), np.linspace(-1, 1, 20, dtype="float32")[:, None]
    w, b = np.array([[0.5], [-1.0], [2.0]]), np.array([0.25])

    found = signals([{"type": "Dense", "units": 1, "name": "out"}], x, y, [w, b])

    error = x @ w + b - y
    by_w, by_b = 2 * x.T @ error / 20, 2 * error.mean(axis=0)
    [out] = found.layers
    assert (found.rows, found.trained) == (20, True)
    assert out.gradient == pytest.approx(np.sqrt((by_w**2).sum() + (by_b**2).sum()), rel=1e-5)
    assert out.weights == pytest.approx(np.sqrt((w**2).sum() + (b**2).sum()), rel=1e-6)
    assert (out.parameters, out.units, out.activation) == (4, 1, "linear")
    assert (out.dead, out.saturated) == (None, None)


def test_dead_units_give_zero_for_every_row() -> None:
    kernel = np.zeros((3, 4))
    weights = [kernel, [-1, -1, 1, 0], np.ones((4, 3)), np.zeros(3)]

    first, out = signals([hidden("relu"), SOFTMAX], inputs(30, 3), labels(30), weights).layers

    assert first.dead == 0.75
    assert out.dead is None


@pytest.mark.parametrize(("activation", "far"), [("sigmoid", 4.5), ("tanh", 2.5)])
def test_saturated_outputs_lie_where_the_activation_is_flat(activation: str, far: float) -> None:
    weights = [np.zeros((3, 4)), [far, -far, 0, 1], np.ones((4, 3)), np.zeros(3)]

    first, out = signals([hidden(activation), SOFTMAX], inputs(30, 3), labels(30), weights).layers

    assert first.saturated == 0.5
    assert out.saturated is None


@pytest.mark.parametrize("activator", ["ReLU", {"type": "Activation", "activation": "relu"}])
def test_an_activation_may_follow_in_a_layer_of_its_own(activator: Any) -> None:
    named = {"type": activator, "name": "act"} if isinstance(activator, str) else activator
    layers = [hidden(None), "BatchNormalization", {**named, "name": "act"}, SOFTMAX]

    first, out = signals(layers, inputs(30, 3), labels(30)).layers

    assert (first.activation, first.activated_by, out.activated_by) == ("relu", "act", "out")
    assert first.dead is not None


def test_channels_are_the_units_of_a_convolution() -> None:
    layers = [
        {"type": "Conv2D", "filters": 5, "kernel_size": 2, "activation": "relu", "name": "conv"},
        "Flatten",
        SOFTMAX,
    ]
    weights = [np.zeros((2, 2, 1, 5)), [-1, 1, -1, 1, 1], np.ones((45, 3)), np.zeros(3)]

    first, _ = signals(layers, inputs(8, 4, 4, 1), labels(8), weights).layers

    assert (first.units, first.dead) == (5, 0.4)


def test_the_gradient_of_deep_sigmoid_layers_fades() -> None:
    deep = [{"type": "Dense", "units": 8, "activation": "sigmoid"} for _ in range(6)]

    layers = signals([*deep, SOFTMAX], inputs(50, 3), labels(50)).layers

    slopes = [layer.slope for layer in layers]
    assert slopes == sorted(slopes)
    assert slopes[0] < 1e-3 * slopes[-1]


def test_large_outputs_are_measured_on_fewer_rows() -> None:
    wide = {"type": "Dense", "units": 1_000_000, "activation": "relu", "name": "wide"}

    found = signals([wide, SOFTMAX], inputs(60, 1), labels(60))

    assert found.rows == 49


def test_the_model_is_as_it_was() -> None:
    layers = [hidden("relu"), {"type": "Dropout", "rate": 0.5}, SOFTMAX]
    made = config(layers, loss=SPARSE)
    data = dataset(inputs(20, 3), labels(20))
    model = build_model(made, data.preprocessing.input_shape)
    compile_model(model, made, data.target)

    first, again = (measure(model, data, made, trained=False) for _ in range(2))

    assert first == again
    assert model.layers[0].activation is keras.activations.relu
