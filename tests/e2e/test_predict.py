"""`dl predict` with the lite copy of the model, and with TensorFlow where there is none."""

from __future__ import annotations

import csv
import io
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from conftest import Dl
from dl.data.sources import csv as csv_source
from e2e.conftest import Project

pytestmark = pytest.mark.slow

SCRIPT = """\
import sys
from dl.cli.main import run
code = run(sys.argv[1:])
print(sorted({name.split(".")[0] for name in sys.modules}), file=sys.stderr)
sys.exit(code)
"""
UNNEEDED = {"keras", "tensorflow", "h5py", "sklearn", "scipy", "pandas", "matplotlib", "rich"}


@pytest.fixture
def copied(project: Project, tmp_path: Path) -> Path:
    """A copy of the trained run, to be damaged."""
    return Path(shutil.copytree(project.run, tmp_path / "run"))


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def assert_alike(found: str, expected: str) -> None:
    """Compares predictions; numbers may differ by the rounding of another runtime."""
    first, second = rows(found), rows(expected)
    assert len(first) == len(second) > 0
    assert list(first[0]) == list(second[0])
    for name in first[0]:
        ours, theirs = [row[name] for row in first], [row[name] for row in second]
        if ours != theirs:
            np.testing.assert_allclose(
                np.array(ours, float), np.array(theirs, float), rtol=1e-5, atol=1e-5
            )


def test_nothing_of_keras_is_loaded(project: Project) -> None:
    command = [sys.executable, "-c", SCRIPT, "predict", str(project.run), str(project.data)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    *told, modules = done.stderr.splitlines()
    assert told == [f"Predicting {project.data}"]
    assert not set(json.loads(modules.replace("'", '"'))) & UNNEEDED
    assert len(rows(done.stdout)) == 150


def test_tensorflow_takes_over_where_there_is_no_copy(
    dl: Dl, project: Project, copied: Path
) -> None:
    (copied / "model.tflite").unlink()
    (copied / "model.tflite.json").unlink()
    outcome = dl("predict", copied, project.data)
    assert outcome.err.splitlines() == [
        "no lite copy of the model (the run has none): TensorFlow is loaded",
        "Loading Keras",
        "Loading the model",
        f"Predicting {project.data}",
    ]
    assert_alike(outcome.out, dl("predict", project.run, project.data).out)


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda run: _cut(run / "model.tflite"), "model.tflite is missing or damaged"),
        (lambda run: _flip(run / "model.tflite"), "model.tflite is missing or damaged"),
        (lambda run: _cut(run / "model.tflite.json"), "model.tflite.json is damaged"),
        (lambda run: (run / "model.tflite").unlink(), "model.tflite is missing or damaged"),
    ],
    ids=["cut", "flipped", "record", "gone"],
)
def test_damaged_copy_is_told_and_not_used(
    dl: Dl, project: Project, copied: Path, damage: Callable[[Path], object], reason: str
) -> None:
    damage(copied)
    outcome = dl("predict", copied, project.data, "-q")
    assert outcome.code == 0
    assert outcome.err == (
        f"warning: {copied.parent.name}/run: {reason}; TensorFlow predicted from model.h5 instead\n"
    )
    assert_alike(outcome.out, dl("predict", project.run, project.data, "-q").out)


def test_changed_model_is_refused_although_its_copy_is_whole(
    dl: Dl, project: Project, copied: Path
) -> None:
    _flip(copied / "model.h5")
    outcome = dl("predict", copied, project.data, "-q")
    assert outcome.code == 4
    assert outcome.err.startswith(f"error: {copied / 'model.h5'} is damaged or was edited")


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-9])


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)


