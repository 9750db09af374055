"""What a model predicts: from values to what the loss wants, and from outputs to predictions."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from dl.config.data import Task
from dl.config.preprocess import TargetScaling
from dl.data.scaling import scaled, unscaled
from dl.data.target_values import TargetValues, refuse_logarithms, target_values, without_ones
from dl.data.types import IGNORED, Array, Part, Raw, RawArrays, Rows, made_of
from dl.errors import DataError, UsageError
from dl.rundir.typed import Count, Finite, NotZero
from dl.text import plural

TargetForm = Literal["labels", "one_hot", "single", "multilabel", "numbers"]
"""How the loss wants `y`: class numbers as int32 (rows,); one-hot rows as float32 (rows, classes);
0 or 1 as float32 (rows, 1); 0 or 1 for each label as float32 (rows, labels); numbers as float32
(rows, targets).

Where a row has a class, labels or a number at each of several places, such as the steps of a
sequence or the pixels of a mask, the places come behind the rows: class numbers as (rows, *places),
one-hot as (rows, *places, classes), 0 or 1 as (rows, *places, 1), numbers as (rows, *places)."""

OutputFunction = Literal["none", "softmax", "sigmoid"]
MOST_PROBABILITIES = 10_000
"""The most columns of probabilities; a table of more helps nobody."""


@dataclass(frozen=True, slots=True)
class LastValues:
    """Where the inputs of a window hold the last known value of each target, and in what scale.

    Attributes:
        columns: The input of each target.
        factors: What it is multiplied by.
        offsets: What is added then: the value is scaled as the target, plus the mean change.
        each: Whether there is one for each step of a window; else that of its last step.
    """

    columns: tuple[int, ...]
    factors: tuple[Finite, ...]
    offsets: tuple[Finite, ...]
    each: bool = False


@dataclass(frozen=True, slots=True)
class Target:
    """What the model is to predict: a part of `preprocess.json`.

    Attributes:
        task: Kind of task.
        names: Names of the target columns; `target` for arrays and images of one column.
        form: How the loss wants the values.
        classes: Names of the classes in the order of the outputs; empty for regression.
        values: What stands in the data for each class; empty for regression.
        units: Number of outputs that the model must have, at each place, where one can tell.
        activation: Function that makes probabilities of the model's outputs.
        probabilities: Whether outputs, after `activation`, are probabilities.
        cut: Value of an output, after `activation`, from which it means the second class or a
            label: the threshold of probabilities, and of what is none.
        scaling: How numbers are scaled; `input`: as the input is, which they are.
        center: Subtracted from each number; one for each target, or for each position on the last
            axis, or one for all.
        spread: What the difference is divided by; one for each target.
        places: The shape of the places of a row; empty where a row has one class or number.
        in_series: Whether the places are steps that follow a window, counted from 1.
        quantiles: Of one number, those that the outputs say; empty where they say the number.
        last: What the layers say is a change from: see `data.window.difference`.
    """

    task: Task
    names: tuple[str, ...]
    form: TargetForm
    classes: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    units: int | None = None
    activation: OutputFunction = "none"
    probabilities: bool = False
    cut: Finite = 0.5
    scaling: TargetScaling | Literal["input"] = "none"
    center: tuple[Finite, ...] = ()
    spread: tuple[NotZero, ...] = ()
    places: tuple[Count, ...] = ()
    in_series: bool = False
    quantiles: tuple[Finite, ...] = ()
    last: LastValues | None = None

    @property
    def has_threshold(self) -> bool:
        """Whether a probability is cut at `cut`; of several classes the most probable is taken."""
        return self.probabilities and self.form in ("single", "multilabel")

    def with_threshold(self, threshold: float | None, title: str) -> Target:
        """Returns the target with another threshold of its probabilities, where one is given.

        Args:
            threshold: Probability from which a row is of the second class, or has a label.
            title: What the model is called, for the error.

        Raises:
            UsageError: The model has no probability that a threshold could cut.
        """
        if threshold is None:
            return self
        if not self.has_threshold:
            raise UsageError(
                f"--threshold has no meaning for {title}",
                expected="a model of one probability for two classes, or of a probability for each "
                "label",
                found=decision(self),
                hint="leave --threshold out",
            )
        return replace(self, cut=threshold)


def decision(target: Target) -> str:
    """Words for what decides where no threshold does."""
    if target.task == "regression":
        return "a model that predicts numbers"
    if target.form in ("single", "multilabel"):
        return "a model whose outputs are not probabilities"
    return f"a model of {len(target.classes)} outputs: the largest one decides"


# From values to `y`


def encode_target(raw: Raw, target: Target) -> Rows:
    """Returns `y` of some rows in the target's form; of masks on the disk each time it is read.

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
        if target.scaling == "log1p":
            refuse_logarithms(values)
        return scale(numbers, target)
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
    if isinstance(raw, RawArrays) and raw.masks and raw.y is not None:
        return made_of(raw.y, lambda some: _in_form(np.where(some == IGNORED, 0, some), target))
    return _in_form(class_positions(raw, target), target)


