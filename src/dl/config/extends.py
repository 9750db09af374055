"""`extends: base.yaml`: one config on top of another.

Mappings merge key by key; lists and single values replace. A mapping that names another `type`
(or `source` of data) replaces too, because what is set for one means nothing to another; a mapping
without a `type` on top of a bare name (`optimizer: adam`) adds parameters to it. Every value keeps
the place where it was written.
"""

from __future__ import annotations

import os
from pathlib import Path as FilePath

from dl.config.document import Document, read_document
from dl.config.nodes import Entry, ListNode, MapNode, Node, ScalarNode, child, shown
from dl.config.source import read_bytes
from dl.errors import ConfigError, Mark, Problem
from dl.vocabulary.spec import Path

MOST_FILES = 32
_KEY = "extends"
_NAMED = (("loss",), ("optimizer",), ("metrics",), ("callbacks",))
_CHOICES = ("type", "source")


def read_with_bases(path: FilePath, content: bytes) -> Document:
    """Reads a config, whose bytes are given, and everything that it extends.

    Raises:
        ConfigError: The config itself cannot be read at all.
    """
    reader = _Reader()
    document = read_document(content, str(path))
    root = reader.extended(document.root, path, (_identity(path),))
    return Document(root, (*document.problems, *reader.problems), reader.whole)


def merge(base: Node, top: Node, path: Path = ()) -> Node:
    """Returns `top` on `base`, both of which stand at `path`."""
    if isinstance(base, ScalarNode) and isinstance(top, MapNode) and is_name(base, path):
        base = named(base)
    if not (isinstance(base, MapNode) and isinstance(top, MapNode)) or _other_type(base, top):
        return top
    entries = dict(base.entries)
    for key, entry in top.entries.items():
        below = child(base, key)
        node = merge(below, entry.node, (*path, key)) if below else entry.node
        entries[key] = Entry(entry.key, node)
    return MapNode(entries, top.mark)


def is_name(node: ScalarNode, path: Path) -> bool:
    """Returns whether a single value at `path` is the name of a thing with parameters."""
    below = (path[:1] == ("training",) and path[1:2] in _NAMED) or path[:2] == ("model", "layers")
    return below and isinstance(node.value, str)


def named(name: ScalarNode) -> MapNode:
    """Returns a bare name as a mapping with `type`."""
    return MapNode({"type": Entry(name.mark, name)}, name.mark)


def _other_type(base: MapNode, top: MapNode) -> bool:
    return any(_differ(_word(base, key), _word(top, key)) for key in _CHOICES)


def _differ(first: str | None, second: str | None) -> bool:
    return first is not None and second is not None and first != second


def _word(node: MapNode, key: str) -> str | None:
    entry = node.entries.get(key)
    if entry is None or not isinstance(entry.node, ScalarNode):
        return None
    return str(entry.node.value).lower().replace("_", "")


class _Reader:
    """Reads bases, each file once, and collects their problems."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.whole = True
        self._read: dict[str, MapNode] = {}
        self._files = 0

    def extended(self, root: MapNode, path: FilePath, chain: tuple[str, ...]) -> MapNode:
        """Returns the root on top of what it extends; `chain` are the files on the way here."""
        entry = root.entries.get(_KEY)
        if entry is None:
            return root
        own = MapNode({key: e for key, e in root.entries.items() if key != _KEY}, root.mark)
        merged: Node | None = None
        for name in self._names(entry):
            base = self._base(name, path, chain)
            if base is None:
                self.whole = False
            else:
                merged = base if merged is None else merge(merged, base)
        result = own if merged is None else merge(merged, own)
        return result if isinstance(result, MapNode) else own

    def _names(self, entry: Entry) -> list[ScalarNode]:
        node = entry.node
        listed = node.items if isinstance(node, ListNode) else (node,)
        names = [n for n in listed if isinstance(n, ScalarNode) and isinstance(n.value, str)]
        names = [name for name in names if name.value]
        if len(names) < len(listed) or not listed:
            self._problem("extends must be a file, or a list of files", node.mark, shown(node))
        return names

    def _base(self, name: ScalarNode, path: FilePath, chain: tuple[str, ...]) -> MapNode | None:
        base = path.parent / str(name.value)
        identity = _identity(base)
        if identity in chain:
            self._problem(f"extends: {base} extends itself", name.mark)
            return None
        if identity not in self._read:
            self._files += 1
            if self._files > MOST_FILES:
                self._problem(f"extends: more than {MOST_FILES} files", name.mark)
                return None
            root = self._file(base, name.mark)
            if root is None:
                return None
            self._read[identity] = self.extended(root, base, (*chain, identity))
        return self._read[identity]

    def _file(self, base: FilePath, mark: Mark) -> MapNode | None:
        try:
            content = read_bytes(base)
        except ConfigError as error:
            first = error.problems[0]
            self.problems.append(Problem(f"extends: {first.message}", mark, hint=first.hint))
            return None
        try:
            document = read_document(content, str(base))
        except ConfigError as error:
            self.problems += error.problems
            return None
        self.problems += document.problems
        return document.root

    def _problem(self, message: str, mark: Mark, found: str | None = None) -> None:
        self.problems.append(Problem(message, mark, found=found))


def _identity(path: FilePath) -> str:
    try:
        return os.path.realpath(path)
    except (OSError, ValueError):
        return str(path)
