"""A table of nothing but times and numbers is a series: windows, and parts in order."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

Dl = Callable[..., Any]

EXPECTED = """\
# yaml-language-server: $schema=dl.schema.json
# A first config, written by `dl init`. Change whatever you like.
# Editors complete and check it beside its schema: dl schema > dl.schema.json
#
# `guests.csv`: 120 rows, a series of `guests` by `month`.
# To predict: `guests`, a number between 90 and 110.

name: guests
seed: 42

data:
  source: csv
  path: guests.csv                # relative to this file
  target: guests
  # Trained on the past, tested on what came later
  split: {by: month, order: time, validation: 0.15, test: 0.2}
  window: {length: 12}            # 12 rows in, the next one out; a season has 12

preprocess:
  numeric: standardize            # mean 0, standard deviation 1
  target: standardize             # learns faster; metrics are in its own unit again

model:
  layers:
    - Flatten                     # the past of guests, one input for each step
    - {type: Dense, units: 64, activation: relu}
    - {type: Dense, units: 64, activation: relu}
    - {type: Dense, units: 1}     # no activation: any number may come out
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def drafted(dl: Dl, **columns: Any) -> dict[str, Any]:
    pd.DataFrame(columns).to_csv("rows.csv", index=False)
    config: dict[str, Any] = yaml.safe_load(dl("init", "rows.csv", "--target", "y").out)
    return config


def wave(rows: int) -> Any:
    return (100 + 10 * np.sin(2 * np.pi * np.arange(rows) / 12)).round(1)


def test_the_whole_config(folder: Path, dl: Dl) -> None:
    months = pd.date_range("2010-01-01", periods=120, freq="MS").strftime("%Y-%m")
    pd.DataFrame({"month": months, "guests": wave(120)}).to_csv("guests.csv", index=False)
    text = dl("init", "guests.csv", "--target", "guests").out
    assert text.startswith(EXPECTED)
    (folder / "guests.yaml").write_text(text)
    assert dl("validate", "guests.yaml").out == "guests.yaml: valid\n"
    assert dl("lint", "guests.yaml").out == "guests.yaml: no advice\n"


def test_what_grows_gets_logarithms(folder: Path, dl: Dl) -> None:
    config = drafted(dl, day=np.arange(90), y=np.round(wave(90) * 1.02 ** np.arange(90)))
    assert config["preprocess"] == {"numeric": "log1p", "target": "log1p"}
    assert config["data"]["split"]["by"] == "day"


def test_without_a_season_the_window_is_a_usual_one(folder: Path, dl: Dl) -> None:
    noise = np.random.default_rng(0).normal(size=200).cumsum().round(2)
    config = drafted(dl, day=np.arange(200), y=noise)
    assert config["data"]["window"] == {"length": 24}


def test_other_tables_are_none(folder: Path, dl: Dl) -> None:
    days = pd.date_range("2024-01-01", periods=90).strftime("%Y-%m-%d").to_numpy()
    assert "window" in drafted(dl, day=days, y=wave(90))["data"]
    assert "window" not in drafted(dl, day=days, x=wave(90) ** 2 % 7, y=wave(90))["data"]
    assert "window" not in drafted(dl, size=np.arange(90) * 1.5, y=wave(90))["data"]
    assert "window" not in drafted(dl, day=days[::-1], y=wave(90))["data"]
    assert "window" not in drafted(dl, day=days[:40], y=wave(40))["data"]
    assert "window" not in drafted(dl, day=days, y=["a", "b", "b"] * 30)["data"]


def test_parts_in_order_are_offered_where_the_rows_are_in_order(folder: Path, dl: Dl) -> None:
    days = pd.date_range("2024-01-01", periods=90).strftime("%Y-%m-%d").to_numpy()
    columns = {"x": wave(90) ** 2 % 7, "y": wave(90)}
    offers = []
    for order in (days, days[::-1]):
        pd.DataFrame({"day": order, **columns}).to_csv("rows.csv", index=False)
        text = dl("init", "rows.csv", "--target", "y").out
        offers.append("  # split: {by: day, order: time, validation: 0.15, test: 0.2}\n" in text)
    assert offers == [True, False]
