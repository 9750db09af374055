"""From a target's values to the `y` that the loss wants, by what a `Target` says alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dl.config.schema import Preprocess, TargetScaling
from dl.data.preprocessing.features import fit_scaling, loses_digits
from dl.data.raw import Raw
from dl.data.requirements import Requirements
from dl.data.targets.classes import unknown_class
from dl.data.targets.places import outside_unit, without_ones
from dl.data.targets.target import Target
from dl.data.targets.task import is_one_hot
from dl.data.targets.values import TargetValues, is_own_input, target_values
from dl.data.types import Array
from dl.errors import DataError
from dl.vocabulary.spec import Finding, Findings
from dl.vocabulary.traits import TAKES_SHARES

CenterAndSpread = tuple[tuple[float, ...], tuple[float, ...]]


def fit_target(
    target: Target, train: Raw, needs: Requirements, of_input: CenterAndSpread | None = None
) -> Target:
    """Returns the target with the scaling learned from the training rows.

    Args:
        target: From `describe_target`.
        train: The training rows.
        needs: What the config asks of the data.
        of_input: The scaling of the input; a target that is the input is scaled likewise, unless
            `preprocess.target` says how.

    Raises:
        DataError: The training rows have one class only, or numbers that the loss does not take.
        Findings: float32 cannot hold the numbers to predict well enough without scaling.
    """
    if target.task == "regression":
        learned = _fitted(target, train, needs.preprocess, of_input)
        if needs.loss in TAKES_SHARES:
            _refuse_outside_unit(train, learned)
        return learned
    if target.task != "multilabel":
        _refuse_one_class(train, target)
    return target


def _fitted(
    target: Target, train: Raw, preprocess: Preprocess, of_input: CenterAndSpread | None
) -> Target:
    scaling = preprocess.target
    if of_input is not None and scaling == "none" and is_own_input(train):
        center, spread = of_input
        return replace(target, scaling="input", center=center, spread=spread)
    values = target_values(train).values
    if scaling == "none" and loses_digits([values.reshape(len(values), -1)]):
        raise Findings([_too_far_from_zero(values)])
    center, spread = _learned_scaling(values, preprocess)
    return replace(target, scaling=scaling, center=center, spread=spread)


def _too_far_from_zero(values: Array) -> Finding:
    return Finding(
        ("preprocess", "target"),
        "leaves numbers that a network cannot tell apart: they are far from 0 for their range",
        expected="a scaled target",
        found=f"numbers from {values.min():.12g} to {values.max():.12g}, in steps of "
        f"{np.spacing(np.float32(np.abs(values).max())):.3g} as float32",
        hint="write preprocess: {target: standardize}",
    )


def _refuse_outside_unit(train: Raw, target: Target) -> None:
    y = encode_target(train, target)
    if y.size and (y.min() < 0 or y.max() > 1):
        raise outside_unit(target_values(train), y)


def encode_target(raw: Raw, target: Target) -> Array:
    """Returns `y` of some rows in the target's form.

    Raises:
        DataError: A value is missing, or is not a class that is known.
    """
    if target.form == "numbers":
        return _scaled(_numbers(raw, target), target)
    if target.form == "multilabel":
        return _zeros_and_ones(raw, target).astype(np.float32)
    positions = class_positions(raw, target)
    if target.form == "labels":
        return positions.astype(np.int32)
    if target.form == "single":
        return positions.astype(np.float32)[..., np.newaxis]
    return one_hot(positions, len(target.classes))


def one_hot(positions: NDArray[np.integer[Any]], classes: int) -> NDArray[np.float32]:
    """Returns zeros with a one at each position, shape (rows, *places, classes)."""
    encoded = np.zeros((positions.size, classes), np.float32)
    encoded[np.arange(positions.size), positions.reshape(-1)] = 1
    return encoded.reshape(*positions.shape, classes)


def class_indexes(y: Array, target: Target) -> NDArray[np.integer[Any]]:
    """Returns the position in `target.classes` of each class in `y`, shape (rows, *places)."""
    if target.form == "one_hot":
        return np.asarray(y.argmax(axis=-1))
    return y.reshape(len(y), *target.places).astype(np.intp, copy=False)


def class_positions(raw: Raw, target: Target) -> NDArray[np.integer[Any]]:
    """Returns the position of each class in `target.classes`, shape (rows, *places).

    Raises:
        DataError: A value is missing, or is not a class that is known.
    """
    values = target_values(raw)
    shape, classes = values.values.shape[1:], len(target.classes)
    if without_ones(shape) == without_ones(target.places):
        found = [_looked_up(block, target) for block in values.blocks()]
        flat = np.concatenate([np.empty(0, np.int32), *found])
        return flat.reshape(len(values.values), *target.places)
    if shape == (*target.places, classes) and values.words is None and is_one_hot(values):
        return np.asarray(values.values.argmax(axis=-1))
    raise _wrong_shape(values, target)


def _looked_up(values: TargetValues, target: Target) -> NDArray[np.int32]:
    by_value = {value: position for position, value in enumerate(target.values)}
    positions, texts = values.distinct()
    found = np.array([by_value.get(text, -1) for text in texts], np.int32)
    encoded = found[positions]
    if (encoded < 0).any():
        strangers = [text for text in texts if text not in by_value]
        raise unknown_class(values, target.values, strangers)
    return encoded


def _wrong_shape(values: TargetValues, target: Target) -> DataError:
    single = f"{len(target.classes)} columns with a single 1"
    expected = f"one class for each row, or {single}"
    if target.places:
        shape = target.places if target.form in ("labels", "single", "numbers") else ()
        expected = f"rows of the shape {shape or (*target.places, len(target.classes))}"
    return DataError(
        f"{values.source}: the target has another shape than the one the model was made for",
        expected=expected,
        found=f"the shape {values.values.shape}",
        hint="give the target in the form of the training data",
    )


def _zeros_and_ones(raw: Raw, target: Target) -> Array:
    values = target_values(raw)
    if target.places and values.values.shape[1:] != (*target.places, len(target.classes)):
        raise _wrong_shape(values, target)
    if values.words is not None or values.values.shape[-1] != len(target.classes):
        raise DataError(
            f"{values.source}: the target has another shape than the one the model was made for",
            expected=f"{len(target.classes)} columns of 0 and 1",
            found="text" if values.words is not None else f"{values.columns} columns",
            hint="give the target in the form of the training data",
        )
    wrong = (values.values != 0) & (values.values != 1)
    if wrong.any():
        row, *place = (int(position) for position in np.argwhere(wrong)[0])
        title = f"`{values.names[place[0]]}`" if values.values.ndim == 2 else values.title
        raise DataError(
            f"{values.place(row)}: the target {title} is neither 0 nor 1",
            expected="0 or 1: each target column is a label",
            found=str(values.values[(row, *place)]),
            hint="correct the value, or write `data.task: regression`",
        )
    return values.values


def _numbers(raw: Raw, target: Target) -> Array:
    values = target_values(raw)
    if target.places and values.words is None:
        if without_ones(values.values.shape[1:]) != without_ones(target.places):
            raise _wrong_shape(values, target)
        return values.values.reshape(len(values.values), *target.places)
    if values.words is not None or values.columns != len(target.names):
        raise DataError(
            f"{values.source}: the target has another shape than the one the model was made for",
            expected=f"{len(target.names)} column{'s' if len(target.names) > 1 else ''} of numbers",
            found="text" if values.words is not None else f"{values.columns} columns",
            hint="give the target in the form of the training data",
        )
    return values.values


def _learned_scaling(
    values: Array, preprocess: Preprocess
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Returns what to subtract from and to divide by, for each target; a spread is never zero."""
    scaling, limits = preprocess.target, preprocess.target_range
    if scaling == "none":
        return (), ()
    single = values.ndim > 2
    columns = [values] if single else [values[:, column] for column in range(values.shape[1])]
    if limits is not None:
        columns = [np.array(limits)] * len(columns)
    pairs = [_learned_pair(column, scaling) for column in columns]
    return tuple(center for center, _ in pairs), tuple(spread for _, spread in pairs)


def _learned_pair(values: Array, scaling: TargetScaling) -> tuple[float, float]:
    if scaling != "minmax_signed":
        return fit_scaling(values, scaling)
    least, spread = fit_scaling(values, "minmax")
    return least + spread / 2, spread / 2


def _scaled(values: Array, target: Target) -> Array:
    if target.scaling == "none":
        return values.astype(np.float32)
    return np.asarray((values - np.array(target.center)) / np.array(target.spread), np.float32)


def _refuse_one_class(train: Raw, target: Target) -> None:
    positions = class_positions(train, target).reshape(-1)
    if len(positions) and (positions != positions[0]).any():
        return
    only = target.classes[positions[0]] if len(positions) else None
    title = " and ".join(f"`{name}`" for name in target.names[:3])
    raise DataError(
        f"{train.source}: the target {title} has one class only in the training part",
        expected="two classes or more",
        found=f"only {only!r} in {len(positions)} row{'s' if len(positions) > 1 else ''}",
        hint="give rows of other classes, or choose another target column",
    )
