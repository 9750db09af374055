"""From a model's outputs to predictions that a person can read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from dl.data.targets.target import Target, target_of
from dl.data.types import Array


def decode(outputs: Array, learned: Mapping[str, Any]) -> dict[str, Array]:
    """Returns the columns of the predictions, in their order.

    Classes: `prediction`, then `probability_<class>` for each class. Several labels:
    `prediction_<label>`, 0 or 1, then `probability_<label>`, for each. Numbers: `prediction`, or
    `prediction_<target>` for several, in the target's own unit.

    Outputs of a loss on logits become probabilities first. Outputs that are no probabilities at
    all (hinge losses, a linear output under `mean_squared_error`) give the prediction alone: the
    class of the largest output, or, of a single unit, the second class from 0 for hinge losses
    and from 0.5 for others.

    Args:
        outputs: The model's outputs, shape (rows, units) or (rows,).
        learned: The content of `preprocess.json`.
    """
    target = target_of(learned)
    if target.form == "numbers":
        return _numbers(unscale(outputs, learned), target)
    if target.units is None:
        return _embedding(outputs)
    rows = _activated(outputs.reshape(len(outputs), -1), target)
    if target.form == "multilabel":
        return _labels(rows, target)
    return _classes(rows, target)


def unscale(numbers: Array, learned: Mapping[str, Any]) -> Array:
    """Returns scaled numbers of a regression target in the target's own unit, in their shape."""
    target = target_of(learned)
    if target.scaling == "none":
        return numbers
    shape = (-1,) + (1,) * max(0, numbers.ndim - 2)
    spread, center = np.reshape(target.spread, shape), np.reshape(target.center, shape)
    return np.asarray(numbers * spread + center)


def _activated(outputs: Array, target: Target) -> Array:
    if target.activation == "softmax":
        powers = np.exp(outputs - outputs.max(axis=1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=1, keepdims=True))
    if target.activation == "sigmoid":
        # Two forms of the same function, each where its power cannot overflow.
        small = np.exp(-np.abs(outputs))
        return np.where(outputs >= 0, 1 / (1 + small), small / (1 + small))
    return outputs


def _classes(rows: Array, target: Target) -> dict[str, Array]:
    classes = np.array(target.classes)
    if target.form == "single":
        chosen = (rows[:, 0] >= target.cut).astype(np.intp)
        rows = np.column_stack([1 - rows[:, 0], rows[:, 0]])
    else:
        chosen = rows.argmax(axis=1)
    columns = {"prediction": classes[chosen]}
    if target.probabilities:
        for position, name in enumerate(target.classes):
            columns[f"probability_{name}"] = rows[:, position]
    return columns


def _labels(rows: Array, target: Target) -> dict[str, Array]:
    columns: dict[str, Array] = {}
    for position, name in enumerate(target.classes):
        columns[f"prediction_{name}"] = (rows[:, position] >= target.cut).astype(np.int8)
    if target.probabilities:
        for position, name in enumerate(target.classes):
            columns[f"probability_{name}"] = rows[:, position]
    return columns


def _numbers(outputs: Array, target: Target) -> dict[str, Array]:
    rows = outputs.reshape(len(outputs), -1)
    if rows.shape[1] == 1:
        return {"prediction": rows[:, 0]}
    if rows.shape[1] == len(target.names):
        return {f"prediction_{name}": rows[:, i] for i, name in enumerate(target.names)}
    return {f"prediction_{position}": rows[:, position] for position in range(rows.shape[1])}


def _embedding(outputs: Array) -> dict[str, Array]:
    """Returns the outputs themselves: an embedding is near to its class but names none."""
    rows = outputs.reshape(len(outputs), -1)
    return {f"output_{position}": rows[:, position] for position in range(rows.shape[1])}
