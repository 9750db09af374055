"""From what a user types to a run."""

from __future__ import annotations

from pathlib import Path

import pytest

from dl.errors import RunError, error_text
from dl.rundir.directory import all_runs, find_run
from dl.rundir.folders import create_run

FILES = {"run.json": b"{}"}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("digits", "digits", "iris"):
        with create_run(tmp_path / "runs", name, FILES):
            pass
    return tmp_path / "runs"


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("digits", "digits/0002"),
        ("digits/1", "digits/0001"),
        ("digits/0001", "digits/0001"),
        ("iris", "iris/0001"),
    ],
)
def test_find_run_takes_names_and_numbers(root: Path, text: str, label: str) -> None:
    assert find_run(text, root).label == label


def test_find_run_takes_a_directory(root: Path) -> None:
    assert find_run(str(root / "iris" / "0001"), Path("elsewhere")).label == "iris/0001"


@pytest.mark.parametrize("text", ["", "a\0b", "../runs", "..", "/", "nothing", "digits/x"])
def test_find_run_refuses_what_is_no_run(root: Path, text: str) -> None:
    with pytest.raises(RunError):
        find_run(text, root)


def test_find_run_says_how_a_model_file_is_measured(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model.h5").touch()
    with pytest.raises(RunError) as caught:
        find_run("model.h5", root)
    (problem,) = caught.value.problems
    assert problem.message == f"there is no run named model.h5 in {root}"
    assert problem.hint == "a model file is measured by: dl evaluate model.h5 --data FILE"


def test_find_run_says_that_a_run_comes_before_its_data(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "flowers.csv").touch()
    with pytest.raises(RunError) as caught:
        find_run("flowers.csv", root)
    assert error_text(caught.value) == (
        f"error: there is no run named flowers.csv in {root}\n"
        "hint: that is a file; the run comes before its data: dl predict RUN flowers.csv"
    )


@pytest.mark.parametrize("text", ["digit", "digits.yaml"])
def test_find_run_proposes_the_nearest_name(root: Path, text: str) -> None:
    with pytest.raises(RunError) as caught:
        find_run(text, root)
    assert error_text(caught.value) == (
        f"error: there is no run named {text} in {root}\nhint: did you mean digits?"
    )


def test_find_run_names_the_numbers_that_exist(root: Path) -> None:
    with pytest.raises(RunError) as caught:
        find_run("digits/7", root)
    assert error_text(caught.value) == (
        f"error: digits/7 is not a run in {root}\n"
        "expected: a number from 1 to 2\nfound: 7\nhint: see the runs: dl list"
    )


@pytest.mark.parametrize("typed", ["iris/2", "runs/iris/0002"])
def test_find_run_refuses_a_link_out_of_the_runs(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, typed: str
) -> None:
    with create_run(tmp_path / "other", "secret", FILES) as outside:
        pass
    (root / "iris" / "0002").symlink_to(outside.path)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RunError, match="is a link out of runs"):
        find_run(typed, Path("runs"))


def test_all_runs_yields_each_run_once(root: Path) -> None:
    (root / ".hidden").mkdir()
    (root / "iris" / "0002").symlink_to(root / "iris" / "0001")
    labels = [run.label for run in all_runs(root)]
    assert labels == ["digits/0001", "digits/0002", "iris/0001"]
