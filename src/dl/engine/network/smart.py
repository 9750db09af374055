"""The loss and the metrics whose meaning depends on the form of target and output."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import keras
import numpy as np

from dl.data.targets.target import Target
from dl.vocabulary.spec import Spec

SMART_LOSS = "crossentropy"
SMART_METRIC = "accuracy"
_COUNTING = frozenset(
    {
        "FalseNegatives",
        "FalsePositives",
        "Precision",
        "Recall",
        "TrueNegatives",
        "TruePositives",
    }
)
"""Metrics that count decisions, at 0.5 where they are given no `thresholds`."""


def fitting_crossentropy(outputs: int) -> Any:
    """Returns the cross-entropy of one output, or of one-hot classes."""
    if outputs == 1:
        return keras.losses.BinaryCrossentropy()
    return keras.losses.CategoricalCrossentropy()


def fitting_accuracy(target: Target, name: str) -> Any:
    """Returns the accuracy that fits the form of the target and decides as predictions do."""
    if target.form == "labels":
        return keras.metrics.SparseCategoricalAccuracy(name=name)
    if target.form == "one_hot":
        return keras.metrics.CategoricalAccuracy(name=name)
    return keras.metrics.BinaryAccuracy(name=name, threshold=just_below(_output_cut(target)))


def with_threshold(metric: Spec, target: Target) -> Spec:
    """Returns a metric that counts decisions with the threshold of the predictions.

    One that names `thresholds` of its own keeps them.
    """
    counts = metric.type in _COUNTING and metric.parameters.get("thresholds") is None
    if not counts or not target.has_threshold or target.activation != "none":
        return metric
    cut = just_below(target.cut)
    return replace(metric, parameters={**metric.parameters, "thresholds": cut})


def just_below(threshold: float) -> float:
    """Returns the threshold that makes Keras' `output > threshold` mean `>=` in float32."""
    limit = np.float32(threshold)
    if limit == 0:
        return -float(np.finfo(np.float32).tiny)  # numbers nearer to 0 may count as 0
    return float(np.nextafter(limit, np.float32(-np.inf)))


def _output_cut(target: Target) -> float:
    """Returns the output from which a row is of the second class or has a label."""
    if target.activation == "sigmoid":
        return math.log(target.cut / (1 - target.cut))
    return target.cut
