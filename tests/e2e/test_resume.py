"""`dl train --resume`: a run goes on exactly, or what has changed is said."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import socket
from pathlib import Path

import pytest

from conftest import Dl
from dl.cli.process import Stopped
from dl.data.files import fingerprint_files
from dl.errors import DiskError
from dl.rundir.directory import RunDirectory
from dl.rundir.files import locked
from dl.rundir.manifest import list_checkpoints, read_checkpoint
from e2e.conftest import Project
from support.drawing import ReportProcess, drawn_by

pytestmark = pytest.mark.slow
MADE_NOW = "fruit/0001 ended before its pictures, page and lite copy were made: they are made now\n"


@pytest.fixture
def copy(project: Project, tmp_path: Path) -> Project:
    """A project of its own: the same data at the same path, the runs copied."""
    shutil.copytree(project.runs, tmp_path / "runs")
    return Project(tmp_path)


def _rows(run: Path) -> list[list[str]]:
    with (run / "history.csv").open() as file:
        return [row[:-1] for row in csv.reader(file)]


def _state(run: Path) -> tuple[object, list[bytes]]:
    (_, path), *_ = list_checkpoints(RunDirectory(run))
    checkpoint = read_checkpoint(path)
    return checkpoint.header["parts"], [bytes(blob) for blob in checkpoint.blobs]


def test_more_epochs_end_as_if_they_had_been_planned(
    dl: Dl, project: Project, copy: Project, tmp_path: Path
) -> None:
    assert dl("train", project.config, "--epochs", 7, "--runs", tmp_path / "whole").code == 0
    with drawn_by(ReportProcess):
        outcome = dl("train", "--resume", copy.run, "--epochs", 7, "--json")
    whole = tmp_path / "whole" / "fruit" / "0001"
    assert outcome.code == 0
    assert "resuming fruit/0001 after epoch 4" in outcome.err
    assert "could not be made" not in outcome.err  # its pictures, page and lite copy
    assert json.loads(outcome.out)["epochs"] == 7
    assert _rows(copy.run) == _rows(whole)
    assert _state(copy.run) == _state(whole)
    for name in ("model.h5", "metrics.json", "resolved.yaml", "preprocess.json"):
        assert (copy.run / name).read_bytes() == (whole / name).read_bytes()
    record = json.loads((copy.run / "run.json").read_text())
    assert (record["status"], record["epochs"]) == ("completed", 7)
    assert record["resumed"][0]["after_epoch"] == 4


def test_more_epochs_of_what_stopped_early_train_nothing_and_it_says_why(
    dl: Dl, project: Project, tmp_path: Path
) -> None:
    stops = "training.callbacks=[{type: EarlyStopping, monitor: loss, patience: 1, min_delta: 9}]"
    assert dl("train", project.config, "--set", stops, "--runs", tmp_path).code == 0
    outcome = dl("train", "--resume", tmp_path / "fruit" / "0001", "--epochs", 9)
    assert (
        "resuming fruit/0001 after epoch 2 its callbacks had ended it early: the loss did not "
        "improve in 1 epoch; more epochs train nothing, so change that and train anew "
    ) in " ".join(outcome.err.split())
    assert len(_rows(tmp_path / "fruit" / "0001")) == 1 + 2


def test_a_complete_run_has_nothing_left_to_do(dl: Dl, project: Project) -> None:
    before = (project.run / "run.json").read_bytes()
    outcome = dl("train", project.config, "--resume", "--runs", project.runs)
    assert outcome.code == 0
    assert outcome.err == "fruit/0001 is complete: nothing is left to do (longer: --epochs N)\n\n"
    assert outcome.out.splitlines()[-1] == str(project.run)
    assert (project.run / "run.json").read_bytes() == before


def test_fewer_epochs_than_there_are_is_wrong_usage(dl: Dl, project: Project) -> None:
    outcome = dl("train", "--resume", project.run, "--epochs", 2)
    assert outcome.code == 2
    assert outcome.err == (
        "error: fruit/0001 has 4 epochs already\n"
        "expected: a larger number: --epochs is the new total\nfound: 2\n"
    )


@pytest.mark.parametrize("name", ["model.h5", "history.csv", "metrics.json"])
def test_a_damaged_file_is_made_again(dl: Dl, copy: Project, name: str) -> None:
    path = copy.run / name
    before = path.read_bytes()
    path.write_bytes(before[:-5])
    outcome = dl("train", "--resume", copy.run, "-q")
    assert outcome.code == 0
    assert outcome.err == (
        f"warning: {path} is damaged or was edited; it is made again from the last checkpoint\n"
    )
    assert path.read_bytes() == before


def test_pictures_and_page_that_a_kill_or_a_full_disk_cut_off_are_made(
    dl: Dl, drawn: None, copy: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = {path.name: path for path in (copy.run / "plots").iterdir()}
    model = (copy.run / "model.h5").read_bytes()
    for path in (*made.values(), copy.run / "report.html", copy.run / "facts.json"):
        path.unlink()

    def full(path: Path, data: bytes) -> None:
        raise DiskError(f"writing {path.name}: no space left")

    with monkeypatch.context() as broken:
        broken.setattr("dl.report.stored.publish", full)
        outcome = dl("train", "--resume", copy.run)
    assert outcome.code == 7
    assert outcome.out.splitlines()[-1] == str(copy.run)  # the result is there
    assert MADE_NOW in outcome.err
    assert dl("evaluate", copy.run).code == 0

    assert dl("train", "--resume", copy.run, "-q").err == ""
    assert all(path.is_file() for path in (*made.values(), copy.run / "report.html"))
    assert (copy.run / "model.h5").read_bytes() == model


@pytest.mark.parametrize("name", ["model.tflite.json", "facts.json"])
def test_a_page_that_is_there_hides_nothing_that_is_not(
    dl: Dl, drawn: None, copy: Project, name: str
) -> None:
    (copy.run / name).unlink()
    assert dl("report", copy.run).code == 0
    assert dl("train", "--resume", copy.run).err.startswith(MADE_NOW)
    assert (copy.run / name).is_file()
    assert "is complete: nothing is left to do" in dl("train", "--resume", copy.run).err


def test_no_page_of_earlier_epochs_stays_beside_the_model_of_later_ones(
    dl: Dl, copy: Project
) -> None:
    assert (copy.run / "report.html").is_file()
    assert dl("train", "--resume", copy.run, "--epochs", 5, "-q").code == 0  # nobody draws
    assert not (copy.run / "report.html").exists()


def test_a_changed_config_is_refused_with_the_difference(
    dl: Dl, project: Project, copy: Project
) -> None:
    change = ("--set", "training.batch_size=8", "--epochs", 6)
    outcome = dl("train", project.config, *change, "--resume", copy.run, "-q")
    assert outcome.code == 4
    assert outcome.err == (
        "error: training.batch_size has changed since fruit/0001 was trained\n"
        "expected: 16\nfound: 8\n"
        "hint: undo the change; or resume with it, no longer exactly repeatable: --force\n"
    )


def test_a_changed_learning_rate_is_taken_with_force(dl: Dl, copy: Project) -> None:
    change = ("--set", "training.optimizer.learning_rate=0.001", "--epochs", 5, "--force")
    outcome = dl("train", "--resume", copy.run, *change, "-q")
    assert outcome.code == 0
    assert outcome.err.startswith("warning: fruit/0001 is resumed with changes")
    header, *_, last = _rows(copy.run)
    assert float(last[header.index("learning_rate")]) == pytest.approx(0.001)


def test_changed_data_is_refused(dl: Dl, project: Project, copy: Project) -> None:
    data = copy.folder / "fruit.csv"
    data.write_text(project.data.read_text() + "0,0,red,apple\n")
    change = ("--set", f"data.path={data}", "--epochs", 5)
    before = json.loads((copy.run / "run.json").read_text())["fingerprint"]
    now = fingerprint_files([data])
    outcome = dl("train", "--resume", copy.run, *change, "-q")
    assert outcome.code == 4
    assert outcome.err == (
        "error: the data has changed since fruit/0001 was trained\n"
        f"expected: {before[:12]}\nfound: {now[:12]}\n"
        "hint: undo the change; or resume with it, no longer exactly repeatable: --force\n"
    )


def test_a_run_that_is_trained_by_another_is_busy(dl: Dl, copy: Project) -> None:
    with locked(RunDirectory(copy.run)):
        outcome = dl("train", "--resume", copy.run, "--epochs", 5)
    assert outcome.code == 5
    assert outcome.err == (
        f"error: fruit/0001 is in use by process {os.getpid()} on {socket.gethostname()}\n"
        "hint: wait until it ends, or stop it; dl list shows how far it is\n"
    )


def test_resume_without_a_run_or_a_config_says_what_is_missing(dl: Dl) -> None:
    outcome = dl("train", "--resume")
    assert outcome.code == 2
    assert outcome.err == (
        "error: no run to resume was named\n"
        "hint: dl train --resume RUN, or dl train CONFIG --resume for its newest unfinished run\n"
    )


def test_a_config_without_runs_is_said(dl: Dl, project: Project, tmp_path: Path) -> None:
    outcome = dl("train", project.config, "--resume", "--runs", tmp_path)
    assert outcome.code == 4
    assert outcome.err == (
        f"error: fruit has no run in {tmp_path}\nhint: start one: dl train {project.config}\n"
    )


def test_a_training_that_is_interrupted_before_its_first_epoch_says_how_to_go_on(
    dl: Dl, project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*arguments: object) -> None:
        raise Stopped(signal.SIGTERM)

    with monkeypatch.context() as patched:
        patched.setattr("dl.training.steps.Trainer.prepare", interrupt)
        outcome = dl("train", project.config, "--epochs", 1, "--runs", tmp_path)
    run = tmp_path / "fruit" / "0001"
    assert outcome.code == 143
    told = f"interrupted after 0 epochs\nhint: resume it: dl train --resume {run}\n"
    assert outcome.err.endswith(told)
    assert dl("train", "--resume", run, "--epochs", 1).code == 0
