"""What was fitted, the network and its answers as one graph of plain Keras, all in numbers.

All formats share it. What differs is how a column comes in: as text where a format has operations
on texts, as the numbers of its categories where it has none.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, count
from typing import Any, Literal

import numpy as np

from dl.config.preprocess import cross_name
from dl.data.arrays import ArrayFeature
from dl.data.dataset import Preprocessing
from dl.data.features import (
    RANGES,
    CategoricalFeature,
    DateFeature,
    Feature,
    NumericFeature,
    TextFeature,
    categories_by_name,
    names_of,
)
from dl.data.target import Target
from dl.export import RefusedError
from dl.model import keras
from dl.model.saving import plain_copy

Kind = Literal["number", "category", "date", "text", "array"]
MISSING, UNSEEN = -2, -1
"""The numbers of a category that is missing, and of one that the training part had not."""
DATE = ("year", "month", "day", "hour", "minute")
"""The numbers that a date comes in as; all are 0 where it is missing."""
_BEFORE_MONTH = np.array([0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334], np.int32)
_WEEKDAY_SHIFT = np.array([0, 3, 2, 5, 0, 3, 5, 1, 4, 6, 2, 4], np.int32)
"""The days before each month of a common year, and T. Sakamoto's numbers for the weekday."""
ops = keras.ops


@dataclass(frozen=True, slots=True)
class Input:
    """A column, or the array of each row, as the graph takes it.

    Attributes:
        name: The column; `input` for arrays.
        kind: What it holds.
        dtype: Type of its numbers.
        shape: Shape of a row, without the steps of a window.
        feature: What was fitted on it; it says the categories, or how texts are taken apart.
    """

    name: str
    kind: Kind
    dtype: str
    shape: tuple[int, ...]
    feature: Feature | ArrayFeature

    @property
    def categories(self) -> list[str]:
        """The categories that texts are looked up in: not what stands for all rare ones."""
        if not isinstance(self.feature, CategoricalFeature):
            return []
        return list(self.feature.categories[: -1 if self.feature.pooled else None])


def inputs_of(fitted: Preprocessing, floats: str, array: str) -> list[Input]:
    """Returns the inputs of the graph.

    Args:
        fitted: What was fitted in the run.
        floats: Type of the numbers of a table.
        array: Type of the numbers of arrays, as they were read.
    """
    if fitted.array is not None:
        return [Input("input", "array", array, fitted.array.shape, fitted.array)]
    found = []
    for feature in fitted.columns:
        match feature:
            case _ if not names_of(feature) or (
                isinstance(feature, CategoricalFeature) and feature.of
            ):
                continue
            case TextFeature(output="int"):
                found.append(Input(feature.name, "text", "int32", (feature.length,), feature))
            case TextFeature():
                shape = (len(feature.tokens),)
                found.append(Input(feature.name, "text", "float32", shape, feature))
            case DateFeature():
                found.append(Input(feature.name, "date", "int32", (len(DATE),), feature))
            case CategoricalFeature(edges=()):
                found.append(Input(feature.name, "category", "int32", (), feature))
            case _:
                found.append(Input(feature.name, "number", floats, (), feature))
    return found


def _tensor_name(name: str) -> str:
    return re.sub(r"^(?=\d|_|$)", "c", re.sub(r"[^A-Za-z0-9_]", "_", name))


def _each_other(names: Sequence[str], plain: Callable[[str], str]) -> dict[str, str]:
    """Returns a plain name for each name: with a number where another one has it."""
    found: dict[str, str] = {}
    for name in names:
        first = plain(name)
        numbered = chain([first], (f"{first}_{place}" for place in count(2)))
        found[name] = next(each for each in numbered if each not in found.values())
    return found


