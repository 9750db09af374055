"""A clock that is set back, and one of another zone, mislead no list."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from conftest import Dl
from dl.rundir.record import read_record, write_record
from support.runs import make_run


def _run(root: Path, name: str, started: str) -> str:
    run = make_run(root, name)
    write_record(run, replace(read_record(run), started=started))
    return run.label


@pytest.mark.parametrize("sort", ["started", "-started"])
def test_runs_are_in_order_when_summer_time_ends(dl: Dl, tmp_path: Path, sort: str) -> None:
    before = _run(tmp_path, "before", "2026-10-25T02:45:00+02:00")
    after = _run(tmp_path, "after", "2026-10-25T02:15:00+01:00")

    listed = json.loads(dl("list", "--json", "--sort", sort, "--runs", tmp_path).out)["runs"]

    ordered = [before, after]
    assert [row["run"] for row in listed] == (ordered if sort == "started" else ordered[::-1])


def test_a_run_that_began_in_the_future_began_now(dl: Dl, tmp_path: Path) -> None:
    _run(tmp_path, "digits", "2999-01-01T00:00:00+00:00")

    (line,) = dl("list", "--runs", tmp_path).out.splitlines()[1:]
    listed = dl("list", "--filter", "age<1", "--json", "--runs", tmp_path)

    assert line.split()[:3] == ["digits/0001", "completed", "now"]
    assert [row["run"] for row in json.loads(listed.out)["runs"]] == ["digits/0001"]
