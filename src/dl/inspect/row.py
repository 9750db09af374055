"""One row by hand: its way through a trained network, and the least that turns the answer.

The nearest border between two answers is looked for as DeepFool does (S. Moosavi-Dezfooli et al.,
CVPR 2016): the scores of the classes are taken as linear where the row is, the row goes to the
nearest border of these, and again. A second way leads to the nearest training row of another
answer. On both, the border itself is found by halving; from there the foot of the perpendicular is
tried while that is nearer. What is found is a border, not always the nearest one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from dl.data.dataset import Dataset, Preprocessing
from dl.data.features import NumericFeature
from dl.data.scaling import unscaled
from dl.data.target import Target, class_indexes, classes_of, own_numbers, unscale
from dl.data.types import Array, Part
from dl.errors import UsageError
from dl.inspect.trace import (
    LayerTrace,
    activation_of,
    layer_traces,
    noting_activations,
    record_step,
)
from dl.model import keras, tf
from dl.model.checks import computing, outputs_of_layers, shaped_target
from dl.model.differences import values_of
from dl.predict.evaluate import Forward
from dl.text import listing, number

_STEPS, _HALVINGS, _FEET = 50, 40, 10
_BEYOND = 1.02
"""By how much a step goes beyond the border that it aims at, as in DeepFool."""
_MOST_CLASSES = 10
"""Classes, the likeliest ones, whose borders are looked at."""
_MOST_ROWS = 2000
"""Training rows among which one of another answer is looked for."""
_MOVED = 0.01
"""By how much an input is moved to try what the gradient says."""


@dataclass(frozen=True, slots=True)
class Input:
    """An input of the network.

    Attributes:
        name: The column, or the place of an array.
        value: What the network gets.
        own: The same in the unit of the data, where it is a number of a table.
        changed: What it becomes so that the answer turns; None where none does.
        own_changed: The same in the unit of the data.
        slope: Of a regression: what the answer gains for each unit more, by the gradient.
        tried: The same, by predicting the row with a hundredth of the spread more.
        effect: What the answer gains for one spread more (of a standardized column: one standard
            deviation).
    """

    name: str
    value: float
    own: float | None
    changed: float | None = None
    own_changed: float | None = None
    slope: float | None = None
    tried: float | None = None
    effect: float | None = None


@dataclass(frozen=True, slots=True)
class RowTrace:
    """One row, forwards.

    Attributes:
        part: The part that it is of.
        row: Its 0-based position in the source.
        inputs: What the network gets of it.
        layers: What each layer does.
        said: The answer.
        probability: Its probability, where the network gives one.
        true: What is true.
        loss: The loss of the row.
        turned: What is said of the changed row, by predicting it; None where none was found.
        turned_probability: Its probability.
        distance: The length of the change, in what the network gets.
        why_not: Why no change is shown; empty if one is.
    """

    part: str
    row: int
    inputs: tuple[Input, ...]
    layers: tuple[LayerTrace, ...]
    said: str
    probability: float | None
    true: str
    loss: float
    turned: str | None = None
    turned_probability: float | None = None
    distance: float | None = None
    why_not: str = ""


def find_row(parts: Mapping[str, Part], row: int, split: str | None) -> tuple[str, Part]:
    """Returns the part that has a row of the source, and that row of it.

    Raises:
        UsageError: No part has it.
    """
    for name in [split] if split else [*parts][::-1]:
        part = parts.get(name)
        at = np.flatnonzero(part.rows == row) if part is not None else np.empty(0)
        if part is not None and len(at):
            return name, part.take(at[:1])
    known = {name: part.rows for name, part in parts.items() if split in (None, name)}
    spans = [f"{name}: {rows.min()} to {rows.max()}" for name, rows in known.items() if len(rows)]
    raise UsageError(
        f"there is no row {row}" + (f" in the {split} part" if split else ""),
        expected=f"a position in the source, from 0 ({listing(spans, '')})",
        hint="dl trace RUN names the rows of a mini-batch",
    )


def trace_row(model: keras.Sequential, data: Dataset, name: str, row: Part) -> RowTrace:
    """Returns the way of one row through a compiled model, and the least that turns the answer.

    Args:
        model: The model.
        data: Its training part is where another answer is looked for.
        name: The part that the row is of.
        row: The row, a part of one.
    """
    target, x = data.target, np.asarray(row.x[:])
    step = record_step(model, x, shaped_target(row.y, model)[:], None, training=False)
    layers = tuple(layer_traces(model, step))
    forward = Forward(model)
    said, probability = _answer(forward(x), target)
    found = RowTrace(
        part=name,
        row=int(row.rows[0]),
        inputs=tuple(_inputs(data.preprocessing, x)),
        layers=layers,
        said=said,
        probability=probability,
        true=_true(row, target),
        loss=step.loss.numpy().item(),
    )
    if x.dtype.kind != "f":
        return replace(found, why_not="its inputs are tokens, which cannot move a little")
    several = target.form == "numbers" and math.prod(model.output_shape[1:]) > 1
    if target.places or target.form == "multilabel" or several:
        return replace(found, why_not="a row has several answers here")
    if target.form == "numbers":
        return replace(found, inputs=tuple(_sensitive(model, forward, data, x)))
    return _turned(found, _Border(model, forward, data, x), forward)


def _answer(outputs: Array, target: Target) -> tuple[str, float | None]:
    """Returns what the outputs for a row say, and the probability of that."""
    if target.form == "numbers":
        return listing(map(number, own_numbers(outputs, target).ravel().tolist()), ""), None
    chosen, probabilities = classes_of(outputs, target)
    if target.form == "multilabel":
        named = [target.classes[i] for i in np.flatnonzero(chosen.ravel())]
        return listing(named, "and") or "none", None
    place = chosen.ravel()
    likely = None if probabilities is None else float(probabilities.reshape(-1)[place[0]])
    return listing((target.classes[i] for i in place), ""), likely if len(place) == 1 else None


def _true(row: Part, target: Target) -> str:
    y = np.asarray(row.y[:])
    if target.form == "numbers":
        return listing(map(number, unscale(y, target).ravel().tolist()), "")
    if target.form == "multilabel":
        return listing((target.classes[i] for i in np.flatnonzero(y.ravel())), "and") or "none"
    return listing((target.classes[i] for i in class_indexes(y, target).ravel()), "")


def _numeric(fitted: Preprocessing) -> Mapping[str, NumericFeature]:
    """Returns the columns of numbers by the name of their input."""
    return {f.name: f for f in fitted.columns if isinstance(f, NumericFeature)}


def _inputs(fitted: Preprocessing, x: Array) -> Iterator[Input]:
    known = _numeric(fitted)
    names = fitted.feature_names
    for place, value in enumerate(x.ravel().tolist()):
        name = names[place] if len(names) == x.size else f"x{place + 1}"
        yield Input(name, value, _own(known.get(name), value))


def _own(feature: NumericFeature | None, value: float) -> float | None:
    if feature is None:
        return None
    scale = (feature.scaling, feature.center, feature.spread, feature.quantiles)
    return float(unscaled(np.array(value), *scale))


def _movable(fitted: Preprocessing, x: Array) -> Array:
    """Returns which inputs can move a little, as 1 or 0: of a table, those of numbers."""
    names = fitted.feature_names
    if fitted.array is not None or len(names) != x.shape[-1]:
        return np.ones_like(x)
    known = _numeric(fitted)
    return np.broadcast_to(np.array([name in known for name in names], x.dtype), x.shape)


def _slopes(
    model: keras.Sequential, x: Array, chosen: Callable[[Any, Any], Any]
) -> tuple[Array, Array]:
    """Returns scores of a row and their gradients by it, shapes (scores,) and (scores, *inputs).

    Args:
        model: The model.
        x: The row, shape (1, *inputs).
        chosen: Makes a vector of scores from the outputs before their activation, and behind it.
    """
    moved = tf.constant(x)
    with computing(model), tf.GradientTape(persistent=True) as tape:
        tape.watch(moved)
        with noting_activations(model) as before:
            outputs = list(outputs_of_layers(model, moved, training=False))
        last = before.get(model.layers[-1].name, outputs[-1])
        said = values_of(model, moved, outputs[-1])
        scores = chosen(*(tf.reshape(tf.cast(each, tf.float32), [-1]) for each in (last, said)))
    slopes = tape.jacobian(scores, moved, experimental_use_pfor=False)
    zero = np.zeros((len(scores), *x.shape), x.dtype)
    return scores.numpy(), (zero if slopes is None else slopes.numpy())[:, 0]


class _Border:
    """Looks for the border between the answer to a row and another one."""

    def __init__(self, model: keras.Sequential, forward: Forward, data: Dataset, x: Array) -> None:
        self._model, self._forward, self._train, self.x = model, forward, data.train, x
        self.target, self.fitted = data.target, data.preprocessing
        self._may_move = _movable(data.preprocessing, x)
        self._own = self.answers(x)[0]

    def answers(self, x: Array) -> Array:
        """Returns the class of each of some rows."""
        return classes_of(self._forward(x), self.target)[0].reshape(-1)

    def nearest(self) -> Array | None:
        """Returns the nearest row of another answer that was found; None where there is none."""
        ends = [end for end in (self._downhill(), self._towards_a_row()) if end is not None]
        found = [self._refined(self._halved(end)) for end in ends]
        return min(found, key=self.distance, default=None)

    def distance(self, x: Array) -> float:
        """Returns how far it is to a row."""
        return float(np.linalg.norm((x - self.x).astype(np.float64)))

    def _turns(self, x: Array) -> bool:
        return bool(self.answers(x)[0] != self._own)

    def _step(self, x: Array) -> Array | None:
        """Returns the way from a row to the nearest border of the scores, taken as linear."""
        ways = [
            (abs(gap) / length, gap / length**2 * slope)
            for gap, slope in zip(*self._gaps(x), strict=True)
            if (length := float(np.linalg.norm(slope)))
        ]
        return None if not ways else -min(ways, key=lambda way: way[0])[1][None]

    def _gaps(self, x: Array) -> tuple[Array, Array]:
        """Returns by how much the answer leads each other one, and the gradients of that."""
        if self.target.form == "single":
            cut = self._cut()
            scores, slopes = _slopes(self._model, x, lambda score, said: score - cut)
        else:
            own, most = int(self._own), min(_MOST_CLASSES, len(self.target.classes))

            def lead(score: Any, said: Any) -> Any:
                others = tf.math.top_k(score, most).indices
                return score[own] - tf.gather(score, tf.boolean_mask(others, others != own))

            scores, slopes = _slopes(self._model, x, lead)
        return scores, slopes * self._may_move[0]

    def _cut(self) -> float:
        """Returns the score at the threshold, before the last activation."""
        activation, cut = activation_of(self._model.layers[-1]), self.target.cut
        if "sigmoid" in (activation, self.target.activation):
            return math.log(cut / (1 - cut))
        return 0.0 if activation == "heaviside" else cut

    def _downhill(self) -> Array | None:
        x = self.x
        for _ in range(_STEPS):
            step = self._step(x)
            if step is None or not np.isfinite(step).all():
                return None
            x = (x + _BEYOND * step).astype(self.x.dtype)
            if self._turns(x):
                return x
        return None

    def _towards_a_row(self) -> Array | None:
        some = np.asarray(self._train.sample(_MOST_ROWS).x[:])
        moved = np.where(self._may_move.astype(bool), some, self.x)
        others = moved[self.answers(moved) != self._own]
        return min((row[None] for row in others), key=self.distance, default=None)

    def _halved(self, end: Array) -> Array:
        """Returns the row just beyond the border, on the straight way to one of another answer."""
        low, high = 0.0, 1.0
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            if self._turns(self._between(end, middle)):
                high = middle
            else:
                low = middle
        return self._between(end, high)

    def _between(self, end: Array, share: float) -> Array:
        return (self.x + share * (end - self.x)).astype(self.x.dtype)

    def _refined(self, found: Array) -> Array:
        """Returns the foot of the perpendicular onto the border, while that is nearer."""
        for _ in range(_FEET):
            way, step = (found - self.x)[0], self._step(found)
            if step is None or not (length := float(np.linalg.norm(step))):
                break
            normal = step[0] / length
            foot = self.x + (_BEYOND * float(np.sum(way * normal)) * normal)[None]
            foot = foot.astype(self.x.dtype)
            if not self._turns(foot):
                break
            nearer = self._halved(foot)
            if self.distance(nearer) >= self.distance(found):
                break
            found = nearer
        return found


def _turned(found: RowTrace, border: _Border, forward: Forward) -> RowTrace:
    x = border.nearest()
    if x is None:
        return replace(found, why_not="no change was found that turns the answer")
    said, probability = _answer(forward(x), border.target)
    known = _numeric(border.fitted)
    inputs = (
        replace(each, changed=value, own_changed=_own(known.get(each.name), value))
        for each, value in zip(found.inputs, x.ravel().tolist(), strict=True)
    )
    return replace(
        found,
        inputs=tuple(inputs),
        turned=said,
        turned_probability=probability,
        distance=border.distance(x),
    )


def _sensitive(
    model: keras.Sequential, forward: Forward, data: Dataset, x: Array
) -> Iterator[Input]:
    """Yields the inputs with what the answer of a regression gains by each."""
    target, known = data.target, _numeric(data.preprocessing)
    (said,), slopes = _slopes(model, x, lambda before, said: said)
    # What the answer gains in its own unit where the output gains a little.
    ends = own_numbers(np.array([[said - _MOVED], [said + _MOVED]], np.float64), target).ravel()
    slopes = slopes * (ends[1] - ends[0]) / (2 * _MOVED)
    base = own_numbers(forward(x), target).item()
    for place, each in enumerate(_inputs(data.preprocessing, x)):
        feature = known.get(each.name)
        spread = feature.spread if feature is not None and feature.is_linear else 1.0
        moved = x.copy().reshape(-1)
        moved[place] += _MOVED
        step = float(moved[place]) - each.value  # what is left of it in float32
        gained = own_numbers(forward(moved.reshape(x.shape)), target).item() - base
        effect = float(slopes.reshape(-1)[place])
        yield replace(each, slope=effect / spread, tried=gained / step / spread, effect=effect)
