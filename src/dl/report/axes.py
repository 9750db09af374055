"""Axes of any values: where each lies between 0 and 1, and round ticks beside them.

A number lies where it is, or where its logarithm is; listed choices stand at equal distances.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeGuard

from dl.report.charts import Scale, SweepFacts, wants_log
from dl.rundir.query import shown
from dl.text import number
from dl.vocabulary.labels import column_label

_NOT_USED = object()
# Between two ticks must be room for a line of text.
_MOST_TICKS = 7
_MOST_CHOICES = 12


@dataclass(frozen=True, slots=True)
class Axis:
    """An axis.

    Attributes:
        title: What it shows.
        places: The place of each value, from 0 to 1; None where there is no value.
        ticks: Places and texts, ascending.
        scale: How numbers are spread.
    """

    title: str
    places: tuple[float | None, ...]
    ticks: tuple[tuple[float, str], ...]
    scale: Scale


def axis_of(title: str, values: Sequence[object], scale: Scale | None = None) -> Axis:
    """Returns the axis of some values; None among them is a value that is missing.

    Args:
        title: What they are.
        values: Numbers or anything else.
        scale: How they are spread. Default: choices where one is not a number, else by
            `wants_log`.
    """
    given = [value for value in values if value is not None]
    numbers = [float(value) for value in given if is_number(value) and math.isfinite(value)]
    if scale == "choices" or len(numbers) < len(given) or not numbers:
        return _of_choices(title, values)
    scale = scale or ("log" if wants_log(numbers) else "linear")
    low, high = min(numbers), max(numbers)
    if scale == "log" and low <= 0:
        scale = "linear"

    def place(value: float) -> float:
        if high == low:
            return 0.5
        if scale == "log":
            return math.log(value / low) / math.log(high / low)
        return (value - low) / (high - low)

    whole = all(isinstance(value, int) for value in given)
    found = _powers(low, high) if scale == "log" else list(_steps(low, high, whole))
    return Axis(
        title,
        tuple(place(float(value)) if is_number(value) else None for value in values),
        tuple((place(tick), number(tick)) for tick in found or [low]),
        scale,
    )


def coordinates(sweep: SweepFacts) -> list[Axis]:
    """Returns an axis for each parameter that has two values, and that of the objective, last.

    Their places are in the order of `sweep.trials`.
    """
    paths = dict.fromkeys(path for trial in sweep.trials for path in trial.setting.values)
    axes = []
    for path in paths:
        given = [trial.setting.values.get(path, _NOT_USED) for trial in sweep.trials]
        values = [
            None if value is _NOT_USED else "null" if value is None else value for value in given
        ]
        axis = axis_of(path.rpartition(".")[2], values, sweep.scales.get(path))
        if len({place for place in axis.places if place is not None}) > 1:
            axes.append(axis)
    reached = [trial.mean for trial in sweep.trials]
    return [*axes, axis_of(column_label(sweep.metric), reached, "linear")]


def text_of(value: object) -> str:
    """Returns a value in few letters: a layer by its parameters, a number with four digits."""
    if value is None:
        return "null"
    if isinstance(value, Mapping):
        return ", ".join(str(part) for part in value.values())
    return number(value) if isinstance(value, float) else shown(value)


def is_number(value: object) -> TypeGuard[int | float]:
    """Tells whether a value is a number, and not a truth."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _of_choices(title: str, values: Sequence[object]) -> Axis:
    texts = [None if value is None else text_of(value) for value in values]
    pairs = zip(texts, values, strict=True)
    distinct = dict(sorted({t: v for t, v in pairs if t is not None}.items(), key=_order))
    last = max(1, len(distinct) - 1)
    places = {text: at / last if len(distinct) > 1 else 0.5 for at, text in enumerate(distinct)}
    step = max(1, math.ceil(len(distinct) / _MOST_CHOICES))
    ticks = [(place, text) for text, place in places.items()][::step]
    found = tuple(None if text is None else places[text] for text in texts)
    return Axis(title, found, tuple(ticks), "choices")


def _order(item: tuple[str, object]) -> tuple[bool, float, str]:
    text, value = item
    return (False, float(value), "") if is_number(value) else (True, 0.0, text)


def _steps(low: float, high: float, whole: bool) -> Iterator[float]:
    """Yields the multiples of 1, 2 or 5 times a power of ten from `low` to `high`."""
    if high <= low:
        return
    step = 10.0 ** math.floor(math.log10((high - low) / (_MOST_TICKS - 1)))
    step *= next(m for m in (1, 2, 5, 10) if (high - low) / (step * m) <= _MOST_TICKS - 1)
    step = max(1.0, step) if whole else step
    # By a hair more on both sides: a limit that is round itself is a tick.
    for index in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1):
        yield min(high, max(low, float(f"{index * step:.12g}")))


def _powers(low: float, high: float) -> list[float]:
    """Returns powers of ten between two numbers, and 2 and 5 times them where that are few."""
    exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for factors in ((1,), (1, 3), (1, 2, 5)):
        ticks = [float(f"{m}e{e}") for e in exponents for m in factors]
        inside = [tick for tick in ticks if low * (1 - 1e-9) <= tick <= high * (1 + 1e-9)]
        if len(inside) >= 3:
            break
    if len(inside) > _MOST_TICKS:
        inside = inside[:: math.ceil(len(inside) / _MOST_TICKS)]
    return inside if len(inside) > 1 else list(_steps(low, high, whole=False))
