"""`history.csv` keeps numbers exactly and refuses a torn end."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from dl.errors import RunError
from dl.rundir.directory import RunDirectory
from dl.rundir.folders import create_run
from dl.rundir.record import read_history, write_history

ROWS = [
    {"epoch": 1, "loss": 0.1 + 0.2, "learning_rate": 1e-3, "seconds": 0.25},
    {"epoch": 2, "loss": 1e-30, "learning_rate": 5e-4, "seconds": 0.5},
]


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    with create_run(tmp_path, "digits", {}) as created:
        return created


def test_history_reads_exactly_what_was_written(run: RunDirectory) -> None:
    write_history(run, ROWS)
    assert read_history(run) == ROWS


def test_history_writes_whole_epochs_without_a_point(run: RunDirectory) -> None:
    write_history(run, ROWS)
    assert run.history.read_text().splitlines()[:2] == [
        "epoch,loss,learning_rate,seconds",
        "1,0.30000000000000004,0.001,0.25",
    ]


def test_history_keeps_nan(run: RunDirectory) -> None:
    write_history(run, [{"epoch": 1, "loss": math.nan}])
    assert math.isnan(read_history(run)[0]["loss"])


def test_history_refuses_a_torn_last_row(run: RunDirectory) -> None:
    write_history(run, ROWS)
    run.history.write_text(run.history.read_text()[:-8])
    with pytest.raises(RunError, match=r"history\.csv is damaged or was edited"):
        read_history(run)
