"""What a sweep varies: paths of the config, each with a list of values or a range; and settings."""

from __future__ import annotations

import csv
import itertools
import math
import os
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from dl.config.builder import Places
from dl.config.document import decode, read_bytes, read_node
from dl.config.nodes import ListNode, MapNode, Node, ScalarNode, flow, plain, shown
from dl.config.overrides import Override, path_parts
from dl.errors import ConfigError, Mark, Problem, closest
from dl.text import listing
from dl.vocabulary.types import Boolean, Integer, Number, ParameterType, accepts

_ENTRIES = {
    "choices": ("when",),
    "uniform": ("step", "points", "when"),
    "log_uniform": ("points", "when"),
    "int": ("log", "step", "points", "when"),
}
"""The ways to write what a parameter can be, and what may stand beside each."""

Param = float
"""What is chosen of a parameter: the index of a choice, or a number of a range."""

Listed = tuple[Override, ...]
"""A setting that somebody wrote down, each value with its place."""


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

    @property
    def grid(self) -> list[float]:
        """The numbers that a grid takes."""
        if self.step is not None:
            # The sum of steps may miss the greatest by rounding; it belongs to the range.
            count = math.floor((self.high - self.low) / self.step + 1e-9) + 1
            return [self._rounded(self.low + index * self.step) for index in range(count)]
        count = self.points or 1
        low, high = map(math.log, (self.low, self.high)) if self.log else (self.low, self.high)
        found = [low + index / max(1, count - 1) * (high - low) for index in range(count)]
        return list(dict.fromkeys(self._rounded(math.exp(v) if self.log else v) for v in found))

    def _rounded(self, value: float) -> float:
        """Drops what only arithmetic adds: 0.1 and not 0.10000000000000002."""
        return float(round(value)) if self.whole else float(f"{value:.6g}")


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
        mark: The place of the key.
        choices: The values; each has one node for each path. Empty for a range.
        range: The range, or None.
        when: All of these hold where the parameter is used; elsewhere the base's value stays.
    """

    key: str
    paths: tuple[tuple[str, ...], ...]
    mark: Mark
    choices: tuple[tuple[Node, ...], ...] = ()
    range: Range | None = None
    when: tuple[When, ...] = ()

    @property
    def grid(self) -> list[Param]:
        """What a grid takes: all choices, or the points of the range."""
        return self.range.grid if self.range else list(range(len(self.choices)))

    @property
    def ends(self) -> list[Param]:
        """What is to be checked: all choices, or the ends of the range."""
        return [self.range.low, self.range.high] if self.range else self.grid

    @property
    def values(self) -> list[object]:
        """The choices as plain values: a list of them for paths that move together."""
        if len(self.paths) > 1:
            return [[plain(node) for node in choice] for choice in self.choices]
        return [plain(choice[0]) for choice in self.choices]

    def value(self, param: Param) -> object:
        """Returns the plain value of what was chosen."""
        if self.range is None:
            return self.values[int(param)]
        return int(param) if self.range.whole else param

    def overrides(self, param: Param) -> list[Override]:
        """Returns what sets it, with the place where the sweep has it."""
        if self.range is not None:
            value = int(param) if self.range.whole else param
            return [Override(self.paths[0], ScalarNode(value, repr(value), self.mark), self.mark)]
        nodes = self.choices[int(param)]
        return [Override(p, node, node.mark) for p, node in zip(self.paths, nodes, strict=True)]

    def is_active(self, chosen: dict[str, object]) -> bool:
        """Tells whether its conditions hold for what was chosen of others."""
        return all(when.key in chosen and chosen[when.key] in when.values for when in self.when)


@dataclass(frozen=True, slots=True)
class Setting:
    """What a trial changes in the base.

    Attributes:
        values: The value of each path, in the order of the parameters.
        params: What was chosen of each active parameter, by its key.
    """

    values: dict[str, object]
    params: dict[str, Param]

    @property
    def overrides(self) -> tuple[str, ...]:
        """The setting as it can be typed after `--set`."""
        return tuple(f"{path}={flow(value)}" for path, value in self.values.items())


def choose(parameters: Sequence[Parameter], pick: Callable[[Parameter], Param]) -> Setting:
    """Makes a setting; `pick` is asked for the parameters that are active, in their order."""
    values: dict[str, object] = {}
    params: dict[str, Param] = {}
    chosen: dict[str, object] = {}
    for parameter in parameters:
        if parameter.is_active(chosen):
            params[parameter.key] = param = pick(parameter)
            chosen[parameter.key] = parameter.value(param)
            values |= {".".join(o.parts): plain(o.value) for o in parameter.overrides(param)}
    return Setting(values, params)


def grid(parameters: Sequence[Parameter]) -> Iterator[Setting]:
    """Yields every setting once; the last parameter changes fastest."""
    seen: set[tuple[tuple[str, Param], ...]] = set()
    for combination in itertools.product(*(parameter.grid for parameter in parameters)):
        taken = dict(zip((parameter.key for parameter in parameters), combination, strict=True))
        setting = choose(parameters, lambda parameter, taken=taken: taken[parameter.key])  # type: ignore[misc]
        identity = tuple(setting.params.items())
        if identity not in seen:
            seen.add(identity)
            yield setting


def grid_size(parameters: Sequence[Parameter]) -> int:
    """Returns the number of combinations; with conditions some of them are the same setting."""
    return math.prod(len(parameter.grid) for parameter in parameters)


def read_parameters(node: Node | None) -> tuple[list[Parameter], list[Problem]]:
    """Reads the mapping `parameters`; returns what could be read, and all that is wrong with it."""
    parameters: list[Parameter] = []
    problems: list[Problem] = []
    for key, entry in node.entries.items() if isinstance(node, MapNode) else ():
        try:
            parameters.append(read_parameter(key, entry.key, entry.node, parameters))
        except ConfigError as error:
            problems += error.problems
    return parameters, problems


def read_parameter(key: str, mark: Mark, node: Node, before: Sequence[Parameter] = ()) -> Parameter:
    """Reads one parameter.

    Args:
        key: The path, or several of them with commas between.
        mark: Where that is written.
        node: Its values.
        before: The parameters above it, to which it may refer.

    Raises:
        ConfigError: A path or a value is wrong.
    """
    paths = tuple(path_parts(name, mark) for name in key.split(","))
    parameter = Parameter(", ".join(".".join(parts) for parts in paths), paths, mark)
    try:
        if isinstance(node, ListNode):
            return replace(parameter, choices=_choices(node, len(paths)))
        if not isinstance(node, MapNode):
            what = "a list of values, or a range such as {log_uniform: [1e-4, 0.1]}"
            raise _wrong(node, what)
        kind = _kind(node)
        parameter = replace(parameter, when=tuple(_conditions(node, before)))
        if kind == "choices":
            return replace(parameter, choices=_choices(node.entries[kind].node, len(paths)))
        if len(paths) > 1:
            raise _wrong(node, "a list of values for each path: a range has only one")
        return replace(parameter, range=_range(kind, node))
    except ConfigError as error:
        problem = error.problems[0]
        message = f"parameters: {parameter.key}{problem.message}"
        raise ConfigError.of([replace(problem, message=message)]) from error


def _choices(node: Node, paths: int) -> tuple[tuple[Node, ...], ...]:
    if not isinstance(node, ListNode) or not node.items:
        raise _wrong(node, "a list with at least one value")
    choices: dict[str, tuple[Node, ...]] = {}
    for item in node.items:
        if paths == 1:
            choice: tuple[Node, ...] = (item,)
        elif isinstance(item, ListNode) and len(item.items) == paths:
            choice = item.items
        else:
            raise _wrong(item, f"lists of {paths} values, one for each path")
        # By its text, since True equals 1.
        text = repr([plain(part) for part in choice])
        if text in choices:
            raise ConfigError(" has a value twice", mark=choice[0].mark)
        choices[text] = choice
    return tuple(choices.values())


def _kind(node: MapNode) -> str:
    kinds = [name for name in node.entries if name in _ENTRIES]
    if len(kinds) != 1:
        raise _wrong(node, f"exactly one of {listing(_ENTRIES)}")
    known = (kinds[0], *_ENTRIES[kinds[0]])
    for name, entry in node.entries.items():
        if name not in known:
            raise _unknown(name, f": {name} is not known", entry.key, known)
    return kinds[0]


def _range(kind: str, node: MapNode) -> Range:
    whole, values = kind == "int", node.entries[kind].node
    ends = plain(values)
    if not isinstance(ends, list) or len(ends) != 2 or not all(_fits(end, whole) for end in ends):
        what = "two whole numbers" if whole else "two numbers"
        raise _wrong(values, f"{what}, the smallest and the largest")
    low, high = map(float, ends)
    log = _option(node, "log", Boolean())
    log = kind == "log_uniform" if log is None else log
    if low >= high or (log and low <= 0):
        raise _wrong(values, f"the smallest{' (above 0)' if log else ''}, then the largest")
    step = _option(node, "step", Integer(1) if whole else Number(above=0))
    points = _option(node, "points", Integer(1))
    if log and step is not None:
        raise _wrong(node, "no step, since the range is logarithmic")
    return Range(low, high, whole, log, step and float(step), points)


def _fits(value: object, whole: bool) -> bool:
    return accepts(Number(), value) and isinstance(value, int if whole else int | float)


def _option(node: MapNode, name: str, kind: ParameterType) -> Any:
    """Returns what stands beside the numbers under a name; None where nothing does."""
    entry = node.entries.get(name)
    if entry is None:
        return None
    value = plain(entry.node)
    if not accepts(kind, value):
        raise _wrong(entry.node, f"{name}: {kind.expected}")
    return value


def _conditions(node: MapNode, before: Sequence[Parameter]) -> Iterator[When]:
    entry = node.entries.get("when")
    if entry is None:
        return
    if not isinstance(entry.node, MapNode) or not entry.node.entries:
        raise _wrong(entry.node, "when: a mapping of earlier parameters to their values")
    known = {parameter.key: parameter for parameter in before}
    for name, below in entry.node.entries.items():
        if name not in known:
            raise _unknown(
                name, f": when: {name} is not a parameter above this one", below.key, known
            )
        other = known[name]
        several = isinstance(below.node, ListNode) and other.choices
        items = below.node.items if several and isinstance(below.node, ListNode) else (below.node,)
        for item in items:
            if plain(item) not in other.values:
                raise _wrong(item, f"when: a value that {name} can have")
        yield When(name, tuple(map(plain, items)))


def _wrong(node: Node, expected: str) -> ConfigError:
    """Returns the error for something that cannot be read, without the key of the parameter."""
    return ConfigError(" cannot be read", mark=node.mark, expected=expected, found=shown(node))


def _unknown(name: str, message: str, mark: Mark, known: Collection[str]) -> ConfigError:
    near = closest(name, known)
    return ConfigError(
        message,
        mark=mark,
        expected=listing(known) if known else "a parameter that is listed above",
        hint=f"did you mean {near}?" if near else None,
    )


def read_listed(node: Node | None, folder: Path) -> tuple[list[Listed], list[Problem]]:
    """Reads `settings`; a file is sought from `folder`. Returns also what is wrong."""
    try:
        if node is None:
            return [], []
        if isinstance(node, ScalarNode) and isinstance(node.value, str):
            return _rows(folder / os.path.expanduser(node.value)), []
        if isinstance(node, ListNode) and node.items:
            return [_mapping(item) for item in node.items], []
        raise _unreadable(node, "a CSV file, or a list of mappings from paths to values")
    except ConfigError as error:
        return [], list(error.problems)


def _mapping(node: Node) -> Listed:
    if not isinstance(node, MapNode):
        raise _unreadable(node, "a mapping from paths of the config to values")
    return tuple(
        Override(path_parts(path, entry.key), entry.node, entry.node.mark)
        for path, entry in node.entries.items()
    )


def _unreadable(node: Node, expected: str) -> ConfigError:
    return ConfigError(
        "settings cannot be read", mark=node.mark, expected=expected, found=shown(node)
    )


def _rows(path: Path) -> list[Listed]:
    """Reads a CSV file: paths in the header, a setting in each row; an empty cell changes nothing.

    Raises:
        ConfigError: The file cannot be read, or a row is longer or shorter than the header.
    """
    lines = decode(read_bytes(path), str(path)).splitlines()
    reader = csv.reader(lines)
    header = next(reader, [])
    start = Mark(str(path), 1, 1, 1, lines[0] if lines else "")
    names = [path_parts(name, start) for name in header]
    rows: list[Listed] = []
    for cells in filter(None, reader):
        text = lines[reader.line_num - 1]
        mark = Mark(str(path), reader.line_num, 1, len(text), text)
        if len(cells) != len(names):
            message, expected = "this row does not fit the header", f"{len(names)} values"
            raise ConfigError(message, mark=mark, expected=expected, found=str(len(cells)))
        overrides: list[Override] = []
        for parts, cell in zip(names, cells, strict=True):
            value, problems = read_node(cell, Places(mark))
            if problems:
                raise ConfigError.of(problems)
            if value is not None:
                overrides.append(Override(parts, value, mark))
        rows.append(tuple(overrides))
    if not rows:
        raise ConfigError(f"{path}: there are no settings below the header", mark=start)
    return rows