class Graph:
    """The graph of a run.

    Attributes:
        inputs: What goes in.
        tensors: What TensorFlow calls each, in whose names there are letters and digits only.
        steps: The shape between the rows and a row of an input: the steps of a window, or none.
        model: A functional model of these inputs, by name. It gives `prediction`: positions of
            classes (-1 for a row that `dl predict` would refuse), 0 or 1 for labels, or numbers in
            the target's own unit; and `probabilities`, if there are.
    """

    def __init__(
        self, fitted: Preprocessing, model: Any, floats: str = "float64", array: str = "float32"
    ) -> None:
        """Builds it; raises `RefusedError` where the answers of a run have no meaning elsewhere."""
        if fitted.target.units is None and fitted.target.form != "numbers":
            raise RefusedError("its outputs name no class: dl predict gives them as they are")
        self.inputs = inputs_of(fitted, floats, array)
        names = [each.name for each in self.inputs]
        self.tensors = _each_other(names, _tensor_name)
        self._layers = _each_other(names, lambda name: name.replace("/", "_"))
        self.steps = () if fitted.window is None else (fitted.window.length,)
        entries = {
            each.name: self.entry(each.name, (*self.steps, *each.shape), each.dtype)
            for each in self.inputs
        }
        self._refused: list[Any] = []
        x = self._prepared(fitted, entries)
        outputs = plain_copy(model)(x)
        self.model = keras.Model(entries, self._answers(outputs, fitted.target))

    def entry(self, name: str, shape: tuple[int, ...], dtype: str) -> Any:
        """Returns an entry to a graph of Keras, which takes no `/` in names."""
        return keras.Input(shape, dtype=dtype, name=self._layers[name])

    # In

    def _prepared(self, fitted: Preprocessing, values: Mapping[str, Any]) -> Any:
        if fitted.array is not None:
            return _array(values["input"], fitted.array)
        by_name, codes, parts = categories_by_name(fitted.columns), dict[str, Any](), list[Any]()
        for feature in fitted.columns:
            if isinstance(feature, TextFeature) and feature.output == "int":
                return values[feature.name]
            if isinstance(feature, TextFeature):
                parts.append(_counted(values[feature.name], feature))
            elif isinstance(feature, CategoricalFeature):
                code, missing = self._code(feature, values.get(feature.name), codes, by_name)
                codes[feature.name] = code
                parts += [_encoded(code, feature), *self._gaps(feature, missing)]
            elif isinstance(feature, NumericFeature):
                value = values[feature.name]
                missing = ops.isnan(value)
                filled = value if feature.fill is None else ops.where(missing, feature.fill, value)
                parts += [_number(filled, feature), *self._gaps(feature, missing)]
            elif feature.name in values:
                value = values[feature.name]
                missing = ops.equal(value[..., 0], 0)
                parts += [*_date(value, missing, feature), *self._gaps(feature, missing)]
        return ops.concatenate(parts, axis=-1) if len(parts) > 1 else parts[0]

    def _gaps(self, feature: Feature, missing: Any) -> list[Any]:
        """Notes the rows that lack a value which nothing stands for; returns the indicator."""
        if feature.fill is None and missing is not None:
            self._refused.append(missing)
        return [ops.expand_dims(ops.cast(missing, "float32"), -1)] if feature.indicator else []

    def _code(
        self,
        feature: CategoricalFeature,
        value: Any,
        codes: Mapping[str, Any],
        by_name: Mapping[str, CategoricalFeature],
    ) -> tuple[Any, Any]:
        """Returns the positions of categories, filled, and where they were missing."""
        position = feature.position()
        if feature.of:
            code, missing = _crossed(feature, codes, by_name), None
        elif feature.edges:
            edges, missing = np.array(feature.edges), ops.isnan(value)
            reached = ops.expand_dims(value, -1) >= edges.astype(value.dtype)
            code = ops.sum(ops.cast(reached, "int32"), axis=-1)
        else:
            code, missing = value, ops.equal(value, MISSING)
            if feature.pooled:
                code = ops.where(ops.equal(code, UNSEEN), len(feature.categories) - 1, code)
        if missing is not None:
            fill = UNSEEN if feature.fill is None else position(feature.fill)
            code = ops.where(missing, fill, code)
        if feature.unseen == "error" and not feature.edges and not feature.hash:
            self._refused.append(code < 0)
        return code, missing

    # Out

    def _answers(self, outputs: Any, target: Target) -> dict[str, Any]:
        rows = (-1,)
        if target.form == "numbers":
            shape = target.places or (math.prod(outputs.shape[1:]),)
            numbers = _unscaled(_activated(ops.reshape(outputs, (*rows, *shape)), target), target)
            if target.quantiles:
                numbers = ops.sort(numbers, axis=-1)
            if shape == (1,):
                numbers = numbers[:, 0]
            return {"prediction": self._kept(numbers)}
        shaped = ops.reshape(outputs, (*rows, *target.places, target.units or -1))
        values = _activated(shaped, target)
        if target.form == "multilabel":
            chosen = ops.cast(values >= target.cut, "int32")
        elif target.form == "single":
            chosen = ops.cast(values[..., 0] >= target.cut, "int32")
        else:
            chosen = _first_of_the_largest(values)
        answers = {"prediction": self._kept(chosen)}
        if target.probabilities:
            if target.form == "single":
                values = ops.concatenate([1 - values, values], axis=-1)
            answers["probabilities"] = self._kept(values)
        return answers

    def _kept(self, values: Any) -> Any:
        """Returns values with -1 or NaN in the rows that `dl predict` would refuse."""
        if not self._refused:
            return values
        refused = self._refused[0]
        for more in self._refused[1:]:
            refused = ops.logical_or(refused, more)
        if self.steps:
            refused = ops.any(refused, axis=1)
        refused = ops.reshape(refused, (-1, *[1] * (len(values.shape) - 1)))
        if values.dtype == "int32":
            return ops.where(refused, -1, values)
        # Not by `where`, of which converters make a sum of products. The root is 1, or NaN.
        return values * ops.sqrt(1 - 2 * ops.cast(refused, values.dtype))


