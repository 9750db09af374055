"""Names of layers and metrics, and which of them mean the same.

Keras counts layers in the process: the second model of a process has other names than the first,
and the names are in the saved file. So they are given here, counted for each model anew.

A metric stands in the history as the user wrote it, `mae`, or under the name that Keras gives it;
whoever asks for it may call it by any of its names: `val_mean_absolute_error` is then `val_mae`.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from dl.errors import closest
from dl.vocabulary.catalog import entries, find, names
from dl.vocabulary.spec import Kind, Spec, other_word

_OF_PART = re.compile(r"(val_|(?:train|validation|test)\.)?(.*)", re.DOTALL)


def metric_name(metric: Spec) -> str:
    """Returns the name under which a metric stands in the history."""
    name = metric.parameters.get("name")
    if isinstance(name, str):
        return name
    entry = find(Kind.METRIC, metric.type)
    return (entry.default_name if entry else None) or metric.type


def called_here(name: str, known: Iterable[str], metrics: Iterable[Spec] = ()) -> str:
    """Returns the known name of what is measured that `name` is another name of, else `name`.

    Args:
        name: What the user wrote, perhaps with `val_` or, of a finished run, `test.` before it.
        known: What is measured.
        metrics: The metrics, where some may have names of the user's own.
    """
    listed = list(known)
    own = {metric_name(metric): metric.type for metric in metrics}
    wanted = _meaning(name, {})
    if name in listed or wanted is None:
        return name
    same = [other for other in listed if _meaning(other, own) == wanted]
    return same[0] if len(same) == 1 else name


def nearest_measured(name: str, known: Iterable[str]) -> str | None:
    """Returns what is measured and was most likely meant; None where `name` is another metric."""
    return None if _meaning(name, {}) else closest(name, known)


def _meaning(name: str, own: Mapping[str, str]) -> tuple[str, str] | None:
    """Returns the part of the data and the metric that a name means, if it means a metric."""
    match = _OF_PART.fullmatch(name)
    part, base = match.groups("") if match else ("", name)
    spelled = own.get(base, base)
    entry = find(Kind.METRIC, other_word(spelled, names(Kind.METRIC)) or spelled)
    return (part, entry.name) if entry else None


def snake_case(name: str) -> str:
    """Returns a class name as Keras writes it in names: `batch_normalization`."""
    name = re.sub(r"(.)([A-Z][a-z0-9]+)", r"\1_\2", re.sub(r"\W+", "", name))
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def with_names(specs: Sequence[Spec]) -> list[Spec]:
    """Returns the specs, each with a name: its own, or `dense`, `dense_1`… that no other has."""
    taken = {name for spec in specs if isinstance(name := spec.parameters.get("name"), str)}
    named = []
    for spec in specs:
        if spec.parameters.get("name") is None:
            # Of VGG16, Keras' rule makes vg_g16.
            base = spec.type.lower() if spec.kind is Kind.BASE else snake_case(spec.type)
            numbered = itertools.chain([base], (f"{base}_{i}" for i in itertools.count(1)))
            name = next(name for name in numbered if name not in taken)
            taken.add(name)
            spec = replace(spec, parameters={**spec.parameters, "name": name})
        named.append(_with_nested_names(spec))
    return named


def _with_nested_names(spec: Spec) -> Spec:
    nested = {key: _nested(value) for key, value in spec.parameters.items()}
    return replace(spec, parameters=nested)


def _nested(value: object) -> object:
    if isinstance(value, Spec):
        return with_names([value])[0] if "name" in value.parameters else _with_nested_names(value)
    if isinstance(value, tuple) and value and all(isinstance(item, Spec) for item in value):
        return tuple(with_names(value))
    return value


def chosen(spec: Spec) -> Iterator[tuple[str, object]]:
    """Yields the parameters that had to be given, and those that differ from their defaults."""
    known = entries(spec.kind)[spec.type].parameters
    for name, value in spec.parameters.items():
        parameter = known.get(name)
        if parameter is None or parameter.required or value != parameter.value:
            yield name, value
