"""Sections 2 and 3: what a step does, whichever rows it takes, and the logistic unit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from conftest import Dl
from dl.training.steps import Batches
from support.course import CONFIGS, parameters, prepared, trained


def sigmoid(z: Any) -> Any:
    return 1 / (1 + np.exp(-z))


def with_ones(x: Any) -> Any:
    return np.column_stack([np.ones(len(x)), x]).astype(np.float64)


@pytest.mark.slow
@pytest.mark.parametrize("sampling", ["without_replacement", "with_replacement"])
@pytest.mark.parametrize("size", ["full", 1, 10])
def test_every_step_goes_down_the_gradient_of_its_rows(size: int | str, sampling: str) -> None:
    changes = {"training.batch_size": size, "training.sampling": sampling, "training.epochs": 2}
    start = prepared("02-loss-minimisation", changes)
    x, y = with_ones(start.dataset.train.x), start.dataset.train.y.reshape(-1)
    theta = parameters(start.model)
    batches = Batches.of(start.config, start.dataset)
    by_dl: list[Any] = []
    trained(start, on_step=lambda model: by_dl.append(parameters(model)))
    by_hand = []
    for epoch in (1, 2):
        for rows in np.array_split(batches.order(epoch), batches.steps):
            gradient = 2 / len(rows) * x[rows].T @ (x[rows] @ theta - y[rows])
            theta = theta - 0.05 * gradient
            by_hand.append(theta)
    assert len(by_dl) == len(by_hand) == 2 * batches.steps
    np.testing.assert_allclose(by_dl, by_hand, atol=2e-5)


def test_rows_come_once_an_epoch_or_at_random() -> None:
    start = prepared("02-loss-minimisation", {"training.batch_size": 10})
    batches = Batches.of(start.config, start.dataset)
    first, second = batches.order(1), batches.order(2)
    assert sorted(first) == sorted(second) == list(range(100))
    assert list(first) != list(second)
    start = prepared("02-loss-minimisation", {"training.sampling": "with_replacement"})
    drawn = Batches.of(start.config, start.dataset).order(1)
    assert len(drawn) == 100
    assert 50 < len(set(drawn)) < 75  # 1 - 1/e of the rows: 63 of 100


@pytest.mark.slow
def test_logistic_update_is_the_rate_times_error_times_input() -> None:
    """One pass over 150 rows, each the update w ← w + rate (y - p) x."""
    changes = {"training.epochs": 1, "engine.steps_per_call": 1}
    start = prepared("03-logistic-unit", changes)
    x, y = with_ones(start.dataset.train.x), start.dataset.train.y.reshape(-1)
    theta = parameters(start.model)
    order = Batches.of(start.config, start.dataset).order(1)
    by_dl: list[Any] = []
    trained(start, on_step=lambda model: by_dl.append(parameters(model)))
    for row, found in zip(order, by_dl, strict=True):
        p = sigmoid(x[row] @ theta)
        theta = theta + 0.01 * (y[row] - p) * x[row]
        np.testing.assert_allclose(found, theta, atol=2e-6)


@pytest.mark.slow
def test_logistic_loss_is_the_binary_crossentropy() -> None:
    start = prepared("03-logistic-unit", {"training.epochs": 2})
    run = trained(start)
    part = start.dataset.train
    p, y = sigmoid(with_ones(part.x) @ parameters(start.model)), part.y.reshape(-1)
    loss = np.mean(-y * np.log(p) - (1 - y) * np.log(1 - p))
    assert run.metrics["loss"] == pytest.approx(loss, rel=1e-4)
    assert run.metrics["accuracy"] == pytest.approx(np.mean((p >= 0.5) == y))


@pytest.mark.slow
def test_threshold_of_evaluation_and_prediction(dl: Dl, tmp_path: Any) -> None:
    config = CONFIGS / "03-logistic-unit.yaml"
    assert dl("train", config, "--runs", tmp_path, "--set", "training.epochs=3", "-q").code == 0
    run = tmp_path / "03-logistic-unit" / "0001"

    def chosen(*options: str) -> tuple[list[bool], list[float]]:
        lines = dl("predict", run, "--split", "validation", "-q", *options).out.splitlines()[1:]
        cells = [line.split(",") for line in lines]
        return [cell[0] == "1" for cell in cells], [float(cell[2]) for cell in cells]

    for options, threshold in (((), 0.5), (("--threshold", "0.05"), 0.05)):
        ones, p = chosen(*options)
        assert ones == [value >= threshold for value in p]
    assert sum(chosen("--threshold", "0.05")[0]) > sum(chosen()[0])


@pytest.mark.slow
@pytest.mark.parametrize("threshold", [0.05, 0.5, 0.9])
def test_metrics_count_by_the_threshold(threshold: float) -> None:
    changes = {"training.epochs": 3, "evaluation.threshold": threshold}
    start = prepared("03-logistic-unit", changes)
    run = trained(start)
    part = start.dataset.train
    ones = sigmoid(with_ones(part.x) @ parameters(start.model)) >= threshold
    true = part.y.reshape(-1) == 1
    assert run.metrics["accuracy"] == pytest.approx(np.mean(ones == true))
    assert run.metrics["Precision"] == pytest.approx((ones & true).sum() / ones.sum())
    assert run.metrics["Recall"] == pytest.approx((ones & true).sum() / true.sum())
