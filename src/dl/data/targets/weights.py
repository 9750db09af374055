"""The weight of each class in the loss."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from dl.data.targets.encode import class_indexes
from dl.data.targets.target import Target
from dl.data.types import Array


def class_weights(
    y: Array,
    target: Target,
    setting: Literal["balanced"] | Mapping[str, float] | None,
) -> dict[int, float] | None:
    """Returns Keras' `class_weight` for `training.class_weight`.

    `balanced` weighs each class by rows / (classes * rows of the class), so that every class counts
    the same; a class that the training part lacks weighs 1. A class that a mapping leaves out
    weighs 1.

    Args:
        y: The training targets in the target's form.
        target: What the model predicts.
        setting: `training.class_weight`.
    """
    if setting is None:
        return None
    if setting == "balanced":
        return _balanced(class_indexes(y, target).reshape(-1), len(target.classes))
    return {position: setting.get(name, 1.0) for position, name in enumerate(target.classes)}


def row_weights(y: Array, target: Target, weights: Mapping[int, float] | None) -> Array | None:
    """Returns the weight of each row's class, or of each place, shape (rows, *places).

    Keras gives rows the same by its `class_weight`, but knows none for places.
    """
    if weights is None:
        return None
    table = np.array([weights[number] for number in range(len(weights))], np.float32)
    return np.asarray(table[class_indexes(y, target)])


def _balanced(positions: NDArray[np.integer[Any]], classes: int) -> dict[int, float]:
    counts = np.bincount(positions, minlength=classes)
    present = int((counts > 0).sum())
    return {
        position: len(positions) / (present * int(count)) if count else 1.0
        for position, count in enumerate(counts)
    }
