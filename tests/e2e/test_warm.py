"""`dl warm` as a user has it: started, asked, used, stopped."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import Dl
from dl.variables import environment_of_child
from dl.warm import SUPPORTED

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not SUPPORTED, reason="needs a system where processes can be copied"),
]
CONFIG = """\
data: {source: builtin, dataset: iris, split: {validation: 0.2, test: 0.2}}
model: {layers: [{type: Dense, units: 4}, {type: Dense, units: 3, activation: softmax}]}
training: {loss: sparse_categorical_crossentropy, metrics: [accuracy], epochs: 2}
"""


def done(folder: Path, *arguments: str, **variables: str) -> str:
    place = {"XDG_RUNTIME_DIR": str(folder), "DL_WARM": "1", **variables}
    outcome = subprocess.run(
        [sys.executable, "-m", "dl", *arguments],
        env={**environment_of_child(), **place},
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    return outcome.stdout


def test_a_training_is_the_same_warm_and_the_warm_process_has_no_thread_of_tensorflow(
    tmp_path: Path,
) -> None:
    (tmp_path / "iris.yaml").write_text(CONFIG)
    assert done(tmp_path, "warm", "--status") == (
        "not warm: commands load all they need; dl warm\n"
    )
    assert done(tmp_path, "warm", "--stop") == "there was none\n"
    (scratch := tmp_path / "scratch").mkdir()
    started = json.loads(done(tmp_path, "warm", "-q", "--json", TMPDIR=str(scratch)))
    try:
        done(tmp_path, "train", "iris.yaml", "--runs", "cold", DL_WARM="0")
        standby = None
        while standby is None:
            standby = json.loads(done(tmp_path, "warm", "--status", "--json"))["standby"]
        assert not [path for path in scratch.rglob("*") if path.is_file()]
        done(tmp_path, "train", "iris.yaml", "--runs", "warm")
        status = json.loads(done(tmp_path, "warm", "--status", "--json"))
        threads = Path(f"/proc/{status['pid']}/task").iterdir()
        names = [(thread / "comm").read_text().strip() for thread in threads]
    finally:
        assert done(tmp_path, "warm", "--stop") == "stopped\n"
    assert (status["pid"], status["commands"], status["cold"]) == (started["pid"], 1, "")
    assert not [name for name in names if name.startswith("tf_")]
    cold, warm = (tmp_path / name / "iris" / "0001" for name in ("cold", "warm"))
    assert f'"pid":{standby}' in (warm / "run.json").read_text().replace(" ", "")
    for name in ("model.h5", "metrics.json", "model.tflite", "plots/learning_curves.png"):
        assert (cold / name).read_bytes() == (warm / name).read_bytes(), name
    assert (warm / "report.html").is_file()


@pytest.mark.parametrize(
    ("then", "told"),
    [
        (
            "exit",
            "error: the warm process has ended at once\n"
            "hint: dl or a package has changed while it loaded, or --idle is too short; "
            "dl warm again\n",
        ),
        (
            "exec sleep 3",
            "error: the warm process does not answer\nhint: dl warm --status, in a while\n",
        ),
    ],
)
def test_a_process_that_has_loaded_all_and_says_nothing_is_told(
    dl: Dl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, then: str, told: str
) -> None:
    python = tmp_path / "python"
    python.write_text(f'#!/bin/bash\necho loaded >&$3\neval "exec $3>&-"\n{then}\n')
    python.chmod(0o755)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(python))
    monkeypatch.setattr("dl.cli.warm._PATIENCE", 0.8)
    outcome = dl("warm", "-q")
    assert (outcome.code, outcome.err) == (4, told)


def test_an_old_kernel_is_told(dl: Dl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(pid: int) -> int:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setattr(os, "pidfd_open", missing)
    outcome = dl("warm", "-q")
    assert (outcome.code, outcome.err) == (
        2,
        "error: dl warm needs Linux 5.3 or newer: this one has no pidfd_open\n"
        "hint: leave it out: commands start as ever\n",
    )
