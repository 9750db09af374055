"""Trainings and sweeps that are copied to a real store of MLflow, by the commands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from conftest import Dl
from dl.config.load import load_config
from dl.progress import SilentReporter
from dl.rundir.manifest import publish
from dl.tracking import tracking
from support.runs import make_run
from tracking.conftest import epochs_of, files_of, the_run

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

CONFIG = """\
name: flowers
data: {{source: builtin, dataset: iris}}
model: {{layers: [{{type: Dense, units: 3, activation: softmax}}]}}
training: {{loss: sparse_categorical_crossentropy, metrics: [accuracy], epochs: 2}}
tracking: {{mlflow: {{uri: "{uri}", experiment: {experiment}}}}}
"""


def write_config(folder: Path, uri: str, experiment: str) -> Path:
    path = folder / "flowers.yaml"
    path.write_text(CONFIG.format(uri=uri, experiment=experiment))
    return path


def test_train_copies_its_run(dl: Dl, drawn: None, uri: str, client: Any, tmp_path: Path) -> None:
    config = write_config(tmp_path, uri, "trained")

    assert dl("train", config, "--runs", tmp_path / "runs", "-q").code == 0

    copy = the_run(client, "trained", "flowers/0001")
    assert copy.info.status == "FINISHED"
    assert copy.data.params["training.optimizer.type"] == "Adam"
    assert len(epochs_of(client, copy, "val_accuracy")) == 2
    assert files_of(client, copy) >= {"model.h5", "report.html", "plots", "resolved.yaml"}


def test_a_store_that_does_not_answer_costs_a_warning(tmp_path: Path) -> None:
    config = write_config(tmp_path, "http://127.0.0.1:9", "lost")
    run, reporter = make_run(tmp_path / "runs"), SilentReporter()

    with tracking(load_config(config), reporter) as track:
        track(run.path)

    assert reporter.warnings == [
        "the copy in MLflow is not complete: Connection refused; complete it: "
        f"dl train --resume {run.path}"
    ]


def test_what_is_complete_is_completed_in_mlflow_by_resume(
    dl: Dl, uri: str, client: Any, tmp_path: Path
) -> None:
    run = make_run(tmp_path / "runs", "flowers")
    config = write_config(tmp_path, uri, "late").read_bytes()
    publish(run.resolved, config.replace(b"epochs: 2", b"epochs: 3"))
    for path in (run.history, run.preprocess, run.model, *run.made_last):
        publish(path, b"")

    assert dl("train", "--resume", run.path, "-q").code == 0
    assert the_run(client, "late", "flowers/0001").info.status == "FINISHED"


def test_trials_of_a_sweep_are_copied_below_it(
    dl: Dl, uri: str, client: Any, tmp_path: Path
) -> None:
    config = write_config(tmp_path, uri, "swept")
    grid = ["--grid", "training.batch_size=16,64"]

    assert dl("sweep", config, *grid, "--runs", tmp_path / "runs", "-q").code == 0

    parent = the_run(client, "swept", "flowers-sweep/0001")
    assert parent.info.status == "FINISHED"
    assert files_of(client, parent) >= {"leaderboard.csv", "plots"}
    for trial, batch in ((1, "16"), (2, "64")):
        copy = the_run(client, "swept", f"flowers-sweep/0001/{trial:04d}/0001")
        assert copy.info.status == "FINISHED"
        assert copy.data.tags["mlflow.parentRunId"] == parent.info.run_id
        assert copy.data.params["training.batch_size"] == batch
        assert "model.h5" not in files_of(client, copy)
