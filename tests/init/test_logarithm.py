"""The logarithm of a skewed target, which `dl init` tries on the training rows."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from numpy.typing import NDArray

Dl = Callable[..., Any]
_PAIR = r"(\d+) instead of (\d+)"
TRIED = "# It is skewed, so `log1p` was tried, by a small network in 3 folds of the training rows:"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(path: Path, x: NDArray[np.float64], y: NDArray[np.float64]) -> None:
    np.savetxt(path, np.c_[x, y], delimiter=",", header="a,b,c,d,y", comments="", fmt="%.6g")


def inputs(rows: int) -> NDArray[np.float64]:
    return np.random.default_rng(0).normal(size=(rows, 4))


def products(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Prices as they are made: each input adds some percent."""
    return np.exp(8 + x @ [0.7, 0.6, 0.5, 0.4])


def test_what_is_learned_better_by_its_logarithm_gets_it_with_the_numbers(
    folder: Path, dl: Dl
) -> None:
    x = inputs(400)
    write(folder / "a.csv", x, products(x))
    text = dl("init", "a.csv", "--target", "y").out
    assert yaml.safe_load(text)["preprocess"]["target"] == "log1p"
    before, after = text.split(TRIED)
    said = " ".join(after.split("  target:")[0].replace("#", "").split())
    assert before.endswith("\n  ")
    found = re.fullmatch(rf"mean absolute error {_PAIR}, RMSE {_PAIR}", said)
    assert found is not None
    log_mae, mae, log_rmse, rmse = map(float, found.groups())
    assert log_mae <= 0.98 * mae
    assert log_rmse <= rmse


def test_arrays_are_tried_too(folder: Path, dl: Dl) -> None:
    x = inputs(400)
    np.savez(folder / "a.npz", x_train=x, y_train=products(x))
    text = dl("init", "a.npz").out
    assert yaml.safe_load(text)["preprocess"]["target"] == "log1p"


def test_a_skewed_sum_stays_as_it_is_and_the_trial_is_said(folder: Path, dl: Dl) -> None:
    x = np.abs(inputs(400)) ** 3
    write(folder / "a.csv", x, x.sum(axis=1))
    text = dl("init", "a.csv", "--target", "y").out
    assert TRIED in text
    assert yaml.safe_load(text)["preprocess"]["target"] == "standardize"


def test_a_row_that_the_logarithm_would_miss_beyond_measure_keeps_it_out(
    folder: Path, dl: Dl
) -> None:
    x = inputs(400)
    y = products(x)
    x[17] = 12  # a slip of the pen
    write(folder / "a.csv", x, y)
    text = dl("init", "a.csv", "--target", "y").out
    assert TRIED in text
    assert yaml.safe_load(text)["preprocess"]["target"] == "standardize"


@pytest.mark.parametrize(
    ("rows", "least"), [(400, -50.0), (120, 0.0)], ids=["below zero", "few rows"]
)
def test_where_it_makes_no_sense_it_is_not_tried(
    folder: Path, dl: Dl, rows: int, least: float
) -> None:
    x = inputs(rows)
    write(folder / "a.csv", x, products(x) + least - products(x).min())
    text = dl("init", "a.csv", "--target", "y").out
    assert "log1p" not in text
    assert yaml.safe_load(text)["preprocess"]["target"] == "standardize"


def test_a_target_that_is_not_skewed_is_not_tried(folder: Path, dl: Dl) -> None:
    x = inputs(400)
    write(folder / "a.csv", x, 100 + x.sum(axis=1))
    assert "log1p" not in dl("init", "a.csv", "--target", "y").out
