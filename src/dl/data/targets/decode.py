"""From a model's outputs to predictions that a person can read."""

from __future__ import annotations

import math

import numpy as np

from dl.data.targets.target import Target
from dl.data.types import Array

MOST_PROBABILITIES = 10_000
"""The most columns of probabilities; a table of more helps nobody."""


def decode(outputs: Array, target: Target) -> dict[str, Array]:
    """Returns the columns of the predictions, in their order.

    Classes: `prediction`, then `probability_<class>` for each class. Several labels:
    `prediction_<label>`, 0 or 1, then `probability_<label>`, for each. Numbers: `prediction`, or
    `prediction_<target>` for several, in the target's own unit.

    Where a row has several places, each name ends in the place: `prediction_<step>`,
    `prediction_<row>_<column>`, `probability_<class>_<row>_<column>`, counted from 0.

    Outputs of a loss on logits become probabilities first. Outputs that are no probabilities at
    all (hinge losses, a linear output under `mean_squared_error`) give the prediction alone: the
    class of the largest output, or, of a single unit, the second class from 0 for hinge losses
    and from 0.5 for others.

    Args:
        outputs: The model's outputs, shape (rows, units), (rows,) or (rows, *places, units).
        target: What the model predicts.
    """
    if target.form == "numbers":
        return _numbers(own_numbers(outputs, target), target)
    if target.units is None:
        return _embedding(outputs)
    chosen, probabilities = classes_of(outputs, target)
    columns: dict[str, Array] = {}
    if target.form == "multilabel":
        for position, name in enumerate(target.classes):
            columns |= _by_place(f"prediction_{name}", chosen[..., position], target)
    else:
        columns |= _by_place("prediction", np.array(target.classes)[chosen], target)
    if probabilities is None or probabilities[:1].size > MOST_PROBABILITIES:
        return columns
    for position, name in enumerate(target.classes):
        columns |= _by_place(f"probability_{name}", probabilities[..., position], target)
    return columns


def _by_place(name: str, values: Array, target: Target) -> dict[str, Array]:
    """Returns a column, or one for each place of a row; values have the shape (rows, *places)."""
    if not target.places:
        return {name: values}
    places = ["_".join(map(str, place)) for place in np.ndindex(target.places)]
    if len(target.names) == len(places):
        places = list(target.names)
    columns = values.reshape(len(values), -1).T
    return {f"{name}_{place}": column for place, column in zip(places, columns, strict=True)}


def unscale(numbers: Array, target: Target) -> Array:
    """Returns scaled numbers of a regression target in the target's own unit, in their shape."""
    if target.scaling == "none":
        return numbers
    return np.asarray(numbers * np.array(target.spread) + np.array(target.center))


def own_numbers(outputs: Array, target: Target) -> Array:
    """Returns the outputs for a target of numbers in its own unit, in the shape of the target."""
    shape = target.places or (math.prod(outputs.shape[1:]),)
    return unscale(_activated(outputs.reshape(len(outputs), *shape), target), target)


def classes_of(outputs: Array, target: Target) -> tuple[Array, Array | None]:
    """Returns what the outputs say of classes.

    Returns:
        The position of the class of each place, shape (rows, *places); of several labels, 0 or 1
        for each, shape (rows, *places, labels). And the probabilities, shape (rows, *places,
        classes); None where the outputs are none.
    """
    shaped = outputs.reshape(len(outputs), *target.places, target.units or -1)
    values = _activated(shaped, target)
    probabilities = values if target.probabilities else None
    if target.form == "multilabel":
        return (values >= target.cut).astype(np.int8), probabilities
    if target.form != "single":
        return np.asarray(values.argmax(axis=-1)), probabilities
    if probabilities is not None:
        probabilities = np.concatenate([1 - values, values], axis=-1)
    return (values[..., 0] >= target.cut).astype(np.intp), probabilities


def _activated(outputs: Array, target: Target) -> Array:
    if target.activation == "softmax":
        powers = np.exp(outputs - outputs.max(axis=-1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=-1, keepdims=True))
    if target.activation == "sigmoid":
        # Two forms of the same function, each where its power cannot overflow.
        small = np.exp(-np.abs(outputs))
        return np.where(outputs >= 0, 1 / (1 + small), small / (1 + small))
    return outputs


def _numbers(numbers: Array, target: Target) -> dict[str, Array]:
    if target.places:
        return _by_place("prediction", numbers, target)
    if numbers.shape[1] == 1:
        return {"prediction": numbers[:, 0]}
    named = numbers.shape[1] == len(target.names)
    names = target.names if named else range(numbers.shape[1])
    return {f"prediction_{name}": numbers[:, place] for place, name in enumerate(names)}


def _embedding(outputs: Array) -> dict[str, Array]:
    """Returns the outputs themselves: an embedding is near to its class but names none."""
    rows = outputs.reshape(len(outputs), -1)
    return {f"output_{position}": rows[:, position] for position in range(rows.shape[1])}
