"""Which parameters of a named thing are not what it has by default."""

from __future__ import annotations

from collections.abc import Iterator

from dl.vocabulary.catalog import entries
from dl.vocabulary.spec import Spec


def chosen(spec: Spec) -> Iterator[tuple[str, object]]:
    """Yields the parameters that had to be given, and those that differ from their defaults."""
    known = entries(spec.kind)[spec.type].parameters
    for name, value in spec.parameters.items():
        parameter = known.get(name)
        if parameter is None or parameter.required or not _is_default(value, parameter.default):
            yield name, value


def _is_default(value: object, default: object) -> bool:
    if isinstance(value, Spec) and isinstance(default, str):
        return value.type.lower() == default.replace("_", "").lower()
    return _plain(value) == _plain(default)


def _plain(value: object) -> object:
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value
