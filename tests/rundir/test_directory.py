"""Run directories are numbered, whole, and never shared."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from dl.errors import BusyError, DiskError
from dl.rundir.directory import RunDirectory, numbers
from dl.rundir.files import is_held
from dl.rundir.folders import create_run
from dl.rundir.manifest import check

FILES = {"config.yaml": b"name: a\n", "run.json": b"{}"}


def _created(root: Path) -> RunDirectory:
    with create_run(root, "digits", FILES) as run:
        return run


def test_create_run_counts_from_one(tmp_path: Path) -> None:
    labels = [_created(tmp_path).label for _ in range(3)]
    assert labels == ["digits/0001", "digits/0002", "digits/0003"]


def test_create_run_continues_after_the_highest_number(tmp_path: Path) -> None:
    (tmp_path / "digits" / "0041").mkdir(parents=True)
    assert _created(tmp_path).label == "digits/0042"


def test_create_run_publishes_the_first_files(tmp_path: Path) -> None:
    run = _created(tmp_path)
    assert run.config.read_bytes() == b"name: a\n"
    check(run.config)
    assert sorted(os.listdir(run.path.parent)) == ["0001"]


def test_create_run_holds_the_lock_in_its_block(tmp_path: Path) -> None:
    with create_run(tmp_path, "digits", FILES) as run:
        assert is_held(run)
    assert not is_held(run)


def test_create_run_removes_what_a_dead_process_left(tmp_path: Path) -> None:
    left = tmp_path / "digits" / ".new-abc"
    left.mkdir(parents=True)
    (left / ".lock").write_text("")
    os.utime(left, (0, 0))
    run = _created(tmp_path)
    assert os.listdir(run.path.parent) == ["0001"]


def test_create_run_gives_each_of_many_callers_its_own(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        runs = list(pool.map(lambda _: _created(tmp_path), range(40)))
    assert sorted(int(run.path.name) for run in runs) == list(range(1, 41))
    assert numbers(tmp_path / "digits") == list(range(1, 41))


def test_create_run_refuses_a_root_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("")
    with pytest.raises(DiskError, match=r"making a run in .*runs/digits failed"):
        _created(tmp_path / "runs")


def test_create_run_refuses_a_number_that_is_taken(tmp_path: Path) -> None:
    with create_run(tmp_path, "digits", FILES, 7) as run:
        assert run.label == "digits/0007"
    with (
        pytest.raises(BusyError, match="0007 is there already"),
        create_run(tmp_path, "digits", FILES, 7),
    ):
        pass
    assert os.listdir(run.path.parent) == ["0007"]
