"""A series from its config to its forecasts, and the same bits after an interruption."""

from __future__ import annotations

import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dl.data import read
from dl.data.dataset import read_preprocessing
from dl.data.predictions import read_answers
from dl.report.forecast import forecast_charts
from dl.report.stored import read_stored_run
from dl.rundir.directory import RunDirectory
from dl.training import checkpoint, fit

Dl = Callable[..., Any]
CONFIG = """\
name: wave
seed: 3
data:
  source: csv
  path: wave.csv
  target: y
  split: {by: day, order: time}
  window: {length: 7, outputs: 3}
preprocess: {target: standardize}
model: {layers: [{type: GRU, units: 4, dropout: 0.1}, {type: Dense, units: 3}]}
training:
  loss: mse
  metrics: [mean_absolute_error]
  batch_size: 16
  epochs: 4
"""


@pytest.fixture
def wave(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pd.DataFrame:
    monkeypatch.chdir(tmp_path)
    days = pd.date_range("2024-01-01", periods=140).strftime("%Y-%m-%d")
    noise = np.random.default_rng(0).normal(0, 0.5, 140)
    y = (20 + 5 * np.sin(2 * np.pi * np.arange(140) / 7) + noise).round(3)
    frame = pd.DataFrame({"day": days, "y": y})
    frame.to_csv("wave.csv", index=False)
    Path("wave.yaml").write_text(CONFIG)
    return frame


def bits(run: str) -> tuple[str, list[str]]:
    rows = pd.read_csv(f"runs/{run}/history.csv").drop(columns="seconds")
    return sha256(Path(f"runs/{run}/model.h5").read_bytes()).hexdigest(), rows.to_csv().split("\n")


@pytest.mark.slow
def test_train_evaluate_and_predict(wave: pd.DataFrame, dl: Dl, drawn: None) -> None:
    trained = dl("train", "wave.yaml", "-q")
    assert trained.code == 0
    table = trained.out.split("\n\n")[1].splitlines()
    assert [line.split("  ")[0] for line in table] == [
        "part",
        "train",
        "validation",
        "test",
        "always the mean",
        "the last value",
        "a season before (7 rows)",
    ]
    measured = json.loads(dl("evaluate", "wave", "-q", "--json").out)
    run = RunDirectory(Path("runs/wave/0001"))
    fitted = read_preprocessing(run)
    answered = read_answers(run, fitted.target)
    assert answered is not None
    part, said = answered
    assert said.predicted is not None
    errors = np.abs(said.predicted - said.true).reshape(-1, 3).mean(axis=0)
    assert part == "test"
    assert np.allclose(measured["by_step"], errors, rtol=1e-4)
    y, first = wave["y"].to_numpy(), np.arange(112, 138)
    before = [np.abs(y[first + k] - y[first + k - 7]).mean() for k in range(3)]
    season = measured["trivial"]["forecasts"][1]
    assert np.allclose(season["by_step"]["test"], before, rtol=1e-4)
    assert season["metrics"]["test"]["mean_absolute_error"] == pytest.approx(
        np.mean(before), rel=1e-4
    )

    assert dl("predict", "wave", "wave.csv", "-q", "-o", "said.csv").code == 0
    found = pd.read_csv("said.csv")
    assert list(found) == ["day", "prediction_1", "prediction_2", "prediction_3"]
    assert found["day"].iloc[0] == wave["day"][7]
    assert found["day"].iloc[-1] == "2024-05-20"  # the day after the last one
    of_test = pd.read_csv(_lines(dl("predict", "wave", "-q").out))
    assert of_test["day"].tolist() == wave["day"][112:138].tolist()
    assert np.allclose(of_test["prediction_1"], said.predicted.reshape(-1, 3)[:, 0], atol=1e-4)
    assert np.allclose(found["prediction_2"][105:131], of_test["prediction_2"], atol=1e-5)

    stored = read_stored_run(run)
    shown, by_step = forecast_charts(stored.facts)
    assert [line.label for line in shown.lines] == ["what came", "forecast"]
    assert list(shown.lines[0].y) == pytest.approx(y[112:138].tolist(), rel=1e-5)
    assert [line.label for line in by_step.lines] == [
        "the network",
        "the last value",
        "a season before (7 rows)",
    ]
    assert by_step.lines[0].y == pytest.approx(measured["by_step"], rel=1e-4)
    page = Path("runs/wave/0001/report.html").read_text()
    assert "Error by step" in page
    assert "a season before (7 rows)" in page
    assert Path("runs/wave/0001/plots/forecasts.png").stat().st_size > 5000


def _lines(text: str) -> Any:
    import io

    return io.StringIO(text)


def _stopped_in_epoch_3(go_on: Callable[..., Any]) -> Callable[..., Any]:
    def epoch(training: Any, number: int) -> Any:
        if number == 3:
            raise KeyboardInterrupt
        return go_on(training, number)

    return epoch


@pytest.mark.slow
def test_a_resumed_training_is_the_same(
    wave: pd.DataFrame, dl: Dl, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoint, "LEAST_PAUSE", 0.0)
    assert dl("train", "wave.yaml", "-q", "--set", "name=whole").code == 0
    with monkeypatch.context() as patch:
        patch.setattr(fit._Training, "_epoch", _stopped_in_epoch_3(fit._Training._epoch))
        assert dl("train", "wave.yaml", "-q").code != 0
    assert dl("train", "--resume", "wave", "-q").code == 0
    with monkeypatch.context() as patch:
        patch.setattr(read, "memory_budget", lambda setting: 0)
        assert dl("train", "wave.yaml", "-q", "--set", "name=disk").code == 0
    assert '"rows": "streamed"' in Path("runs/disk/0001/run.json").read_text()
    assert bits("wave/0001") == bits("whole/0001") == bits("disk/0001")
    assert dl("train", "runs/whole/0001/resolved.yaml", "-q", "--set", "name=again").code == 0
    assert bits("again/0001") == bits("whole/0001")
