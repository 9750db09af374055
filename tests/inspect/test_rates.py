"""The learning-rate range test: its steps are those of NumPy, and its rules those that it names."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

import dl
from conftest import Dl
from dl.config.load import load_text
from dl.inspect.rates import RateTest, _judged

ROWS = np.random.default_rng(3).normal(size=(64, 3))
TARGETS = ROWS @ [1.0, -2.0, 0.5] + 3


@pytest.fixture
def line(tmp_path: Path) -> dict[str, Any]:
    """A config of one linear unit that takes all rows at each step, and begins at 0."""
    table = pd.DataFrame(ROWS, columns=list("abc")).assign(y=TARGETS)
    table.to_csv(tmp_path / "line.csv", index=False)
    data = {"source": "csv", "path": str(tmp_path / "line.csv"), "target": "y"}
    return {
        "name": "line",
        "data": {**data, "split": {"validation": 0.2, "test": 0}},
        "preprocess": {"numeric": "none"},
        "model": {"layers": [{"type": "Dense", "units": 1, "kernel_initializer": "zeros"}]},
        "training": {"loss": "mse", "optimizer": "sgd", "batch_size": "full"},
    }


def _descent(x: Any, y: Any, rates: Any) -> list[float]:
    """Returns the loss before each step of gradient descent."""
    x, theta, losses = np.column_stack([x, np.ones(len(x))]), np.zeros(4), []
    for rate in rates:
        error = x @ theta - y
        losses.append(float(np.mean(error**2)))
        theta -= rate * 2 * x.T @ error / len(x)
    return losses


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("noise", [0.0, 0.2, 1.0])
def test_the_noise_of_batches_is_no_slope(line: dict[str, Any], seed: int, noise: float) -> None:
    rates = np.geomspace(1e-7, 10, 200)
    course = 2 / (1 + (rates / 0.01) ** 1.5) + np.where(rates > 1, 5 * rates, 0)  # steepest at 0.01
    losses = course + noise * np.random.default_rng(seed).normal(size=200) + 3
    loaded = load_text(Path("line.yaml"), json.dumps(line).encode())
    found = _judged(loaded, SimpleNamespace(rates=rates, losses=losses.tolist()))  # type: ignore[arg-type]
    assert 0.002 < found.suggestion < 0.3
    if noise < 1:
        assert 0.004 < found.steepest < 0.025
        assert found.reason == "where the smoothed loss falls fastest"


@pytest.mark.slow
def test_losses_are_those_of_gradient_descent(line: dict[str, Any]) -> None:
    line["data"]["split"] = {"validation": 0, "test": 0}
    found = dl.learning_rates(line, steps=100)
    rates = np.geomspace(1e-7, 10, 100)[: len(found.rates)]
    np.testing.assert_allclose(found.rates, rates)
    expected = _descent(ROWS, TARGETS, rates)
    np.testing.assert_allclose(found.losses, expected, rtol=1e-4, atol=1e-3)
    losses = found.losses  # where it diverges, the rounding of float32 grows
    means = [np.mean(losses[max(0, i - 5) : i + 6]) for i in range(len(losses))]
    np.testing.assert_allclose(found.smoothed, means)
    low = int(np.argmin(means[5:-5])) + 5
    assert found.least == found.rates[low]
    again = [np.mean(means[max(0, i - 5) : i + 6]) for i in range(len(means))]
    slopes = np.gradient(again)
    assert found.steepest == found.rates[5 + int(np.argmin(slopes[5 : low + 1]))]
    assert found.diverged == found.rates[-1] < 10  # the trailing mean is over 4 times the least
    assert means[-6] > 4 * min(means[5:-5]) > means[-7]
    assert found.suggestion == pytest.approx(min(found.steepest, found.least / 10), rel=0.05)
    assert found.line == f"learning_rate: {found.suggestion:g}"


@pytest.mark.slow
def test_it_is_the_same_each_time_and_leaves_schedule_and_callbacks_out(
    line: dict[str, Any],
) -> None:
    plain = dl.learning_rates(line, {"training.batch_size": 8}, steps=60)
    changed = {
        "training.batch_size": 8,
        "training.optimizer": {
            "type": "sgd",
            "learning_rate": {"type": "OneCycle", "max_learning_rate": 1.0},
        },
        "training.callbacks": [{"type": "EarlyStopping", "monitor": "val_loss"}],
        "training.time_limit": "1s",
    }
    found = dl.learning_rates(line, changed, steps=60)
    assert isinstance(found, RateTest)
    assert (found.losses, found.suggestion) == (plain.losses, plain.suggestion)
    assert (plain.replaced, found.replaced) == (None, "OneCycle")


@pytest.mark.parametrize(
    ("changed", "code", "text"),
    [
        (
            {
                "training.solver": "normal_equation",
                "training.batch_size": 32,
                "training.optimizer": "adam",
            },
            2,
            "training.solver finds the weights at once, without a learning rate",
        ),
        (
            {"model.layers.0.trainable": False},
            6,
            "no learning rate from 1e-07 to 10 makes the loss fall",
        ),
        (
            {"model.layers.0.kernel_initializer": {"type": "Constant", "value": 1e30}},
            6,
            "the loss became NaN or infinite: at a learning rate of 1.0e-07, in step 1",
        ),
    ],
)
def test_without_a_suggestion(
    line: dict[str, Any], changed: dict[str, Any], code: int, text: str
) -> None:
    with pytest.raises(dl.DlError) as caught:
        dl.learning_rates(line, changed, steps=60)
    assert (caught.value.exit_code, caught.value.problems[0].message) == (code, text)


def test_too_few_steps_are_refused(line: dict[str, Any]) -> None:
    with pytest.raises(dl.UsageError, match="too few steps"):
        dl.learning_rates(line, steps=49)


@pytest.mark.slow
def test_the_command_draws_it_and_makes_no_run(
    dl: Dl, line: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "line.yaml").write_text(json.dumps(line))
    outcome = dl("lr", "line.yaml", "--steps", 60, "-q")
    *picture, _, reason, last = outcome.out.splitlines()
    assert outcome.code == 0
    assert sum("┊" in row for row in picture) >= 8  # the curve hides it in a row or two
    assert picture[10].split()[0] == "1e-07"
    assert reason.startswith("learning rate ")
    assert last.startswith("learning_rate: ")
    assert (tmp_path / "line-lr.png").read_bytes().startswith(b"\x89PNG")
    found = json.loads(dl("lr", "line.yaml", "--steps", 60, "--png", "x.png", "--json").out)
    assert found["line"] == last
    assert found["picture"] == "x.png"
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        *("line-lr.png", "line.csv", "line.yaml", "x.png")
    ]
