"""Builds the tree of a config from the events of the YAML parser, or from a dict of Python.

Refused are tags, duplicate keys, keys that are not text, words that YAML 1.1 and 1.2 read
differently, deep nesting, and aliases that would make the tree large or endless. Aliases (`*name`)
and merge keys (`<<: *name`) are expanded; each value keeps the place where it was written, which
of a dict are its keys.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from os import PathLike, fspath
from typing import Any

import yaml

from dl.config import nodes
from dl.errors import ConfigError, Mark, Problem
from dl.vocabulary.spec import Path

MOST_LEVELS = 64
MOST_VALUES = 100_000
_MERGE = "<<"


@dataclass(frozen=True, slots=True)
class Places:
    """Turns the parser's positions into marks: those in the lines of a file; without lines, one
    mark for all that is written in an option of the command line, or in a row of a table.
    """

    place: Mark
    lines: list[str] | None = None

    def mark(self, start: tuple[int, int], end: tuple[int, int]) -> Mark:
        """Returns the mark of a span; lines and columns count from 0."""
        if self.lines is None:
            return self.place
        line, column = start
        text = self.lines[line] if line < len(self.lines) else ""
        stop = end[1] if end[0] == line else len(text.rstrip())
        return Mark(self.place.source, line + 1, column + 1, max(1, stop - column), text)


class Stop(Exception):
    """A problem that ends the reading."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


@dataclass(slots=True)
class _Open:
    """A list or mapping that is not closed yet; `levels` and `values` count what it holds.

    `key` is the name and the place of the key whose value comes next; without a name, the value is
    dropped.
    """

    mark: Mark
    start: tuple[int, int]
    anchor: str | None
    is_map: bool
    block: bool
    items: list[nodes.Node] = field(default_factory=list)
    entries: dict[str, nodes.Entry] = field(default_factory=dict)
    merged: list[nodes.MapNode] = field(default_factory=list)
    seen: dict[str, Mark] = field(default_factory=dict)
    key: tuple[str | None, Mark] | None = None
    levels: int = 1
    values: int = 1


