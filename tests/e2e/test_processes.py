"""What only a process of its own shows: signals, closed pipes, noise, plain Keras on our files."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from e2e.conftest import Project

pytestmark = pytest.mark.slow


def _dl(*arguments: object, **options: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "dl", *map(str, arguments)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, **options)  # type: ignore[call-overload, no-any-return]


def _wait_for_epochs(runs: Path, epochs: int) -> Path:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        for history in runs.glob("*/*/history.csv"):
            if len(history.read_text().splitlines()) > epochs:
                return history.parent
        time.sleep(0.05)
    raise AssertionError("the training did not start")


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_signal_stops_the_training_after_the_batch(
    project: Project, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    process = _dl(
        "train", project.config, "--runs", tmp_path, "-q", "--set", "training.epochs=100000"
    )
    run = _wait_for_epochs(tmp_path, 3)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == code
    assert err.startswith("interrupted after ")
    record = json.loads((run / "run.json").read_text())
    assert record["status"] == "interrupted"
    assert record["epochs"] == len((run / "history.csv").read_text().splitlines()) - 1


@pytest.mark.parametrize(
    ("command", "number", "code"), [("train", signal.SIGINT, 130), ("evaluate", signal.SIGHUP, 129)]
)
def test_a_signal_while_loading_ends_with_one_line(
    project: Project, tmp_path: Path, command: str, number: signal.Signals, code: int
) -> None:
    subject = project.run if command == "evaluate" else project.config
    with _dl(command, subject, "--runs", tmp_path) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line == "Loading Keras\n":
                break
        process.send_signal(number)
        rest = process.stderr.read().splitlines()
    assert process.returncode == code
    assert rest[-1] == "interrupted"
    assert list(tmp_path.iterdir()) == []


def test_a_killed_run_is_shown_as_interrupted(project: Project, tmp_path: Path) -> None:
    process = _dl(
        "train", project.config, "--runs", tmp_path, "-q", "--set", "training.epochs=100000"
    )
    _wait_for_epochs(tmp_path, 1)
    process.kill()
    process.communicate()
    out, _ = _dl("list", "--runs", tmp_path, "--json").communicate()
    assert json.loads(out)["runs"][0]["status"] == "interrupted"


def test_stderr_has_no_noise(project: Project, tmp_path: Path) -> None:
    process = _dl("train", project.config, "--runs", tmp_path)
    _, err = process.communicate()
    assert process.returncode == 0
    starts = ("Loading", "Reading", "Preparing", "Building", "model ", "layer", "hidden")
    starts += ("fruit", "  5 numbers", "75 parameters", "epoch")
    starts += ("Evaluating", "Predicting", "Saving", "Drawing")
    assert [line for line in err.splitlines() if line and not line.startswith(starts)] == []


def test_a_closed_pipe_ends_quietly(project: Project) -> None:
    with _dl("predict", project.run, project.data, "-q") as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == ""
    assert process.returncode == 0


_PLAIN_KERAS = """
import os, sys
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras, numpy as np
model = keras.models.load_model(sys.argv[1])
x = np.load(sys.argv[2])
np.save(sys.argv[3], model.predict(x, verbose=0))
labels = np.zeros(len(x), "int32")
model.fit(x, labels, epochs=1, verbose=0)
assert "dl" not in sys.modules
"""


def test_plain_keras_opens_the_model_and_trains_on(project: Project, tmp_path: Path) -> None:
    from dl.config.load import load_config
    from dl.data.dataset import read_preprocessing
    from dl.data.load import load_split
    from dl.progress import SilentReporter
    from dl.rundir.directory import RunDirectory

    config = load_config(project.run / "resolved.yaml").config
    fitted = read_preprocessing(RunDirectory(project.run))
    part = load_split(config, fitted, "test", SilentReporter())
    np.save(tmp_path / "x.npy", part.x)
    paths = [project.run / "model.h5", tmp_path / "x.npy", tmp_path / "y.npy"]
    subprocess.run(
        [sys.executable, "-c", _PLAIN_KERAS, *map(str, paths)],
        check=True,
        capture_output=True,
        env={**os.environ, "PYTHONPATH": ""},
    )
    out, _ = _dl("predict", project.run, "--split", "test", "-q").communicate()
    ours = np.array([line.split(",")[1:] for line in out.splitlines()[1:]], np.float32)
    np.testing.assert_allclose(np.load(tmp_path / "y.npy"), ours, atol=1e-6)


def test_a_hangup_ends_the_board_with_one_line(tmp_path: Path) -> None:
    with _dl("board", tmp_path, "--port", "0") as process:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(0.5)
        process.send_signal(signal.SIGHUP)
        _, err = process.communicate(timeout=60)
    assert (process.returncode, err.splitlines()[1:]) == (129, ["interrupted"])
