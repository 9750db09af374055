"""Section 6, the output: its activation is the range and the meaning of what is predicted."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conftest import Dl
from support.course import CONFIGS, prepared, trained


def table(name: str) -> dict[str, Any]:
    """Returns the columns of a table of the course."""
    rows = list(csv.reader((CONFIGS / name).read_text().splitlines()))
    return dict(zip(rows[0], np.array(rows[1:], float).T, strict=True))


def predicted(dl: Dl, config: str, folder: Path, rows: str) -> list[dict[str, str]]:
    """Trains, and returns the predictions of a run for rows of CSV."""
    path = CONFIGS / f"{config}.yaml"
    assert dl("train", path, "--runs", folder, "-q").code == 0
    (folder / "rows.csv").write_text(rows)
    outcome = dl("predict", folder / config / "0001", folder / "rows.csv", "-q")
    return list(csv.DictReader(io.StringIO(outcome.out)))


@pytest.mark.slow
def test_linear_output_finds_the_formula_of_the_price(dl: Dl, tmp_path: Path) -> None:
    head = "area_m2,rooms,age_years,centre_km\n"
    rows = predicted(dl, "06a-output-linear", tmp_path, head + "100,4,20,5\n400,15,0,1\n")
    prices = [float(row["prediction"]) for row in rows]
    true = [60_000 + 250_000 + 32_000 - 18_000 - 20_000, 60_000 + 1_000_000 + 120_000 - 4000]
    assert prices == pytest.approx(true, rel=0.05)  # the second beyond all prices it has seen


@pytest.mark.slow
def test_errors_of_the_price_are_in_its_unit() -> None:
    start = prepared("06a-output-linear", {"training.epochs": 2})
    run = trained(start)
    part, price = start.dataset.test, table("house-prices.csv")["price"]
    assert part is not None
    train = price[start.dataset.train.rows]
    outputs = start.model(part.x).numpy().reshape(-1) * train.std() + train.mean()
    errors = outputs - price[part.rows]
    assert run.metrics["mean_absolute_error"] == pytest.approx(np.abs(errors).mean(), rel=1e-4)
    rms = np.sqrt(np.mean(errors**2))
    assert run.metrics["root_mean_squared_error"] == pytest.approx(rms, rel=1e-4)


@pytest.mark.slow
def test_sigmoid_outputs_need_not_sum_to_one(dl: Dl, tmp_path: Path) -> None:
    head = "temperature,clouds,wind\n"
    rows = predicted(dl, "06b-output-sigmoid", tmp_path, head + "2,95,30\n30,5,5\n22,55,5\n")
    labels = ("coat", "umbrella", "sunscreen")
    chosen = [[int(row[f"prediction_{label}"]) for label in labels] for row in rows]
    assert chosen == [[1, 1, 0], [0, 0, 1], [0, 0, 0]]
    sums = [sum(float(row[f"probability_{label}"]) for label in labels) for row in rows]
    assert sums[0] > 1.5
    assert sums[2] < 0.8


@pytest.mark.slow
def test_softmax_output_is_the_formula_and_sums_to_one() -> None:
    start = prepared("06c-output-softmax")
    assert trained(start).metrics["accuracy"] > 0.9
    x = start.dataset.train.x
    (w1, b1), (w2, b2) = (layer.get_weights() for layer in start.model.layers)
    powers = np.exp(np.maximum(x @ w1 + b1, 0) @ w2 + b2)
    by_dl = start.model(x).numpy()
    np.testing.assert_allclose(by_dl, powers / powers.sum(axis=1, keepdims=True), atol=1e-6)
    np.testing.assert_allclose(by_dl.sum(axis=1), 1, atol=1e-6)


@pytest.mark.slow
def test_tanh_output_learns_angles_and_never_leaves_their_range(dl: Dl, tmp_path: Path) -> None:
    rows = "offset_m,heading_deg\n0,0\n1,10\n-1,-10\n100,1000\n-100,-1000\n"
    found = predicted(dl, "06d-output-tanh", tmp_path, rows)
    angles = np.array([float(row["prediction"]) for row in found])
    assert np.abs(angles).max() <= 90
    assert angles[3:] == pytest.approx([-90, 90])
    wanted = -90 * np.tanh(0.6 * np.array([0, 1, -1]) + 0.03 * np.array([0, 10, -10]))
    assert angles[:3] == pytest.approx(wanted, abs=4)


@pytest.mark.slow
def test_angles_are_trained_on_as_shares_of_ninety_degrees() -> None:
    start = prepared("06d-output-tanh", {"training.epochs": 1})
    run = trained(start)
    train, test, angle = start.dataset.train, start.dataset.test, table("steering.csv")["angle_deg"]
    assert test is not None
    np.testing.assert_allclose(train.y.reshape(-1), angle[train.rows] / 90, atol=1e-6)
    errors = 90 * start.model(test.x).numpy().reshape(-1) - angle[test.rows]
    assert run.metrics["mean_absolute_error"] == pytest.approx(np.abs(errors).mean(), rel=1e-4)
