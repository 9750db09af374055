"""Processes that change the same runs at once: the right codes, and nothing is lost."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import Dl
from dl.errors import BusyError, DlError, RunError
from dl.rundir.directory import RunDirectory
from dl.rundir.files import TEMPORARY, locked, take_lock
from dl.rundir.folders import create_run, remove_run, size_of
from dl.rundir.notes import change_tags, read_tags
from dl.rundir.query import is_as_it_was, read_entries
from support.runs import make_run


def at_once(*works: Callable[[], object]) -> list[BaseException | None]:
    """Does each work in a thread of its own, all at once; returns what each raised."""
    begin = threading.Barrier(len(works))
    raised: list[BaseException | None] = [None] * len(works)

    def carry_out(place: int, work: Callable[[], object]) -> None:
        begin.wait()
        try:
            work()
        except BaseException as error:
            raised[place] = error

    threads = [threading.Thread(target=carry_out, args=item) for item in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised


def test_a_run_is_removed_by_one_and_gone_or_busy_for_the_others(tmp_path: Path) -> None:
    for number in range(20):
        run = make_run(tmp_path, minute=number)
        raised = at_once(*[lambda run=run: remove_run(run)] * 4)  # type: ignore[misc]
        assert raised.count(None) == 1, raised
        assert all(error is None or isinstance(error, BusyError | RunError) for error in raised)
        assert not run.path.exists()
    assert not list(tmp_path.rglob(f"{TEMPORARY}*"))


def test_no_tag_is_lost_when_many_are_put_on_at_once(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    tags = [f"t{number}" for number in range(16)]
    raised = at_once(
        *(lambda tag=tag: change_tags(run, lambda before: before | {tag}) for tag in tags)  # type: ignore[misc]
    )
    assert raised == [None] * len(tags)
    assert read_tags(run) == tuple(sorted(tags))


def test_runs_are_made_while_the_last_one_of_their_name_is_removed(tmp_path: Path) -> None:
    def make_and_remove() -> None:
        for _ in range(30):
            with create_run(tmp_path, "digits", {"run.json": b"{}"}) as run:
                pass
            remove_run(run)

    assert at_once(*[make_and_remove] * 3) == [None] * 3
    assert not list(tmp_path.glob("digits/[0-9]*"))


@pytest.mark.parametrize("number", [None, 1])
def test_a_run_takes_the_number_of_one_that_is_removed_just_after_it_was_in_the_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int | None
) -> None:
    def rename_late(source: Path, target: Path) -> None:
        monkeypatch.undo()
        raise OSError(errno.ENOTEMPTY, "Directory not empty")

    monkeypatch.setattr("dl.rundir.folders.os.rename", rename_late)
    with create_run(tmp_path, "digits", {"run.json": b"{}"}, number) as run:
        assert run.path == tmp_path / "digits" / "0001"


def test_a_lock_of_a_run_that_was_removed_meanwhile_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(tmp_path)
    opened = os.open

    def open_then_remove(path: Path, *flags: int) -> int:
        handle = opened(path, *flags)
        monkeypatch.undo()
        os.rename(run.path, tmp_path / "trash")
        return handle

    monkeypatch.setattr("dl.rundir.files.os.open", open_then_remove)
    with pytest.raises(RunError) as caught:
        take_lock(run)
    assert str(caught.value) == f"{run.path} is gone: it was removed meanwhile"


@pytest.mark.parametrize(
    "work",
    [
        remove_run,
        take_lock,
        lambda run: change_tags(run, lambda before: {"x"}),
    ],
    ids=["remove", "lock", "tag"],
)
def test_a_run_that_is_gone_is_told_as_such(
    tmp_path: Path, work: Callable[[RunDirectory], object]
) -> None:
    run = RunDirectory(tmp_path / "digits" / "0001")
    with pytest.raises(DlError) as caught:
        work(run)
    assert caught.value.exit_code == 4
    assert str(caught.value) == f"{run.path} is gone: it was removed meanwhile"
    assert size_of(run.path) == 0


def test_rm_goes_on_with_the_other_runs(dl: Dl, tmp_path: Path) -> None:
    first, busy, last = (make_run(tmp_path, minute=minute) for minute in range(3))
    with locked(busy):
        outcome = dl("rm", "-y", "digits/1", "digits/2", "digits/3", "--runs", tmp_path)
    assert outcome.code == 5
    assert "removed 2 runs" in outcome.err
    assert f"error: digits/0002 is in use by process {os.getpid()}" in outcome.err
    assert [run.path.exists() for run in (first, busy, last)] == [False, True, False]


def test_prune_leaves_a_run_that_was_tagged_meanwhile(tmp_path: Path) -> None:
    run = make_run(tmp_path, accuracy=float("nan"))
    (entry,) = read_entries(tmp_path).readable
    assert is_as_it_was(entry)
    change_tags(run, lambda before: {"best"})
    assert not remove_run(run, lambda: is_as_it_was(entry))
    assert run.path.exists()


def test_a_run_that_vanishes_is_not_told_as_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, stays = make_run(tmp_path), make_run(tmp_path, minute=1)
    monkeypatch.setattr("dl.rundir.query.all_runs", lambda root: [run, stays])
    remove_run(run)
    entries = read_entries(tmp_path)
    assert ([entry.run for entry in entries.readable], entries.damaged) == ([stays], [])
