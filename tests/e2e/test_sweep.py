"""Sweeps from the command line: real trainings, and every command on what they leave."""

from __future__ import annotations

import csv
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dl.cli.main import run
from dl.rundir.directory import RunDirectory
from dl.rundir.record import read_history
from support.sweeps import BASE

Dl = Callable[..., Any]
SWEEP = """\
base: base.yaml
name: search
repeats: 2
jobs: 2
keep: 1
parameters:
  training.epochs: [2]
  training.optimizer.learning_rate: [0.001, 0.05, 1e30]
"""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs a sweep of three settings, one of which diverges; its exit code is in `code`."""
    folder = tmp_path_factory.mktemp("swept")
    (folder / "base.yaml").write_text(BASE)
    (folder / "sweep.yaml").write_text(SWEEP)
    code = run(["sweep", str(folder / "sweep.yaml"), "--runs", str(folder / "runs"), "--quiet"])
    (folder / "code").write_text(str(code))
    return folder


def test_the_exit_code_is_that_of_the_failure(swept: Path) -> None:
    assert (swept / "code").read_text() == "6"


def test_the_leaderboard_ranks_what_did_not_fail(swept: Path) -> None:
    with (swept / "runs/search/0001/leaderboard.csv").open() as file:
        rows = list(csv.DictReader(file))
    ranked = [(row["rank"], row["trial"], row["status"], row["trainings"]) for row in rows]
    assert ranked == [
        ("1", "2", "completed", "2"),
        ("2", "1", "completed", "2"),
        ("", "3", "failed", "0"),
    ]
    assert "the loss became NaN or infinite" in rows[2]["error"]


def test_a_trial_is_what_train_makes_of_the_same_settings(swept: Path, dl: Dl) -> None:
    trial = swept / "runs/search/0001/trials/0002/0002"
    overrides = (trial / "overrides.txt").read_text().splitlines()
    options = [word for override in overrides for word in ("--set", override)]
    done = dl("train", swept / "base.yaml", *options, "--runs", swept / "single", "--quiet")
    single = Path(done.out.splitlines()[-1])
    assert _rows(trial) == _rows(single)
    assert len(_rows(trial)) == 2


def test_every_command_works_on_a_trial(swept: Path, dl: Dl) -> None:
    shown = dl("show", "search/1/2", "--runs", swept / "runs")
    assert (shown.code, shown.err) == (0, "")
    measured = dl("evaluate", "search/1/2/2", "--runs", swept / "runs", "--json", "--quiet")
    assert measured.code == 0
    assert json.loads(measured.out)["split"] == "test"


def test_models_of_settings_that_are_not_among_the_best_are_not_kept(swept: Path, dl: Dl) -> None:
    models = sorted((swept / "runs/search").rglob("model.h5"))
    assert [path.parts[-3:-1] for path in models] == [("0002", "0001"), ("0002", "0002")]
    refused = dl("evaluate", "search/1/1", "--runs", swept / "runs")
    assert refused.code == 4
    assert "of a sweep, only the best settings keep their models" in refused.err


def test_a_sweep_is_compared_by_itself(swept: Path, dl: Dl) -> None:
    done = dl("compare", "search", "--runs", swept / "runs", "--json")
    trials = json.loads(done.out)["trials"]
    assert [trial["trial"] for trial in trials] == [2, 1, 3]
    assert trials[0]["verdict"] == "best"
    assert trials[1]["p_value"] is not None


def test_the_best_setting_is_a_config(swept: Path, dl: Dl) -> None:
    done = dl("sweep", "best", "search", "--runs", swept / "runs")
    (swept / "best.yaml").write_text(done.out)
    assert done.out.startswith("# Trial 2 of search/0001: val_accuracy ")
    assert dl("validate", swept / "best.yaml").code == 0


def test_a_finished_sweep_resumes_to_more_trials_only(swept: Path, dl: Dl) -> None:
    journal = swept / "runs/search/0001/journal.jsonl"
    before = journal.read_bytes()
    again = dl("sweep", swept / "sweep.yaml", "--runs", swept / "runs", "--resume", "--quiet")
    assert again.code == 6
    assert journal.read_bytes() == before
    assert not (swept / "runs/search/0002").exists()


def test_a_signal_stops_a_sweep_and_a_resume_wants_the_same_settings(swept: Path, dl: Dl) -> None:
    text = SWEEP.replace("search", "stopped").replace("[2]", "[20000]").replace(", 1e30", "")
    (swept / "stopped.yaml").write_text(text)
    command = [sys.executable, "-m", "dl", "sweep", "stopped.yaml", "-q"]
    process = subprocess.Popen(command, cwd=swept, stderr=subprocess.PIPE, text=True)
    trials = swept / "runs/stopped/0001/trials"
    while process.poll() is None and len(list(trials.glob("*/*/run.json"))) < 2:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (
        130,
        "interrupted after 0 trainings\nhint: to continue: the same command with --resume\n",
    )
    (swept / "stopped.yaml").write_text(text.replace("[20000]", "[1]"))
    changed = dl("sweep", swept / "stopped.yaml", "--resume", "--runs", swept / "runs", "-q")
    assert changed.code == 2
    assert "found: another value of parameters" in changed.err


def _rows(run: Path) -> list[dict[str, float]]:
    """Returns the history without what the clock says."""
    rows = read_history(RunDirectory(run))
    return [{key: row[key] for key in row if key != "seconds"} for row in rows]
