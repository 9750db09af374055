"""An epoch of the reference models: `dl train` against Keras' fit, PyTorch, scikit-learn and JAX.

python benchmarks/epochs.py MNIST.npz [--only mlp,drop] [--rounds 3] [--other-python PYTHON]

`--other-python` is an interpreter that has torch and jax; without it those rows are left out.
"""

from __future__ import annotations

import argparse
import csv
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from measure import Row, compare, last_json, markdown, run, steady

REFERENCE = Path(__file__).parent / "reference"
DENSE = "{{type: Dense, units: {0}, activation: relu}}"
OUTPUT = "{type: Dense, units: 10, activation: softmax}"
LAYERS = {
    "tiny": ["{type: AveragePooling2D, pool_size: 7}", "Flatten", DENSE.format(16)],
    "mlp": ["Flatten", DENSE.format(128)],
    "bn": ["Flatten", DENSE.format(256), "BatchNormalization", DENSE.format(128)],
    "drop": ["Flatten", DENSE.format(256), "{type: Dropout, rate: 0.3}", DENSE.format(128)],
    "big": ["Flatten", DENSE.format(1024), DENSE.format(1024)],
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
JOBS = [
    ("mlp", 32, 60000, "12 x"),
    ("tiny", 32, 60000, "12 x"),
    ("bn", 32, 60000, "6 x"),
    ("drop", 32, 60000, "5 x"),
    ("big", 32, 60000, "2 x"),
    ("cnn", 64, 12800, "1 x"),
    ("lstm", 64, 12800, "1 x"),
    ("big", 256, 60000, "1 x"),
]
OTHERS = [("torch_loop", "3.5 x"), ("sklearn_mlp", "4 x"), ("jax_scan", "0.77 x")]
CONFIG = """\
name: bench
data: {{source: npz, path: {data}, split: {{validation: 0, test: 0}}}}
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


def main() -> None:
    options = _options()
    rows = [row for row in _against_keras(options) if row]
    rows += _against_others(options)
    print("\n" + markdown(rows))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("mnist", type=Path)
    parser.add_argument("--only", help="models, separated by commas")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--other-python")
    parser.add_argument("--dl", default=str(Path(sys.executable).with_name("dl")))
    return parser.parse_args()


def _against_keras(options: argparse.Namespace) -> list[Row]:
    only = options.only.split(",") if options.only else list(LAYERS)
    return [
        compare(
            f"epoch, {model} batch {batch}",
            "Keras fit",
            _dl(options, model, batch, rows),
            _keras(options, model, batch, rows),
            rounds=options.rounds,
            target=target,
        )
        for model, batch, rows, target in JOBS
        if model in only
    ]


def _against_others(options: argparse.Namespace) -> list[Row]:
    if not options.other_python or (options.only and "mlp" not in options.only.split(",")):
        return []
    return [
        compare(
            "epoch, mlp batch 32",
            script.replace("_", " "),
            _dl(options, "mlp", 32, 60000),
            _script([options.other_python, str(REFERENCE / f"{script}.py"), str(options.mnist)]),
            rounds=options.rounds,
            target=target,
        )
        for script, target in OTHERS
    ]


def _keras(options: argparse.Namespace, model: str, batch: int, rows: int) -> Callable[[], float]:
    script = [sys.executable, str(REFERENCE / "keras_fit.py"), str(options.mnist)]
    settings = {"model": model, "batch-size": batch, "rows": rows, "epochs": options.epochs}
    return _script(script + [f"--{key}={value}" for key, value in settings.items()])


def _script(command: list[str]) -> Callable[[], float]:
    return lambda: steady(last_json(run(command))["epochs"])  # type: ignore[arg-type]


def _dl(options: argparse.Namespace, model: str, batch: int, rows: int) -> Callable[[], float]:
    def timed() -> float:
        with tempfile.TemporaryDirectory() as folder:
            config = Path(folder) / "bench.yaml"
            config.write_text(
                CONFIG.format(
                    data=_first_rows(options.mnist, rows, Path(folder)),
                    layers="\n    - ".join([*LAYERS[model], OUTPUT]),
                    batch=batch,
                    epochs=options.epochs,
                )
            )
            out = run([options.dl, "train", str(config), "--runs", folder, "-q"])
            return steady(_seconds(Path(out.strip().splitlines()[-1])))

    return timed


def _first_rows(mnist: Path, rows: int, folder: Path) -> Path:
    """Returns a file with the first rows of the training part; the whole file if it has no more."""
    import numpy as np

    with np.load(mnist) as arrays:
        if len(arrays["x_train"]) <= rows:
            return mnist.resolve()
        kept = {name: arrays[name] for name in ("x_test", "y_test")}
        kept |= {name: arrays[name][:rows] for name in ("x_train", "y_train")}
    np.savez(folder / "rows.npz", **kept)
    return folder / "rows.npz"


def _seconds(run_folder: Path) -> list[float]:
    with (run_folder / "history.csv").open() as lines:
        return [float(row["seconds"]) for row in csv.DictReader(lines)]


if __name__ == "__main__":
    main()
