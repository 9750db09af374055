"""`dl reproduce` says whether a run repeats bit for bit, and what has changed if not."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from conftest import Dl
from dl.rundir.directory import RunDirectory
from dl.rundir.record import read_history, read_record, write_history, write_record
from dl.training.resume import FirstDifference, first_difference
from e2e.conftest import Project


@pytest.mark.slow
def test_a_run_repeats_bit_for_bit(dl: Dl, project: Project) -> None:
    outcome = dl("reproduce", project.run, "-q")
    assert (outcome.code, outcome.out, outcome.err) == (
        0,
        "identical: 4 epochs and model.h5, bit for bit\n",
        "",
    )


@pytest.mark.slow
def test_a_difference_is_named_with_what_has_changed(
    dl: Dl, project: Project, tmp_path: Path
) -> None:
    shutil.copytree(project.run, tmp_path / "fruit" / "0001")
    run = RunDirectory(tmp_path / "fruit" / "0001")
    rows = read_history(run)
    rows[2]["accuracy"] = 0.25
    write_history(run, rows)
    record = read_record(run)
    write_record(run, replace(record, machine={**record.machine, "threads": 99}))
    outcome = dl("reproduce", "fruit", "--runs", tmp_path, "--json", "-q")
    result = json.loads(outcome.out)
    assert outcome.code == 4
    assert result["identical"] is False
    assert result["model_identical"] is True
    assert result["first_difference"]["epoch"] == 3
    assert result["first_difference"]["name"] == "accuracy"
    assert result["first_difference"]["before"] == 0.25
    assert [change["what"] for change in result["changed"]] == ["machine.threads"]


def test_first_difference_ignores_seconds_and_takes_nan_for_nan() -> None:
    nan = float("nan")
    rows = [{"epoch": 1, "loss": nan, "seconds": 1.0}]
    assert first_difference(rows, [{"epoch": 1, "loss": nan, "seconds": 2.0}]) is None
    assert first_difference(rows, []) == FirstDifference(1, "epoch", 1, "nothing")