def _in_form(positions: NDArray[np.integer[Any]], target: Target) -> Array:
    """Returns the positions of classes, shape (rows, *places), as the loss wants them."""
    if target.form == "labels":
        return positions.astype(np.int32)
    if target.form == "single":
        return positions.astype(np.float32)[..., np.newaxis]
    one_hot = np.zeros((positions.size, len(target.classes)), np.float32)
    one_hot[np.arange(positions.size), positions.reshape(-1)] = 1
    return one_hot.reshape(*positions.shape, len(target.classes))


def scale(numbers: Array, target: Target) -> NDArray[np.float32]:
    """Returns numbers in the target's own unit as the network is trained on them."""
    if target.scaling == "none":
        return numbers.astype(np.float32)
    by_scaling = scaled(numbers, target.scaling, target.center, target.spread)
    return by_scaling.astype(np.float32)


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


# From outputs to predictions


def decode(outputs: Array, target: Target) -> dict[str, Array]:
    """Returns the columns of the predictions, in their order, shape (rows,) each.

    Classes: `prediction`, then `probability_<class>` for each class. Several labels:
    `prediction_<label>`, 0 or 1, then `probability_<label>`, for each. Numbers: `prediction`, or
    `prediction_<target>` for several, in the target's own unit. Quantiles of a number: each as
    `<target>_q<percent>`.

    Where a row has several places, each name ends in the place: `prediction_<step>`,
    `prediction_<row>_<column>`, `probability_<class>_<row>_<column>`, counted from 0; steps behind
    a window are counted from 1: `prediction_<step>`, or `prediction_<target>_<step>` for several.

    Outputs of a loss on logits become probabilities first. Outputs that are not probabilities at
    all (hinge losses, a linear output under `mean_squared_error`) give the prediction alone: the
    class of the largest output, or, of a single unit, the second class from 0 for hinge losses
    and from 0.5 for others.

    Args:
        outputs: The model's outputs, shape (rows, units), (rows,) or (rows, *places, units).
        target: What the model predicts.
    """
    if target.form == "numbers":
        return _numbers(own_numbers(outputs, target), target)
    if target.units is None:  # an embedding is near to its class but names none
        flat = outputs.reshape(len(outputs), -1)
        return {f"output_{position}": flat[:, position] for position in range(flat.shape[1])}
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


def _numbers(numbers: Array, target: Target) -> dict[str, Array]:
    if target.places:
        return _by_place("prediction", numbers, target)
    if target.quantiles:
        titles = quantile_names(target)
        return {title: numbers[:, place] for place, title in enumerate(titles)}
    if numbers.shape[1] == 1:
        return {"prediction": numbers[:, 0]}
    named = numbers.shape[1] == len(target.names)
    names = target.names if named else range(numbers.shape[1])
    return {f"prediction_{name}": numbers[:, place] for place, name in enumerate(names)}


def quantile_names(target: Target) -> list[str]:
    """Returns the columns of the predicted quantiles: `price_q10`, `price_q2.5`."""
    return [f"{target.names[0]}_q{100 * share:.12g}" for share in target.quantiles]


