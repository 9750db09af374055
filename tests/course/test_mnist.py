"""Section 10: the Keras workflow, on random pictures of the shape of MNIST."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import keras
import numpy as np
import pytest

from conftest import Dl
from dl.config.load import load_config
from support.course import CONFIGS

PREPARED = {"x_train": (300, 28, 28), "x_test": (50, 28, 28)}


def write_digits(path: Path) -> dict[str, np.ndarray]:
    """Writes pictures of ten kinds: a bright stripe in another place for each digit."""
    random = np.random.default_rng(0)
    arrays = {}
    for part, rows in (("train", 300), ("test", 50)):
        y = np.arange(rows, dtype=np.uint8) % 10
        x = random.integers(0, 60, (rows, 28, 28), dtype=np.uint8)
        for row, digit in enumerate(y):
            x[row, 2 * digit + 3 : 2 * digit + 6] += 180
        arrays |= {f"x_{part}": x, f"y_{part}": y}
    np.savez(path, **arrays)
    return arrays


@pytest.mark.slow
def test_whole_workflow_from_a_file(dl: Dl, drawn: None, tmp_path: Path) -> None:
    arrays = write_digits(tmp_path / "mnist.npz")
    options = ["--set", f"data.path={tmp_path / 'mnist.npz'}", "--set", "training.epochs=5"]
    config = CONFIGS / "10b-mnist-npz.yaml"
    assert dl("train", config, "--runs", tmp_path, "-q", *options).code == 0
    run = tmp_path / "10b-mnist-npz" / "0001"
    pictures = {path.name for path in (run / "plots").iterdir()}
    assert {"learning_curves.png", "confusion_matrix.png", "examples.png"} <= pictures

    # Without dl: load the file, normalise, predict.
    model = keras.models.load_model(run / "model.h5")
    p = model.predict(arrays["x_test"] / np.float32(255), verbose=0)
    by_dl = list(csv.DictReader(io.StringIO(dl("predict", run, "-q").out)))
    assert [row["prediction"] for row in by_dl] == [str(digit) for digit in p.argmax(axis=1)]
    found = np.array([[float(row[f"probability_{digit}"]) for digit in range(10)] for row in by_dl])
    np.testing.assert_allclose(found, p, atol=1e-5)
    assert np.mean(p.argmax(axis=1) == arrays["y_test"]) > 0.9


def test_download_and_file_are_one_config() -> None:
    texts = [
        (CONFIGS / f"{name}.yaml").read_text().partition("\nseed:")[2]
        for name in ("10a-mnist", "10b-mnist-npz")
    ]
    from_keras, from_file = texts
    assert from_file == from_keras.replace("source: keras", "source: npz").replace(
        "dataset: mnist    ", "path: mnist.npz   "
    )
    assert load_config(CONFIGS / "10a-mnist.yaml").config.data.source == "keras"