def _array(values: Any, feature: ArrayFeature) -> Any:
    if feature.channel_axis:
        values = ops.expand_dims(values, -1)
    if feature.dtype == "int32":
        return ops.cast(values, "int32")
    if values.dtype != "float64":
        values = ops.cast(values, "float32")
    kind = values.dtype
    if feature.scale != 1:
        values = values / feature.scale
    if feature.scaling != "none":
        values = (values - np.array(feature.center, kind)) / np.array(feature.spread, kind)
    return ops.cast(values, "float32")


def _number(values: Any, feature: NumericFeature) -> Any:
    if feature.clip is not None:
        values = ops.clip(values, *feature.clip)
    if feature.scaling == "quantile":
        values = _shares(values, np.array(feature.quantiles))
    else:
        values = _scaled(values, feature.scaling, feature.center, feature.spread)
    return ops.expand_dims(ops.cast(values, "float32"), -1)


def _scaled(values: Any, scaling: str, center: float, spread: float) -> Any:
    values = ops.log(values + 1) if scaling == "log1p" else values  # tf2onnx knows no log1p
    return values if (center, spread) == (0, 1) else (values - center) / spread


def _shares(values: Any, quantiles: Any) -> Any:
    """Returns the share of the training rows below each value: a sum of ramps between quantiles."""
    low, high = quantiles[:-1].astype(values.dtype), quantiles[1:].astype(values.dtype)
    width, each = high - low, ops.expand_dims(values, -1)
    ramp = ops.clip((each - low) / np.where(width > 0, width, 1), 0, 1)
    # A value that is several quantiles gets the middle of their shares.
    step = (ops.cast(each >= low, values.dtype) + ops.cast(each > low, values.dtype)) / 2
    share = ops.sum(ops.where(width > 0, ramp, step), axis=-1) / len(width)
    share = ops.where(values <= float(low[0]), ops.zeros_like(share), share)
    return ops.where(values >= float(high[-1]), ops.ones_like(share), share)


def _crossed(
    feature: CategoricalFeature, codes: Mapping[str, Any], by_name: Mapping[str, CategoricalFeature]
) -> Any:
    """Returns the number of each pair, by a table of all pairs; the first row is of new ones."""
    first, second = (by_name[name] for name in feature.of)
    if any(each.pooled or each.hash for each in (first, second, feature)):
        raise RefusedError(f"the cross {feature.name!r} is of pooled or hashed categories")
    position = feature.position()
    table = np.full((len(first.labels) + 1, len(second.labels) + 1), UNSEEN, np.int32)
    for row, one in enumerate(first.labels, 1):
        for column, other in enumerate(second.labels, 1):
            table[row, column] = position(cross_name(one, other))
    pair = (codes[first.name] + 1) * table.shape[1] + codes[second.name] + 1
    return ops.take(table.reshape(-1), pair)