class Builder:
    """Builds the tree from the events of the parser."""

    def __init__(self, places: Places) -> None:
        self.root: nodes.Node | None = None
        self.problems: list[Problem] = []
        self._places = places
        self._open: list[_Open] = []
        self._anchors: dict[str, tuple[nodes.Node, int, int] | None] = {}
        # by name: the value, and the levels and values that an alias to it adds; None while open
        self._documents = 0
        self._values = 0

    def take(self, event: Any) -> None:
        """Takes the next event."""
        if isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                hint = "keep one document; a config file holds one experiment"
                raise Stop(Problem("a second document starts here", self._mark(event), hint=hint))
        elif isinstance(event, yaml.ScalarEvent):
            self._scalar(event)
        elif isinstance(event, yaml.AliasEvent):
            self._alias(event)
        elif isinstance(event, yaml.CollectionStartEvent):
            self._start(event)
        elif isinstance(event, yaml.CollectionEndEvent):
            self._end(event)

    def _start(self, event: Any) -> None:
        mark = self._mark(event)
        self._refuse_tag(event, mark)
        if self._wants_key():
            self._bad_key(mark, "a list or mapping")
        if len(self._open) >= MOST_LEVELS:
            raise Stop(Problem(f"more than {MOST_LEVELS} levels deep", mark))
        if event.anchor:
            self._anchors[event.anchor] = None
        is_map = isinstance(event, yaml.MappingStartEvent)
        block = not event.flow_style
        if block and self._open and self._open[-1].key is not None:
            mark = self._open[-1].key[1]
        start = (event.start_mark.line, event.start_mark.column)
        self._open.append(_Open(mark, start, event.anchor, is_map, block))

    def _end(self, event: Any) -> None:
        done = self._open[-1]
        end = (event.end_mark.line, event.end_mark.column)
        mark = done.mark if done.block else self._places.mark(done.start, end)
        node: nodes.Node = nodes.ListNode(tuple(done.items), mark)
        if done.is_map:
            node = nodes.MapNode(_with_merged(done), mark)
        self._open.pop()
        if done.anchor:
            self._anchors[done.anchor] = (node, done.levels, done.values)
        self._put(node, done.levels, done.values)

    def _scalar(self, event: Any) -> None:
        mark = self._mark(event)
        if not event.value and event.style not in ("'", '"') and self._open:
            key = self._open[-1].key
            mark = key[1] if key is not None else mark
        self._refuse_tag(event, mark)
        if self._wants_key():
            self._key(event, mark)
            return
        written = f'"{event.value}"' if event.style in ("'", '"') else str(event.value)
        node = nodes.ScalarNode(self._value(event, mark), written, mark)
        if event.anchor:
            self._anchors[event.anchor] = (node, 0, 1)
        self._count(1, mark)
        self._put(node, 0, 1)

    def _alias(self, event: Any) -> None:
        mark = self._mark(event)
        if self._wants_key():
            self._bad_key(mark, "an alias")
            return
        if event.anchor not in self._anchors:
            raise Stop(Problem(f"the alias *{event.anchor} has no anchor &{event.anchor}", mark))
        target = self._anchors[event.anchor]
        if target is None:
            raise Stop(Problem(f"the alias *{event.anchor} is inside what it names", mark))
        node, levels, values = target
        if len(self._open) + levels > MOST_LEVELS:
            raise Stop(Problem(f"more than {MOST_LEVELS} levels deep", mark))
        self._count(values, mark)
        self._put(node, levels, values)

    def _value(self, event: Any, mark: Mark) -> nodes.Plain:
        quoted = not event.implicit[0]
        value = event.value if quoted else nodes.plain_value(event.value)
        if isinstance(value, nodes.Surprise):
            self._problem(f"{self._prefix()}{value.message}", mark, hint=value.hint)
            return str(event.value)
        if isinstance(value, str) and not _is_text(value):
            message = f"{self._prefix()}the text holds a character that no text has"
            self._problem(message, mark, hint="remove the escape, such as \\0")
            return ""
        return value

    def _put(self, node: nodes.Node, levels: int, values: int) -> None:
        """Puts a finished value where it belongs."""
        if not self._open:
            self.root = node
            return
        parent = self._open[-1]
        parent.levels = max(parent.levels, levels + 1)
        parent.values += values
        if not parent.is_map:
            parent.items.append(node)
            return
        key, parent.key = parent.key, None
        name, mark = key or (None, node.mark)
        if name is None:
            return
        if name == _MERGE:
            self._merge(parent, node, mark)
        else:
            parent.entries[name] = nodes.Entry(mark, node)

    def _merge(self, parent: _Open, node: nodes.Node, mark: Mark) -> None:
        sources = node.items if isinstance(node, nodes.ListNode) else (node,)
        maps = [source for source in sources if isinstance(source, nodes.MapNode)]
        if len(maps) < len(sources):
            hint = "write `<<: *name`, where &name marks a mapping"
            self._problem("`<<` merges mappings only", mark, hint=hint)
        parent.merged += maps

    def _wants_key(self) -> bool:
        return bool(self._open) and self._open[-1].is_map and self._open[-1].key is None

    def _key(self, event: Any, mark: Mark) -> None:
        parent = self._open[-1]
        name = self._key_name(event, mark)
        first = None if name is None else parent.seen.get(name)
        if name is not None and first is not None:
            path = nodes.dotted((*self._path(), name))
            where = f" on line {first.line}" if first.line is not None else ""
            hint = "remove one of the two"
            self._problem(f"{path} is given twice, first{where}", mark, hint)
            name = None
        elif name is not None:
            parent.seen[name] = mark
            if name == _MERGE and not event.implicit[0]:
                self._problem("a key cannot be named `<<`", mark)
                name = None
        parent.key = (name, mark)

    def _key_name(self, event: Any, mark: Mark) -> str | None:
        """Returns the text of a key; a whole number counts as its digits."""
        value = nodes.plain_value(event.value) if event.implicit[0] else event.value
        if isinstance(value, nodes.Surprise):
            self._problem(f"{self._prefix()}{value.message}", mark, hint=value.hint)
            return None
        if isinstance(value, str) and _is_text(value):
            return value
        if isinstance(value, int) and not isinstance(value, bool):
            return str(event.value)
        hint = f'put it in quotes: "{event.value}"' if event.value else "write a key before the `:`"
        self._problem(f"{self._prefix()}a key must be text", mark, hint=hint)
        return None

    def _bad_key(self, mark: Mark, what: str) -> None:
        self._problem(f"{self._prefix()}a key must be text, not {what}", mark)
        self._open[-1].key = (None, mark)

    def _refuse_tag(self, event: Any, mark: Mark) -> None:
        if event.tag is None:
            return
        tag = str(event.tag).replace("tag:yaml.org,2002:", "!!")
        hint = "remove it; put text in quotes"
        self._problem(f"{self._prefix()}the tag `{tag}` is not allowed", mark, hint=hint)

    def _count(self, values: int, mark: Mark) -> None:
        self._values += values
        if self._values > MOST_VALUES:
            raise Stop(Problem(f"the config has more than {MOST_VALUES} values", mark))

    def _problem(self, message: str, mark: Mark, hint: str | None = None) -> None:
        self.problems.append(Problem(message, mark, hint=hint))

    def _prefix(self) -> str:
        path = self._path()
        return f"{nodes.dotted(path)}: " if path else ""

    def _path(self) -> Path:
        parts: list[str | int] = []
        for level in self._open:
            if not level.is_map:
                parts.append(len(level.items))
            elif level.key is not None and level.key[0] is not None:
                parts.append(level.key[0])
        return tuple(parts)

    def _mark(self, event: Any) -> Mark:
        start, end = event.start_mark, event.end_mark
        return self._places.mark((start.line, start.column), (end.line, end.column))


