"""A frozen base run once and in each step: seconds of an epoch, and how far the weights are apart.

python benchmarks/front.py [--pictures 300] [--size 96] [--epochs 6] [--rounds 3]

Trains a Dense layer behind MobileNetV3Small with random weights, which is frozen, on made-up
pictures: by turns with `engine.front: once` and with `each_step`. An epoch counts from the second
one on, with its validation; the fastest of all rounds counts, so that a busy machine matters
little. What stays of the difference of the weights is the rounding of sums: other numbers of rows
go through the base together.
"""

from __future__ import annotations

import argparse
import csv
import subprocess
import sys
import tempfile
from pathlib import Path

import h5py
import keras
import numpy as np

CONFIG = """\
name: {name}
data: {{source: npz, path: pictures.npz, split: {{validation: 0.2, test: 0.1}}}}
model:
  layers:
    - {{type: MobileNetV3Small, weights: base.weights.h5, pooling: avg, trainable: false}}
    - {{type: Dense, units: 3, activation: softmax, name: answer}}
training:
  loss: sparse_categorical_crossentropy
  optimizer: {{type: adam, learning_rate: 0.01}}
  metrics: [accuracy]
  epochs: {epochs}
engine: {{front: {name}}}
"""
WAYS = ("once", "each_step")


def main() -> None:
    """Prints both ways and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    for name, default in {"pictures": 300, "size": 96, "epochs": 6, "rounds": 3}.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    random = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as temporary:
        folder, shape = Path(temporary), (options.pictures, options.size, options.size, 3)
        pictures = random.integers(0, 256, shape, dtype=np.uint8)
        labels = np.arange(options.pictures) % 3
        np.savez(folder / "pictures.npz", x_train=pictures, y_train=labels)
        _write_weights(folder / "base.weights.h5", options.size)
        seconds: dict[str, list[float]] = {way: [] for way in WAYS}
        for turn in range(options.rounds):
            for way in WAYS if turn % 2 == 0 else WAYS[::-1]:
                run = _train(folder, way, options.epochs)
                seconds[way] += _epochs(run)[1:]
        fastest = {way: min(times) for way, times in seconds.items()}
        for way, least in fastest.items():
            print(f"{way:10} {least:8.4f} s an epoch")
        apart = _apart(folder / "once" / "0001", folder / "each_step" / "0001")
        print(f"ratio {fastest['each_step'] / fastest['once']:.1f}, weights apart {apart:.2g}")


def _write_weights(path: Path, size: int) -> None:
    """Writes random weights that are large enough for features to differ between pictures."""
    base = keras.applications.MobileNetV3Small((size, size, 3), include_top=False, weights=None)
    for weight in base.weights:
        if "kernel" in weight.path:
            weight.assign(2.5 * weight)
    base.save_weights(path)


def _train(folder: Path, way: str, epochs: int) -> Path:
    config = folder / f"{way}.yaml"
    config.write_text(CONFIG.format(name=way, epochs=epochs), encoding="utf-8")
    command = [sys.executable, "-m", "dl", "train", str(config), "--runs", str(folder), "-q"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return max((folder / way).iterdir())


def _epochs(run: Path) -> list[float]:
    with (run / "history.csv").open(encoding="utf-8") as file:
        return [float(row["seconds"]) for row in csv.DictReader(file)]


def _apart(first: Path, second: Path) -> float:
    """Returns the greatest difference of a weight between two runs."""

    def weights(run: Path) -> dict[str, np.ndarray]:
        with h5py.File(run / "model.h5") as file:
            found: dict[str, np.ndarray] = {}
            file["model_weights"].visititems(
                lambda name, item: (
                    found.update({name: item[:]}) if isinstance(item, h5py.Dataset) else None
                )
            )
            return found

    one, other = weights(first), weights(second)
    return max(float(np.abs(one[name] - other[name]).max()) for name in one)


if __name__ == "__main__":
    main()
