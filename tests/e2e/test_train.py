"""`dl train`: what it prints, what it leaves, how it fails."""

from __future__ import annotations

import errno
import json
import math
import os
from pathlib import Path

import pytest
import yaml

from conftest import Dl
from dl.rundir.directory import RunDirectory
from dl.rundir.record import read_history
from e2e.conftest import CONFIG, Project, write_fruit

pytestmark = pytest.mark.slow


def _write(folder: Path, **changes: str) -> Path:
    """Writes the config with some of its text replaced, and the data beside it."""
    text = CONFIG
    for old, new in changes.items():
        assert old in text or old == "append"
        text = text + new if old == "append" else text.replace(old, new)
    write_fruit(folder / "fruit.csv")
    (folder / "fruit.yaml").write_text(text)
    return folder / "fruit.yaml"


def test_train_prints_the_run_directory_last(dl: Dl, project: Project, tmp_path: Path) -> None:
    outcome = dl("train", project.config, "--runs", tmp_path / "runs")
    assert outcome.code == 0
    assert outcome.out.splitlines()[-1] == str(tmp_path / "runs" / "fruit" / "0001")
    assert "epoch 4/4" in outcome.err
    assert "Traceback" not in outcome.err


def test_train_json_is_one_object(dl: Dl, project: Project, tmp_path: Path) -> None:
    outcome = dl("train", project.config, "--runs", tmp_path, "--json", "-q")
    result = json.loads(outcome.out)
    known = ["run", "status", "epochs", "seconds", "metrics", "trivial", "verdict"]
    assert list(result) == [*known, "ending", "error"]
    assert list(result["metrics"]) == ["train", "validation", "test"]
    assert list(result["metrics"]["test"]) == ["loss", "accuracy"]
    assert (result["status"], result["epochs"]) == ("completed", 4)
    assert outcome.err == ""


def test_train_leaves_everything_about_the_run(project: Project) -> None:
    files = {str(path.relative_to(project.run)) for path in project.run.rglob("[!.]*.*")}
    earlier = {f"checkpoint/epoch-00000{epoch}.checkpoint" for epoch in (1, 2, 3)}
    assert files - earlier == {  # on a slow machine, the checkpoint before the last is kept too
        "config.yaml",
        "resolved.yaml",
        "run.json",
        "manifest.json",
        "facts.json",
        "history.csv",
        "metrics.json",
        "preprocess.json",
        "columns.json",
        "model.h5",
        "model.tflite",
        "model.tflite.json",
        "outputs.npz",
        "report.html",
        "checkpoint/epoch-000004.checkpoint",
        "plots/learning_curves.png",
        "plots/confusion_matrix.png",
    }
    assert (project.run / "config.yaml").read_bytes() == project.config.read_bytes()


def test_train_on_two_columns_shows_how_they_are_divided(
    dl: Dl, drawn: None, tmp_path: Path
) -> None:
    config = _write(tmp_path, **{"  target: kind": "  target: kind\n  features: [width, height]"})
    assert dl("train", config, "--runs", tmp_path / "runs", "-q").code == 0
    plots = tmp_path / "runs" / "fruit" / "0001" / "plots"
    assert {path.name for path in plots.iterdir()} >= {"boundary.png", "boundary.gif"}


def test_history_has_the_columns_of_the_contract(project: Project) -> None:
    header = (project.run / "history.csv").read_text().splitlines()[0]
    assert header == "epoch,loss,accuracy,val_loss,val_accuracy,learning_rate,seconds"
    rows = read_history(RunDirectory(project.run))
    assert [row["epoch"] for row in rows] == [1, 2, 3, 4]
    assert all(math.isclose(row["learning_rate"], 0.02, rel_tol=1e-6) for row in rows)


def test_train_learns(project: Project) -> None:
    metrics = json.loads((project.run / "metrics.json").read_text())
    assert metrics["test"]["accuracy"] > 0.9


def test_training_from_the_resolved_config_gives_the_same_model(
    dl: Dl, project: Project, tmp_path: Path
) -> None:
    outcome = dl("train", project.run / "resolved.yaml", "--runs", tmp_path, "-q")
    again = Path(outcome.out.splitlines()[-1])
    assert (again / "model.h5").read_bytes() == (project.run / "model.h5").read_bytes()
    assert (again / "resolved.yaml").read_bytes() == (project.run / "resolved.yaml").read_bytes()
    assert (again / "preprocess.json").read_bytes() == (
        project.run / "preprocess.json"
    ).read_bytes()


def test_resolved_names_every_layer(project: Project) -> None:
    resolved = yaml.safe_load((project.run / "resolved.yaml").read_text())
    assert [layer["name"] for layer in resolved["model"]["layers"]] == ["hidden", "dense"]


