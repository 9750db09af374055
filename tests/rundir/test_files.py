"""Durable writes leave the old file or the new one, never a torn one."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from dl.errors import DiskError, ExitCode, RunError
from dl.rundir import files
from dl.rundir.files import published, write_output, write_text


def test_write_text_replaces_the_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_text(path, "first, which is longer")
    write_text(path, "second")
    assert path.read_text() == "second"


def test_write_text_leaves_no_temporary_file(tmp_path: Path) -> None:
    write_text(tmp_path / "a.json", "text")
    assert os.listdir(tmp_path) == ["a.json"]


def test_write_text_makes_the_file_readable_as_a_plain_open_would(tmp_path: Path) -> None:
    write_text(tmp_path / "a.json", "text")
    (tmp_path / "b.json").write_text("text")
    assert (tmp_path / "a.json").stat().st_mode == (tmp_path / "b.json").stat().st_mode


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_published_keeps_the_old_file_when_the_disk_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    path = tmp_path / "a.json"
    write_text(path, "old")

    def full(*args: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files.os, call, full)
    with pytest.raises(DiskError) as caught:
        write_text(path, "new")
    assert caught.value.exit_code == ExitCode.DISK
    assert str(caught.value) == f"writing {path} failed: the disk is full"
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.json"]


def test_published_removes_the_temporary_file_when_the_block_fails(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), published(tmp_path / "a.h5"):
        raise ZeroDivisionError
    assert os.listdir(tmp_path) == []


def test_a_missing_folder_of_a_run_is_a_run_that_is_gone(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="missing is gone: it was removed meanwhile"):
        write_text(tmp_path / "missing" / "a.json", "text")


def test_a_missing_folder_of_an_output_is_told(tmp_path: Path) -> None:
    with pytest.raises(DiskError, match="No such file or directory"):
        write_output(tmp_path / "missing" / "a.csv", "text")
