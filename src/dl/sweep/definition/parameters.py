"""What a sweep varies: paths of the config, each with a list of values or a range."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from dl.config.nodes import ListNode, MapNode, Node, ScalarNode, plain, shown
from dl.config.overrides import Override, path_parts
from dl.errors import ConfigError, Mark, Problem, closest
from dl.text import listing

_KINDS = ("choices", "uniform", "log_uniform", "int")
_EXTRAS = {
    "choices": ("when",),
    "uniform": ("step", "points", "when"),
    "log_uniform": ("points", "when"),
    "int": ("log", "step", "points", "when"),
}


@dataclass(frozen=True, slots=True)
class Range:
    """Numbers from `low` to `high`, both of them included.

    Attributes:
        low: The least.
        high: The greatest.
        whole: Whether they are whole numbers.
        log: Whether they are spread by their logarithm.
        step: The distance between two of them, or None.
        points: How many of them a grid takes, or None.
    """

    low: float
    high: float
    whole: bool
    log: bool
    step: float | None = None
    points: int | None = None


@dataclass(frozen=True, slots=True)
class When:
    """A condition: the parameter `key` has one of the values."""

    key: str
    values: tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One thing that is varied: a path, or several that move together.

    Attributes:
        key: What stands in the file: the paths, joined by a comma and a space.
        paths: The paths, in parts.
        choices: The values; each has one node for each path. Empty for a range.
        range: The range, or None.
        when: All of these hold where the parameter is used; elsewhere the base's value stays.
        mark: The place of the key.
    """

    key: str
    paths: tuple[tuple[str, ...], ...]
    choices: tuple[tuple[Node, ...], ...]
    range: Range | None
    when: tuple[When, ...]
    mark: Mark

    def overrides(self, index: int) -> list[Override]:
        """Returns what sets the choice of that index."""
        nodes = self.choices[index]
        return [Override(p, node, node.mark) for p, node in zip(self.paths, nodes, strict=True)]

    def values(self) -> list[object]:
        """Returns the choices as plain values: a list of them for paths that move together."""
        if len(self.paths) > 1:
            return [[plain(node) for node in choice] for choice in self.choices]
        return [plain(choice[0]) for choice in self.choices]

    def number(self, value: float) -> list[Override]:
        """Returns what sets a number of the range."""
        shown = int(value) if self.range is not None and self.range.whole else value
        return [Override(self.paths[0], ScalarNode(shown, repr(shown), self.mark), self.mark)]


def read_parameters(node: Node | None) -> tuple[list[Parameter], list[Problem]]:
    """Reads the mapping `parameters`; returns what could be read, and all that is wrong with it."""
    if not isinstance(node, MapNode):
        return [], []
    parameters: list[Parameter] = []
    problems: list[Problem] = []
    for key, entry in node.entries.items():
        try:
            parameters.append(_parameter(key, entry.key, entry.node, parameters))
        except ConfigError as error:
            problems += error.problems
    return parameters, problems


def grid_parameter(text: str, mark: Mark, values: Node) -> Parameter:
    """Returns the parameter of an option: a path, and its values.

    Raises:
        ConfigError: There is no value, or this is no path.
    """
    return _parameter(text, mark, values, [])


def _parameter(key: str, mark: Mark, node: Node, before: Sequence[Parameter]) -> Parameter:
    names = [name.strip() for name in key.split(",")]
    paths = tuple(path_parts(name, mark) for name in names)
    words = ", ".join(".".join(parts) for parts in paths)
    if isinstance(node, ListNode):
        return Parameter(words, paths, _choices(words, node, len(paths)), None, (), mark)
    if not isinstance(node, MapNode):
        raise _wrong(words, node, "a list of values, or a range such as {log_uniform: [1e-4, 0.1]}")
    kind = _kind(words, node)
    when = tuple(_conditions(words, node, before))
    values = node.entries[kind].node
    if kind == "choices":
        return Parameter(words, paths, _choices(words, values, len(paths)), None, when, mark)
    if len(paths) > 1:
        raise _wrong(words, node, "a list of values for each path: a range has only one")
    return Parameter(words, paths, (), _range(words, kind, node), when, mark)


def _choices(key: str, node: Node, paths: int) -> tuple[tuple[Node, ...], ...]:
    if not isinstance(node, ListNode) or not node.items:
        raise _wrong(key, node, "a list with at least one value")
    if paths == 1:
        choices: tuple[tuple[Node, ...], ...] = tuple((item,) for item in node.items)
    else:
        choices = tuple(_linked(key, item, paths) for item in node.items)
    _refuse_doubles(key, choices)
    return choices


