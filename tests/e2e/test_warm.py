"""`dl warm` as a user has it: started, asked, used, stopped."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

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


def dl(folder: Path, *arguments: str, **variables: str) -> str:
    place = {"XDG_RUNTIME_DIR": str(folder), "DL_WARM": "1", **variables}
    done = subprocess.run(
        [sys.executable, "-m", "dl", *arguments],
        env={**environment_of_child(), **place},
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_a_training_is_the_same_warm_and_the_warm_process_has_no_thread_of_tensorflow(
    tmp_path: Path,
) -> None:
    (tmp_path / "iris.yaml").write_text(CONFIG)
    assert dl(tmp_path, "warm", "--status") == ("not warm: commands load all they need; dl warm\n")
    assert dl(tmp_path, "warm", "--stop") == "there was none\n"
    started = json.loads(dl(tmp_path, "warm", "-q", "--json"))
    try:
        dl(tmp_path, "train", "iris.yaml", "--runs", "cold", DL_WARM="0")
        dl(tmp_path, "train", "iris.yaml", "--runs", "warm")
        status = json.loads(dl(tmp_path, "warm", "--status", "--json"))
        threads = Path(f"/proc/{status['pid']}/task").iterdir()
        names = [(thread / "comm").read_text().strip() for thread in threads]
    finally:
        assert dl(tmp_path, "warm", "--stop") == "stopped\n"
    assert (status["pid"], status["commands"], status["cold"]) == (started["pid"], 1, "")
    assert not [name for name in names if name.startswith("tf_")]
    cold, warm = (tmp_path / name / "iris" / "0001" for name in ("cold", "warm"))
    for name in ("model.h5", "metrics.json", "model.tflite", "plots/learning_curves.png"):
        assert (cold / name).read_bytes() == (warm / name).read_bytes(), name
    assert (warm / "report.html").is_file()
