"""The reference of the config language, made from its types: a JSON Schema and a page."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from dl.config.guide import markdown
from dl.config.objects import KIND_KEY
from dl.config.schema import Config
from dl.vocabulary.catalog import Entry, entries
from dl.vocabulary.spec import Kind

__all__ = ["json_schema", "markdown"]

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
    schema = _references(Config.model_json_schema())
    definitions = schema.pop("$defs", {})
    top: dict[str, Any] = {
        "$schema": _DIALECT,
        "title": "Config of dl",
        **{key: value for key, value in schema.items() if key not in ("title", "required")},
    }
    top["properties"] = {"extends": _EXTENDS, **schema["properties"]}
    # Without `required`: the name comes from the file, and any section can come from `extends`.
    top["$defs"] = {**definitions, **_vocabulary()}
    return top


def _references(value: Any) -> Any:
    """Returns pydantic's schema with references to the vocabulary, and without generated titles."""
    if isinstance(value, list):
        return [_references(item) for item in value]
    if not isinstance(value, dict):
        return value
    plain = {
        key: _references(item)
        for key, item in value.items()
        if key not in (KIND_KEY, "discriminator") and not (key == "title" and _is_text(item))
    }
    return {"$ref": _reference(value[KIND_KEY]), **plain} if KIND_KEY in value else plain


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _vocabulary() -> dict[str, Any]:
    definitions: dict[str, Any] = {}
    for kind in Kind:
        definitions[kind.value] = _any_of(kind)
        for entry in entries(kind).values():
            definitions[_key(entry)] = _mapping(entry)
    return definitions


def _any_of(kind: Kind) -> dict[str, Any]:
    bare = [name for entry in entries(kind).values() if _is_enough(entry) for name in _all(entry)]
    mappings = [{"$ref": _reference(_key(entry))} for entry in entries(kind).values()]
    by_name = [{"enum": sorted(bare)}] if bare else []
    return {"description": f"One of: {', '.join(entries(kind))}.", "anyOf": [*by_name, *mappings]}


def _mapping(entry: Entry) -> dict[str, Any]:
    parameters = entry.parameters.values()
    return {
        "type": "object",
        "description": entry.summary,
        "properties": {
            "type": {"enum": sorted(_all(entry))},
            **{parameter.name: _parameter(parameter) for parameter in parameters},
        },
        "required": ["type", *(parameter.name for parameter in parameters if parameter.required)],
        "additionalProperties": False,
    }


def _parameter(parameter: Any) -> dict[str, Any]:
    default = {} if parameter.required else {"default": parameter.default}
    return {**parameter.type.schema(), "description": parameter.description, **default}


def _is_enough(entry: Entry) -> bool:
    return not any(parameter.required for parameter in entry.parameters.values())


def _all(entry: Entry) -> Iterable[str]:
    return {entry.name, *entry.aliases}


def _key(entry: Entry) -> str:
    return f"{entry.kind.value}.{entry.name}"


def _reference(key: str) -> str:
    return f"#/$defs/{key}"
