"""A schedule in epochs is that of the epochs that a run was begun with."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from conftest import Dl
from e2e.conftest import Project

pytestmark = pytest.mark.slow
CYCLE = "training.optimizer.learning_rate={type: OneCycle, max_learning_rate: 0.1}"


def _rates(run: Path) -> list[str]:
    with (run / "history.csv").open() as file:
        return [row["learning_rate"] for row in csv.DictReader(file)]


def test_resumed_and_repeated_it_has_the_same_steps(
    dl: Dl, project: Project, tmp_path: Path
) -> None:
    options = ("--set", CYCLE, "--runs", tmp_path)
    assert dl("train", project.config, *options).code == 0
    run = tmp_path / "fruit" / "0001"
    text = (run / "resolved.yaml").read_text()
    assert "total_steps: 24\n" in text  # 4 epochs of 6 batches
    assert "warmup_steps: 7\n" in text
    assert "max_learning_rate: 0.1" in (run / "overrides.txt").read_text()
    before = _rates(run)

    assert dl("reproduce", run).out == "identical: 4 epochs and model.h5, bit for bit\n"
    stretched = dl("train", project.config, *options, "--resume", "--epochs", 6)
    assert stretched.code == 4
    assert stretched.err.endswith(
        "error: training.optimizer.learning_rate.total_steps has changed since fruit/0001 was "
        "trained\nexpected: 24\nfound: 36\n\n"
        "error: training.optimizer.learning_rate.warmup_steps has changed since fruit/0001 was "
        "trained\nexpected: 7\nfound: 11\n"
        "hint: undo the change; or resume with it, no longer exactly repeatable: --force\n"
        "\n2 errors\n"
    )
    assert dl("train", "--resume", run, "--epochs", 6).code == 0
    after = _rates(run)
    assert after[:4] == before
    assert after[4:] == [after[4]] * 2
    assert float(after[4]) == pytest.approx(0.1 / 25 / 1e4)
