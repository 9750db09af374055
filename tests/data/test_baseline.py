"""The trivial answer of a sweep's leaderboard."""

from __future__ import annotations

from pathlib import Path

import pytest

from dl.config.load import load_config
from dl.data.load import read_dataset
from dl.data.profile import baseline_metrics
from dl.progress import SilentReporter

TEXT = """\
data: {source: csv, path: rows.csv, target: y, split: {validation: 0, test: 0}}
model: {layers: [LAYER]}
training: {loss: LOSS, metrics: [METRICS]}
"""


def _trivial(folder: Path, values: str, layer: str, loss: str, metrics: str) -> dict[str, float]:
    rows = "".join(f"{number},{value}\n" for number, value in enumerate(values.split()))
    (folder / "rows.csv").write_text(f"x,y\n{rows}")
    text = TEXT.replace("LAYER", layer).replace("LOSS", loss).replace("METRICS", metrics)
    (folder / "base.yaml").write_text(text)
    loaded = load_config(folder / "base.yaml")
    return baseline_metrics(loaded.config, read_dataset(loaded, SilentReporter()))


def test_of_classes_it_is_the_commonest_one(tmp_path: Path) -> None:
    layer = "{type: Dense, units: 3, activation: softmax}"
    found = _trivial(tmp_path, "a b b c", layer, "sparse_categorical_crossentropy", "accuracy, auc")
    assert found == pytest.approx({"accuracy": 0.5, "loss": 1.0397}, abs=1e-4)


def test_of_numbers_it_is_the_mean(tmp_path: Path) -> None:
    layer = "{type: Dense, units: 1}"
    found = _trivial(tmp_path, "1.5 2.5 6.5", layer, "mse", "mean_absolute_error")
    assert found == pytest.approx({"loss": 4.6667, "mean_absolute_error": 2.0}, abs=1e-4)
