"""Section 1: the perceptron is the rule w ← w + rate (y - h(x)) x, update by update."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from support.course import prepared, trained

Floats = NDArray[np.float32]


def rule(
    w: Floats, b: np.float32, x: Floats, y: Floats, alpha: float
) -> tuple[Floats, np.float32, int]:
    """Goes through the rows once; returns the weights and the number of errors on the way."""
    rate, errors = np.float32(alpha), 0
    for row, wanted in zip(x, y, strict=True):
        h = np.float32(1 if row @ w + b >= 0 else 0)
        w, b = w + rate * (wanted - h) * row, b + rate * (wanted - h)
        errors += int(h != wanted)
    return w, b, errors


def passes(dataset: str, epochs: int, **changes: Any) -> tuple[list[Any], list[Any], list[int]]:
    """Trains `epochs` passes; returns the weights after each by `dl`, by the rule, and its errors.

    The rows are those that `dl` trains on; the start is the model's; the order is the rows' own.
    """
    changes = {"data.dataset": dataset, "training.epochs": epochs, **changes}
    start = prepared("01-perceptron", changes)
    x, y = start.dataset.train.x, start.dataset.train.y.reshape(-1)
    w, b = (array.reshape(-1) for array in start.model.get_weights())
    b = b[0]
    by_rule, errors = [], []
    for _ in range(epochs):
        w, b, wrong = rule(w, b, x, y, 0.1)
        by_rule.append(np.append(w, b))
        errors.append(wrong)
        if wrong == 0:
            break
    by_dl: list[Any] = []
    run = trained(
        start, lambda model: by_dl.append(np.concatenate([w.ravel() for w in model.get_weights()]))
    )
    assert len(run.history) == len(errors)
    return by_dl, by_rule, errors


@pytest.mark.slow
@pytest.mark.parametrize("dataset", ["and", "or", "xor"])
def test_every_pass_gives_the_weights_of_the_rule_by_hand(dataset: str) -> None:
    by_dl, by_rule, _ = passes(dataset, 30)
    np.testing.assert_array_equal(by_dl, by_rule)


@pytest.mark.slow
def test_every_update_gives_the_weights_of_the_rule_by_hand() -> None:
    start = prepared("01-perceptron", {"engine.steps_per_call": 1})
    x, y = start.dataset.train.x, start.dataset.train.y.reshape(-1)
    w, b = (array.reshape(-1) for array in start.model.get_weights())
    by_dl: list[Any] = []
    trained(start, on_step=lambda model: by_dl.append([a.ravel() for a in model.get_weights()]))
    for step, (weights, bias) in enumerate(by_dl):
        row = slice(step % 4, step % 4 + 1)
        w, bias_by_rule, _ = rule(w, b[0], x[row], y[row], 0.1)
        b = np.array([bias_by_rule])
        np.testing.assert_array_equal(weights, w)
        np.testing.assert_array_equal(bias, b)


@pytest.mark.slow
@pytest.mark.parametrize("dataset", ["and", "or", "blobs"])
def test_it_ends_without_errors_where_a_line_separates(dataset: str) -> None:
    rows = {"data.rows": 100} if dataset == "blobs" else {}
    _, _, errors = passes(dataset, 100, **rows)
    assert errors[-1] == 0
    assert len(errors) < 100


@pytest.mark.slow
def test_it_never_ends_on_xor_and_that_is_said() -> None:
    start = prepared("01-perceptron", {"data.dataset": "xor"})
    run = trained(start)
    assert len(run.history) == 100
    assert run.notes[-1] == (
        f"errors remain after 100 epochs: accuracy is {run.history[-1]['accuracy']:.4g}, not 1; "
        "if a single unit learns this, perhaps no straight line separates the classes"
    )


@pytest.mark.slow
def test_loss_is_that_of_the_course() -> None:
    start = prepared("01-perceptron", {"training.epochs": 1})
    x, y = start.dataset.train.x, start.dataset.train.y.reshape(-1)
    w, b = (array.reshape(-1) for array in start.model.get_weights())
    losses = []
    for row, wanted in zip(x, y, strict=True):
        product = row @ w + b[0]
        losses.append(-(wanted - (product >= 0)) * product)
        w, bias, _ = rule(w, b[0], row[None], np.array([wanted]), 0.1)
        b = np.array([bias])
    assert trained(start).history[0]["loss"] == pytest.approx(np.mean(losses), abs=1e-7)
