"""The journal: whole lines on the disk, which only their owner writes and mends."""

from __future__ import annotations

import errno
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from dl.errors import DiskError, RunError
from dl.sweeps.journal import Ended, Journal, OwnJournal
from dl.sweeps.parameters import Setting
from dl.sweeps.pools import Task, failed
from support.sweeps import FakePool, make_sweep, run_loop

SETTING = Setting({"training.epochs": 3}, {"training.epochs": 0.0})
DONE = Ended(1, 1, "completed", (0.5, 0.75), {"validation": {"loss": 0.1}}, 1.5)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A journal of one trial that has ended."""
    path = tmp_path / "journal.jsonl"
    journal = OwnJournal(path)
    journal.ask(1, SETTING)
    journal.end(DONE)
    return path


def test_a_journal_reads_what_was_written(path: Path) -> None:
    read = Journal(path)
    assert (read.settings, read.ended) == ({1: SETTING}, {(1, 1): DONE})


@pytest.mark.parametrize("cut", [1, 20])
def test_a_torn_last_line_is_left_out_and_its_owner_cuts_it_off(path: Path, cut: int) -> None:
    torn = path.read_bytes()[:-cut]
    path.write_bytes(torn)
    journal = Journal(path)
    assert (journal.ended, journal.torn) == ({}, [])
    assert path.read_bytes() == torn
    OwnJournal(path).end(DONE)
    assert Journal(path).ended == {(1, 1): DONE}


def test_who_reads_never_sees_less_than_was_written_nor_changes_it(path: Path) -> None:
    """The owner is in the middle of a line while others look."""
    whole = path.read_bytes()
    line = json.dumps({"event": "asked", "trial": 2, "setting": {}, "picked": {}}).encode() + b"\n"
    with path.open("ab", buffering=0) as file:
        for place in range(len(line)):
            file.write(line[place : place + 1])
            assert Journal(path).ended == {(1, 1): DONE}
    assert path.read_bytes() == whole + line
    assert list(Journal(path).settings) == [1, 2]


def test_a_torn_line_in_the_middle_is_left_out_and_told(path: Path) -> None:
    first, second = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(first + second[:30] + second + second)
    journal = Journal(path)
    assert (journal.ended, journal.torn) == ({(1, 1): DONE}, [2])


class _Slow(io.FileIO):
    """Takes three bytes at a time, as a system may."""

    def write(self, data: object) -> int:
        return super().write(bytes(data)[:3])  # type: ignore[call-overload]


class _Full(io.FileIO):
    """Takes a part of a line; then the disk is full."""

    def write(self, data: object) -> int:
        if self.tell() > self.started + 10:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(bytes(data)[:8])  # type: ignore[call-overload]

    def __init__(self, *arguments: object, **named: object) -> None:
        super().__init__(*arguments)  # type: ignore[arg-type]
        self.started = self.seek(0, 2)


def _opening(kind: type[io.FileIO]) -> Callable[..., io.FileIO]:
    return lambda path, mode, buffering: kind(path, mode)


def test_a_write_that_takes_a_part_is_gone_on_with(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = OwnJournal(path)
    with monkeypatch.context() as patch:
        patch.setattr("dl.sweeps.journal.open", _opening(_Slow), raising=False)
        journal.ask(2, SETTING)
    assert Journal(path).settings == {1: SETTING, 2: SETTING}


def test_a_full_disk_leaves_whole_lines(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = path.read_bytes()
    journal = OwnJournal(path)
    with monkeypatch.context() as patch:
        patch.setattr("dl.sweeps.journal.open", _opening(_Full), raising=False)
        with pytest.raises(DiskError, match="the disk is full"):
            journal.ask(2, SETTING)
    assert path.read_bytes() == before
    assert journal.settings == {1: SETTING}
    journal.ask(2, SETTING)
    assert list(Journal(path).settings) == [1, 2]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"event": "gone", "trial": 1}', "`event` must be `asked` or `ended`"),
        ("[]", "`event` must be `asked` or `ended`"),
        ('{"event": "asked", "trial": 1}', "`setting` is missing"),
        ('{"event": "asked", "trial": -1, "setting": {}, "picked": {}}',
         "`trial` must be a whole number from 0"),
        ('{"event": "ended", "trial": 1, "repeat": 1, "status": "completed"}',
         "`values` must be numbers"),
        ('{"event": "ended", "trial": 1, "repeat": 1, "status": "completed", "values": [NaN]}',
         "`values` must be numbers"),
        ('{"event": "ended", "trial": 1, "repeat": 1, "status": "failed", "values": ["1"]}',
         "`values[0]` must be a number"),
    ],
)  # fmt: skip
def test_a_line_that_no_sweep_writes_is_told(path: Path, line: str, said: str) -> None:
    path.write_text(f"{line}\n{path.read_text()}")
    with pytest.raises(RunError) as caught:
        Journal(path)
    assert str(caught.value) == f"{path}:1 is damaged: {said}"


def test_a_journal_of_an_earlier_version_is_read(path: Path) -> None:
    line = '{"event": "ended", "trial": 1, "repeat": 1, "status": "completed", "values": [0.5]}\n'
    path.write_text(line)
    assert Journal(path).ended == {(1, 1): Ended(1, 1, "completed", (0.5,))}


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (MemoryError(), True),
        (DiskError("writing failed: the disk is full"), True),
        (OSError(errno.ENOSPC, "No space left on device"), True),
        (RunError("layers do not fit"), False),
        (ValueError("a bug"), False),
    ],
)
def test_what_the_machine_failed_at_is_done_again(error: Exception, *, again: bool) -> None:
    assert failed(error).again is again


def test_a_resumed_sweep_trains_again_what_failed_for_want_of_the_machine(tmp_path: Path) -> None:
    sweep = make_sweep(tmp_path, "parameters: {training.epochs: [1, 2, 3]}")

    def first(task: Task) -> list[float] | Exception:
        return {1: MemoryError(), 2: ValueError("broken")}.get(task.trial, [0.5])

    loop = run_loop(sweep, tmp_path, FakePool(first))
    assert (loop.status, loop.journal.counts["failed"]) == ("failed", 2)
    pool = FakePool(lambda task: [0.75])
    loop = run_loop(sweep, tmp_path, pool)
    assert [task.key for task in pool.seen] == [(1, 1)]
    assert loop.journal.again == [(1, 1)]
    read = Journal(loop.journal.path)
    assert {key: ended.status for key, ended in read.ended.items()} == {
        (1, 1): "completed",
        (2, 1): "failed",
        (3, 1): "completed",
    }
    assert (read.counts["completed"], read.counts["failed"]) == (2, 1)
    assert run_loop(sweep, tmp_path, FakePool(first)).journal.again == []
