"""The loss and the metric whose meaning depends on the form of target and output."""

from __future__ import annotations

from typing import Any

import keras

from dl.data.targets.target import Form

SMART_LOSS = "crossentropy"
SMART_METRIC = "accuracy"


def fitting_crossentropy(outputs: int) -> Any:
    """Returns the cross-entropy of one output, or of one-hot classes."""
    if outputs == 1:
        return keras.losses.BinaryCrossentropy()
    return keras.losses.CategoricalCrossentropy()


def fitting_accuracy(form: Form, name: str) -> Any:
    """Returns the accuracy that fits the form of the target."""
    if form == "labels":
        return keras.metrics.SparseCategoricalAccuracy(name=name)
    if form == "one_hot":
        return keras.metrics.CategoricalAccuracy(name=name)
    return keras.metrics.BinaryAccuracy(name=name)
