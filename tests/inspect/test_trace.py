"""A traced step against the same step computed with NumPy alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from dl.data.dataset import Dataset
from dl.data.types import Array
from dl.errors import UsageError
from dl.inspect.trace import Trace, trace
from dl.model.build import build_model, compile_model
from dl.progress import SilentReporter
from dl.training.fit import fit
from support.training import (
    SPARSE,
    class_target,
    config,
    dataset,
    inputs,
    labels,
    number_target,
    ready,
)

ROWS, COLUMNS, LEARNING_RATE = 5, 3, 0.1
CLOSE: dict[str, Any] = {"rel": 2e-4, "abs": 2e-6}
Slope = Callable[[Array, Array], Array]

ACTIVATIONS: dict[str, tuple[Callable[[Array], Array], Slope]] = {
    "linear": (lambda z: z, lambda z, a: np.ones_like(z)),
    "sigmoid": (lambda z: 1 / (1 + np.exp(-z)), lambda z, a: a * (1 - a)),
    "tanh": (np.tanh, lambda z, a: 1 - a**2),
    "relu": (lambda z: np.maximum(z, 0), lambda z, a: (z > 0).astype(float)),
    "leaky_relu": (lambda z: np.where(z > 0, z, 0.2 * z), lambda z, a: np.where(z > 0, 1, 0.2)),
    "elu": (lambda z: np.where(z > 0, z, np.exp(z) - 1), lambda z, a: np.where(z > 0, 1, a + 1)),
}
"""Each activation and its derivative."""


def softmax(z: Array) -> Array:
    powers = np.exp(z - z.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def loss_of(name: str, a: Array, y: Array) -> tuple[float, Array]:
    """Returns the loss and its gradient by the outputs; by z for the losses on softmax."""
    rows = len(y)
    if name == "mean_squared_error":
        return float(np.mean((a - y) ** 2)), 2 * (a - y) / y.size
    if name == "mean_absolute_error":
        return float(np.mean(np.abs(a - y))), np.sign(a - y) / y.size
    if name == "binary_crossentropy":
        each = -y * np.log(a) - (1 - y) * np.log(1 - a)
        return float(each.mean()), (a - y) / (a * (1 - a)) / y.size
    hot = y if name == "categorical_crossentropy" else np.eye(a.shape[1])[y.astype(int).reshape(-1)]
    return float(-np.mean((hot * np.log(a)).sum(axis=1))), (a - hot) / rows


def first_step(optimizer: dict[str, Any], g: Array) -> Array:
    """Returns the change of a weight in the first step."""
    match optimizer["type"]:
        case "SGD":
            times = 1 + optimizer.get("momentum", 0) * optimizer.get("nesterov", False)
            return -LEARNING_RATE * times * g
        case "Adam":
            m, v = 0.1 * g / (1 - 0.9), 0.001 * g**2 / (1 - 0.999)
            return -LEARNING_RATE * m / (np.sqrt(v) + 1e-7)
        case "RMSprop":
            return -LEARNING_RATE * g / np.sqrt(0.1 * g**2 + 1e-7)
        case "Adagrad":
            return -LEARNING_RATE * g / np.sqrt(0.1 + g**2 + 1e-7)
    raise AssertionError(optimizer)


def dense(units: int, activation: str, **more: Any) -> dict[str, Any]:
    return {"type": "Dense", "units": units, "activation": activation, **more}


def traced(
    layers: Sequence[Any], data: Dataset, rows: int | None = None, **training: Any
) -> tuple[Trace, list[Array]]:
    """Traces a step; returns it with the weights before it, which no two are equal of."""
    options: dict[str, Any] = {"batch_size": 64, "shuffle": False, **training}
    made = config(layers, **options)
    model = build_model(made, data.preprocessing.input_shape)
    compile_model(model, made, data.target)
    random = np.random.default_rng(3)
    weights = [random.normal(0, 0.7, weight.shape).astype("float32") for weight in model.weights]
    for weight, values in zip(model.weights, weights, strict=True):
        if "moving" not in weight.path:
            weight.assign(values)
    before = [weight.numpy() for weight in model.trainable_weights]
    return trace(model, data, made, rows), before


def data_for(loss: str) -> Dataset:
    x = inputs(ROWS, COLUMNS)
    if loss == SPARSE:
        return dataset(x, labels(ROWS))
    if loss == "categorical_crossentropy":
        return dataset(x, np.eye(3, dtype="float32")[labels(ROWS)], class_target("one_hot"))
    y = (labels(ROWS)[:, None] % 2).astype("float32") if "binary" in loss else x[:, :1] ** 2
    return dataset(x, y, number_target())


def check(found: Trace, activations: list[str], loss: str, weights: list[Array]) -> list[Array]:
    """Compares a dense network with NumPy's; returns the gradients, weight by weight."""
    a, befores, outputs = found.x.astype(float), [], []
    for place, name in enumerate(activations):
        z = a @ weights[2 * place] + weights[2 * place + 1]
        a = softmax(z) if name == "softmax" else ACTIVATIONS[name][0](z)
        befores.append(z)
        outputs.append(a)
    value, slope = loss_of(loss, a, found.y)
    gradients: list[Array] = []
    for place in reversed(range(len(activations))):
        if activations[place] != "softmax":
            slope = slope * ACTIVATIONS[activations[place]][1](befores[place], outputs[place])
        layer = found.layers[place]
        assert layer.pre_activation == pytest.approx(befores[place], **CLOSE)
        assert layer.output == pytest.approx(outputs[place], **CLOSE)
        assert layer.delta == pytest.approx(slope, **CLOSE)
        below = outputs[place - 1] if place else found.x
        gradients = [below.T @ slope, slope.sum(axis=0), *gradients]
        slope = slope @ weights[2 * place].T
    assert found.loss == pytest.approx(value, rel=1e-4)
    for weight, gradient in zip(found.weights, gradients, strict=True):
        assert weight.gradient == pytest.approx(gradient, **CLOSE)
    return gradients