def _with_merged(done: _Open) -> dict[str, nodes.Entry]:
    """Returns the entries of a mapping; its own win over merged ones, earlier merges over later."""
    entries = dict(done.entries)
    for source in done.merged:
        for name, entry in source.entries.items():
            entries.setdefault(name, entry)
    return entries


def _is_text(value: str) -> bool:
    return "\0" not in value and not any("\ud800" <= letter <= "\udfff" for letter in value)


def node_of(value: Any, place: str, depth: int = 0) -> nodes.Node:
    """Returns a value as a node.

    Args:
        value: Mappings with text keys, lists, tuples, paths, text, numbers (also NumPy's), None.
        place: How the value is written in Python, for messages: `config['training']`.
        depth: How many values it is in.

    Raises:
        ConfigError: Another kind of value is in it, or it is nested too deeply.
    """
    mark = Mark(place)
    if depth > MOST_LEVELS:
        raise ConfigError(f"values are nested more than {MOST_LEVELS} deep", mark=mark)
    if isinstance(value, list | tuple):
        items = enumerate(value)
        return nodes.ListNode(
            tuple(node_of(item, f"{place}[{i}]", depth + 1) for i, item in items), mark
        )
    if not isinstance(value, Mapping):
        return _scalar_node(value, mark)
    entries: dict[str, nodes.Entry] = {}
    for key, item in value.items():
        below = f"{place}[{key!r}]"
        # A whole number counts as its digits, as in a file: `class_weight={0: 1, 1: 5}`.
        name = str(key) if isinstance(key, int) and not isinstance(key, bool) else key
        if not isinstance(name, str) or not _is_text(name):
            raise ConfigError("a key must be text", mark=mark, found=repr(key))
        if name in entries:
            raise ConfigError(f"{name} is given twice, as text and as a number", mark=Mark(below))
        entries[name] = nodes.Entry(Mark(below), node_of(item, below, depth + 1))
    return nodes.MapNode(entries, mark)


def _scalar_node(value: Any, mark: Mark) -> nodes.ScalarNode:
    if isinstance(value, PathLike):
        value = fspath(value)
    if not isinstance(value, str) and getattr(value, "shape", None) == ():
        value = value.item()  # a number of NumPy
    if value is not None and not isinstance(value, str | bool | int | float):
        message, found = "a config holds text, numbers, lists and mappings", type(value).__name__
        raise ConfigError(message, mark=mark, found=f"a value of type {found}")
    if isinstance(value, str) and not _is_text(value):
        raise ConfigError("the text holds a character that no text has", mark=mark)
    if isinstance(value, int) and not -nodes.LIMIT <= value < nodes.LIMIT:
        raise ConfigError("this is too large for a whole number", mark=mark)
    return nodes.ScalarNode(value, nodes.flow(value), mark)
