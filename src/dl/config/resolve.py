"""From a checked config back to text and plain data, with everything explicit."""

from __future__ import annotations

from collections.abc import Mapping

from dl.config.emit import yaml_text
from dl.config.flat import flat_document
from dl.config.schema import Config
from dl.config.sections.base import Section
from dl.vocabulary.spec import Spec, document

_FIRST = ("source", "dataset", "path", "target", "features")
"""The keys that stand first in `data`, because they say what it is about."""


def resolved_text(config: Config) -> str:
    """Returns the config as YAML, every default written out; it loads as an equal config."""
    return yaml_text(document_of(config))


def document_of(config: Config) -> dict[str, object]:
    """Returns the config as plain dicts, lists, text and numbers, in the order of the schema."""
    return _section(config)


def key_order(section: type[Section]) -> list[str]:
    """Returns the keys of a section in the order in which they are written."""
    keys = list(section.model_fields)
    first = [key for key in _FIRST if key in keys] if "source" in keys else []
    return first + [key for key in keys if key not in first]


def flat(config: Config) -> dict[str, object]:
    """Returns every value by its dotted path, as `--set` and a comparison name it.

    A layer, metric or callback with a name is found under it, else under its position.
    A list of single values is one value.
    """
    return flat_document(document_of(config))


def _section(section: Section) -> dict[str, object]:
    return {key: _plain(getattr(section, key)) for key in key_order(type(section))}


def _plain(value: object) -> object:
    if isinstance(value, Section):
        return _section(value)
    if isinstance(value, Spec):
        return document(value)
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    return value
