"""`dl baseline` and `dl.baseline`: a run among simple models."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import dl as api
from conftest import Dl
from e2e.conftest import Project

pytestmark = pytest.mark.slow


def test_a_run_stands_among_simple_models(dl: Dl, project: Project) -> None:
    found = json.loads(dl("baseline", project.run, "--json", "-q").out)

    saved = json.loads((project.run / "metrics.json").read_text())["test"]
    models = {model["name"]: model for model in found["models"]}
    assert models["fruit/0001"]["metrics"] == pytest.approx(saved, rel=1e-4, abs=1e-5)
    assert {"logistic", "k nearest", "boosted trees"} < set(models)
    accuracies = [model["metrics"]["accuracy"] for model in found["models"]]
    assert accuracies == sorted(accuracies, reverse=True)
    for verdict in found["verdicts"]:
        other = models[verdict["model"]]["metrics"]["accuracy"]
        assert verdict["gain"] == pytest.approx(saved["accuracy"] - other, abs=1e-5)
        assert verdict["low"] <= verdict["gain"] <= verdict["high"]


def test_the_difference_is_said_in_words(dl: Dl, project: Project) -> None:
    lines = dl("baseline", project.run, "-q").out.splitlines()
    assert lines[0] == (
        "test part, 30 rows, by accuracy; parts and preparation are the same for all"
    )
    assert "fruit/0001, row by row, by accuracy (with its interval):" in lines
    trivial = next(line for line in lines if " than always " in line)
    assert " better than always " in trivial
    assert ": more than chance (" in trivial


def test_a_run_takes_no_overrides(dl: Dl, project: Project) -> None:
    outcome = dl("baseline", project.run, "--set", "training.loss=mse")
    assert outcome.code == 2
    assert outcome.err == (
        "error: --set changes a config, but a run is as it was trained\n"
        f"hint: dl baseline {project.run}/resolved.yaml --set training.loss=mse\n"
    )


def test_the_api_returns_a_table(project: Project, tmp_path: Path) -> None:
    frame = api.baseline(project.run)
    assert frame.index.name == "model"
    assert list(frame.columns) == [
        *("loss", "accuracy", "rows", "seconds"),
        *("gain", "low", "high", "p", "real"),
    ]
    assert frame.loc["logistic", "rows"] == 90
    assert frame["gain"].isna().sum() == 1  # the network itself

    alone = api.baseline(project.config, {"training.metrics": []})
    assert list(alone.columns) == ["loss", "rows", "seconds"]
    assert len(alone) == 4