def test_overrides_are_noted_beside_the_config(dl: Dl, project: Project, tmp_path: Path) -> None:
    override = "training.epochs=2"
    outcome = dl("train", project.config, "--runs", tmp_path, "-q", "--set", override)
    run = Path(outcome.out.splitlines()[-1])
    assert (run / "overrides.txt").read_text() == "training.epochs=2\n"
    assert (run / "config.yaml").read_bytes() == project.config.read_bytes()
    assert len((run / "history.csv").read_text().splitlines()) == 3


def test_dry_run_writes_nothing(dl: Dl, project: Project, tmp_path: Path) -> None:
    outcome = dl("train", project.config, "--runs", tmp_path / "runs", "--dry-run")
    assert outcome.code == 0
    assert "75 parameters · Dense 8 relu · Dense 3 softmax\n" in outcome.err
    assert not (tmp_path / "runs").exists()


def test_a_config_error_creates_nothing(dl: Dl, tmp_path: Path) -> None:
    config = _write(tmp_path, epochs="epohs")
    outcome = dl("train", config, "--runs", tmp_path / "runs")
    assert outcome.code == 2
    assert "did you mean epochs?" in outcome.err
    assert not (tmp_path / "runs").exists()


def test_a_data_error_creates_nothing(dl: Dl, tmp_path: Path) -> None:
    config = _write(tmp_path)
    (tmp_path / "fruit.csv").unlink()
    outcome = dl("train", config, "--runs", tmp_path / "runs")
    assert outcome.code == 3
    assert not (tmp_path / "runs").exists()


def test_a_layer_that_does_not_fit_is_shown_at_its_line(dl: Dl, tmp_path: Path) -> None:
    conv = "{type: Conv2D, filters: 4, kernel_size: 3, name: hidden}"
    config = _write(tmp_path, **{"{type: Dense, units: 8, activation: relu, name: hidden}": conv})
    outcome = dl("train", config, "--runs", tmp_path / "runs", "-q")
    assert outcome.code == 2
    assert f"error: {config}:9:" in outcome.err
    assert conv in outcome.err
    assert not (tmp_path / "runs").exists()


def test_a_loss_that_leaves_the_numbers_exits_with_6(dl: Dl, tmp_path: Path) -> None:
    config = _write(
        tmp_path,
        **{
            "target: kind": "target: width",
            "units: 3, activation: softmax": "units: 1",
            "sparse_categorical_crossentropy": "mean_squared_error",
            "{type: adam, learning_rate: 0.02}": "{type: SGD, learning_rate: 1.0e+30}",
            "metrics: [accuracy]": "metrics: []",
        },
    )
    outcome = dl("train", config, "--runs", tmp_path / "runs", "-q", "--json")
    run = tmp_path / "runs" / "fruit" / "0001"
    assert outcome.code == 6
    assert outcome.err == (
        "error: the loss became NaN or infinite: epoch 1, step 2\n"
        "expected: a finite loss\nfound: NaN or infinity\n"
        "hint: try a tenth of training.optimizer.learning_rate; check that the inputs are scaled "
        "(preprocess.numeric, scale)\n"
        f"kept: {run}, 0 epochs\nwhy: dl diagnose {run}\npage: dl report {run}\n"
    )
    record, told = json.loads((run / "run.json").read_text()), json.loads(outcome.out)
    assert told["run"] == str(run)
    assert told["status"] == record["status"] == "failed"
    assert told["error"] == record["error"] == "the loss became NaN or infinite: epoch 1, step 2"
    assert (told["epochs"], told["metrics"], told["ending"]["kept"]) == (0, {}, None)


def test_runs_that_are_a_file_are_wrong_usage(dl: Dl, project: Project, tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("a file")
    outcome = dl("train", project.config, "--runs", tmp_path / "runs", "-q")
    assert outcome.code == 2
    assert outcome.err == (
        f"error: Invalid value for '--runs': Directory '{tmp_path}/runs' is a file.\n"
        "hint: dl train --help\n"
    )


def test_runs_that_cannot_be_written_exit_with_7(
    dl: Dl, project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = os.mkdir  # permissions do not stop the user root: the call is refused here

    def refused(path: str, *more: int) -> None:
        if os.fspath(path).startswith(str(tmp_path / "runs")):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        made(path, *more)

    monkeypatch.setattr(os, "mkdir", refused)
    outcome = dl("train", project.config, "--runs", tmp_path / "runs", "-q")
    assert outcome.code == 7
    assert outcome.err == (
        f"error: making a run in {tmp_path}/runs/fruit failed: permission denied\n"
        "hint: choose another folder, for example with --runs\n"
    )
    assert list(tmp_path.iterdir()) == []
