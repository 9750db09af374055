"""Keras takes what the vocabulary allows: every value at a limit, and every word of a choice."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from campaigns.samples import layer_sample, parameters_for
from dl.model.objects import build_object
from dl.vocabulary.catalog import Entry, entries
from dl.vocabulary.composed import ListOf, Nullable, OneOf
from dl.vocabulary.sections import Parameter
from dl.vocabulary.spec import Kind
from dl.vocabulary.types import Choice, Integer, Number, ParameterType
from support.vocabulary import check_object

pytestmark = pytest.mark.slow

KINDS = [kind for kind in Kind if kind not in (Kind.ACTIVATION, Kind.BASE)]
EVERYWHERE = {"name", "trainable", "dtype", "data_format", "seed"}
"""Parameters that mean the same for every entry; one entry stands for all."""


@pytest.mark.parametrize("kind", KINDS)
def test_keras_takes_every_value_at_a_limit(kind: Kind) -> None:
    seen: set[tuple[str, ParameterType]] = set()
    for entry in entries(kind).values():
        if not entry.own:
            for parameter in _worth_trying(entry, seen):
                _try(entry, parameter)
    assert seen


def _worth_trying(entry: Entry, seen: set[tuple[str, ParameterType]]) -> Iterator[Parameter]:
    """Yields the parameters, but those that mean the same everywhere only once."""
    for parameter in entry.parameters.values():
        key = (parameter.name, parameter.type)
        if parameter.name not in EVERYWHERE or key not in seen:
            seen.add(key)
            yield parameter


def _try(entry: Entry, parameter: Parameter) -> None:
    least = {"type": entry.name, **parameters_for(entry)}
    if entry.kind is Kind.LAYER:
        least = layer_sample(entry.name).parameters
    for value in edges(parameter.type):
        if (entry.name, parameter.name, value) == ("Embedding", "input_dim", None):
            continue  # is filled in where the data are known
        spec, findings = check_object(entry.kind, {**least, parameter.name: value})
        if spec is None:
            assert _is_rule(findings[0].message), f"{entry.name}.{parameter.name}: {findings}"
        else:
            build_object(spec, seed=0, path=(), fast=False)


def _is_rule(message: str) -> bool:
    """Tells whether a rule between parameters, and not the type, refuses the value."""
    types = ("must be a ", "must be true", "is not a known")
    return message.startswith("must be a list of") or not message.startswith(types)


def edges(kind: ParameterType) -> list[object]:
    """Returns values that are only just right, and every word of a choice."""
    match kind:
        case Integer():
            return [limit for limit in (kind.minimum, kind.maximum) if limit is not None]
        case Number():
            inside = [limit for limit in (kind.minimum, kind.maximum) if limit is not None]
            return [*inside, *_just_inside(kind)]
        case Choice():
            return list(kind.words)
        case Nullable():
            return [None, *edges(kind.type)]
        case OneOf():
            return [edge for option in kind.types for edge in edges(option)]
        case ListOf():
            return [[edge] * (kind.length or 1) for edge in edges(kind.item)]
    return []


def _just_inside(kind: Number) -> list[float]:
    above = [] if kind.above is None else [kind.above + 1e-3]
    return above if kind.below is None else [*above, kind.below - 1e-3]
