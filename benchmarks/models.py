"""The reference models as configs, and how `dl train` is timed on them."""

from __future__ import annotations

import csv
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from measure import run, steady

REFERENCE = Path(__file__).parent / "reference"
DL = str(Path(sys.executable).with_name("dl"))

_DENSE = "{{type: Dense, units: {0}, activation: relu}}"
_OUTPUT = "{type: Dense, units: 10, activation: softmax}"
LAYERS = {
    "tiny": ["{type: AveragePooling2D, pool_size: 7}", "Flatten", _DENSE.format(16)],
    "mlp": ["Flatten", _DENSE.format(128)],
    "bn": ["Flatten", _DENSE.format(256), "BatchNormalization", _DENSE.format(128)],
    "drop": ["Flatten", _DENSE.format(256), "{type: Dropout, rate: 0.3}", _DENSE.format(128)],
    "big": ["Flatten", _DENSE.format(1024), _DENSE.format(1024)],
    "cnn": [
        "{type: Conv2D, filters: 32, kernel_size: 3, activation: relu}",
        "MaxPooling2D",
        "{type: Conv2D, filters: 64, kernel_size: 3, activation: relu}",
        "MaxPooling2D",
        "Flatten",
        "{type: Dropout, rate: 0.5}",
    ],
    "lstm": ["{type: Reshape, target_shape: [28, 28]}", "{type: LSTM, units: 64}"],
}
"""The layers of each reference model but the last; `reference/keras_fit.py` has the same."""

_CONFIG = """\
name: bench
seed: {seed}
data: {{source: npz, path: {data}, split: {{validation: 0}}}}
model:
  layers:
    - {layers}
training:
  loss: sparse_categorical_crossentropy
  optimizer: adam
  metrics: [accuracy]
  batch_size: {batch}
  epochs: {epochs}
"""


@dataclass(frozen=True, slots=True)
class Job:
    """A reference model on the first rows of MNIST.

    Attributes:
        mnist: MNIST as an .npz file with Keras' names.
        model: A key of `LAYERS`, or `wide-N`: one hidden layer of N units.
        batch: Rows of a step.
        rows: Number of rows of the training part that are used.
        epochs: Epochs.
        seed: Seed.
    """

    mnist: Path
    model: str = "mlp"
    batch: int = 32
    rows: int = 60_000
    epochs: int = 4
    seed: int = 0
    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="dl-bench-")))

    def config(self) -> Path:
        """Writes the config and returns its path."""
        path = self.folder / "bench.yaml"
        text = _CONFIG.format(
            seed=self.seed,
            data=self._data(),
            layers="\n    - ".join([*layers_of(self.model), _OUTPUT]),
            batch=self.batch,
            epochs=self.epochs,
        )
        path.write_text(text)
        return path

    def train(self) -> Path:
        """Trains with `dl train` and returns the run directory."""
        command = [DL, "train", str(self.config()), "--runs", str(self.folder), "-q"]
        return Path(run(command).strip().splitlines()[-1])

    def dl_epoch(self) -> float:
        """Returns the seconds of an epoch of `dl train`."""
        with (self.train() / "history.csv").open() as lines:
            return steady([float(row["seconds"]) for row in csv.DictReader(lines)])

    def keras_command(self) -> list[str]:
        """Returns the command that trains the same with plain Keras."""
        settings = {
            "model": self.model,
            "batch-size": self.batch,
            "rows": self.rows,
            "epochs": self.epochs,
            "seed": self.seed,
        }
        script = [sys.executable, str(REFERENCE / "keras_fit.py"), str(self.mnist)]
        return script + [f"--{key}={value}" for key, value in settings.items()]

    def _data(self) -> Path:
        """Returns a file with the first rows of the training part."""
        with np.load(self.mnist) as arrays:
            if len(arrays["x_train"]) == self.rows:
                return self.mnist.resolve()
            kept = {name: arrays[name] for name in ("x_test", "y_test")}
            kept |= {name: arrays[name][: self.rows] for name in ("x_train", "y_train")}
        path = self.folder / "rows.npz"
        np.savez(path, **kept)
        return path


def layers_of(model: str) -> list[str]:
    """Returns the layers of a reference model but the last, as YAML."""
    if model.startswith("wide-"):
        return ["Flatten", _DENSE.format(model.removeprefix("wide-"))]
    return LAYERS[model]
