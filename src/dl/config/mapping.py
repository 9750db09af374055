"""A config as a dict of Python: the same tree as of a file, whose places are keys of the dict."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike, fspath
from typing import Any

from dl.config.emit import flow
from dl.config.nodes import Entry, ListNode, MapNode, Node, ScalarNode
from dl.errors import ConfigError, Mark

_DEEPEST = 64


def node_of(value: Any, place: str, depth: int = 0) -> Node:
    """Returns a value as a node.

    Args:
        value: Mappings with text keys, lists, tuples, paths, text, numbers (also NumPy's), None.
        place: How the value is written in Python, for messages: `config['training']`.
        depth: How many values it is in.

    Raises:
        ConfigError: Another kind of value is in it, or it is nested too deeply.
    """
    mark = Mark(place)
    if depth > _DEEPEST:
        raise ConfigError(f"values are nested more than {_DEEPEST} deep", mark=mark)
    if isinstance(value, PathLike):
        value = fspath(value)
    if not isinstance(value, str | list | tuple) and getattr(value, "shape", None) == ():
        value = value.item()  # a number of NumPy
    if value is None or isinstance(value, str | bool | int | float):
        return ScalarNode(value, flow(value), mark)
    if isinstance(value, list | tuple):
        items = enumerate(value)
        return ListNode(
            tuple(node_of(item, f"{place}[{index}]", depth + 1) for index, item in items), mark
        )
    if not isinstance(value, Mapping):
        raise ConfigError(
            "a config holds text, numbers, lists and mappings",
            mark=mark,
            found=f"a value of type {type(value).__name__}",
        )
    for key in value:
        if not isinstance(key, str):
            raise ConfigError("a key must be text", mark=mark, found=repr(key))
    entries = {}
    for key, item in value.items():
        below = f"{place}[{key!r}]"
        entries[key] = Entry(Mark(below), node_of(item, below, depth + 1))
    return MapNode(entries, mark)
