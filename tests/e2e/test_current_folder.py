"""No process of `dl` imports a module from the folder in which a command is run."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from dl.variables import import_nothing_from_here
from e2e.conftest import Project

pytestmark = pytest.mark.slow

_TRAP = """\
with open({record!r}, "a") as record:
    print(__name__, *__import__("sys").orig_argv, file=record)
"""
_GRID = ["--grid", "training.epochs=1,2", "-q"]


@pytest.fixture
def trapped(project: Project, tmp_path: Path) -> Iterator[Path]:
    """A folder with a module of each name that there is; at the end none of them has been run."""
    names = {*sys.stdlib_module_names, *packages_distributions(), "dl"}
    record = tmp_path / "imported"
    folder = tmp_path / "folder"
    shutil.copytree(project.folder, folder)
    for name in names:
        (folder / f"{name}.py").write_text(_TRAP.format(record=str(record)))
    os.mkfifo(folder / "matplotlibrc")
    yield folder
    assert not record.exists(), record.read_text()


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-P", "-m", "dl", *arguments]


@pytest.mark.parametrize(
    "arguments",
    [
        ["train", "fruit.yaml", "-q", "--set", "tracking.mlflow.uri=sqlite:///store.db"],
        ["sweep", "fruit.yaml", *_GRID],
        ["sweep", "fruit.yaml", *_GRID, "--on", "ray"],
        ["predict", "fruit/1", "fruit.csv"],
    ],
    ids=["train", "sweep", "ray", "predict"],
)
def test_no_module_of_the_current_folder_is_run(trapped: Path, arguments: list[str]) -> None:
    done = subprocess.run(_command(*arguments), cwd=trapped, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()


def test_a_users_modules_are_not_run_by_python_m(tmp_path: Path) -> None:
    for name in ("click", "matplotlib", "random", "signal", "yaml"):
        (tmp_path / f"{name}.py").write_text(_TRAP.format(record=str(tmp_path / "imported")))
    command = [sys.executable, "-m", "dl", "list"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    assert not (tmp_path / "imported").exists()


def test_the_board_imports_nothing_from_the_current_folder(trapped: Path) -> None:
    command = _command("board", "--port", "0")
    with subprocess.Popen(command, cwd=trapped, stdout=subprocess.PIPE, text=True) as board:
        assert board.stdout is not None
        address = board.stdout.readline().strip()
        for page in ("", "api/runs", "run/fruit/0001"):
            with urllib.request.urlopen(address + page) as answer:
                assert answer.status == 200
        board.terminate()


def test_an_empty_entry_of_the_path_is_taken_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(["", "/elsewhere", ".", str(tmp_path)]))
    monkeypatch.setenv("PYTHONSAFEPATH", "")
    monkeypatch.setattr(sys, "path", ["", str(tmp_path), *sys.path])
    with contextlib.chdir(tmp_path):
        import_nothing_from_here()
        assert str(tmp_path) not in sys.path
        assert "" not in sys.path
    assert os.environ["PYTHONPATH"] == "/elsewhere"
    assert os.environ["PYTHONSAFEPATH"] == "1"
