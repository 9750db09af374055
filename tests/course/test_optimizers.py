"""Section 8: the line y = 4 + 3x by the normal equation and by three ways down to it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from dl.config.load import load_config
from dl.training.fit import RateReader
from dl.training.two_inputs import PathKeeper
from support.course import CONFIGS, parameters, prepared, trained

Floats = NDArray[Any]


def rows(start: Any) -> tuple[Floats, Floats]:
    """Returns X with a column of ones, and y, in double precision."""
    x, y = start.dataset.train.x, start.dataset.train.y.reshape(-1)
    return np.column_stack([np.ones(len(x)), x]).astype(np.float64), y.astype(np.float64)


def normal_equation(start: Any) -> Floats:
    x, y = rows(start)
    return np.asarray(np.linalg.inv(x.T @ x) @ x.T @ y)


def gradient(theta: Floats, x: Floats, y: Floats) -> Floats:
    return np.asarray(2 / len(x) * x.T @ (x @ theta - y))


@pytest.mark.slow
def test_normal_equation_is_the_formula() -> None:
    start = prepared("08a-normal-equation")
    theta = normal_equation(start)
    x, y = rows(start)
    run = trained(start)
    assert parameters(start.model) == pytest.approx(theta, abs=1e-5)
    error = x @ theta - y
    assert run.metrics["loss"] == pytest.approx(np.mean(error**2), rel=1e-5)
    assert run.metrics["root_mean_squared_error"] == pytest.approx(np.sqrt(np.mean(error**2)))


@pytest.mark.slow
def test_gradient_descent_ends_at_the_normal_equation() -> None:
    start = prepared("08b-gradient-descent")
    trained(start)
    assert parameters(start.model) == pytest.approx(normal_equation(start), abs=1e-4)


@pytest.mark.slow
def test_gradient_descent_takes_the_steps_of_the_formula() -> None:
    start = prepared("08b-gradient-descent", {"training.epochs": 30})
    x, y = rows(start)
    theta = parameters(start.model)
    keeper = PathKeeper(start.model, start.dataset)
    trained(start, watchers=[keeper])
    path = keeper.path(start.model, start.dataset)
    assert path is not None
    assert path.steps == 1
    for point in path.points:
        np.testing.assert_allclose(point, theta, atol=2e-5)
        theta = theta - 0.1 * gradient(theta, x, y)


@pytest.mark.slow
def test_schedule_is_the_one_of_the_course() -> None:
    """The rate at the start of each epoch of 100 steps is 5 / (t + 50)."""
    start = prepared("08c-sgd", {"training.epochs": 3, "engine.steps_per_call": "auto"})
    first = RateReader(start.model, start.config).value()
    run = trained(start)
    rates = [first, *(row["learning_rate"] for row in run.history)]
    last_steps = [0, 99, 199, 299]
    assert rates == pytest.approx([5 / (t + 50) for t in last_steps], rel=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["08c-sgd", "08d-mini-batch"])
def test_fewer_rows_a_step_end_near_the_normal_equation(name: str) -> None:
    start = prepared(name, {"engine.steps_per_call": "auto"})
    run = trained(start)
    x, y = rows(start)
    least = np.mean((x @ normal_equation(start) - y) ** 2)
    assert least <= run.metrics["loss"] < 1.05 * least


@pytest.mark.slow
def test_loss_under_the_path_is_that_of_the_rows() -> None:
    start = prepared("08b-gradient-descent", {"training.epochs": 1})
    x, y = rows(start)
    keeper = PathKeeper(start.model, start.dataset)
    path = keeper.path(start.model, start.dataset)
    assert path is not None
    assert path.least == pytest.approx(normal_equation(start), abs=1e-6)
    for row, column in ((0, 0), (10, 70), (79, 79)):
        error = x @ [path.biases[column], path.weights[row]] - y
        assert path.loss[row, column] == pytest.approx(np.mean(error**2), rel=1e-5)


@pytest.mark.slow
def test_networks_of_another_form_have_no_path() -> None:
    start = prepared("01-perceptron")
    assert PathKeeper(start.model, start.dataset).path(start.model, start.dataset) is None


def test_all_four_start_from_the_same_rows() -> None:
    configs = [load_config(path).config for path in sorted(Path(CONFIGS).glob("08*.yaml"))]
    assert len(configs) == 4
    assert len({(config.seed, repr(config.data)) for config in configs}) == 1
