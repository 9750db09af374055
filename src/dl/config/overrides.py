"""One config on top of another (`extends: base.yaml`), and values on both (`--set KEY=VALUE`).

Mappings merge key by key; lists and single values replace. A mapping that names another `type`
(or `source` of data) replaces too, because what is set for one means nothing to another; a mapping
without a `type` on top of a bare name (`optimizer: adam`) adds parameters to it. Every value keeps
the place where it was written.

KEY is a path into the config: `training.optimizer.learning_rate`, `model.layers.1.units` (or
`model.layers[1].units`; positions count from 0), `model.layers.hidden.units` (a layer by its name).
VALUE is read like a value of the file. Later overrides win over earlier ones.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import cast

from dl.config.builder import Places
from dl.config.document import Document, read_bytes, read_document, read_node
from dl.config.nodes import (
    Entry,
    ListNode,
    MapNode,
    Node,
    ScalarNode,
    child,
    dotted,
    flow,
    plain,
    shown,
)
from dl.config.schema import Training
from dl.errors import ConfigError, Mark, Problem, closest, did_you_mean, without_separators
from dl.text import cut
from dl.vocabulary.sections import keys
from dl.vocabulary.spec import Path

MOST_FILES = 32
_KEY = "extends"
_NAMED = ("loss", "optimizer", "metrics", "callbacks")
_CHOICES = ("type", "source")
MOST_PARTS = 32
_LONGEST = 100
"""Characters of an option in a message."""
_BRACKETS = re.compile(r"\[(\d+)\]")


def read_with_bases(path: FilePath, content: bytes) -> Document:
    """Reads a config, whose bytes are given, and everything that it extends.

    Raises:
        ConfigError: The config itself cannot be read at all.
    """
    return with_bases(read_document(content, str(path)), path)


def with_bases(document: Document, path: FilePath) -> Document:
    """Returns a config on top of everything that it extends; `path` is its file."""
    reader = _Reader()
    root = reader.extended(document.root, path, (_identity(path),))
    return Document(root, (*document.problems, *reader.problems), reader.whole)


def merge(base: Node, top: Node, path: Path = ()) -> Node:
    """Returns `top` on `base`, both of which stand at `path`."""
    if isinstance(base, ScalarNode) and isinstance(top, MapNode) and is_name(base, path):
        base = named(base)
    if not (isinstance(base, MapNode) and isinstance(top, MapNode)):
        return top
    words = [(_word(base, key), _word(top, key)) for key in _CHOICES]
    if any(None not in pair and pair[0] != pair[1] for pair in words):
        return top
    entries = dict(base.entries)
    for key, entry in top.entries.items():
        below = child(base, key)
        node = merge(below, entry.node, (*path, key)) if below else entry.node
        entries[key] = Entry(entry.key, node)
    return MapNode(entries, top.mark)


def is_name(node: ScalarNode, path: Path) -> bool:
    """Returns whether a single value at `path` is the name of a thing with parameters."""
    # In a phase of the training, keys mean what they do in `training`.
    path = ("training", *path[3:]) if path[:2] == ("training", "phases") else path
    first, second = (*path, "", "")[:2]
    below = (first == "training" and second in _NAMED) or (first, second) == ("model", "layers")
    return below and isinstance(node.value, str)


def named(name: ScalarNode) -> MapNode:
    """Returns a bare name as a mapping with `type`."""
    return MapNode({"type": Entry(name.mark, name)}, name.mark)


def _word(node: MapNode, key: str) -> str | None:
    below = child(node, key)
    return without_separators(str(below.value)) if isinstance(below, ScalarNode) else None


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
        scalars = [item for item in listed if isinstance(item, ScalarNode)]
        names = [item for item in scalars if isinstance(item.value, str) and item.value]
        if len(names) < len(listed) or not listed:
            message = "extends must be a file, or a list of files"
            self.problems.append(Problem(message, node.mark, found=shown(node)))
        return names

    def _base(self, name: ScalarNode, path: FilePath, chain: tuple[str, ...]) -> MapNode | None:
        base = path.parent / str(name.value)
        identity = _identity(base)
        if identity in chain:
            self.problems.append(Problem(f"extends: {base} extends itself", name.mark))
            return None
        if identity not in self._read:
            self._files += 1
            if self._files > MOST_FILES:
                message = f"extends: more than {MOST_FILES} files"
                self.problems.append(Problem(message, name.mark))
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


def _identity(path: FilePath) -> str:
    try:
        return os.path.realpath(path)
    except (OSError, ValueError):
        return str(path)


@dataclass(frozen=True, slots=True)
class Override:
    """One value to be set: an option taken apart, or what another file says."""

    parts: tuple[str, ...]
    value: Node
    mark: Mark

    @property
    def text(self) -> str:
        """The override as it can be typed after `--set`."""
        return f"{'.'.join(self.parts)}={flow(plain(self.value))}"


def override(root: MapNode, options: Sequence[str | Override]) -> tuple[MapNode, list[Problem]]:
    """Returns the tree with all options applied in their order, and what was wrong with them."""
    problems: list[Problem] = []
    for option in options:
        try:
            read, found = (option, []) if isinstance(option, Override) else read_override(option)
            problems += found
            root = cast(MapNode, _set(root, read.parts, (), read))
        except ConfigError as error:
            problems += error.problems
    return root, problems


def read_override(option: str) -> tuple[Override, list[Problem]]:
    """Takes `KEY=VALUE` apart at its first `=` and reads the value.

    Raises:
        ConfigError: The option has not this form, or its value is not YAML.
    """
    mark = Mark(option_text("--set", option))
    key, equals, text = option.partition("=")
    if not equals or not key.strip():
        hint = "for example --set training.epochs=5"
        raise ConfigError("an override must be KEY=VALUE", mark=mark, hint=hint)
    parts = path_parts(key, mark)
    value, problems = read_node(text, Places(mark))
    if value is None:
        value = ScalarNode(None, "", mark)
    return Override(parts, value, mark), problems


def path_parts(key: str, mark: Mark) -> tuple[str, ...]:
    """Takes a path into the config apart; `mark` is where it is written.

    Raises:
        ConfigError: This cannot be a path.
    """
    parts = tuple(_BRACKETS.sub(r".\1", key.strip()).split("."))
    if "" in parts or len(parts) > MOST_PARTS:
        hint = "write keys with a dot between them, as in model.layers.1.units"
        raise ConfigError("this is not a path into the config", mark=mark, hint=hint)
    if parts[0] == "extends":
        raise ConfigError("extends can only be written in a file", mark=mark)
    return parts


def option_text(name: str, value: str) -> str:
    """Returns an option as typed, made fit for one line of an error."""
    text = value if value.isprintable() else ascii(value)[1:-1]
    return f"{name} {cut(text, _LONGEST)}"


def _set(node: Node, parts: tuple[str, ...], done: Path, read: Override) -> Node:
    """Returns the node with the value set under the parts; `done` is the path so far."""
    if not parts:
        return read.value
    if isinstance(node, ListNode):
        at = _position(node, parts[0], done, read)
        item = _set(node.items[at], parts[1:], (*done, at), read)
        return ListNode((*node.items[:at], item, *node.items[at + 1 :]), node.mark)
    parent = _as_mapping(node, done, read)
    key, rest = parts[0], parts[1:]
    below = child(parent, key) or _missing((*done, key), rest, read)
    entry = Entry(read.mark, _set(below, rest, (*done, key), read))
    if rest and key in parent.entries:
        entry = Entry(parent.entries[key].key, entry.node)
    return MapNode({**parent.entries, key: entry}, parent.mark)


def _missing(path: Path, rest: tuple[str, ...], read: Override) -> Node:
    """Returns what a key that is not written stands for: its default name, or an empty mapping."""
    if rest and path == ("training", "optimizer"):
        default = str(keys(Training)["optimizer"].default)
        return ScalarNode(default, default, read.mark)
    return MapNode({}, read.mark)


def _as_mapping(node: Node, done: Path, read: Override) -> MapNode:
    if isinstance(node, MapNode):
        return node
    if isinstance(node, ScalarNode) and node.value is None:
        return MapNode({}, node.mark)
    if isinstance(node, ScalarNode) and is_name(node, done):
        return named(node)
    raise ConfigError(
        f"nothing can be set below {dotted(done)}: it is not a mapping",
        mark=read.mark,
        found=shown(node),
    )


def _position(node: ListNode, part: str, done: Path, read: Override) -> int:
    if part.isascii() and part.isdigit() and len(part) < 10 and int(part) < len(node.items):
        return int(part)
    names = {_name(item): position for position, item in enumerate(node.items)}
    if part in names:
        return names[part]
    count = len(node.items)
    known = [name for name in names if name]
    positions = f"a position from 0 to {count - 1}" if count > 1 else "the position 0"
    named_ones = f", or a name: {', '.join(known)}" if known else ""
    raise ConfigError(
        f"{dotted(done)} has no item {part}",
        mark=read.mark,
        expected=f"{positions}{named_ones}" if count else "nothing: the list is empty",
        hint=did_you_mean(closest(part, known)),
    )


def _name(item: Node) -> str | None:
    name = child(item, "name")
    return name.value if isinstance(name, ScalarNode) and isinstance(name.value, str) else None
