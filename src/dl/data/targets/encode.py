"""From a target's values to the `y` that the loss wants, by what a `Target` says alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dl.config.schema import Preprocess
from dl.data.preprocessing.features import fit_scaling, loses_digits
from dl.data.requirements import Requirements
from dl.data.targets.describe import outside_unit
from dl.data.targets.target import Target
from dl.data.targets.values import TargetValues, is_own_input, target_values, without_ones
from dl.data.types import Array, Raw
from dl.errors import DataError
from dl.text import plural
from dl.vocabulary.spec import Findings
from dl.vocabulary.traits import TAKES_SHARES

CenterAndSpread = tuple[tuple[float, ...], tuple[float, ...]]


def fit_target(
    target: Target, train: Raw, needs: Requirements, of_input: CenterAndSpread | None = None
) -> Target:
    """Returns the target with the scaling fitted on the training rows.

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
    if target.task == "multilabel":
        return target
    if target.task != "regression":
        _refuse_one_class(train, target)
        return target
    scaling = needs.preprocess.target
    if of_input is not None and scaling == "none" and is_own_input(train):
        center, spread = of_input
        fitted = replace(target, scaling="input", center=center, spread=spread)
    else:
        values = target_values(train).values
        if scaling == "none" and loses_digits([values.reshape(len(values), -1)]):
            raise Findings.one(
                ("preprocess", "target"),
                "leaves numbers that a network cannot tell apart: they are far from 0 for their "
                "range",
                expected="a scaled target",
                found=f"numbers from {values.min():.12g} to {values.max():.12g}, in steps of "
                f"{np.spacing(np.float32(np.abs(values).max())):.3g} as float32",
                hint="write preprocess: {target: standardize}",
            )
        center, spread = _fit_scaling(values, needs.preprocess)
        fitted = replace(target, scaling=scaling, center=center, spread=spread)
    if needs.loss in TAKES_SHARES:
        y = encode_target(train, fitted)
        if y.size and (y.min() < 0 or y.max() > 1):
            raise outside_unit(target_values(train), y)
    return fitted


def _fit_scaling(values: Array, preprocess: Preprocess) -> CenterAndSpread:
    """Returns what to subtract and to divide by: for each column, or one for several axes."""
    scaling, limits = preprocess.target, preprocess.target_range
    if scaling == "none":
        return (), ()
    columns = [values] if values.ndim > 2 else list(values.T)
    pairs = []
    for column in columns if limits is None else [np.array(limits)] * len(columns):
        center, spread = fit_scaling(column, "minmax" if scaling == "minmax_signed" else scaling)
        if scaling == "minmax_signed":
            center, spread = center + spread / 2, spread / 2
        pairs.append((center, spread))
    return tuple(center for center, _ in pairs), tuple(spread for _, spread in pairs)


def _refuse_one_class(train: Raw, target: Target) -> None:
    positions = class_positions(train, target).reshape(-1)
    if len(positions) and (positions != positions[0]).any():
        return
    only = target.classes[positions[0]] if len(positions) else None
    title = " and ".join(f"`{name}`" for name in target.names[:3])
    raise DataError(
        f"{train.source}: the target {title} has one class only in the training part",
        expected="two classes or more",
        found=f"only {only!r} in {plural(len(positions), 'row')}",
        hint="give rows of other classes, or choose another target column",
    )


def encode_target(raw: Raw, target: Target) -> Array:
    """Returns `y` of some rows in the target's form.

    Raises:
        DataError: A value is missing, or is not a class that is known.
    """
    if target.form == "numbers":
        values = target_values(raw)
        if not target.places and values.words is None and values.columns == len(target.names):
            # Of any number of axes: earlier versions knew no places.
            numbers = values.values
        else:
            numbers = _shaped(values, target.places or (len(target.names),), target)
        if target.scaling == "none":
            return numbers.astype(np.float32)
        scaled = (numbers - np.array(target.center)) / np.array(target.spread)
        return np.asarray(scaled, np.float32)
    if target.form == "multilabel":
        values = target_values(raw)
        labels = _shaped(values, (*target.places, len(target.classes)), target)
        wrong = (values.values != 0) & (values.values != 1)
        if wrong.any():
            raise values.wrong(
                wrong,
                "is neither 0 nor 1",
                "0 or 1: each target column is a label",
                "correct the value, or write `data.task: regression`",
            )
        return labels.astype(np.float32)
    positions = class_positions(raw, target)
    if target.form == "labels":
        return positions.astype(np.int32)
    if target.form == "single":
        return positions.astype(np.float32)[..., np.newaxis]
    one_hot = np.zeros((positions.size, len(target.classes)), np.float32)
    one_hot[np.arange(positions.size), positions.reshape(-1)] = 1
    return one_hot.reshape(*positions.shape, len(target.classes))


def class_positions(raw: Raw, target: Target) -> NDArray[np.integer[Any]]:
    """Returns the position of each class in `target.classes`, shape (rows, *places).

    Raises:
        DataError: A value is missing, or is not a class that is known.
    """
    values = target_values(raw)
    shape, classes = values.values.shape[1:], len(target.classes)
    if shape == (*target.places, classes) and values.words is None and values.one_hot:
        return np.asarray(values.values.argmax(axis=-1))
    if without_ones(shape) != without_ones(target.places):
        raise _other_shape(values, target)
    found = [np.empty(0, np.int32), *(_looked_up(block, target) for block in values.blocks())]
    return np.concatenate(found).reshape(len(values.values), *target.places)


def _looked_up(values: TargetValues, target: Target) -> NDArray[np.int32]:
    by_value = {value: position for position, value in enumerate(target.values)}
    positions, texts = values.distinct()
    found = np.array([by_value.get(text, -1) for text in texts], np.int32)
    encoded = found[positions]
    if (encoded < 0).any():
        strangers = [text for text in texts if text not in by_value]
        raise values.unknown_class(target.values, strangers)
    return encoded


def _shaped(values: TargetValues, shape: tuple[int, ...], target: Target) -> Array:
    """Returns numbers in the shape that rows of the target have."""
    if values.words is not None or without_ones(values.values.shape[1:]) != without_ones(shape):
        raise _other_shape(values, target)
    return values.values.reshape(len(values.values), *shape)


def _other_shape(values: TargetValues, target: Target) -> DataError:
    columns = len(target.classes) or len(target.names)
    if target.places:
        last = () if target.form in ("labels", "single", "numbers") else (columns,)
        expected = f"rows of the shape {(*target.places, *last)}"
    else:
        expected = {
            "numbers": f"{plural(columns, 'column')} of numbers",
            "multilabel": f"{plural(columns, 'column')} of 0 and 1",
        }.get(target.form, f"one class for each row, or {columns} columns with a single 1")
    return DataError(
        f"{values.source}: the target has another shape than the one the model was made for",
        expected=expected,
        found=f"the shape {values.values.shape}" if values.words is None else "text",
        hint="give the target in the form of the training data",
    )
