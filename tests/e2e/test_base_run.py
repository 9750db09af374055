"""A run with a pretrained base: trained, evaluated, opened by plain Keras, repeated."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest

from conftest import Dl
from dl.cli.main import run
from dl.rundir.manifest import file_sha256

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]

CONFIG = """\
data: {source: npz, path: pictures.npz, split: {validation: 0.25, test: 0.25}}
model:
  layers:
    - type: MobileNetV3Small
      weights: base.weights.h5
      alpha: 0.35
      minimalistic: true
      pooling: avg
      trainable: false
      name: base
    - {type: Dense, units: 3, activation: softmax}
training:
  loss: sparse_categorical_crossentropy
  optimizer: {type: adam, learning_rate: 0.01}
  metrics: [accuracy]
  batch_size: 8
  epochs: 2
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run, whose model is not changed."""
    folder = tmp_path_factory.mktemp("pictures")
    random = np.random.default_rng(0)
    pictures = random.integers(0, 256, (40, 32, 32, 3), dtype=np.uint8)
    np.savez(folder / "pictures.npz", x_train=pictures, y_train=np.arange(40) % 3)
    original = keras.applications.MobileNetV3Small(
        (32, 32, 3), alpha=0.35, minimalistic=True, include_top=False, pooling="avg", weights=None
    )
    for weight in original.weights:
        if "kernel" in weight.path:
            weight.assign(random.normal(0, 0.3, weight.shape))
    original.save_weights(folder / "base.weights.h5")
    (folder / "case.yaml").write_text(CONFIG, encoding="utf-8")
    assert run(["train", str(folder / "case.yaml"), "--runs", str(folder), "-q"]) == 0
    return folder / "case" / "0001"


def measured(outcome: Any) -> dict[str, float]:
    assert outcome.code == 0, outcome.err
    metrics: dict[str, float] = json.loads(outcome.out)["metrics"]
    return metrics


def test_the_record_has_the_file_of_the_weights(folder: Path) -> None:
    record = json.loads((folder / "run.json").read_text())

    weights = folder.parents[1] / "base.weights.h5"
    assert record["bases"] == {"base": {"file": weights.name, "sha256": file_sha256(weights)}}


def test_plain_keras_opens_the_model_with_the_same_outputs(folder: Path) -> None:
    outputs = np.load(folder / "outputs.npz")
    model = keras.saving.load_model(folder / "model.h5")

    with np.load(folder.parents[1] / "pictures.npz") as data:
        ours = {row.tobytes() for row in np.round(outputs["outputs"], 4)}
        theirs = {row.tobytes() for row in np.round(model.predict(data["x_train"], verbose=0), 4)}

    assert len(model.trainable_weights) == 2
    assert ours <= theirs


def test_a_saved_model_is_measured_without_the_file_of_the_weights(folder: Path, dl: Dl) -> None:
    metrics = json.loads((folder / "metrics.json").read_text())
    weights = folder.parents[1] / "base.weights.h5"
    weights.rename(weights.with_suffix(".away"))

    again = measured(dl("evaluate", folder, "--split", "test", "--json"))

    weights.with_suffix(".away").rename(weights)
    assert again == pytest.approx(metrics["test"], rel=1e-5)


def test_a_model_file_is_measured_without_its_run(folder: Path, dl: Dl, tmp_path: Path) -> None:
    model, data = tmp_path / "model.h5", folder.parents[1] / "pictures.npz"
    model.write_bytes((folder / "model.h5").read_bytes())

    metrics = measured(dl("evaluate", model, "--data", data, "--json"))
    whole = measured(dl("evaluate", folder, "--data", data, "--json"))

    assert metrics == pytest.approx(whole, rel=1e-5)


def test_a_file_that_lies_about_its_base_is_refused(folder: Path, dl: Dl, tmp_path: Path) -> None:
    model, data = tmp_path / "model.h5", folder.parents[1] / "pictures.npz"
    model.write_bytes((folder / "model.h5").read_bytes())
    with h5py.File(model, "r+") as file:
        bases = json.loads(file.attrs["dl_bases"])
        bases["base"]["pooling"] = "max"
        file.attrs["dl_bases"] = json.dumps(bases)

    outcome = dl("evaluate", model, "--data", data)

    assert outcome.code == 4
    assert outcome.err.endswith(
        f"error: {model} is inconsistent: 'base' is not the MobileNetV3Small that it says\n"
        "hint: restore the file from a copy, or train again\n"
    )


def test_a_run_is_repeated_bit_for_bit(folder: Path, dl: Dl) -> None:
    outcome = dl("reproduce", folder)

    assert outcome.code == 0, outcome.err
    assert outcome.out.splitlines()[-1] == "identical: 2 epochs and model.h5, bit for bit"


def test_another_file_of_weights_is_told_when_a_run_is_resumed(folder: Path, dl: Dl) -> None:
    weights = folder.parents[1] / "base.weights.h5"
    content = weights.read_bytes()
    with h5py.File(weights, "r+") as file:
        file["layers/conv2d/vars/0"][...] = 0.0

    outcome = dl("train", "--resume", folder, "--set", "training.epochs=3")

    weights.write_bytes(content)
    assert outcome.code == 4
    assert "the file of the weights of base has changed since case/0001 was trained" in outcome.err
