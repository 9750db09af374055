"""The process that draws: what it leaves, what it says, and how it ends."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from dl.report.process import ReportProcess
from dl.rundir.directory import RunDirectory
from support.pictures import classified

pytestmark = pytest.mark.slow


def test_pictures_and_then_the_page_are_made(trained: Path, tmp_path: Path) -> None:
    run = RunDirectory(Path(shutil.copytree(trained / "binary" / "0001", tmp_path / "0001")))
    shutil.rmtree(run.plots)
    run.plots.mkdir()
    before = run.report.read_bytes()
    run.report.unlink()
    with ReportProcess() as process:
        process.begin(run.plots, classified(2))
        process.write_page(run)
        assert process.end() is None
    assert (run.plots / "mistakes.png").exists()
    assert len(run.report.read_bytes()) == pytest.approx(len(before), rel=0.01)


def test_what_went_wrong_is_told(tmp_path: Path) -> None:
    with ReportProcess() as process:
        process.begin(tmp_path / "missing", classified(2))
        failure = process.end()
    assert failure is not None
    assert "missing is gone" in failure


def test_it_ends_without_a_word_where_the_training_fails(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), ReportProcess():
        raise ZeroDivisionError
    with ReportProcess() as process:
        assert process.end() is None
