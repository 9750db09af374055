"""Section 6, the hidden layers: what each activation can learn, and two ways to fail."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dl.inspect.trace import trace
from support.course import prepared, trained

HIDDEN_LAYERS = 8


def sigmoid(z: Any) -> Any:
    return 1 / (1 + np.exp(-z))


ACTIVATIONS = {
    "linear": lambda z: z,
    "tanh": np.tanh,
    "sigmoid": sigmoid,
    "relu": lambda z: np.maximum(z, 0),
}
SLOPES = {"sigmoid": lambda a: a * (1 - a), "relu": lambda a: (a > 0).astype(np.float64)}


@pytest.mark.slow
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_only_bent_activations_part_the_circles(name: str) -> None:
    start = prepared("06e-hidden-activations", {"model.layers.hidden.activation": name})
    trained(start)
    x, y = start.dataset.train.x.astype(np.float64), start.dataset.train.y.reshape(-1)
    (w1, b1), (w2, b2) = (layer.get_weights() for layer in start.model.layers)
    ones = sigmoid(ACTIVATIONS[name](x @ w1 + b1) @ w2 + b2).reshape(-1) >= 0.5
    right = np.mean(ones == y)
    assert right <= best_of_any_line(x, y) if name == "linear" else right > 0.9


def best_of_any_line(x: Any, y: Any) -> float:
    """Returns the greatest share of rows that a straight line of 180 directions gets right."""
    shares = []
    for angle in np.arange(0, 2 * np.pi, np.pi / 180):
        classes = y[np.argsort(x @ [np.cos(angle), np.sin(angle)])]
        ones_above = np.append(np.cumsum(classes[::-1])[::-1], 0)
        zeros_below = np.insert(np.cumsum(1 - classes), 0, 0)
        shares.append((ones_above + zeros_below).max() / len(y))
    return float(max(shares))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rate", "activation", "dead"), [(5, "relu", 16), (0.1, "relu", 0), (5, "leaky_relu", 0)]
)
def test_relus_die_of_steps_too_large(rate: float, activation: str, dead: int) -> None:
    changes = {
        "training.optimizer.learning_rate": rate,
        "model.layers.hidden.activation": activation,
    }
    start = prepared("06f-dying-relu", changes)
    trained(start)
    w, b = start.model.layers[0].get_weights()
    z = start.dataset.train.x @ w + b
    without_slope = (z <= 0).all(axis=0) if activation == "relu" else np.zeros(16, bool)
    assert without_slope.sum() == dead
    outputs = start.model(start.dataset.train.x).numpy()
    assert (np.ptp(outputs) == 0) == (dead == 16)


@pytest.mark.slow
@pytest.mark.parametrize("name", SLOPES)
def test_gradients_of_a_deep_network_are_those_of_backpropagation(name: str) -> None:
    start = deep(name)
    weights = [w.astype(np.float64) for w in start.model.get_weights()]
    step = trace(start.model, start.dataset, start.config)
    by_dl = [weight.gradient for weight in step.weights if weight.name.endswith("kernel")]
    by_hand = backpropagated(weights, name, step.x.astype(np.float64), step.y)
    for found, wanted in zip(by_dl, by_hand, strict=True):
        np.testing.assert_allclose(found, wanted, atol=1e-7)
    first, last = (float(np.linalg.norm(by_hand[place])) for place in (0, -1))
    if name == "sigmoid":
        assert first < last / 100_000
    else:
        assert first > last / 100


@pytest.mark.slow
def test_deep_sigmoids_learn_nothing_where_relus_learn() -> None:
    right = {name: trained(deep(name)).metrics["accuracy"] for name in SLOPES}
    assert right["sigmoid"] < 0.6
    assert right["relu"] > 0.9


def deep(name: str) -> Any:
    layers = {f"model.layers.{place}.activation": name for place in range(HIDDEN_LAYERS)}
    return prepared("06g-vanishing-gradients", layers)


def backpropagated(weights: list[Any], name: str, x: Any, y: Any) -> list[Any]:
    """Returns the gradient of the binary cross-entropy by the kernel of each layer."""
    kernels, biases = weights[::2], weights[1::2]
    activations = [x]
    for w, b in zip(kernels[:-1], biases[:-1], strict=True):
        activations.append(ACTIVATIONS[name](activations[-1] @ w + b))
    p = sigmoid(activations[-1] @ kernels[-1] + biases[-1])
    delta = (p - y) / len(x)
    gradients = []
    for place in range(len(kernels) - 1, -1, -1):
        gradients.append(activations[place].T @ delta)
        if place:
            delta = delta @ kernels[place].T * SLOPES[name](activations[place])
    return gradients[::-1]
