"""Section 7: what each loss makes of the same rows."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest

from conftest import Dl
from support.course import CONFIGS, parameters, prepared, trained

SPARSE, ONE_HOT = "sparse_categorical_crossentropy", "categorical_crossentropy"


@functools.cache
def fitted(loss: str) -> tuple[Any, Any, dict[str, float]]:
    """Returns θ, the errors of all rows and the metrics after training on rows with outliers."""
    start = prepared("07a-outliers", {"training.loss": loss})
    run = trained(start)
    x, y = start.dataset.train.x.reshape(-1), start.dataset.train.y.reshape(-1)
    theta = parameters(start.model)
    return theta, theta[0] + theta[1] * x - y, run.metrics


@pytest.mark.slow
def test_absolute_error_fits_the_bulk_and_squared_error_is_pulled() -> None:
    for loss, pulled in (("mean_absolute_error", False), ("mean_squared_error", True)):
        theta, _, _ = fitted(loss)
        at_one = theta[0] + theta[1]  # the line at x = 1; without outliers it is 7
        assert at_one == pytest.approx(7 + 20 / 10, abs=0.5) if pulled else at_one < 7.3
        assert at_one > 6.7


@pytest.mark.slow
def test_losses_and_rmse_are_the_formulas() -> None:
    for loss in ("mean_absolute_error", "mean_squared_error"):
        _, errors, metrics = fitted(loss)
        formulas = {
            "mean_absolute_error": np.abs(errors).mean(),
            "mean_squared_error": np.mean(errors**2),
            "root_mean_squared_error": np.sqrt(np.mean(errors**2)),
        }
        assert {name: metrics[name] for name in formulas} == pytest.approx(formulas, rel=1e-4)
        assert metrics["loss"] == pytest.approx(formulas[loss], rel=1e-4)


@pytest.mark.slow
def test_squared_error_is_least_where_the_normal_equation_says() -> None:
    start = prepared("07a-outliers", {"training.loss": "mean_squared_error"})
    trained(start)
    x = np.column_stack([np.ones(100), start.dataset.train.x]).astype(np.float64)
    theta = np.linalg.solve(x.T @ x, x.T @ start.dataset.train.y.reshape(-1))
    assert parameters(start.model) == pytest.approx(theta, abs=0.01)


@pytest.mark.slow
def test_sparse_and_categorical_are_one_loss() -> None:
    runs = {}
    for loss in (SPARSE, ONE_HOT):
        start = prepared("07b-crossentropies", {"training.loss": loss, "training.epochs": 5})
        runs[loss] = trained(start)
    losses = [[row["loss"] for row in run.history] for run in runs.values()]
    np.testing.assert_allclose(*losses, rtol=1e-6)
    assert runs[SPARSE].metrics == pytest.approx(runs[ONE_HOT].metrics, rel=1e-6)


@pytest.mark.slow
def test_crossentropy_is_the_formula() -> None:
    start = prepared("07b-crossentropies", {"training.epochs": 1})
    run, part = trained(start), start.dataset.test
    assert part is not None
    p = start.model(part.x).numpy().astype(np.float64)
    loss = -np.log(p[np.arange(len(p)), part.y]).mean()
    assert run.metrics["loss"] == pytest.approx(loss, rel=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize(("loss", "size"), [(SPARSE, 4), (ONE_HOT, 4 * 10)])
def test_memory_of_the_targets_is_told(dl: Dl, tmp_path: Any, loss: str, size: int) -> None:
    options = ["--set", f"training.loss={loss}", "--set", "training.epochs=1"]
    outcome = dl("train", CONFIGS / "07b-crossentropies.yaml", "-v", "--runs", tmp_path, *options)
    shown = dl("show", "07b-crossentropies", "-v", "--runs", tmp_path).out
    rows = 1797 - 359 - 180
    words = f"{size * rows / 1000:.{0 if size > 4 else 1}f} kB"
    for text in (outcome.err, shown):
        lines = [line for line in text.splitlines() if line.startswith(f"train       {rows:,}")]
        assert [line.endswith(words) for line in lines] == [True]
