"""What each entry of the vocabulary needs to be built and trained for a step on tiny arrays.

`layer_sample`, `loss_sample` and `metric_sample` serve every test that sweeps the vocabulary;
`parameters_for` gives the least parameters of an entry of any kind.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dl.vocabulary.catalog import Entry, checked_object, find
from dl.vocabulary.spec import Kind, Spec

Array = npt.NDArray[np.generic]

ROWS = 4
CLASSES = 3

REQUIRED: Mapping[str, object] = {
    "activation": "relu",
    "bin_boundaries": [-1.0, 0.0, 1.0],
    "boundaries": [1, 2],
    "cell": {"type": "LSTMCell", "units": 2},
    "cells": [{"type": "GRUCell", "units": 2}, {"type": "LSTMCell", "units": 2}],
    "decay_rate": 0.5,
    "decay_steps": 3,
    "dims": [2, 1],
    "equation": "ab,bc->ac",
    "factor": 0.3,
    "filepath": "best.keras",
    "filters": 2,
    "first_decay_steps": 3,
    "height": 4,
    "height_factor": 0.2,
    "initial_learning_rate": 0.1,
    "inner_optimizer": "SGD",
    "input_dim": 7,
    "kernel_size": 2,
    "layer": {"type": "Dense", "units": 2},
    "layers": [{"type": "Dense", "units": 2}, "ReLU"],
    "max_learning_rate": 0.1,
    "mean": 0.5,
    "n": 2,
    "num_bins": 5,
    "num_classes": CLASSES,
    "num_tokens": 7,
    "output_dim": 2,
    "output_shape": 2,
    "output_size": 2,
    "pool_size": 2,
    "precision": 0.5,
    "rate": 0.5,
    "recall": 0.5,
    "scale": 0.5,
    "sensitivity": 0.5,
    "shape": [3],
    "specificity": 0.5,
    "stddev": 0.1,
    "target_class_ids": [0, 1],
    "target_shape": [-1, 2],
    "weights": "none",
    "units": 2,
    "values": [0.1, 0.01, 0.001],
    "variance": 2.0,
    "vocabulary": [1, 2, 3],
    "width": 4,
    "width_factor": 0.2,
}
"""A value for each parameter that some entry requires, by its name."""

OTHERS: Mapping[tuple[str, str], object] = {
    ("Bidirectional", "layer"): {"type": "GRU", "units": 2},
    ("RandomPosterization", "factor"): 4,
    ("SpectralNormalization", "layer"): {"type": "Dense", "units": 2},
}
"""Values of required parameters where the entry needs another one."""

OF_TARGET: Mapping[str, Mapping[str, object]] = {
    "BinaryAccuracy": {"threshold": 0.5},
    "BinaryIoU": {"threshold": 0.5},
    "Embedding": {"input_dim": 7},
    "F1Score": {"average": "macro"},
    "OneCycle": {"total_steps": 4, "warmup_steps": 1},
    "FBetaScore": {"average": "macro"},
    "Quantile": {"quantile": 0.9},
}
"""Parameters that follow the target, or the rows, where they are not given; one of several of which
one is needed."""


@dataclass(frozen=True)
class LayerSample:
    """What a layer needs: its parameters, the shape of a row, and whole numbers below a limit.

    Attributes:
        parameters: The least mapping that `checked_object` takes, with `type`.
        shape: The shape of one row.
        below: The input is whole numbers from 0 to below this; None is any number.
    """

    parameters: dict[str, object]
    shape: tuple[int, ...]
    below: int | None = None

    def rows(self, count: int = ROWS) -> Array:
        """Returns input rows, the same at each call."""
        generator = np.random.default_rng(0)
        if self.below is not None:
            return generator.integers(0, self.below, (count, *self.shape))
        return generator.random((count, *self.shape)).astype("float32")


_SHAPES: Mapping[str, tuple[int, ...]] = {
    "ConvLSTM1D": (2, 5, 2),
    "ConvLSTM2D": (2, 5, 5, 2),
    "ConvLSTM3D": (2, 4, 4, 4, 1),
    "1D": (6, 3),
    "2D": (6, 6, 3),
    "3D": (4, 4, 4, 2),
}
_IMAGES = re.compile(
    r"Random.*|CenterCrop|Resizing|Rescaling|AugMix|RandAugment|AutoContrast|"
    r"ContrastLimited.*|Equalization|Solarization"
)
_SEQUENCES = re.compile(r"LSTM|GRU|SimpleRNN|RNN|Bidirectional|TimeDistributed|Masking|Permute")
_WHOLE = re.compile(r"(Reversible)?Embedding|CategoryEncoding|Hashing|IntegerLookup")
_SMALL: Mapping[str, Mapping[str, object]] = {
    "GroupNormalization": {"groups": 2},
    "MelSpectrogram": {"fft_length": 16, "sequence_stride": 8, "num_mel_bins": 4},
    "STFTSpectrogram": {"frame_length": 16},
}
"""Parameters whose default is too large for a tiny input."""


def layer_sample(name: str) -> LayerSample:
    """Returns what the layer of a canonical name needs."""
    parameters = {"type": name, **parameters_for(_entry(Kind.LAYER, name)), **_SMALL.get(name, {})}
    return LayerSample(parameters, _shape(name), 7 if _WHOLE.fullmatch(name) else None)


def _shape(name: str) -> tuple[int, ...]:
    for part, shape in _SHAPES.items():
        if part in name:
            return shape
    if name == "MelSpectrogram":
        return (64,)
    if name == "STFTSpectrogram":
        return (64, 1)
    if _IMAGES.fullmatch(name):
        return (8, 8, 3)
    if _SEQUENCES.fullmatch(name):
        return (4, 3)
    return (4,) if name in ("Reshape", "GroupNormalization") else (3,)


@dataclass(frozen=True)
class TargetSample:
    """Targets and predictions that suit a loss or a metric; both have a row for each target."""

    targets: Array
    predictions: Array


_CLASS_LOSSES = {
    "SparseCategoricalCrossentropy",
    "CategoricalGeneralizedCrossEntropy",
    "Circle",
    "crossentropy",
}
"""Losses whose targets are class numbers."""


def loss_sample(name: str) -> TargetSample:
    """Returns targets and predictions for the loss of a canonical name."""
    if name == "CTC":
        return TargetSample(np.array([[1, 2]] * ROWS), _probabilities(ROWS, 6, CLASSES))
    if name in _CLASS_LOSSES:
        return _of_classes()
    if name.startswith("Categorical") or name in ("KLDivergence", "Dice", "Tversky"):
        return _one_hot()
    if name.startswith("Binary") or name in ("Hinge", "SquaredHinge", "Perceptron"):
        return _binary()
    return _numbers()


def metric_sample(name: str) -> TargetSample:
    """Returns targets and predictions for the metric of a canonical name."""
    if name in ("IoU", "MeanIoU"):
        return TargetSample(_classes(), _classes()[::-1])
    if name.startswith("Sparse") or name == "accuracy":
        return _of_classes()
    if name.startswith(("Categorical", "TopK", "OneHot", "F1", "FBeta", "KL")):
        return _one_hot()
    if name == "BinaryIoU" or "At" in name or name.startswith(("AUC", "Binary", "False", "True")):
        return _binary()
    return _binary() if name in ("Precision", "Recall") else _numbers()


def _classes() -> Array:
    return np.arange(ROWS) % CLASSES


def _probabilities(*shape: int) -> Array:
    values = np.random.default_rng(0).random(shape) + 0.1
    return (values / values.sum(axis=-1, keepdims=True)).astype("float32")


def _of_classes() -> TargetSample:
    return TargetSample(_classes(), _probabilities(ROWS, CLASSES))


def _one_hot() -> TargetSample:
    rows = np.eye(CLASSES, dtype="float32")[_classes()]
    return TargetSample(rows, _probabilities(ROWS, CLASSES))


def _binary() -> TargetSample:
    targets = (np.arange(ROWS) % 2).astype("float32").reshape(ROWS, 1)
    return TargetSample(targets, _probabilities(ROWS, 2)[:, :1])


def _numbers() -> TargetSample:
    generator = np.random.default_rng(1)
    targets, predictions = generator.random((2, ROWS, 2)).astype("float32")
    return TargetSample(targets, predictions)


def parameters_for(entry: Entry) -> dict[str, object]:
    """Returns a value for each required parameter of an entry, and what would follow a target."""
    required = {
        name: OTHERS.get((entry.name, name), REQUIRED.get(name))
        for name, parameter in entry.parameters.items()
        if parameter.required
    }
    return {**required, **OF_TARGET.get(entry.name, {})}


def sample_spec(kind: Kind, name: str, **parameters: object) -> Spec:
    """Returns the checked spec of an entry with the least parameters, and those given."""
    least = (
        layer_sample(name).parameters
        if kind is Kind.LAYER
        else {"type": name, **parameters_for(_entry(kind, name))}
    )
    return checked_object(kind, {**least, **parameters})


def _entry(kind: Kind, name: str) -> Entry:
    entry = find(kind, name)
    if entry is None:
        raise KeyError(name)
    return entry
