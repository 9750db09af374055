"""What the training rows tell of a target: how it is scaled, and what its classes weigh."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from dl.config.data import INPUTS, Window
from dl.config.preprocess import Preprocess
from dl.config.rules.facts import finding
from dl.data.arrays import ArrayFeature
from dl.data.features import Feature, NumericFeature, feature_names
from dl.data.requirements import Requirements
from dl.data.scaling import fit_scaling, loses_digits
from dl.data.series import changes
from dl.data.target import (
    LastValues,
    OutputFunction,
    Target,
    class_counts,
    class_indexes,
    class_positions,
    encode_target,
)
from dl.data.target_values import (
    is_own_input,
    outside_unit,
    refuse_logarithms,
    target_values,
    without_ones,
)
from dl.data.types import IGNORED, Array, Part, Raw, RawArrays, RawTable, Rows, blocks, made_of
from dl.data.windows import Windows
from dl.errors import DataError
from dl.text import plural
from dl.vocabulary import traits
from dl.vocabulary.spec import Findings

CenterAndSpread = tuple[tuple[float, ...], tuple[float, ...]]


def input_target(
    features: Sequence[Feature | ArrayFeature], needs: Requirements, window: Window | None = None
) -> Target:
    """Returns the target of a network that gives back its inputs as they are prepared.

    Those of arrays are told in their own unit, those of a table in that which the network gets.
    """
    function: OutputFunction = "sigmoid" if needs.from_logits else "none"
    target = Target("regression", (INPUTS,), "numbers", units=1, activation=function)
    match features:
        case [ArrayFeature() as array]:
            shape = array.input_shape
            if (scaling := array.own_scaling) is not None:
                target = replace(target, scaling="input", center=scaling[0], spread=scaling[1])
            if len(shape) > 1:
                return replace(target, places=without_ones(shape) or shape[:1])
            return replace(target, names=tuple(map(str, range(shape[0]))), units=shape[0])
    names = feature_names([each for each in features if not isinstance(each, ArrayFeature)])
    if window is not None:
        shape = (window.length, len(names))
        return replace(target, places=without_ones(shape) or shape[:1])
    return replace(target, names=names, units=len(names))


def refuse_beyond_unit(x: Rows, needs: Requirements) -> None:
    """Refuses inputs as the target of a binary loss that are not between 0 and 1."""
    if needs.loss not in traits.TAKES_SHARES:
        return
    limits = [(x[some].min(), x[some].max()) for some in blocks(x)]
    low, high = min(low for low, _ in limits), max(high for _, high in limits)
    if low >= 0 and high <= 1:
        return
    hint = "write preprocess: {numeric: minmax}, or use loss: mean_squared_error"
    if needs.rescales:
        hint = "remove the Rescaling layer: without it, pixels are divided by 255 before"
    raise Findings.one(
        ("preprocess", "numeric"),
        "gives inputs that the loss cannot take as the target",
        expected="inputs from 0 to 1: the loss is a binary one",
        found=f"numbers from {low:.6g} to {high:.6g}",
        hint=hint,
        at_key=True,
    )


def fit_target(
    target: Target, train: Raw, needs: Requirements, features: Sequence[Feature | ArrayFeature] = ()
) -> Target:
    """Returns the target with the scaling fitted on the training rows.

    Args:
        target: From `describe_target`.
        train: The training rows.
        needs: What the config asks of the data.
        features: The inputs; a target that is the input is scaled likewise, unless
            `preprocess.target` says how. Among them are the last values of a target that is
            predicted by its change.

    Raises:
        DataError: The training rows have one class only, or numbers that the loss does not take.
        Findings: float32 cannot hold the numbers to predict well enough without scaling.
    """
    if target.task == "multilabel":
        return target
    if target.task != "regression":
        _refuse_one_class(train, target)
        return target
    windows = train.windows
    if isinstance(train, RawTable):
        train = replace(train, windows=None)  # each row counts once, in however many windows it is
    scaling, read = needs.preprocess.target, target_values(train)
    values = read.values
    of_input = next((each.own_scaling for each in features if isinstance(each, ArrayFeature)), None)
    if of_input is not None and scaling == "none" and is_own_input(train):
        center, spread = of_input
        fitted = replace(target, scaling="input", center=center, spread=spread)
    else:
        if scaling == "none":
            _refuse_lost_digits(values)
        if scaling == "log1p":
            refuse_logarithms(read)
        center, spread = _fit_scaling(values, needs.preprocess)
        fitted = replace(target, scaling=scaling, center=center, spread=spread)
    if needs.loss in traits.TAKES_SHARES:
        y = encode_target(train, fitted)[:]
        if y.size and (y.min() < 0 or y.max() > 1):
            raise outside_unit(read, y)
    if windows is not None and windows.form.difference:
        return _by_change(fitted, windows, features)
    return fitted


def _refuse_lost_digits(values: Array) -> None:
    if loses_digits([values.reshape(len(values), -1)]):
        raise Findings.one(
            ("preprocess", "target"),
            "leaves numbers that a network cannot tell apart: they are far from 0 for their range",
            expected="a scaled target",
            found=f"numbers from {values.min():.12g} to {values.max():.12g}, in steps of "
            f"{np.spacing(np.float32(np.abs(values).max())):.3g} as float32",
            hint="write preprocess: {target: standardize}",
        )


def _by_change(
    target: Target, windows: Windows, features: Sequence[Feature | ArrayFeature]
) -> Target:
    """Returns a target of which the layers say the change.

    In the spread of all values, one-step changes are close to 0, and what is left to learn is lost
    in the loss: a scaled target is divided by the spread of the changes of the training part.
    """
    moved = changes(windows).reshape(-1, len(target.names))
    means, spreads = (0.0,) * len(target.names), (1.0,) * len(target.names)
    if target.scaling != "none":
        fits = [fit_scaling(column, "standardize") for column in moved.T]
        means, spreads = tuple(mean for mean, _ in fits), tuple(spread for _, spread in fits)
        target = replace(target, spread=spreads)
    inputs = {each.name: each for each in features if isinstance(each, NumericFeature)}
    columns = feature_names([each for each in features if not isinstance(each, ArrayFeature)])
    factors, offsets = [], []
    for position, name in enumerate(target.names):
        if name not in inputs or not inputs[name].is_linear:
            path = ("data", "window", "difference")
            raise Findings([finding(path, "differences_have_last_values.bent", name=name)])
        center = target.center[position] if target.center else 0.0
        factors.append(inputs[name].spread / spreads[position])
        offsets.append((inputs[name].center + means[position] - center) / spreads[position])
    places = tuple(columns.index(name) for name in target.names)
    each = windows.form.outputs == "each"
    return replace(target, last=LastValues(places, tuple(factors), tuple(offsets), each))


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
    if isinstance(train, RawArrays) and train.masks and train.y is not None:
        found = [np.unique(train.y[some]) for some in blocks(train.y)]
        positions = np.unique(np.concatenate(found))
        positions = positions[positions != IGNORED]
    else:
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


def class_weights(
    part: Part, target: Target, setting: Literal["balanced"] | Mapping[str, float] | None
) -> dict[int, float] | None:
    """Returns Keras' `class_weight` for `training.class_weight`.

    `balanced` weighs each class by rows / (classes * rows of the class), so that every class counts
    the same; a class that the training part lacks weighs 1. A class that a mapping leaves out
    weighs 1.

    Args:
        part: The training part.
        target: What the model predicts.
        setting: `training.class_weight`.
    """
    if setting is None:
        return None
    if setting != "balanced":
        return {position: setting.get(name, 1.0) for position, name in enumerate(target.classes)}
    counts = list(class_counts(part, target).values())
    rows, present = sum(counts), sum(count > 0 for count in counts)
    return {
        position: rows / (present * count) if count else 1.0
        for position, count in enumerate(counts)
    }


def row_weights(y: Rows, target: Target, weights: Mapping[int, float] | None) -> Rows | None:
    """Returns the weight of each row's class, or of each place, shape (rows, *places).

    Keras gives rows the same by its `class_weight`, but knows none for places.
    """
    if weights is None:
        return None
    table = np.array([weights[number] for number in range(len(weights))], np.float32)
    return made_of(y, lambda some: np.asarray(table[class_indexes(some, target)]))
