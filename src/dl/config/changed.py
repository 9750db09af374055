"""What a config says that is not the default."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic.fields import FieldInfo

from dl.config.emit import flow
from dl.config.resolve import key_order
from dl.config.schema import Config
from dl.config.sections.base import Section
from dl.vocabulary.defaults import chosen
from dl.vocabulary.spec import Spec, document

_UNTOLD = frozenset({"name"})
"""Names of layers and metrics say nothing about the training."""


def changed(config: Config) -> dict[str, str]:
    """Returns every value that differs from its default, as YAML, by its dotted path."""
    return dict(_section("", config))


def _section(path: str, section: Section) -> Iterator[tuple[str, str]]:
    fields = type(section).model_fields
    for key in key_order(type(section)):
        value = getattr(section, key)
        if not _is_default(value, fields[key]):
            yield from _value(f"{path}.{key}" if path else key, value)


def _is_default(value: object, field: FieldInfo) -> bool:
    return not field.is_required() and value == field.get_default(call_default_factory=True)


def _value(path: str, value: object) -> Iterator[tuple[str, str]]:
    if isinstance(value, Section):
        yield from _section(path, value)
    elif isinstance(value, Spec):
        yield from _spec(path, value)
    elif isinstance(value, tuple) and any(isinstance(item, Spec) for item in value):
        for place, item in enumerate(value):
            name = item.parameters.get("name") if isinstance(item, Spec) else None
            yield from _value(f"{path}.{name or place}", item)
    else:
        yield path, flow(_plain(value))


def _spec(path: str, spec: Spec) -> Iterator[tuple[str, str]]:
    yield f"{path}.type", spec.type
    for name, value in chosen(spec):
        if name not in _UNTOLD:
            yield f"{path}.{name}", flow(_plain(value))


def _plain(value: object) -> object:
    if isinstance(value, Spec):
        return document(value)
    return [_plain(item) for item in value] if isinstance(value, tuple) else value
