"""Names of layers, metrics and optimizers, as Keras gives them, but counted for each model anew.

Keras counts in the process: the second model of a process has other names than the first, and
the names are in the saved file.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from dl.vocabulary.spec import Spec


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
            name = _free(snake_case(spec.type), taken)
            taken.add(name)
            spec = _named(spec, name)
        named.append(_with_nested_names(spec))
    return named


def _free(name: str, taken: set[str]) -> str:
    numbered, number = name, 0
    while numbered in taken:
        number += 1
        numbered = f"{name}_{number}"
    return numbered


def _named(spec: Spec, name: str) -> Spec:
    return replace(spec, parameters={**spec.parameters, "name": name})


def _with_nested_names(spec: Spec) -> Spec:
    nested = {key: _nested(value) for key, value in spec.parameters.items()}
    return replace(spec, parameters=nested)


def _nested(value: object) -> object:
    if isinstance(value, Spec):
        return with_names([value])[0] if "name" in value.parameters else _with_nested_names(value)
    if isinstance(value, tuple) and value and all(isinstance(item, Spec) for item in value):
        return tuple(with_names(value))
    return value