def _encoded(code: Any, feature: CategoricalFeature) -> Any:
    each = ops.expand_dims(code, -1)
    if feature.encoding == "ordinal":
        return ops.cast(each, "float32")
    return ops.cast(ops.equal(each, np.arange(len(feature.labels), dtype=np.int32)), "float32")


def _date(value: Any, missing: Any, feature: DateFeature) -> list[Any]:
    if feature.fill is not None:
        day, _, time = feature.fill.replace(" ", "T").partition("T")
        told = [*day.split("-"), *(time or "0:0").split(":")[:2]]
        filled = np.array([int(each) for each in told], np.int32)
        value = ops.where(ops.expand_dims(missing, -1), filled, value)
    parts = []
    for place, (part, form) in enumerate(feature.formed()):
        number = _part(value, part)
        if form == "number":
            center, whole = feature.centers[place], 0
            if feature.scaling != "log1p":  # in whole numbers: float32 would round 2018.6
                whole = round(center)
            number = ops.cast(number - whole, "float32")
            number = _scaled(number, feature.scaling, center - whole, feature.spreads[place])
            parts.append(ops.expand_dims(number, -1))
            continue
        first, count = RANGES[part]
        if form == "cyclic":
            angle = ops.cast(number - first, "float32") * (2 * math.pi / count)
            parts.append(ops.stack([ops.sin(angle), ops.cos(angle)], axis=-1))
        else:
            numbers = np.arange(first, first + count, dtype=np.int32)
            parts.append(ops.cast(ops.equal(ops.expand_dims(number, -1), numbers), "float32"))
    return parts


def _part(date: Any, part: str) -> Any:
    """Returns a part of dates, as `data.transform.date_part` does: from their numbers."""
    if part in DATE:
        return date[..., DATE.index(part)]
    year, month, day = (date[..., place] for place in range(3))
    at = ops.maximum(month - 1, 0)
    if part == "day_of_year":
        leap = ops.logical_or(
            ops.logical_and(ops.equal(year % 4, 0), ops.logical_not(ops.equal(year % 100, 0))),
            ops.equal(year % 400, 0),
        )
        later = ops.cast(ops.logical_and(leap, month > 2), "int32")
        return ops.take(_BEFORE_MONTH, at) + day + later
    year = year - ops.cast(month < 3, "int32")
    days = year + year // 4 - year // 100 + year // 400 + ops.take(_WEEKDAY_SHIFT, at) + day
    return (days + 6) % 7 + 1  # Sunday is 0 before, Monday 1 now


def _counted(counts: Any, feature: TextFeature) -> Any:
    if feature.output == "multi_hot":
        return ops.minimum(counts, 1.0)
    if feature.output == "tf_idf":
        weighted = counts * np.array(feature.idf, np.float32)
        norm = ops.sqrt(ops.sum(weighted * weighted, axis=-1, keepdims=True))
        return weighted / ops.where(norm > 0, norm, ops.ones_like(norm))
    return counts


def _first_of_the_largest(values: Any) -> Any:
    """Returns what `argmax` does; that of Keras looks at bits, which neither ONNX nor LiteRT do."""
    count = values.shape[-1]
    largest = values >= ops.max(values, axis=-1, keepdims=True)
    return ops.min(ops.where(largest, np.arange(count, dtype=np.int32), count - 1), axis=-1)


def _activated(outputs: Any, target: Target) -> Any:
    function = {"softmax": ops.softmax, "sigmoid": ops.sigmoid}.get(target.activation)
    return outputs if function is None else function(outputs)


def _unscaled(numbers: Any, target: Target) -> Any:
    if target.scaling == "none":
        return numbers
    numbers = numbers * _of(target.spread) + _of(target.center)
    return ops.exp(numbers) - 1 if target.scaling == "log1p" else numbers


def _of(numbers: Sequence[float]) -> Any:
    return np.array(numbers, np.float32)
