"""The commands that only look never load what takes seconds to load."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from dl.rundir.files import Process
from dl.rundir.folders import create_run
from dl.rundir.record import RunRecord, write_history, write_record

HEAVY = {
    "h5py",
    "keras",
    "matplotlib",
    "pandas",
    "pyarrow",
    "ray",
    "scipy",
    "sklearn",
    "tensorflow",
}
LAZY = HEAVY | {"numpy", "rich", "yaml"}

CONFIG = """\
data: {source: builtin, dataset: iris}
model: {layers: [{type: Dense, units: 3, activation: softmax}]}
training: {loss: sparse_categorical_crossentropy}
"""
SWEEP = "base: good.yaml\nparameters: {training.epochs: [1, 2]}\n"
SCRIPT = """\
import json, sys
from dl.cli.main import run
code = run(sys.argv[1:])
print(json.dumps([code, sorted({name.split(".")[0] for name in sys.modules})]))
"""


def loaded_by(*arguments: object, folder: Path) -> set[str]:
    """Runs a command in a fresh interpreter and returns the packages that it loaded."""
    command = [sys.executable, "-c", SCRIPT, *map(str, arguments)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    code, modules = json.loads(done.stdout.splitlines()[-1])
    assert code == 0, done.stderr
    return set(modules)


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments", [["--help"], ["train", "--help"], ["init", "--help"], ["--version"]], ids=" ".join
)
def test_help_loads_nothing_but_click(arguments: list[str], tmp_path: Path) -> None:
    assert not loaded_by(*arguments, folder=tmp_path) & LAZY


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments",
    [
        ["validate", "good.yaml"],
        ["schema"],
        ["list"],
        ["sweep", "sweep.yaml", "--dry-run"],
        ["show", "digits"],
        ["card", "digits"],
        ["init", "--example"],
    ],
    ids=" ".join,
)
def test_looking_loads_nothing_heavy(arguments: list[str], tmp_path: Path) -> None:
    (tmp_path / "good.yaml").write_text(CONFIG, encoding="utf-8")
    (tmp_path / "sweep.yaml").write_text(SWEEP, encoding="utf-8")
    _make_run(tmp_path / "runs")
    assert not loaded_by(*arguments, folder=tmp_path) & HEAVY


@pytest.mark.slow
def test_completion_of_the_shell_loads_nothing_but_click(tmp_path: Path) -> None:
    assert not loaded_by("completion", "zsh", folder=tmp_path) & LAZY


def _make_run(root: Path) -> None:
    """Makes a finished run of two epochs, without a model."""
    record = RunRecord(
        name="digits",
        status="completed",
        started="2026-01-02T03:04:05+00:00",
        process=Process.current(),
        seed=7,
        command=("dl", "train", "digits.yaml"),
        fingerprint="ab" * 32,
    )
    files = {"metrics.json": b'{"test": {"loss": 0.1}}'}
    files |= dict.fromkeys(("config.yaml", "resolved.yaml"), CONFIG.encode())
    with create_run(root, "digits", files) as run:
        write_record(run, record)
        write_history(run, [{"epoch": 1, "loss": 2.0}, {"epoch": 2, "loss": 1.0}])
