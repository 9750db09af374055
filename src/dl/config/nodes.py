"""A config as a tree of nodes, each of which knows the place where it was written, and as YAML.

Words that YAML 1.1 programs read as something else than YAML 1.2 does (`no`, `12:30`, `017`,
`2024-01-31`) are not guessed: they come back as a `Surprise`, to be quoted or written otherwise.
What is written here means the same to every YAML reader.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from dl.errors import Mark, Problem
from dl.text import cut
from dl.vocabulary.spec import QUOTE, Finding, Path, found_text

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


_LONGEST_PATH = 200
"""Characters of a path in a message; a key can be as long as a file."""


def problem_of(finding: Finding, root: MapNode) -> Problem:
    """Gives a finding its place and its full message, and says values as they are written."""
    node = find(root, finding.path)
    # The file as a whole, where a section lacks: its first line is as good as any other.
    of_file = not finding.path or (len(finding.path) == 1 and node is None)
    mark = Mark(root.mark.source) if of_file else place(root, finding.path, finding.at_key)
    found, hint = finding.found, finding.hint
    value = plain(node) if node is not None else None
    # A rule has the canonical value, which is a float where the user may have written 1.
    canonical = float(value) if type(value) is int and abs(value) < 2**53 else value
    if node is not None and found in (found_text(value), found_text(canonical)):
        found = shown(node)
    if hint == QUOTE and isinstance(node, ScalarNode):
        hint = f'{QUOTE}: "{node.written}"' if node.written else "write a value"
    what = cut(dotted(finding.path), _LONGEST_PATH) or "the config"
    return Problem(f"{what} {finding.message}", mark, finding.expected, found, hint)


_LITERALS: Mapping[str, Plain] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
}
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)|0x[0-9a-fA-F]+|0o[0-7]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_INFINITE = re.compile(r"[-+]?\.(inf|Inf|INF)")
_QUOTE = 'put it in quotes: "{word}"'
_OR_QUOTE = 'or "{word}" in quotes for the text'
_SURPRISES = (
    (
        re.compile(r"[-+]?0[0-9]+"),
        "with a leading zero, YAML 1.1 reads an octal number",
        f"write {{number}} for the number, {_OR_QUOTE}",
    ),
    (
        re.compile(r"[-+]?(0b[01_]+|[0-9][0-9_]*_[0-9_]*(\.[0-9_]*)?([eE][-+]?[0-9]+)?)"),
        "YAML 1.1 reads it as a number, YAML 1.2 as text",
        f"write plain digits for a number, {_OR_QUOTE}",
    ),
    (
        re.compile(r"[-+]?[0-9]+(:[0-5]?[0-9])+(\.[0-9]*)?"),
        "YAML 1.1 reads it as a number to the base 60",
        _QUOTE,
    ),
    (
        re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt \t].*)?"),
        "YAML 1.1 reads it as a date",
        _QUOTE,
    ),
    (
        re.compile("yes|Yes|YES|on|On|ON"),
        "YAML 1.1 reads it as true, YAML 1.2 as text",
        f"write true, {_OR_QUOTE}",
    ),
    (
        re.compile("no|No|NO|off|Off|OFF"),
        "YAML 1.1 reads it as false, YAML 1.2 as text",
        f"write false, {_OR_QUOTE}",
    ),
)
"""Words that are ambiguous: why, and what to write instead."""
_FIRST = frozenset("+-.0123456789yYnNoO")
"""What a word begins with that is not text at first sight; most are, and shall cost no pattern."""
_MOST_DIGITS = 30
"""Longer whole numbers are not even read: Python takes its time for thousands of digits."""
LIMIT = 2**63
"""From here on, a whole number has no place in 64 bits."""


@dataclass(frozen=True, slots=True)
class Surprise:
    """An unquoted word that means different things to different YAML readers."""

    message: str
    hint: str


def plain_value(word: str) -> Plain | Surprise:
    """Returns the value of an unquoted word, or why it is refused."""
    if word in _LITERALS:
        return _LITERALS[word]
    if word[0] not in _FIRST:
        return word
    short = cut(word, 40)
    if _INTEGER.fullmatch(word):
        value = int(word, 0) if len(word) <= _MOST_DIGITS else LIMIT
        if -LIMIT <= value < LIMIT:
            return value
        hint = "put it in quotes if it is text, or write it with an exponent, as in 1e20"
        return Surprise(f"`{short}` is too large for a whole number", hint)
    for pattern, why, hint in _SURPRISES:
        if pattern.fullmatch(word):
            digits = word.replace("+", "").lstrip("-0") or "0"
            number = cut(f"-{digits}" if word.startswith("-") else digits, 40)
            return Surprise(
                f"`{short}` is ambiguous: {why}", hint.format(word=short, number=number)
            )
    if _FLOAT.fullmatch(word):
        return float(word)
    return float(word.replace(".", "").lower()) if _INFINITE.fullmatch(word) else word


WIDTH = 100
_SAFE = re.compile(r"[A-Za-z_./][A-Za-z0-9_./-]*( [A-Za-z0-9_./-]+)*")
_READ_DIFFERENTLY = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r", "\0": "\\0"}


def yaml_text(document: Mapping[str, object]) -> str:
    """Returns a document as YAML: its sections as blocks, in them one line for what fits on one.

    Args:
        document: Plain data: mappings with text keys, lists, text, numbers, booleans, None.
    """
    lines: list[str] = []
    for key, value in document.items():
        section = list(_entry(key, value, 0, width=0))
        lines += ["", *section] if lines and len(section) > 1 else section
    return "\n".join(lines) + "\n"


def _entry(key: str, value: object, indent: int, width: int = WIDTH) -> Iterator[str]:
    start = f"{' ' * indent}{scalar(key)}:"
    on_line = f"{start} {flow(value)}"
    things = isinstance(value, list) and any(isinstance(item, Mapping) for item in value)
    if not _has_parts(value) or (len(on_line) <= width and not things):
        yield on_line
        return
    yield start
    yield from _block(value, indent + 2)


def _item(value: object, indent: int) -> Iterator[str]:
    on_line = f"{' ' * indent}- {flow(value)}"
    if not _has_parts(value) or len(on_line) <= WIDTH:
        yield on_line
        return
    lines = _block(value, indent + 2)
    yield f"{' ' * indent}- {next(lines).lstrip()}"
    yield from lines


def _block(value: object, indent: int) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, below in value.items():
            yield from _entry(key, below, indent)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _item(item, indent)


def _has_parts(value: object) -> bool:
    return isinstance(value, Mapping | list | tuple) and bool(value)


def flow(value: object) -> str:
    """Returns a value on one line: `{type: Dense, units: 3}`."""
    if isinstance(value, Mapping):
        return (
            "{" + ", ".join(f"{scalar(key)}: {flow(below)}" for key, below in value.items()) + "}"
        )
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(flow, value)) + "]"
    return scalar(value)


def scalar(value: object) -> str:
    """Returns a single value; text is quoted where a reader could take it for something else."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _float(value)
    if isinstance(value, int):
        return str(value)
    text = str(value)
    safe = _SAFE.fullmatch(text) and text.lower() not in _READ_DIFFERENTLY
    return text if safe and plain_value(text) == text else quoted(text)


def _float(value: float) -> str:
    if math.isnan(value):
        return ".nan"
    if math.isinf(value):
        return ".inf" if value > 0 else "-.inf"
    text = repr(value)
    mantissa, mark, exponent = text.partition("e")
    return f"{mantissa}.0e{exponent}" if mark and "." not in mantissa else text


def quoted(text: str) -> str:
    """Returns text in double quotes, everything unprintable escaped."""
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character.isprintable():
        return character
    code = ord(character)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def flat_document(document: object) -> dict[str, object]:
    """Returns every value of a config as plain data by its dotted path; see `schema.flat`."""
    return dict(_leaves("", document))


def _leaves(path: str, value: object) -> Iterator[tuple[str, object]]:
    if isinstance(value, Mapping) and value:
        for key, below in value.items():
            yield from _leaves(f"{path}.{key}" if path else str(key), below)
    elif isinstance(value, list) and any(isinstance(item, Mapping) for item in value):
        for index, item in enumerate(value):
            name = item.get("name") if isinstance(item, Mapping) else None
            yield from _leaves(f"{path}.{name or index}", item)
    else:
        yield path, value