def _by_place(name: str, values: Array, target: Target) -> dict[str, Array]:
    """Returns a column, or one for each place of a row; values have the shape (rows, *places)."""
    if not target.places:
        return {name: values}
    places = ["_".join(map(str, place)) for place in np.ndindex(target.places)]
    if len(target.names) == len(places):
        places = list(target.names)
    if target.in_series:
        several = [f"{each}_" for each in target.names] if len(target.places) > 1 else [""]
        places = [f"{each}{step + 1}" for step in range(target.places[0]) for each in several]
    columns = values.reshape(len(values), -1).T
    return {f"{name}_{place}": column for place, column in zip(places, columns, strict=True)}


BEYOND_LOGARITHMS = (
    "under `preprocess.target: log1p` the network answers with logarithms, and some are above 709, "
    "that of the largest number; train with a smaller learning rate, or leave out rows unlike the "
    "others"
)
"""Why a prediction is infinite though the outputs are finite."""


def unscale(numbers: Array, target: Target) -> Array:
    """Returns scaled numbers of a regression target in the target's own unit, in their shape."""
    if target.scaling == "none":
        return numbers
    return unscaled(numbers, target.scaling, target.center, target.spread)


def own_numbers(outputs: Array, target: Target) -> Array:
    """Returns the outputs for a target of numbers in its own unit, in the shape of the target.

    Quantiles have the shape (rows, quantiles), rising in each row.
    """
    shape = target.places or (math.prod(outputs.shape[1:]),)
    numbers = unscale(activated(outputs.reshape(len(outputs), *shape), target), target)
    # Outputs that are learned apart may cross. Sorted, they have at most the same loss: the pinball
    # losses of q and output z sum up to sum(q) y - sum(q z) + sum(max(0, z - y)); order changes
    # only sum(q z), which is largest where both rise: Chernozhukov et al., "Quantile and
    # probability curves without crossing", Econometrica 78 (2010).
    return np.sort(numbers, axis=-1) if target.quantiles else numbers


def classes_of(outputs: Array, target: Target) -> tuple[Array, Array | None]:
    """Returns what the outputs say of classes.

    Returns:
        The position of the class of each place, shape (rows, *places); of several labels, 0 or 1
        for each, shape (rows, *places, labels). And the probabilities, shape (rows, *places,
        classes); None where the outputs are none.
    """
    shaped = outputs.reshape(len(outputs), *target.places, target.units or -1)
    values = activated(shaped, target)
    probabilities = values if target.probabilities else None
    if target.form == "multilabel":
        return (values >= target.cut).astype(np.int8), probabilities
    if target.form != "single":
        return np.asarray(values.argmax(axis=-1)), probabilities
    if probabilities is not None:
        probabilities = np.concatenate([1 - values, values], axis=-1)
    return (values[..., 0] >= target.cut).astype(np.intp), probabilities


def activated(outputs: Array, target: Target) -> Array:
    """Returns outputs after the function that the loss applies itself, if it does."""
    if target.activation == "softmax":
        powers = np.exp(outputs - outputs.max(axis=-1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=-1, keepdims=True))
    if target.activation == "sigmoid":
        # Two forms of the same function, each where its power cannot overflow.
        small = np.exp(-np.abs(outputs))
        return np.where(outputs >= 0, 1 / (1 + small), small / (1 + small))
    return outputs


# Classes


def class_indexes(y: Array, target: Target) -> NDArray[np.integer[Any]]:
    """Returns the position in `target.classes` of each class in `y`, shape (rows, *places)."""
    if target.form == "one_hot":
        return np.asarray(y.argmax(axis=-1))
    return y.reshape(len(y), *target.places).astype(np.intp, copy=False)


def class_counts(part: Part, target: Target) -> dict[str, int]:
    """Returns how many rows, or places of rows, each class or label has, by its name.

    Places that count by 0 are left out.
    """
    columns, counts = target.form in ("one_hot", "multilabel"), np.zeros(len(target.classes))
    for y, weights in part.target_blocks():
        flat: Array = y.reshape((-1, len(target.classes)) if columns else -1)
        if weights is not None and weights.ndim > 1:
            flat = flat[weights.reshape(-1) > 0]
        if columns:
            counts += flat.sum(axis=0, dtype=np.float64)
        else:
            counts += np.bincount(flat.astype(np.int64), minlength=len(target.classes))
    return {name: int(count) for name, count in zip(target.classes, counts, strict=True)}
