"""What can go wrong with data larger than memory."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pyarrow
import pyarrow.parquet
import pytest
from PIL import Image

from dl.config.schema import Config
from dl.data import read
from dl.data.dataset import Dataset
from dl.data.load import load_dataset
from dl.data.storage import ScratchFile
from dl.errors import DiskError
from dl.progress import SilentReporter
from support.streaming import tiny_budget
from support.tables import config_for, config_with, told


class Usage(NamedTuple):
    """What `shutil.disk_usage` returns."""

    total: int
    used: int
    free: int


def loaded(config: Config) -> Dataset:
    with tiny_budget():
        return load_dataset(config, SilentReporter())


def write_rows(folder: Path, rows: int = 50) -> Path:
    path = folder / "rows.csv"
    path.write_text("x,y\n" + "".join(f"{i},{i}\n" for i in range(rows)))
    return path


def disk_problem(call: Callable[[], object]) -> str:
    with pytest.raises(DiskError) as caught:
        call()
    (problem,) = caught.value.problems
    return "\n".join(
        text for text in (problem.message, problem.expected, problem.found, problem.hint) if text
    )


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of scratch files."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setenv("TMPDIR", str(scratch))
    monkeypatch.setattr("tempfile.tempdir", None)
    return scratch


def test_a_wrong_value_far_down_is_told_with_its_line(tmp_path: Path) -> None:
    path = write_rows(tmp_path, 3000)
    with path.open("a") as file:
        file.write("12,3\noops,4\n")
    assert told(lambda: loaded(config_for(path)), tmp_path) == (
        "rows.csv:3003: column 'x' is numeric, but this is text\n"
        "expected: a number\n"
        "found: 'oops'\n"
        "hint: leave the field empty if the value is missing; write decimals with a point, or add "
        "`data.columns: {x: categorical}`"
    )


@pytest.mark.parametrize(
    ("tail", "fault"),
    [
        ("1,2,3\n", "rows.csv:52: row has 3 values"),
        ('1,"2\n', "rows.csv:52: is not a CSV row: unexpected end of data"),
        ("1,\0\n", "rows.csv:52: holds a NUL byte"),
        ("1,\xff\n", "rows.csv:52: "),
    ],
)
def test_wrong_text_far_down_is_told_with_its_line(tmp_path: Path, tail: str, fault: str) -> None:
    path = write_rows(tmp_path)
    path.write_bytes(path.read_bytes() + tail.encode("latin-1"))
    assert told(lambda: loaded(config_for(path)), tmp_path).startswith(fault)


def test_a_wrong_number_of_a_parquet_file_is_told_with_its_row(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    table = pyarrow.table({"x": [1.0] * 900 + [float("inf")], "y": list(range(901))})
    pyarrow.parquet.write_table(table, path, row_group_size=100)
    config = config_with({"source": "parquet", "path": str(path), "target": "y"})
    fault = told(lambda: loaded(config), tmp_path)
    assert fault.startswith("rows.parquet: row 901: column 'x' is infinite")


def test_a_damaged_picture_is_told_by_its_path(tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        Image.new("RGB", (5, 5)).save(tmp_path / name / "1.png")
    (tmp_path / "dog" / "2.png").write_bytes(b"\x89PNG")
    config = config_with({"source": "images", "path": str(tmp_path), "image_size": [4, 4]})
    fault = told(lambda: loaded(config), tmp_path)
    assert fault.startswith("dog/2.png: is not a picture")


def test_a_file_that_changes_meanwhile_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_rows(tmp_path)

    def meanwhile(paths: list[Path]) -> str:
        with path.open("a") as file:
            file.write("7,7\n")
        return ""

    monkeypatch.setattr(read, "fingerprint_files", meanwhile)
    assert told(lambda: loaded(config_for(path)), tmp_path) == (
        "rows.csv: has changed while it was read\n"
        "expected: a file that nobody writes to\n"
        "hint: wait until it is complete, then run the command again"
    )


def test_too_little_space_is_told_before_anything_is_written(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(0, 0, 100))
    path = write_rows(tmp_path)
    text = disk_problem(lambda: loaded(config_for(path)))
    assert text.replace(f"{tmp_path}/", "") == (
        "scratch: has no space for the rows\n"
        "0 MB free: the text of rows.csv by columns\n"
        "0 MB\n"
        "free some space, or set TMPDIR to a folder on another disk"
    )


@pytest.mark.parametrize("source", ["csv", "parquet"])
def test_a_disk_that_gets_full_meanwhile_is_told(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    path = write_rows(tmp_path)
    if source == "parquet":
        path = tmp_path / "rows.parquet"
        pyarrow.parquet.write_table(pyarrow.table({"x": range(9), "y": range(9)}), path)

    class Full:
        closed = False

        def write(self, data: object) -> int:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        def tell(self) -> int:
            return 0

        def close(self) -> None:
            pass

    monkeypatch.setattr("tempfile.TemporaryFile", lambda **options: Full())
    config = config_with({"source": source, "path": str(path), "target": "y"})
    text = disk_problem(lambda: loaded(config))
    assert text.replace(f"{tmp_path}/", "") == (
        "writing the rows to scratch failed: the disk is full\n"
        "free some space, then run the command again"
    )


def test_a_scratch_folder_that_cannot_be_written_to_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "gone"))
    text = disk_problem(ScratchFile)
    assert text.startswith(f"writing the rows to {tmp_path}/gone failed: ")


def test_the_scratch_files_have_no_names_that_a_crash_could_leave(
    folder: Path, tmp_path: Path
) -> None:
    dataset = loaded(config_for(write_rows(tmp_path)))
    assert len(dataset.train.x[:]) == len(dataset.train)
    assert list(folder.iterdir()) == []
