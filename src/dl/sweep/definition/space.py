"""Settings: one value for each parameter that is active, made by whoever picks the values."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from dl.config.emit import flow
from dl.config.nodes import plain
from dl.config.overrides import Override
from dl.sweep.definition.parameters import Parameter, Range

Picked = float
"""The index of a choice, or a number of a range."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What a trial changes in the base.

    Attributes:
        values: The value of each path, in the order of the parameters.
        picked: What was picked for each active parameter, by its key.
    """

    values: dict[str, object]
    picked: dict[str, Picked]

    @property
    def overrides(self) -> tuple[str, ...]:
        """Returns the setting as it can be typed after `--set`."""
        return tuple(f"{path}={flow(value)}" for path, value in self.values.items())


def choose(parameters: Sequence[Parameter], pick: Callable[[Parameter], Picked]) -> Setting:
    """Makes a setting; `pick` is asked for the parameters that are active, in their order."""
    values: dict[str, object] = {}
    picked: dict[str, Picked] = {}
    chosen: dict[str, object] = {}
    for parameter in parameters:
        if not _is_active(parameter, chosen):
            continue
        picked[parameter.key] = taken = pick(parameter)
        chosen[parameter.key] = _value(parameter, taken)
        values |= {
            ".".join(override.parts): plain(override.value)
            for override in overrides_of(parameter, taken)
        }
    return Setting(values, picked)


def overrides_of(parameter: Parameter, picked: Picked) -> list[Override]:
    """Returns what sets a picked value, with the place where the sweep has it."""
    return parameter.overrides(int(picked)) if parameter.choices else parameter.number(picked)


def grid(parameters: Sequence[Parameter]) -> Iterator[Setting]:
    """Yields every setting once; the last parameter changes fastest."""
    seen: set[tuple[tuple[str, Picked], ...]] = set()
    ways = [points_of(parameter) for parameter in parameters]
    for combination in itertools.product(*ways):
        taken = {p.key: value for p, value in zip(parameters, combination, strict=True)}
        setting = choose(parameters, lambda parameter, taken=taken: taken[parameter.key])  # type: ignore[misc]
        identity = tuple(setting.picked.items())
        if identity not in seen:
            seen.add(identity)
            yield setting


def grid_size(parameters: Sequence[Parameter]) -> int:
    """Returns the number of combinations; with conditions some of them are the same setting."""
    return math.prod(len(points_of(parameter)) for parameter in parameters)


def points_of(parameter: Parameter) -> list[Picked]:
    """Returns what a grid takes of a parameter: all choices, or the points of its range."""
    if parameter.range is None:
        return list(range(len(parameter.choices)))
    return _points(parameter.range)


def ends_of(parameter: Parameter) -> list[Picked]:
    """Returns what is to be checked of a parameter: all choices, or the ends of its range."""
    if parameter.range is None:
        return list(range(len(parameter.choices)))
    return [parameter.range.low, parameter.range.high]


def _points(span: Range) -> list[Picked]:
    if span.step is not None:
        count = math.floor((span.high - span.low) / span.step + 1e-9) + 1
        return [_rounded(span, span.low + index * span.step) for index in range(count)]
    shares = _shares(span.points or 1)
    if span.log:
        low, high = math.log(span.low), math.log(span.high)
        found = [math.exp(low + share * (high - low)) for share in shares]
    else:
        found = [span.low + share * (span.high - span.low) for share in shares]
    return list(dict.fromkeys(_rounded(span, value) for value in found))


def _shares(points: int) -> list[float]:
    return [0.0] if points == 1 else [index / (points - 1) for index in range(points)]


def _rounded(span: Range, value: float) -> float:
    """Drops what only arithmetic adds: 0.1 and not 0.10000000000000002."""
    return float(round(value)) if span.whole else float(f"{value:.6g}")


def _is_active(parameter: Parameter, chosen: dict[str, object]) -> bool:
    return all(
        condition.key in chosen and chosen[condition.key] in condition.values
        for condition in parameter.when
    )


def _value(parameter: Parameter, picked: Picked) -> object:
    if parameter.choices:
        return parameter.values()[int(picked)]
    return int(picked) if parameter.range is not None and parameter.range.whole else picked