@pytest.mark.parametrize("hidden", ACTIVATIONS)
@pytest.mark.parametrize(
    ("loss", "output", "units"),
    [
        ("mean_squared_error", "linear", 1),
        ("mean_absolute_error", "linear", 1),
        ("binary_crossentropy", "sigmoid", 1),
        (SPARSE, "softmax", 3),
        ("categorical_crossentropy", "softmax", 3),
    ],
)
def test_a_step_of_dense_layers_is_that_of_the_formulas(
    hidden: str, loss: str, output: str, units: int
) -> None:
    layers = [dense(4, hidden), dense(units, output)]

    found, before = traced(layers, data_for(loss), loss=loss)

    gradients = check(found, [hidden, output], loss, before)
    for weight, old, gradient in zip(found.weights, before, gradients, strict=True):
        assert weight.before == pytest.approx(old)
        assert weight.after == pytest.approx(old - LEARNING_RATE * gradient, **CLOSE)


@pytest.mark.parametrize(
    "optimizer",
    [
        {"type": "SGD"},
        {"type": "SGD", "momentum": 0.9},
        {"type": "SGD", "momentum": 0.9, "nesterov": True},
        {"type": "Adam"},
        {"type": "RMSprop"},
        {"type": "Adagrad"},
    ],
    ids=["SGD", "momentum", "Nesterov", "Adam", "RMSprop", "Adagrad"],
)
def test_an_update_is_that_of_the_optimizer(optimizer: dict[str, Any]) -> None:
    options = {**optimizer, "learning_rate": LEARNING_RATE}
    layers = [dense(4, "tanh"), dense(3, "softmax")]

    found, before = traced(layers, data_for(SPARSE), optimizer=options)

    gradients = check(found, ["tanh", "softmax"], SPARSE, before)
    for weight, old, gradient in zip(found.weights, before, gradients, strict=True):
        step = first_step(optimizer, gradient)
        assert weight.after - old == pytest.approx(step, rel=2e-3, abs=1e-5)
    assert (found.optimizer, found.learning_rate) == (optimizer["type"], pytest.approx(0.1))


def test_batch_normalization_scales_by_the_rows_of_the_batch() -> None:
    layers = [{"type": "BatchNormalization", "epsilon": 0.01}, dense(1, "linear")]

    found, before = traced(layers, data_for("mean_squared_error"), loss="mean_squared_error")

    gamma, beta, w, b = before
    scaled = (found.x - found.x.mean(axis=0)) / np.sqrt(found.x.var(axis=0) + 0.01)
    output = scaled * gamma + beta
    slope = 2 * (output @ w + b - found.y) / ROWS
    delta = slope @ w.T
    assert found.layers[0].output == pytest.approx(output, **CLOSE)
    assert (found.layers[0].pre_activation, found.layers[0].activation) == (None, None)
    assert found.layers[0].delta == pytest.approx(delta, **CLOSE)
    assert found.weights[0].gradient == pytest.approx((delta * scaled).sum(axis=0), **CLOSE)
    assert found.weights[1].gradient == pytest.approx(delta.sum(axis=0), **CLOSE)


