"""Which runs a rule gives up."""

from __future__ import annotations

from pathlib import Path

from dl.rundir.files import locked
from dl.rundir.notes import write_tags
from dl.rundir.query import read_entries, to_prune
from support.runs import make_run


def pruned(root: Path, *, keep: int | None = None, unfinished: bool = False) -> list[str]:
    doomed = to_prune(read_entries(root).readable, keep=keep, unfinished=unfinished)
    return [entry.run.label for entry in doomed]


def test_keep_leaves_the_newest_of_each_name(tmp_path: Path) -> None:
    for minute in range(3):
        make_run(tmp_path, minute=minute)
    make_run(tmp_path, "iris")
    assert pruned(tmp_path, keep=1) == ["digits/0001", "digits/0002"]


def test_unfinished_takes_failed_and_interrupted_runs(tmp_path: Path) -> None:
    make_run(tmp_path, status="failed")
    make_run(tmp_path, status="interrupted", minute=1)
    make_run(tmp_path, minute=2)
    assert pruned(tmp_path, unfinished=True) == ["digits/0001", "digits/0002"]


def test_running_and_tagged_runs_stay(tmp_path: Path) -> None:
    write_tags(make_run(tmp_path, minute=1), ["best"])
    with locked(make_run(tmp_path, status="running")):
        assert pruned(tmp_path, keep=0, unfinished=True) == []


def test_without_a_rule_nothing_goes(tmp_path: Path) -> None:
    make_run(tmp_path, status="failed")
    assert pruned(tmp_path) == []
