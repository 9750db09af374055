"""The JSON Schema of a config file, made from its types."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from dl.config.schema import Config, plain_data
from dl.vocabulary.catalog import Entry, Object, entries, short_names
from dl.vocabulary.sections import Parameter, keys, walk
from dl.vocabulary.spec import Kind
from dl.vocabulary.types import accepts

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_EXTENDS = {
    "description": "Another config, or several, relative to this one, that this one builds on.",
    "anyOf": [
        {"type": "string", "minLength": 1},
        {"type": "array", "items": {"type": "string", "minLength": 1}, "minItems": 1},
    ],
}


def json_schema() -> dict[str, Any]:
    """Returns the JSON Schema (draft 2020-12) of a config file.

    It knows every key, type, limit and name, but not the rules across fields.
    """
    sections = {section.__name__: section for _, section in walk(Config) if section is not Config}
    whole = _mapping(Config.__doc__, keys(Config).values())
    # Without `required`: the name comes from the file, and any section can come from `extends`.
    del whole["required"]
    return {
        "$schema": _DIALECT,
        "$id": "urn:dl-keras:config",
        "title": "Config of dl",
        **whole,
        "properties": {"extends": _EXTENDS, **whole["properties"]},
        "$defs": {
            **{
                name: _mapping(section.__doc__, keys(section).values())
                for name, section in sorted(sections.items())
            },
            **_vocabulary_schema(),
        },
    }


def _mapping(about: str | None, parameters: Iterable[Parameter], **more: Any) -> dict[str, Any]:
    listed = list(parameters)
    required = [*more, *(parameter.name for parameter in listed if parameter.required)]
    return {
        "type": "object",
        "description": " ".join((about or "").split()),
        "properties": {**more, **{item.name: _parameter_schema(item) for item in listed}},
        **({"required": required} if required else {}),
        "additionalProperties": False,
    }


def _parameter_schema(parameter: Parameter) -> dict[str, Any]:
    schema = parameter.type.schema()
    about = {"description": parameter.description} if parameter.description else {}
    default = {} if parameter.required else {"default": plain_data(parameter.default)}
    return {**schema, **about, **default}


def _vocabulary_schema() -> dict[str, Any]:
    definitions: dict[str, Any] = {}
    for kind in Kind:
        known = entries(kind).values()
        bare = [
            name
            for entry in known
            if accepts(Object(kind), entry.name)
            for name in _spellings(entry)
        ]
        by_name = [{"enum": sorted(bare)}] if bare else []
        mappings = [{"$ref": f"#/$defs/{kind}.{entry.name}"} for entry in known]
        about = f"One of: {', '.join(entries(kind))}."
        definitions[kind.value] = {"description": about, "anyOf": [*by_name, *mappings]}
        for entry in known:
            spellings = {"enum": sorted(_spellings(entry))}
            whole = _mapping(entry.summary, entry.parameters.values(), type=spellings)
            for short, name in short_names(entry).items():
                whole["properties"][short] = whole["properties"][name]
                if name in whole["required"]:
                    whole["required"].remove(name)
                    whole["anyOf"] = [{"required": [name]}, {"required": [short]}]
            definitions[f"{kind}.{entry.name}"] = whole
    return definitions


def _spellings(entry: Entry) -> set[str]:
    return {entry.name, *entry.aliases}
