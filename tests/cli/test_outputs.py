"""No command writes over what it reads, whatever the file is called."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import Dl
from dl.cli.options import own_names
from dl.errors import DiskError
from dl.rundir.directory import RunDirectory, SweepDirectory
from dl.rundir.files import output, write_output
from support.runs import make_run

CONFIG = """\
name: digits
data: {source: csv, path: rows.csv, target: y, validation_path: more/val.csv}
model: {layers: [{type: Dense, units: 1}]}
training: {loss: mean_squared_error}
"""
SAME_NAMES: dict[str, Callable[[Path], Path]] = {
    "itself": lambda path: path,
    "spelling": lambda path: path.parent / "more" / ".." / path.name,
    "absolute": lambda path: path.absolute(),
    "symlink": lambda path: linked(path, os.symlink),
    "hard-link": lambda path: linked(path, os.link),
}
WRITERS = {
    "predict": ("predict", "digits/1", "new.csv", "-o"),
    "predict-test-part": ("predict", "digits/1", "-o"),
    "report": ("report", "digits/1", "-o"),
    "compare": ("compare", "digits/1", "digits/2", "--html"),
}


def linked(path: Path, link: Callable[[Path, Path], None]) -> Path:
    link(path.absolute(), path.parent / "other.csv")
    return path.parent / "other.csv"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two runs in `runs/`, and the files that they and a prediction read."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "more").mkdir()
    for name in ("rows.csv", "new.csv", "more/val.csv"):
        (tmp_path / name).write_text("x,y\n1,2\n")
    for number in (1, 2):
        run = make_run(Path("runs"), minute=number)
        (run.path / "config.yaml").write_text(CONFIG)
        (run.path / "resolved.yaml").write_text(
            CONFIG.replace("rows.csv", str(tmp_path / "rows.csv")).replace(
                "more/val.csv", str(tmp_path / "more/val.csv")
            )
        )
    (tmp_path / "c.yaml").write_text(CONFIG)
    return tmp_path


@pytest.mark.parametrize("same", SAME_NAMES)
def test_prediction_does_not_replace_its_input(dl: Dl, folder: Path, same: str) -> None:
    named = SAME_NAMES[same](Path("new.csv"))
    outcome = dl("predict", "digits/1", "new.csv", "-o", named)

    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err == (
        f"error: {named} is the file that is read\nhint: name another file: nothing was written\n"
    )
    assert (folder / "new.csv").read_text() == "x,y\n1,2\n"


@pytest.mark.parametrize("same", SAME_NAMES)
@pytest.mark.parametrize("writer", WRITERS)
def test_no_output_replaces_the_data_of_a_run(dl: Dl, folder: Path, writer: str, same: str) -> None:
    named = SAME_NAMES[same](Path("rows.csv"))
    outcome = dl(*WRITERS[writer], named)

    assert outcome.code == 2
    assert outcome.err.startswith(f"error: {named} is the data of digits/0001\n")
    assert (folder / "rows.csv").read_text() == "x,y\n1,2\n"


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize(
    ("named", "what"),
    [
        ("more/val.csv", "is the data of digits/0001"),
        ("c.yaml", "is the config of digits/0001"),
        ("runs/digits/0001/run.json", "is a file of the run in "),
        ("runs/digits/0002/model.h5", "is a file of the run in "),
        ("runs/digits/0001/checkpoint/state", "is a file of the run in "),
    ],
)
def test_no_output_replaces_a_file_of_a_run(
    dl: Dl, folder: Path, writer: str, named: str, what: str
) -> None:
    before = Path(named).read_bytes() if Path(named).exists() else None
    outcome = dl(*WRITERS[writer], named)

    assert outcome.code == 2
    assert outcome.err.startswith(f"error: {named} {what}")
    assert (Path(named).read_bytes() if Path(named).exists() else None) == before


def test_prediction_does_not_replace_a_picture_that_it_reads(dl: Dl, folder: Path) -> None:
    (folder / "pictures" / "a").mkdir(parents=True)
    (folder / "pictures" / "a" / "1.png").write_bytes(b"")
    outcome = dl("predict", "digits/1", "pictures", "-o", "pictures/a/1.png")

    assert outcome.code == 2
    assert outcome.err.startswith("error: pictures/a/1.png is the file that is read\n")


def test_prediction_does_not_replace_what_stdin_reads(
    dl: Dl, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (folder / "new.csv").open() as stream:
        monkeypatch.setattr("dl.cli.model._STDIN", stream.fileno())
        outcome = dl("predict", "digits/1", "-", "-o", "new.csv")

    assert outcome.code == 2
    assert outcome.err.startswith("error: new.csv is the file that is read\n")


def test_page_of_a_run_and_other_files_are_replaced(
    dl: Dl, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dl.app.page", lambda directory: "page")
    run = RunDirectory(folder / "runs" / "digits" / "0001")
    for target in (run.report, run.path / "more.html", folder / "other.html"):
        target.write_text("old")
        outcome = dl("report", "digits/1", "-o", target)
        assert (outcome.code, outcome.out, outcome.err) == (0, f"{target}\n", "")
        assert target.read_text() == "page"


def test_own_names_are_those_of_all_properties() -> None:
    assert {"run.json", "model.h5", ".lock", "checkpoint", "plots"} <= own_names(
        RunDirectory(Path("x"))
    )
    assert {"sweep.json", "journal.jsonl", "trials"} <= own_names(SweepDirectory(Path("x")))


def test_output_goes_into_a_pipe_and_replaces_no_device(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write_output(pipe, "page")
    assert os.read(reader, 10) == b"page"
    os.close(reader)
    assert pipe.is_fifo()


def test_output_through_a_link_keeps_the_link(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("file")
    write_output(tmp_path / "link", "page")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_text() == "page"


def test_output_is_as_it_was_when_writing_fails(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    path.write_text("before")
    with pytest.raises(ZeroDivisionError), output(path) as stream:
        stream.write(b"a" * (1 // 0))
    assert path.read_text() == "before"
    assert os.listdir(tmp_path) == ["out.csv"]


@pytest.mark.parametrize(
    ("named", "told"),
    [
        (".", "it is a folder"),
        ("no/x.csv", "No such file or directory"),
        ("file/x", "a part of its path is a file"),
    ],
)
def test_output_in_no_place_for_files_is_told(tmp_path: Path, named: str, told: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DiskError) as caught:
        write_output(tmp_path / named, "page")
    assert str(caught.value) == f"writing {tmp_path / named} failed: {told}"
