"""No library writes to stderr: what a user sees there, `dl` has written."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytestmark = pytest.mark.slow

_CONFIG = """\
data: {data}
model:
  layers:
{layers}
    - Flatten
    - {{type: Dense, units: 1, activation: sigmoid}}
training: {{loss: binary_crossentropy, metrics: [accuracy], epochs: 1, callbacks: [TensorBoard]}}
engine: {{compile: {compiled}}}
"""
_SEQUENCES = "{source: npz, path: sequences.npz}"
_PICTURES = "{source: images, path: pictures, image_size: [8, 8]}"
_FLIP = "{type: Pipeline, layers: [{type: RandomFlip}, {type: RandomRotation, factor: 0.1}]}"


def write(name: str, data: str, *layers: str, compiled: bool = False) -> None:
    listed = "\n".join(f"    - {layer}" for layer in layers)
    text = _CONFIG.format(data=data, layers=listed, compiled=str(compiled).lower())
    Path(f"{name}.yaml").write_text(text)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with configs and data, of which some make libraries talk."""
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(0)
    np.savez("sequences.npz", x_train=random.normal(size=(40, 4, 3)), y_train=np.arange(40) % 2)
    for name in ("cat", "dog"):
        Path("pictures", name).mkdir(parents=True)
        for i in range(6):
            picture = Image.fromarray(random.integers(0, 255, (12, 12, 3), dtype="uint8"))
            picture.save(f"pictures/{name}/{i}.tiff")
        picture.convert("P").save(f"pictures/{name}/p.png", transparency=b"\x00\x10")
        picture.save(f"pictures/{name}/e.jpg", exif=b"Exif\0\0II*\0\x08\0\0\0\xff\xff\x01\0")
    write("pipeline", _PICTURES, _FLIP)
    write("masked", _SEQUENCES, "Masking", "{type: GRU, units: 2, return_sequences: true}")
    write("compiled", _SEQUENCES, "{type: Conv1D, filters: 2, kernel_size: 2}", compiled=True)
    Path("sweep.yaml").write_text("base: masked.yaml\nparameters: {training.epochs: [1, 2]}\n")
    return tmp_path


def stderr_of(*command: str, **variables: str) -> str:
    """Returns all that a process and its children write to file descriptor 2."""
    environment = {**os.environ, **variables}
    environment.pop("TF_CPP_MIN_LOG_LEVEL", None)
    return subprocess.run(
        [sys.executable, *command], capture_output=True, text=True, check=False, env=environment
    ).stderr


_ALL = """
import shutil
from dl.cli.main import run
for line in '''
train pipeline.yaml -q
train compiled.yaml -q
train masked.yaml -q
train --resume pipeline --epochs 2 -q
evaluate pipeline -q
predict pipeline pictures/cat -q
trace masked -q
diagnose pipeline -q
reproduce compiled -q
'''.strip().splitlines():
    print(line, run(line.split()), flush=True)
shutil.copy("runs/masked/0001/model.h5", "model.h5")
run(["evaluate", "model.h5", "--data", "sequences.npz", "-q"])
"""


def test_commands_are_silent(folder: Path) -> None:
    assert stderr_of("-c", _ALL) == ""


def test_a_sweep_and_its_trainings_are_silent(folder: Path) -> None:
    assert stderr_of("-m", "dl", "sweep", "sweep.yaml", "-q") == ""


def test_a_download_that_fails_says_only_that(folder: Path) -> None:
    write("imdb", "{source: keras, dataset: imdb}")
    nowhere = "http://127.0.0.1:9"

    told = stderr_of(
        "-m",
        "dl",
        "train",
        "imdb.yaml",
        "-q",
        KERAS_HOME=str(folder / "keras"),
        http_proxy=nowhere,
        https_proxy=nowhere,
    )

    assert [line.split(":")[0] for line in told.splitlines()] == [
        "error",
        "expected",
        "found",
        "hint",
    ]
    assert told.startswith("error: imdb: the data set cannot be downloaded\n")
