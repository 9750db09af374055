"""A config as a tree of nodes, each of which knows the place where it was written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from dl.errors import Mark
from dl.vocabulary.spec import Path, found_text

Plain = str | int | float | bool | None
"""The value of a scalar."""


@dataclass(frozen=True, slots=True)
class ScalarNode:
    """A single value; `written` is how it looks in the file."""

    value: Plain
    written: str
    mark: Mark


@dataclass(frozen=True, slots=True)
class ListNode:
    """A list."""

    items: tuple[Node, ...]
    mark: Mark


@dataclass(frozen=True, slots=True)
class Entry:
    """A key of a mapping, by its place, and its value."""

    key: Mark
    node: Node


@dataclass(frozen=True, slots=True)
class MapNode:
    """A mapping; its keys are text."""

    entries: Mapping[str, Entry]
    mark: Mark


Node = ScalarNode | ListNode | MapNode


def plain(node: Node) -> object:
    """Returns the node as plain dicts, lists and scalars."""
    if isinstance(node, ScalarNode):
        return node.value
    if isinstance(node, ListNode):
        return [plain(item) for item in node.items]
    return {key: plain(entry.node) for key, entry in node.entries.items()}


def child(node: Node, part: str | int) -> Node | None:
    """Returns what is under a key or at a 0-based position, or None if there is no such thing."""
    if isinstance(node, MapNode) and isinstance(part, str):
        entry = node.entries.get(part)
        return entry.node if entry else None
    if isinstance(node, ListNode) and isinstance(part, int) and 0 <= part < len(node.items):
        return node.items[part]
    return None


def find(root: Node, path: Path) -> Node | None:
    """Returns the node at a path, or None if there is none."""
    node: Node | None = root
    for part in path:
        node = child(node, part) if node is not None else None
    return node


def place(root: Node, path: Path, at_key: bool = False) -> Mark:
    """Returns where the value at a path is written, or the nearest thing around it.

    With `at_key`, the place of the key instead, where the path ends at a key of a mapping.
    """
    node, mark = root, root.mark
    for part in path:
        below = child(node, part)
        if below is None:
            return mark
        at = isinstance(node, MapNode) and at_key
        mark = node.entries[str(part)].key if at and isinstance(node, MapNode) else below.mark
        node = below
    return mark


def walk(node: Node, path: Path = ()) -> Iterator[tuple[Path, Node]]:
    """Yields every node below and including this one, with its path."""
    yield path, node
    if isinstance(node, ListNode):
        for position, item in enumerate(node.items):
            yield from walk(item, (*path, position))
    elif isinstance(node, MapNode):
        for key, entry in node.entries.items():
            yield from walk(entry.node, (*path, key))


def dotted(path: Path) -> str:
    """Returns a path as users write it: `model.layers.1.units`."""
    return ".".join(str(part) for part in path)


def shown(node: Node) -> str:
    """Returns in short what is written at a node, for the `found` of an error."""
    if isinstance(node, ScalarNode) and node.value is None:
        return "nothing"
    if isinstance(node, ScalarNode) and not isinstance(node.value, str):
        return node.written
    return found_text(plain(node))
