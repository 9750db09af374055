"""Sections 4 and 5: what one unit cannot do, and what layers are."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from dl.inspect.layers import layer_rows
from support.course import prepared, trained

CORNERS = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
XOR = np.array([0, 1, 1, 0])


def test_no_line_gets_more_than_three_corners_right() -> None:
    """Every way in which a line can part the four corners is among these."""
    steps = np.arange(-3, 3.5, 0.5)
    shares = [
        np.mean((CORNERS @ [w1, w2] + b >= 0) == XOR)
        for w1, w2, b in itertools.product(steps, steps, steps)
    ]
    assert max(shares) == 0.75


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_one_unit_stays_at_three_corners(seed: int) -> None:
    run = trained(prepared("04a-xor-one-unit", {"seed": seed, "training.epochs": 200}))
    assert max(row["accuracy"] for row in run.history) <= 0.75
    assert run.metrics["accuracy"] <= 0.75


@pytest.mark.slow
def test_one_unit_solves_it_from_and_and_or() -> None:
    start = prepared("04b-xor-and-or")
    x, y = start.dataset.train.x, start.dataset.train.y.reshape(-1)
    x1, x2 = CORNERS.T
    np.testing.assert_array_equal(x, np.column_stack([x1 & x2, x1 | x2]))
    np.testing.assert_array_equal(y, x1 ^ x2)
    trained(start)
    kernel, bias = start.model.get_weights()
    np.testing.assert_array_equal((x @ kernel + bias >= 0).reshape(-1), y == 1)


@pytest.mark.slow
def test_hidden_layer_learns_it() -> None:
    start = prepared("04c-xor-hidden")
    assert trained(start).metrics["accuracy"] == 1
    np.testing.assert_array_equal(forward(start.model, CORNERS).reshape(-1) >= 0.5, XOR == 1)


@pytest.mark.slow
def test_network_of_four_layers_is_the_formula() -> None:
    start = prepared("05-four-layers", {"training.epochs": 1})
    trained(start)
    x = start.dataset.train.x[:50]
    by_dl = start.model(x).numpy()
    np.testing.assert_allclose(by_dl, forward(start.model, x), atol=1e-6)


def test_parameters_are_counted_by_hand() -> None:
    rows = layer_rows(prepared("05-four-layers").model)
    weights = [row.parameters - row.biases for row in rows]
    assert weights == [2 * 8, 8 * 4, 4 * 1]
    assert [row.biases for row in rows] == [8, 4, 1]
    rows = layer_rows(prepared("09-hyperparameters").model)
    assert sum(row.parameters for row in rows) == 30 * 16 + 16 + 16 * 8 + 8 + 8 * 1 + 1 == 641


def forward(model: Any, x: Any) -> Any:
    """Returns h(x): each hidden layer tanh(W a + b), the last one a sigmoid."""
    arrays = model.get_weights()
    layers = list(zip(arrays[::2], arrays[1::2], strict=True))
    a = np.asarray(x, np.float64)
    for w, b in layers[:-1]:
        a = np.tanh(a @ w + b)
    w, b = layers[-1]
    return 1 / (1 + np.exp(-(a @ w + b)))
