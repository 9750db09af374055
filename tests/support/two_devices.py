"""Trains on two logical processors and on one, in a process of its own; prints the differences.

The number of logical devices is fixed with the first use of TensorFlow.
"""

from __future__ import annotations

import contextlib
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from dl.cli.main import run as main_of_dl
from dl.config.schema import Config
from dl.data.dataset import Dataset
from dl.data.storage import ScratchFile
from dl.data.types import Part, Storage
from dl.predict.evaluate import evaluate, predict
from dl.progress import SilentReporter
from dl.training.fit import fit
from dl.training.steps import Batches, device_scope
from dl.training.strategy import choose_strategy
from dl.vocabulary.spec import Findings
from support.training import DENSE, config, dataset, inputs, labels, part, ready

HIDDEN = {"type": "Dense", "units": 6, "activation": "relu"}
STOPPING = (
    {"type": "EarlyStopping", "monitor": "val_loss", "patience": 1, "restore_best_weights": True},
    {"type": "ReduceLROnPlateau", "monitor": "val_loss", "patience": 0, "factor": 0.5},
)
MOONS = """\
data: {source: synthetic, dataset: moons, rows: 60}
model: {layers: [{type: Dense, units: 1, activation: sigmoid}]}
training: {loss: binary_crossentropy, metrics: [accuracy], batch_size: 8, epochs: 2}
engine: {distribute: mirrored}
"""
CASES: dict[str, dict[str, Any]] = {
    "a last batch of one row, weighted classes": {
        "rows": 41,
        "training": {
            "class_weight": "balanced",
            "metrics": ("accuracy", "F1Score", "Precision", {"type": "MeanIoU", "num_classes": 3}),
        },
    },
    "momentum and callbacks": {
        "training": {"optimizer": {"type": "Adam"}, "epochs": 4, "callbacks": STOPPING}
    },
    "streamed": {"rows": 43, "streamed": True},
    "tokens": {
        "layers": [{"type": "Embedding", "input_dim": 9, "output_dim": 2}, "Flatten", DENSE]
    },
}


def main() -> None:
    tf.config.set_logical_device_configuration(
        tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
    )
    result = {name: difference(**case) for name, case in CASES.items()}
    layers = ["BatchNormalization", {"type": "Dropout", "rate": 0.5}, DENSE]
    drops = run(config(layers, {"distribute": "mirrored"}), data_of(43, layers))
    told: dict[str, Any] = {"noise": drops[1][-1]["loss"], "refused": refused()}
    told["run"] = whole_run(Path(sys.argv[1]))
    print(json.dumps({"cases": result, **told}))


def difference(
    rows: int = 40,
    layers: Any = (HIDDEN, DENSE),
    training: dict[str, Any] | None = None,
    streamed: bool = False,
) -> dict[str, Any]:
    """Returns how far two devices are from one."""
    data = data_of(rows, layers)
    on_disk = in_scratch(data) if streamed else data
    one, history = run(config(layers, **(training or {})), data)
    chosen = config(layers, {"distribute": "mirrored"}, **(training or {}))
    two, other = run(chosen, on_disk)
    pairs = zip(one.get_weights(), two.get_weights(), strict=True)
    outputs = [predict(model, data.train.x, SilentReporter()) for model in (one, two)]
    metrics = [evaluate(model, data.train, chosen)["loss"] for model in (one, two)]
    rows_of_history = zip(history, other, strict=True)
    return {
        "devices": choose_strategy(two, chosen, Batches.of(chosen, data)).devices,
        "weights": max(float(np.abs(a - b).max()) for a, b in pairs),
        "outputs": float(np.abs(outputs[0] - outputs[1]).max()),
        "metrics": abs(metrics[0] - metrics[1]),
        "history": max(
            abs(a[key] - b[key]) for a, b in rows_of_history for key in a if key != "seconds"
        ),
    }


def data_of(rows: int, layers: Any) -> Dataset:
    x = inputs(rows, 5)
    if layers[0] != HIDDEN and isinstance(layers[0], dict):
        x = np.random.default_rng(0).integers(0, 9, (rows, 5)).astype(np.int32)
    return dataset(x, labels(rows), validation=part(x[:11], labels(11)))


def in_scratch(data: Dataset) -> Dataset:
    def moved(rows: Part) -> Part:
        return Part(ScratchFile().stored(rows.x[:]), rows.y, rows.rows)

    assert data.validation is not None
    storage = Storage(True, "for the test")
    return replace(
        data, train=moved(data.train), validation=moved(data.validation), storage=storage
    )


def run(chosen: Config, data: Dataset) -> tuple[Any, list[dict[str, float]]]:
    with device_scope(chosen, SilentReporter()):
        prepared = ready(chosen, data)
    return prepared.model, fit(prepared, SilentReporter(), lambda row: None)


def whole_run(folder: Path) -> int:
    """Trains from the command line, where other parts of `dl` handle the model; the exit code."""
    config_file = folder / "moons.yaml"
    config_file.write_text(MOONS)
    with contextlib.redirect_stdout(sys.stderr):
        return int(main_of_dl(["train", str(config_file), "--runs", str(folder)]))


def refused() -> str:
    try:
        device_scope(config([DENSE], {"distribute": "mirrored"}, batch_size=7), SilentReporter())
    except Findings as error:
        (finding,) = error.findings
        path = ".".join(map(str, finding.path))
        return f"{path} {finding.message}; {finding.expected}; {finding.hint}"
    return ""


if __name__ == "__main__":
    main()