def test_file_in_many_blocks_gives_the_rows_of_the_file(
    dl: Dl, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = dl("predict", project.run, project.data).out
    monkeypatch.setattr(csv_source, "BLOCK", 500)
    assert_alike(dl("predict", project.run, project.data).out, expected)


def test_unseen_categories_of_all_blocks_are_one_warning(
    dl: Dl, project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "new.csv"
    path.write_text("width,height,colour\n" + "1,1,red\n2,2,pink\n" * 40)
    monkeypatch.setattr(csv_source, "BLOCK", 100)
    outcome = dl("predict", project.run, path, "-q")
    assert len(rows(outcome.out)) == 80
    told = outcome.err.splitlines()
    assert told[0] == (
        f"warning: {path}:3: column 'colour': 40 rows have a category that is not in the "
        "training part, such as 'pink'; encoded as zeros"
    )
    assert all(" has shifted: " in line for line in told[1:])  # such rows are unlike the others


def test_output_file_stays_as_it_was_after_an_error_in_a_late_row(
    dl: Dl, project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, out = tmp_path / "new.csv", tmp_path / "out.csv"
    path.write_text("width,height,colour\n" + "1,1,red\n" * 60 + "1,wide,red\n")
    out.write_text("before\n")
    monkeypatch.setattr(csv_source, "BLOCK", 100)
    outcome = dl("predict", project.run, path, "-o", out, "-q")
    assert outcome.code == 3
    assert outcome.err.startswith(f"error: {path}:62: column 'height' is numeric, but this is text")
    assert out.read_text() == "before\n"
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["new.csv", "out.csv"]


TABLE = {"source": "csv", "path": "rows.csv"}
ARRAYS = {"source": "npz", "path": "rows.npz"}
DENSE = {"type": "Dense", "units": 8, "activation": "relu"}
CASES: dict[str, dict[str, Any]] = {
    "scaled regression": {
        "data": {**TABLE, "target": "price", "features": ["a", "b"]},
        "preprocess": {"target": "standardize"},
        "model": {"layers": [DENSE, "BatchNormalization", {"type": "Dense", "units": 1}]},
        "training": {"loss": "mse"},
    },
    "prepared columns": {
        "data": {**TABLE, "target": "price", "columns": {"odd": "categorical"}},
        "preprocess": {
            "target": "log1p",
            "columns": {
                "a": {"scale": "quantile"},
                "b": {"buckets": 4, "missing": "median", "indicator": True},
                "b x odd": {"hash": 6},
            },
            "crosses": [["b", "odd"]],
        },
        "model": {"layers": [DENSE, {"type": "Dense", "units": 1}]},
        "training": {"loss": "mse"},
    },
    "binary": {
        "data": {**TABLE, "target": "big", "features": ["a", "b"]},
        "model": {"layers": [DENSE, {"type": "Dense", "units": 1, "activation": "sigmoid"}]},
        "training": {"loss": "binary_crossentropy"},
        "evaluation": {"threshold": 0.3},
    },
    "labels on logits": {
        "data": {**TABLE, "target": ["big", "odd"], "features": ["a", "b"], "task": "multilabel"},
        "model": {"layers": [{"type": "Dropout", "rate": 0.2}, {"type": "Dense", "units": 2}]},
        "training": {"loss": {"type": "BinaryCrossentropy", "from_logits": True}},
    },
    "images": {
        "data": ARRAYS,
        "model": {
            "layers": [
                {"type": "Conv2D", "filters": 2, "kernel_size": 3},
                "Flatten",
                {"type": "Dense", "units": 2, "activation": "softmax"},
            ]
        },
        "training": {"loss": "sparse_categorical_crossentropy"},
    },
    "recurrent": {
        "data": ARRAYS,
        "model": {
            "layers": [
                {"type": "LSTM", "units": 3},
                {"type": "Dense", "units": 2, "activation": "softmax"},
            ]
        },
        "training": {"loss": "sparse_categorical_crossentropy"},
    },
    "no copy": {
        "data": ARRAYS,
        "model": {
            "layers": [
                {"type": "Reshape", "target_shape": [6, 6, 1, 1]},
                {"type": "MaxPooling3D", "pool_size": [2, 2, 1]},
                "Flatten",
                {"type": "Dense", "units": 2, "activation": "softmax"},
            ]
        },
        "training": {"loss": "sparse_categorical_crossentropy"},
    },
}


def _write_rows(folder: Path) -> None:
    random = np.random.default_rng(3)
    a, b = random.normal(0, 50, (2, 90))
    lines = [
        f"{a[i]},{b[i]},{3 * a[i] - b[i] + 900},{int(a[i] > b[i])},{i % 2}\n" for i in range(90)
    ]
    (folder / "rows.csv").write_text("a,b,price,big,odd\n" + "".join(lines))
    x = random.normal(size=(90, 6, 6)).astype("float32")
    np.savez(folder / "rows.npz", x_train=x, y_train=(x[:, 0, 0] > 0).astype("int32"))


@pytest.mark.parametrize("name", CASES)
def test_both_ways_predict_the_same(dl: Dl, tmp_path: Path, name: str) -> None:
    _write_rows(tmp_path)
    training = {**CASES[name]["training"], "epochs": 2}
    (tmp_path / "case.yaml").write_text(yaml.safe_dump({**CASES[name], "training": training}))
    run = tmp_path / "runs" / "case" / "0001"
    assert dl("train", tmp_path / "case.yaml", "--runs", tmp_path / "runs", "-q").code == 0
    assert (run / "model.tflite").exists() is (name != "no copy")

    light = [dl("predict", run, "--split", split) for split in ("train", "test")]
    (run / "model.tflite").unlink(missing_ok=True)
    (run / "model.tflite.json").unlink()
    heavy = [dl("predict", run, "--split", split) for split in ("train", "test")]

    for ours, theirs in zip(light, heavy, strict=True):
        assert ours.code == theirs.code == 0
        assert ("Loading Keras" in ours.err) is (name == "no copy")
        assert_alike(ours.out, theirs.out)
    if name == "no copy":
        assert light[0].err.startswith(
            "no lite copy of the model (LiteRT has no operation MaxPool3D): TensorFlow is loaded\n"
        )