def _linked(key: str, node: Node, paths: int) -> tuple[Node, ...]:
    if not isinstance(node, ListNode) or len(node.items) != paths:
        raise _wrong(key, node, f"lists of {paths} values, one for each path")
    return node.items


def _refuse_doubles(key: str, choices: Sequence[tuple[Node, ...]]) -> None:
    seen: list[str] = []
    for choice in choices:
        text = repr([plain(node) for node in choice])
        if text in seen:
            raise ConfigError(f"parameters: {key} has a value twice", mark=choice[0].mark)
        seen.append(text)


def _kind(key: str, node: MapNode) -> str:
    kinds = [name for name in node.entries if name in _KINDS]
    if len(kinds) != 1:
        raise _wrong(key, node, f"exactly one of {listing(_KINDS)}")
    known = (kinds[0], *_EXTRAS[kinds[0]])
    for name, entry in node.entries.items():
        if name not in known:
            near = closest(name, known)
            raise ConfigError(
                f"parameters: {key}: {name} is not known",
                mark=entry.key,
                expected=listing(known),
                hint=f"did you mean {near}?" if near else None,
            )
    return kinds[0]


def _range(key: str, kind: str, node: MapNode) -> Range:
    values = node.entries[kind].node
    ends = values.items if isinstance(values, ListNode) else ()
    numbers = [plain(end) for end in ends]
    if len(numbers) != 2 or not all(_is_number(number, kind == "int") for number in numbers):
        what = "two whole numbers" if kind == "int" else "two numbers"
        raise _wrong(key, values, f"{what}, the least and the greatest")
    low, high = (float(str(number)) for number in numbers)
    log = kind == "log_uniform" or _flag(key, node)
    if low >= high or (log and low <= 0):
        raise _wrong(key, values, f"the least{' (above 0)' if log else ''}, then the greatest")
    step, points = _extra(key, node, "step", kind == "int"), _extra(key, node, "points", True)
    if log and step is not None:
        raise _wrong(key, node, "no step, since the numbers are spread by their logarithm")
    return Range(low, high, kind == "int", log, step, None if points is None else int(points))


def _flag(key: str, node: MapNode) -> bool:
    entry = node.entries.get("log")
    value = plain(entry.node) if entry else False
    if entry is not None and not isinstance(value, bool):
        raise _wrong(key, entry.node, "log: true or log: false")
    return bool(value)


def _extra(key: str, node: MapNode, name: str, whole: bool) -> float | None:
    entry = node.entries.get(name)
    if entry is None:
        return None
    value = plain(entry.node)
    if not _is_number(value, whole) or float(str(value)) <= 0:
        raise _wrong(key, entry.node, f"{name}: a {'whole ' if whole else ''}number above 0")
    return float(str(value))


def _is_number(value: object, whole: bool) -> bool:
    if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
        return False
    return math.isfinite(value)


def _conditions(key: str, node: MapNode, before: Sequence[Parameter]) -> Iterator[When]:
    entry = node.entries.get("when")
    if entry is None:
        return
    if not isinstance(entry.node, MapNode) or not entry.node.entries:
        raise _wrong(key, entry.node, "when: a mapping of earlier parameters to their values")
    known: Mapping[str, Parameter] = {item.key: item for item in before}
    for name, below in entry.node.entries.items():
        if name not in known:
            near = closest(name, known)
            raise ConfigError(
                f"parameters: {key}: when: {name} is not a parameter above this one",
                mark=below.key,
                expected=listing(known) if known else "a parameter that stands above",
                hint=f"did you mean {near}?" if near else None,
            )
        yield _condition(key, known[name], below.node)


def _condition(key: str, other: Parameter, node: Node) -> When:
    items = node.items if isinstance(node, ListNode) and other.choices else (node,)
    values = tuple(plain(item) for item in items)
    possible = other.values()
    for item, value in zip(items, values, strict=True):
        if value not in possible:
            raise _wrong(key, item, f"when: a value that {other.key} can have")
    return When(other.key, values)


def _wrong(key: str, node: Node, expected: str) -> ConfigError:
    return ConfigError(
        f"parameters: {key} cannot be read", mark=node.mark, expected=expected, found=shown(node)
    )
