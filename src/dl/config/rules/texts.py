"""What rules say, and where: their texts stand in `texts.toml`, by the name of the rule and case.

A text holds words in braces, `{layer.type}`; what they stand for, the rule gives. The file is read
when there is something to say.
"""

from __future__ import annotations

import functools
import re
import string
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

from dl.config.nodes import ListNode, MapNode, Node, ScalarNode, dotted, find, place
from dl.errors import Mark, closest
from dl.text import listing
from dl.vocabulary.spec import Finding, Path, Spec

if TYPE_CHECKING:
    from dl.config.load import Loaded

TEXTS = FilePath(__file__).with_name("texts.toml")
MOST_NAMES = 12
"""Names of a list that a message shows."""
_WORD_START = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


@dataclass(frozen=True, slots=True)
class Advice:
    """Something doubtful in a config.

    Attributes:
        rule: The id that switches it off.
        path: Where it stands, or would stand.
        message: What is doubtful, in words that follow the path.
        why: The reason, as a whole sentence.
        write: What to write at the path, as YAML; None to remove it.
    """

    rule: str
    path: Path
    message: str
    why: str
    write: str | None = None


class _Words(string.Formatter):
    """Writes a loss as users do, a shape in brackets and names with commas between them."""

    def format_field(self, value: Any, format_spec: str) -> str:
        if isinstance(value, Spec):
            value = spoken(value)
        elif isinstance(value, tuple):
            names = all(isinstance(item, str) for item in value)
            value = listing(value, "", MOST_NAMES) if names else list(value)
        return str(super().format_field(value, format_spec))


def finding(path: Path, text: str, /, **words: object) -> Finding:
    """Returns a mistake; a word of the name of a field that the text lacks is that field."""
    return Finding(path, **_filled(text, ("message", "expected", "found", "hint", "at_key"), words))


def advice(path: Path, text: str, /, **words: object) -> Advice:
    """Returns a piece of advice, in the same way."""
    rule = text.partition(".")[0].replace("_", "-")
    return Advice(rule, path, **_filled(text, ("message", "why", "write"), words))


def _filled(text: str, fields: tuple[str, ...], words: Mapping[str, object]) -> dict[str, Any]:
    node: Mapping[str, Any] = _texts()
    texts: dict[str, Any] = {}
    for part in text.split("."):  # a case takes over what its rule says of all of them
        node = node[part]
        texts |= {name: node[name] for name in fields if name in node}
    given = {name: words[name] for name in fields if name in words}
    filled = {
        name: _Words().vformat(value, (), words) if isinstance(value, str) else value
        for name, value in texts.items()
    }
    return given | filled


@functools.cache
def _texts() -> dict[str, Any]:
    import tomllib  # not on the way of a config that is right

    return tomllib.loads(TEXTS.read_text(encoding="utf-8"))


def spoken(spec: Spec) -> str:
    """Returns the name as most people write it: `SparseCategoricalCrossentropy` in snake case."""
    return _WORD_START.sub("_", spec.type).lower()


def suggestion(word: str, known: tuple[str, ...], otherwise: str) -> str:
    """Returns the hint for a word that is not one of the known ones."""
    near = closest(word, known)
    return f"did you mean {near}?" if near else otherwise


@dataclass(frozen=True, slots=True)
class Note:
    """A piece of advice with its place in the user's file.

    Attributes:
        rule: Id of the rule.
        path: The dotted path.
        mark: The place of the value, or of the nearest thing around it.
        message: What is doubtful.
        why: The reason.
        mended: The line as it should be.
    """

    rule: str
    path: str
    mark: Mark
    message: str
    why: str
    mended: str


def placed(loaded: Loaded, found: Iterable[Advice]) -> list[Note]:
    """Returns advice with places and mended lines, top to bottom, without what is ignored."""
    notes = []
    for advice in found:
        if advice.rule not in loaded.config.lint.ignore:
            mark = place(loaded.root, advice.path) if advice.path else loaded.root.mark
            line = mended(loaded.root, advice.path, advice.write)
            path = dotted(advice.path)
            notes.append(Note(advice.rule, path, mark, advice.message, advice.why, line))
    return sorted(notes, key=lambda note: (note.mark.line or 0, note.mark.column or 0))


def mended(root: MapNode, path: Path, value: str | None) -> str:
    """Returns what to write: the line with the new value, or a new line and where to put it.

    Args:
        root: The tree of the config.
        path: Where the value stands, or would stand.
        value: The value as YAML; None to remove what stands there.
    """
    above, rest = _nearest(root, path)
    if value is None:
        return f"remove {dotted(path)}"
    if above.mark.line is None and above.mark.source.startswith("--set"):
        return f"--set {dotted(path)}={value}"
    if not rest:
        line = _replaced(above.mark, value) if _is_on_one_line(above) else None
        return line or f"{dotted(path)}: {value}"
    return _added(above, path, rest, value)


def _nearest(root: MapNode, path: Path) -> tuple[Node, Path]:
    """Returns the innermost node that exists on the way, and the keys that are missing below."""
    for length in range(len(path), -1, -1):
        node = find(root, path[:length])
        if node is not None:
            return node, path[length:]
    return root, path


def _added(above: Node, path: Path, rest: Path, value: str) -> str:
    """Words a value that is not written yet: into the line of its parent, or on a new line."""
    written = _nested(rest, value)
    if isinstance(above, ScalarNode) and isinstance(above.value, str):
        return _replaced(above.mark, f"{{type: {above.value}, {written}}}") or written
    line = _span(above.mark)
    if isinstance(above, MapNode) and line.startswith("{") and line.endswith("}"):
        gap = ", " if above.entries else ""
        return _replaced(above.mark, f"{line[:-1].rstrip()}{gap}{written}}}") or written
    parent = dotted(path[: len(path) - len(rest)])
    return f"below {parent}: {written}" if parent else written


def _nested(keys: Path, value: str) -> str:
    """Returns `a: {b: value}`, on one line."""
    first, *others = keys
    return f"{first}: {{{_nested(tuple(others), value)}}}" if others else f"{first}: {value}"


def _is_on_one_line(node: Node) -> bool:
    if isinstance(node, ScalarNode):
        return True
    span = _span(node.mark)
    brackets = "[]" if isinstance(node, ListNode) else "{}"
    return span[:1] == brackets[0] and span[-1:] == brackets[1]


def _span(mark: Mark) -> str:
    if mark.text is None or mark.column is None:
        return ""
    return mark.text[mark.column - 1 : mark.column - 1 + mark.length]


def _replaced(mark: Mark, value: str) -> str | None:
    """Returns the line of a mark with another text in the marked place, None without a line."""
    if mark.text is None or mark.column is None:
        return None
    start = mark.column - 1
    return (mark.text[:start] + value + mark.text[start + mark.length :]).strip()
