"""What `hostile_names` found: names and links that a command failed on."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from conftest import Dl

pytestmark = pytest.mark.slow


def test_a_name_of_escapes_is_not_obeyed_by_the_terminal(folder: Path, dl: Dl) -> None:
    outcome = dl("show", "\x1b]0;x\x07")

    assert (outcome.code, outcome.err) == (
        4,
        "error: there is no run named \\x1b]0;x\\x07 in runs\nhint: see the runs: dl list\n",
    )


def test_a_path_that_is_too_long_is_wrong_usage(folder: Path, dl: Dl) -> None:
    outcome = dl("list", "--runs", "x" * 5000)

    assert (outcome.code, outcome.err) == (2, f"error: {'x' * 100}: File name too long\n")


def test_a_name_that_is_no_text_is_wrong_usage(folder: Path, dl: Dl) -> None:
    outcome = dl("train", "good.yaml", "--name", os.fsdecode(b"a\xff"))

    assert (outcome.code, outcome.err) == (
        2,
        "error: --name a\\udcff: these bytes are not UTF-8 text\n",
    )


@pytest.mark.parametrize("name", ["tags.json", "metrics.json", "manifest.json", "run.json"])
def test_a_pipe_in_a_run_is_never_waited_for(folder: Path, dl: Dl, name: str) -> None:
    path = folder / "runs/good/0001" / name
    path.unlink(missing_ok=True)
    os.mkfifo(path)

    assert dl("list").code == 0
    assert dl("show", "good").code == 4


def test_a_folder_of_escapes_is_not_obeyed_by_the_terminal(folder: Path, dl: Dl) -> None:
    outcome = dl("list", "--runs", "\x1b[2J")

    assert outcome.err == "no runs in \\x1b[2J; dl train CONFIG makes one\n"


@pytest.mark.parametrize("command", ["rm", "show", "compare"])
def test_a_link_to_itself_is_no_run(folder: Path, dl: Dl, command: str) -> None:
    os.rename(folder / "runs/good/0001", folder / "kept")
    (folder / "runs/good/0001").symlink_to("0001")

    outcome = dl(command, *["good"] * (1 if command == "show" else 2))

    assert outcome.code in (2, 4, 7)
    assert "bug" not in outcome.err


def test_a_folder_that_no_run_is_called_is_not_shown(folder: Path, dl: Dl) -> None:
    os.rename(folder / "runs/good", folder / "runs/\x1b[2J")

    assert "\x1b" not in dl("list").out
