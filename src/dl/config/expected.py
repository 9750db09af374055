"""What a field of the config expects, in words, derived from its type."""

from __future__ import annotations

import types
from collections.abc import Iterable
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from dl.config.objects import ObjectOf
from dl.config.sections.base import Worded
from dl.vocabulary.words import kind_words

_UNIONS = (Union, types.UnionType)
_NOUNS = {"int": "whole number", "float": "number", "str": "text"}


def expected(annotation: Any) -> str:
    """Returns what a value of the type is: `a whole number above 0`."""
    kind, metadata = taken_apart(annotation)
    worded = [item.text for item in metadata if isinstance(item, Worded)]
    if worded:
        return worded[0]
    named = [item.kind for item in metadata if isinstance(item, ObjectOf)]
    if named:
        return f"{kind_words(named[0])}: a name, or a mapping with `type`"
    if get_origin(kind) in _UNIONS:
        return " or ".join(_expected_each(get_args(kind)))
    if get_origin(kind) is Literal:
        return _choice(get_args(kind))
    return _simple(kind, metadata)


def taken_apart(annotation: Any) -> tuple[Any, list[Any]]:
    """Splits a type into what it is and what is said about it (limits, words)."""
    if isinstance(annotation, FieldInfo):
        return annotation.annotation, annotation.metadata
    if get_origin(annotation) is not Annotated:
        return annotation, []
    kind, *metadata = get_args(annotation)
    flat: list[Any] = []
    for item in metadata:
        flat += item.metadata if isinstance(item, FieldInfo) else [item]
    return kind, flat


def origin(kind: Any) -> Any:
    """Returns `tuple` for `tuple[int, ...]`, and a plain type as it is."""
    return get_origin(kind) or kind


def alternatives(kind: Any) -> tuple[Any, ...]:
    """Returns the members of a union, or the type alone."""
    return get_args(kind) if get_origin(kind) in _UNIONS else (kind,)


def element(annotation: Any, key: str | int | None = None) -> Any:
    """Returns the type of what is inside a list or mapping, or None if it is neither.

    Args:
        annotation: The type.
        key: Where inside: of a union, a position means the list and a name the mapping.
    """
    kind, _ = taken_apart(annotation)
    if get_origin(kind) in _UNIONS:
        inside = [element(part, key) for part in get_args(kind)]
        return next((part for part in inside if part is not None), None)
    if get_origin(kind) is dict and not isinstance(key, int):
        return get_args(kind)[1]
    return get_args(kind)[0] if get_origin(kind) is tuple and not isinstance(key, str) else None


def length(annotation: Any) -> int | None:
    """Returns the number of items of a list of fixed length, or None."""
    kind, _ = taken_apart(annotation)
    items = get_args(kind) if get_origin(kind) is tuple else (...,)
    return None if items[-1] is Ellipsis else len(items)


def sections(annotation: Any) -> tuple[type[BaseModel], ...]:
    """Returns the section types that a type names: one, several (a union), or none."""
    kind, _ = taken_apart(annotation)
    if get_origin(kind) in _UNIONS:
        return tuple(model for part in get_args(kind) for model in sections(part))
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return (kind,)
    return ()


def choices(annotation: Any) -> list[str]:
    """Returns the words that a type allows, if any."""
    kind, _ = taken_apart(annotation)
    if get_origin(kind) is Literal:
        return [str(word) for word in get_args(kind)]
    if get_origin(kind) in _UNIONS:
        return [word for part in get_args(kind) for word in choices(part)]
    return []


def _expected_each(parts: Iterable[Any]) -> list[str]:
    return [expected(part) for part in parts if part is not type(None)]


def _choice(words: tuple[Any, ...]) -> str:
    if len(words) == 1:
        return f"`{words[0]}`"
    return f"one of {', '.join(str(word) for word in words)}"


def _simple(kind: Any, metadata: list[Any]) -> str:
    if kind is bool:
        return "true or false"
    if kind is str:
        limits = _limits(metadata)
        return "a single character" if limits.get("max_length") == 1 else "text"
    if get_origin(kind) is dict:
        return f"a mapping of names to {_many(get_args(kind)[1])}"
    if get_origin(kind) is tuple:
        return _list(get_args(kind))
    if kind in (int, float):
        return f"a {_number(kind, metadata)}"
    return "a mapping"


def _list(parts: tuple[Any, ...]) -> str:
    count = "" if parts[-1] is Ellipsis else f"{len(parts)} "
    return f"a list of {count}{_many(parts[0])}"


def _many(annotation: Any) -> str:
    kind, metadata = taken_apart(annotation)
    named = [item.kind for item in metadata if isinstance(item, ObjectOf)]
    if named:
        noun = named[0].value
        return f"{noun}es" if noun.endswith("s") else f"{noun}s"
    if kind is str:
        return "texts"
    if kind in (int, float):
        return _number(kind, metadata).replace("number", "numbers", 1)
    if get_origin(kind) is tuple:
        return f"lists of {_many(get_args(kind)[0])}"
    if get_origin(kind) in _UNIONS:
        return " or ".join(_many(part) for part in get_args(kind) if part is not type(None))
    words = choices(annotation)
    return _choice(tuple(words)) if words else "values"


def _number(kind: type, metadata: list[Any]) -> str:
    noun = _NOUNS[kind.__name__]
    limits = _limits(metadata)
    low, high = limits.get("ge"), limits.get("le", limits.get("lt"))
    if low is not None and high is not None:
        until = f"to {high}" if "le" in limits else f"up to, but not including, {high}"
        return f"{noun} from {low} {until}"
    if "gt" in limits:
        return f"{noun} above {limits['gt']}"
    if low == 1 and kind is int:
        return f"{noun} above 0"
    return f"{noun} of {low} or more" if low is not None else noun


def _limits(metadata: list[Any]) -> dict[str, Any]:
    names = ("ge", "gt", "le", "lt", "min_length", "max_length")
    return {
        name: getattr(item, name)
        for item in metadata
        for name in names
        if getattr(item, name, None) is not None
    }
