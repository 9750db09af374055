"""Advice in the user's own file: its place, and the line as it should be."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from dl.config.load import Loaded
from dl.config.nodes import ListNode, MapNode, Node, ScalarNode, dotted, find, place
from dl.config.rules.texts import Advice
from dl.errors import Mark
from dl.vocabulary.spec import Path


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
