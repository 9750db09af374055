"""From text to a document: a tree of nodes with marks, read strictly.

The reading is stricter than YAML; `dl.config.builder` says how.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import yaml

from dl.config.builder import Builder, Places, Stop
from dl.config.nodes import ListNode, MapNode, Node, ScalarNode
from dl.config.source import decode
from dl.config.syntax import SyntaxProblem, bad_character, explain
from dl.errors import ConfigError, Mark, Problem

_Parser: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Document:
    """What was read: the root, and the problems that did not stop the reading.

    `whole` is false where a file that it extends could not be read.
    """

    root: MapNode
    problems: tuple[Problem, ...]
    whole: bool = True


@dataclass(frozen=True, slots=True)
class FilePlaces:
    """Marks in a file."""

    source: str
    lines: list[str]

    def mark(self, start: tuple[int, int], end: tuple[int, int]) -> Mark:
        line, column = start
        text = self.lines[line] if line < len(self.lines) else ""
        stop = end[1] if end[0] == line else len(text.rstrip())
        return Mark(self.source, line + 1, column + 1, max(1, stop - column), text)


@dataclass(frozen=True, slots=True)
class OptionPlaces:
    """One mark for all that is written in an option of the command line."""

    option: str

    def mark(self, start: tuple[int, int], end: tuple[int, int]) -> Mark:
        return Mark(self.option)


def read_document(content: bytes, source: str) -> Document:
    """Reads the content of a config file; `source` names the file in marks.

    Raises:
        ConfigError: The text is not YAML, or so wrong that the reading had to stop.
    """
    lines = decode(content, source).splitlines()
    text = "".join(f"{line}\n" for line in lines)
    root, problems = read_node(text, FilePlaces(source, lines))
    if root is None:
        hint = "start from an example: `dl init --example` lists them"
        raise ConfigError("the config is empty", mark=Mark(source), hint=hint)
    if not isinstance(root, MapNode):
        raise _no_mapping(root, problems)
    return Document(root, tuple(problems))


def read_node(text: str, places: Places) -> tuple[Node | None, list[Problem]]:
    """Reads one YAML value; None where the text holds none.

    Raises:
        ConfigError: The text is not YAML, or so wrong that the reading had to stop.
    """
    bad = bad_character(text)
    if bad is not None:
        raise ConfigError.of([_placed(bad, places)])
    builder = Builder(places)
    try:
        for event in yaml.parse(text, Loader=_Parser):
            builder.take(event)
    except Stop as stop:
        raise ConfigError.of([*builder.problems, stop.problem]) from stop
    except yaml.YAMLError as error:
        problem = _placed(explain(error, text.splitlines()), places)
        raise ConfigError.of([*builder.problems, problem]) from error
    return builder.root, builder.problems


def _placed(found: SyntaxProblem, places: Places) -> Problem:
    line, column = found.at
    return Problem(found.message, places.mark((line, column), (line, column + 1)), hint=found.hint)


def _no_mapping(root: Node, problems: list[Problem]) -> ConfigError:
    what = "a list" if isinstance(root, ListNode) else "a single value"
    hint = "write sections such as `data:`, `model:` and `training:`"
    if isinstance(root, ScalarNode) and ":" in root.written:
        hint = "write a space after each colon: `key: value`"
    problem = Problem(f"the config is {what}", root.mark, expected="a mapping", hint=hint)
    return ConfigError.of([problem, *problems])
