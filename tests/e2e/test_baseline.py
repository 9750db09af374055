"""`dl baseline` and `dl.baseline`: a run among simple models."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import dl as api
from conftest import Dl
from dl.rundir.directory import RunDirectory
from dl.rundir.files import locked
from dl.rundir.manifest import publish
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
    trivial = next(line for line in lines if " than class shares" in line)
    assert " better than class shares" in trivial
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


def _copies(project: Project, folder: Path) -> tuple[RunDirectory, RunDirectory]:
    for number in ("0001", "0002"):
        shutil.copytree(project.run, folder / "fruit" / number)
        (folder / "fruit" / number / "baselines.json").unlink(missing_ok=True)
    return RunDirectory(folder / "fruit" / "0001"), RunDirectory(folder / "fruit" / "0002")


def test_the_run_keeps_its_ranking_until_it_has_another_model(
    dl: Dl, project: Project, tmp_path: Path
) -> None:
    run, other = _copies(project, tmp_path)
    assert "simple models" not in dl("compare", run.path, other.path).out
    assert json.loads(dl("show", run.path, "--json").out)["baselines"] is None

    said = dl("baseline", run.path, "-q").out
    assert said in dl("show", run.path).out
    kept = json.loads(dl("show", run.path, "--json").out)["baselines"]
    assert kept["network"] == "fruit/0001"
    place = 1 + [model["name"] for model in kept["models"]].index("fruit/0001")
    start = f"fruit/1 among simple models: place {place} of 5 by accuracy on the test part; "
    lines = dl("compare", other.path, run.path).out.splitlines()
    beside = said[said.index("interval):") :].splitlines()[1].strip()
    assert [line for line in lines if "among simple" in line] == [start + beside]
    assert dl("report", run.path).code == 0
    page = run.report.read_text(encoding="utf-8")
    assert '<section id="baselines"' in page
    assert "fruit/0001 (this run)</th>" in page
    assert f"<li>{beside}</li>" in page
    assert dl("compare", run.path, other.path, "--html", tmp_path / "both.html").code == 0
    assert "<h3>Among simple models</h3>" in (tmp_path / "both.html").read_text()

    publish(run.model, b"another model")
    assert "same for all" not in dl("show", run.path).out
    assert "among simple" not in dl("compare", other.path, run.path).out
    assert dl("report", run.path).code == 0
    assert '<section id="baselines"' not in run.report.read_text(encoding="utf-8")


def test_a_ranking_that_cannot_be_kept_is_told_all_the_same(
    dl: Dl, project: Project, tmp_path: Path
) -> None:
    run, _ = _copies(project, tmp_path)
    with locked(run):
        outcome = dl("baseline", run.path)
    assert outcome.code == 0
    assert "test part, 30 rows, by accuracy" in outcome.out
    assert "warning: the run does not keep this: " in outcome.err
    assert not run.baselines.exists()


def test_a_damaged_ranking_is_an_error(dl: Dl, project: Project, tmp_path: Path) -> None:
    run, _ = _copies(project, tmp_path)
    assert dl("baseline", run.path, "-q").code == 0
    kept = json.loads(run.baselines.read_text())
    kept["ranking"]["network"] = "nobody"
    publish(run.baselines, json.dumps(kept).encode())
    outcome = dl("show", run.path)
    assert (outcome.code, outcome.out) == (4, "")
    assert outcome.err.splitlines()[0] == (
        f"error: {run.baselines} is damaged: `ranking.network` must be one of the models"
    )
