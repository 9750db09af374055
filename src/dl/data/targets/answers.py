"""The true values of rows beside what a model said of them, in one form for each kind of task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from dl.data.targets.decode import decode, unscale
from dl.data.targets.target import target_of
from dl.data.types import Array, DataInfo


@dataclass(frozen=True, slots=True)
class Answers:
    """True and predicted values of the same rows.

    Attributes:
        true: Class indexes, shape (rows,); multilabel: 0 or 1, shape (rows, labels); regression:
            values in the target's unit, shape (rows, targets).
        predicted: As `true`; None where the outputs name no class.
        probabilities: Shape (rows, classes), if the outputs are any.
    """

    true: Array
    predicted: Array | None
    probabilities: Array | None


def answers(y: Array, outputs: Array, info: DataInfo, learned: Mapping[str, Any]) -> Answers:
    """Returns what the outputs say, beside what is true.

    Args:
        y: Targets as the network was trained on.
        outputs: The model's outputs, shape (rows, units).
        info: What is known about the data.
        learned: The content of `preprocess.json`.
    """
    columns = decode(outputs, learned)
    predicted, probabilities = _predictions(columns, info), _probabilities(columns, info)
    return Answers(_true_values(y, learned), predicted, probabilities)


def _true_values(y: Array, learned: Mapping[str, Any]) -> Array:
    form = target_of(learned).form
    if form == "numbers":
        return unscale(y, learned)
    if form == "one_hot":
        return np.asarray(y.argmax(axis=1))
    return y.reshape(-1) if form == "single" else y


def _predictions(columns: Mapping[str, Array], info: DataInfo) -> Array | None:
    named = [values for name, values in columns.items() if name.startswith("prediction")]
    if not named:
        return None
    if info.task in ("binary", "multiclass"):
        position = {name: index for index, name in enumerate(info.classes)}
        texts, inverse = np.unique(named[0], return_inverse=True)
        return np.array([position[str(text)] for text in texts])[inverse]
    return np.column_stack(named)


def _probabilities(columns: Mapping[str, Array], info: DataInfo) -> Array | None:
    named = [
        columns[name] for name in map("probability_{}".format, info.classes) if name in columns
    ]
    return np.column_stack(named) if named else None
