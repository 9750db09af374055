"""Which layer, loss and optimizer are tried together, and the config and data of each trial."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml

from campaigns.samples import ROWS, layer_sample, loss_sample, sample_spec
from dl.vocabulary.catalog import entries
from dl.vocabulary.spec import Kind, document

REPEATED = 2
"""Batches in an epoch: each has the rows of the samples."""
_CALLBACKS: tuple[dict[str, object] | None, ...] = (
    None,
    {"type": "EarlyStopping", "monitor": "loss", "patience": 9, "restore_best_weights": True},
    {"type": "ReduceLROnPlateau", "monitor": "loss", "patience": 1, "min_delta": 1e9},
    {"type": "ModelCheckpoint", "monitor": "loss", "filepath": "best.keras"},
)


@dataclass(frozen=True, slots=True)
class Case:
    """Names of the vocabulary that make a training."""

    number: int
    layer: str
    loss: str
    optimizer: str

    def __str__(self) -> str:
        return f"{self.layer}, {self.loss}, {self.optimizer}"


def covering(seed: int) -> Iterator[Case]:
    """Yields cases until every two entries of different kinds have met.

    The case of the i-th layer and the j-th loss has the (i + j)-th optimizer. They come in rounds:
    each round has every layer once, with another loss than in the rounds before; the seed says
    which round is the first. As there are more layers than losses and optimizers together, one
    round has every entry at least once, and every loss with every other optimizer.
    """
    layers, losses, optimizers = (
        list(entries(kind)) for kind in (Kind.LAYER, Kind.LOSS, Kind.OPTIMIZER)
    )
    for turn in range(len(losses)):
        for i, layer in enumerate(layers):
            j = (i + turn + seed) % len(losses)
            optimizer = optimizers[(i + j) % len(optimizers)]
            yield Case(turn * len(layers) + i, layer, losses[j], optimizer)


def write(case: Case, folder: Path) -> Path:
    """Writes the config and the data of a case; returns the path of the config."""
    folder.mkdir()
    layer, loss = layer_sample(case.layer), loss_sample(case.loss)
    x = layer.rows(ROWS * REPEATED).astype("float32" if layer.below is None else "int32")
    y = np.concatenate([loss.targets] * REPEATED)
    np.savez(folder / "rows.npz", x_train=x, y_train=y)
    outputs = loss.predictions.shape[1:]
    path = folder / "case.yaml"
    path.write_text(yaml.safe_dump(_config(case, outputs)), encoding="utf-8")
    return path


def _config(case: Case, outputs: tuple[int, ...]) -> dict[str, object]:
    callback = _CALLBACKS[case.number % len(_CALLBACKS)]
    return {
        "name": "case",
        "data": {"source": "npz", "path": "rows.npz", "split": {"validation": 0, "test": 0}},
        "model": {"layers": [*_first(case.layer), *_head(case.loss, outputs)]},
        "training": {
            "loss": _named(Kind.LOSS, case.loss),
            "optimizer": _named(Kind.OPTIMIZER, case.optimizer),
            "batch_size": ROWS,
            "epochs": 1,
            "callbacks": [callback] if callback else [],
        },
        "engine": {"compile": False, "steps_per_call": 1},
    }


def _first(name: str) -> list[object]:
    sample = layer_sample(name)
    if name == "Input":
        return [{"type": "Input", "shape": list(sample.shape)}]
    if name == "RandomCrop":  # Keras 3.15 crops in training only: what follows must take any size
        return [sample.parameters, "GlobalAveragePooling2D"]
    # Dense takes no whole numbers, as Hashing gives them, and none of hundreds, as of pictures.
    return [sample.parameters, {"type": "Rescaling", "scale": 0.01}, "Flatten"]


def _head(loss: str, outputs: tuple[int, ...]) -> list[object]:
    """Returns layers that give what the loss takes, one number for each output."""
    units = int(np.prod(outputs))
    dense = {"type": "Dense", "units": units, "activation": _activation(loss, outputs)}
    return [dense, *([{"type": "Reshape", "target_shape": list(outputs)}] if outputs[1:] else [])]


def _activation(loss: str, outputs: tuple[int, ...]) -> str:
    if loss == "Perceptron":
        return "heaviside"
    return "softmax" if outputs[-1] > 2 and not outputs[1:] else "sigmoid"


def _named(kind: Kind, name: str) -> object:
    return document(sample_spec(kind, name))