def test_a_convolution_sums_over_its_window() -> None:
    layers: list[Any] = [
        {"type": "Conv2D", "filters": 2, "kernel_size": 2, "activation": "relu"},
        "Flatten",
        dense(1, "linear"),
    ]
    x = inputs(2, 3, 3, 1)
    data = dataset(x, np.array([[1.0], [-1.0]], "float32"), number_target())

    found, (kernel, bias, w, b) = traced(layers, data, loss="mean_squared_error")

    windows = np.stack([x[:, i : i + 2, j : j + 2, 0] for i in (0, 1) for j in (0, 1)], axis=1)
    z = np.einsum("npij,ijf->npf", windows, kernel[:, :, 0]) + bias
    flat = np.maximum(z, 0).reshape(2, 8)
    slope = 2 * (flat @ w + b - found.y) / 2
    dz = (slope @ w.T).reshape(z.shape) * (z > 0)
    conv = found.layers[0]
    assert conv.pre_activation is not None
    assert conv.delta is not None
    assert conv.pre_activation.reshape(z.shape) == pytest.approx(z, **CLOSE)
    assert conv.delta.reshape(z.shape) == pytest.approx(dz, **CLOSE)
    by_kernel = np.einsum("npij,npf->ijf", windows, dz)[:, :, np.newaxis]
    assert found.weights[0].gradient == pytest.approx(by_kernel, **CLOSE)
    assert found.weights[1].gradient == pytest.approx(dz.sum(axis=(0, 1)), **CLOSE)


def test_penalties_are_part_of_the_loss_and_the_gradient() -> None:
    penalty = {"kernel_regularizer": {"type": "L2", "l2": 0.3}}
    layers = [dense(1, "linear", **penalty)]

    found, (w, b) = traced(layers, data_for("mean_squared_error"), loss="mean_squared_error")

    error = found.x @ w + b - found.y
    assert found.penalty == pytest.approx(0.3 * (w**2).sum(), rel=1e-5)
    assert found.loss == pytest.approx((error**2).mean() + found.penalty, rel=1e-5)
    assert found.weights[0].gradient == pytest.approx(
        2 * found.x.T @ error / ROWS + 0.6 * w, **CLOSE
    )


def test_weights_of_classes_count_in_the_loss() -> None:
    weight = {"a": 1.0, "b": 5.0, "c": 0.5}

    found, (w, b) = traced([dense(3, "softmax")], data_for(SPARSE), class_weight=weight)

    of_rows = np.array([1.0, 5.0, 0.5])[labels(ROWS)]
    chance = softmax(found.x @ w + b)[np.arange(ROWS), labels(ROWS)]
    assert found.row_weights == pytest.approx(of_rows)
    assert found.loss == pytest.approx(float(np.mean(of_rows * -np.log(chance))), rel=1e-4)


def test_dropout_is_active_and_scales_what_is_left() -> None:
    layers = [{"type": "Dropout", "rate": 0.5}, dense(3, "softmax")]

    found, _ = traced(layers, data_for(SPARSE))

    shares = found.layers[0].output / found.x
    assert set(np.round(shares, 5).reshape(-1)) == {0.0, 2.0}


def test_the_step_is_the_first_one_of_the_training() -> None:
    made = config([dense(4, "tanh"), dense(3, "softmax")], batch_size=4, epochs=1)
    data = dataset(inputs(4, COLUMNS), labels(4))
    models = [build_model(made, data.preprocessing.input_shape) for _ in range(2)]
    for model in models:
        compile_model(model, made, data.target)

    found = trace(models[0], data, made)
    fit(ready(made, data, models[1]), SilentReporter(), lambda row: None)

    for weight, value in zip(found.weights, models[1].get_weights(), strict=True):
        assert weight.after == pytest.approx(value, abs=1e-6)


def test_rows_are_those_of_the_first_batch() -> None:
    layers, data = [dense(3, "softmax")], data_for(SPARSE)

    batch, _ = traced(layers, data, batch_size=2, shuffle=True)
    one, _ = traced(layers, data, rows=1, batch_size=2, shuffle=True)
    more, _ = traced(layers, data, rows=4, batch_size=2, shuffle=True)

    assert len(batch.rows) == 2
    assert one.rows.tolist() == batch.rows[:1].tolist()
    assert more.rows[:2].tolist() == batch.rows.tolist()
    assert len(more.rows) == 4
    assert batch.x == pytest.approx(data.train.x[batch.rows])


def test_a_solver_takes_no_steps() -> None:
    with pytest.raises(UsageError) as caught:
        traced([dense(1, "linear")], data_for("mean_squared_error"), solver="normal_equation")

    [problem] = caught.value.problems
    assert problem.message == "training.solver: normal_equation takes no steps that could be traced"
    assert problem.hint == "trace with --set training.solver=gradient_descent"
