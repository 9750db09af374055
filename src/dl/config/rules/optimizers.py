"""Rules on the optimizer: clipping, learning-rate schedules and the callbacks that change them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from dl.config.rules.partial import Facts
from dl.vocabulary.spec import Finding, Kind, Path, Spec

_RATE: Path = ("training", "optimizer", "learning_rate")
_CLIPPING = ("clipnorm", "clipvalue", "global_clipnorm")


def _schedule(facts: Facts) -> Spec | None:
    rate = facts.training.optimizer.parameters.get("learning_rate") if facts.training else None
    return rate if isinstance(rate, Spec) and rate.kind is Kind.SCHEDULE else None


def steps_of_schedule_fit(facts: Facts) -> Iterator[Finding]:
    """A piecewise constant schedule has a value more than boundaries, and these grow."""
    schedule = _schedule(facts)
    if schedule is None or schedule.type != "PiecewiseConstantDecay":
        return
    boundaries, values = _tuple(schedule, "boundaries"), _tuple(schedule, "values")
    if len(values) != len(boundaries) + 1:
        yield Finding(
            (*_RATE, "values"),
            "needs one value more than there are boundaries",
            expected=f"{len(boundaries) + 1} values for {len(boundaries)} boundaries",
            found=f"{len(values)} values",
        )
    for index, (before, after) in enumerate(pairwise(boundaries)):
        if not _number(before) < _number(after):
            yield Finding(
                (*_RATE, "boundaries", index + 1),
                "is not larger than the boundary before it",
                expected=f"more than {before}",
                found=str(after),
            )


def _tuple(spec: Spec, parameter: str) -> tuple[object, ...]:
    value = spec.parameters.get(parameter)
    return value if isinstance(value, tuple) else ()


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def one_way_to_clip(facts: Facts) -> Iterator[Finding]:
    """Gradients are clipped in one way at most."""
    if facts.training is None:
        return
    parameters = facts.training.optimizer.parameters
    given = [name for name in _CLIPPING if parameters.get(name) is not None]
    for name in given[1:]:
        yield Finding(
            ("training", "optimizer", name),
            f"cannot be used with {given[0]}",
            expected=f"only one of {', '.join(_CLIPPING)}",
            found=f"{given[0]} and {name}",
            at_key=True,
        )


def schedule_is_the_only_rule(facts: Facts) -> Iterator[Finding]:
    """`ReduceLROnPlateau` cannot change a learning rate that follows a schedule."""
    schedule = _schedule(facts)
    if schedule is None or facts.training is None:
        return
    for index, callback in enumerate(facts.training.callbacks):
        if callback.type == "ReduceLROnPlateau":
            yield Finding(
                ("training", "callbacks", index),
                "cannot change a learning rate that follows a schedule",
                expected="a number for training.optimizer.learning_rate",
                found=f"{schedule.type} with ReduceLROnPlateau",
                hint="keep one of the two",
            )


def averaging_is_on(facts: Facts) -> Iterator[Finding]:
    """`SwapEMAWeights` needs an optimizer that averages the weights."""
    if facts.training is None:
        return
    averages = facts.training.optimizer.parameters.get("use_ema") is True
    for index, callback in enumerate(facts.training.callbacks):
        if callback.type == "SwapEMAWeights" and not averages:
            yield Finding(
                ("training", "callbacks", index),
                "needs an optimizer that averages the weights",
                expected="use_ema: true in training.optimizer",
                found="use_ema: false",
            )
