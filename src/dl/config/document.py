"""From a path to a document: a tree of nodes with marks, read strictly.

The reading is stricter than YAML; `dl.config.builder` says how. What is not YAML at all is told in
plain words, for somebody who does not know its grammar. A path is never waited for.
"""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from dl.config.builder import Builder, Places, Stop
from dl.config.nodes import ListNode, MapNode, Node, ScalarNode
from dl.errors import ConfigError, Mark, Problem, closest
from dl.system import AT_ONCE

MOST_BYTES = 1024 * 1024


def read_bytes(path: Path) -> bytes:
    """Reads a config file.

    Raises:
        ConfigError: There is no such file, or it is not a regular file, too large or not readable.
    """
    try:
        content = _content(path)
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error
    if len(content) > MOST_BYTES:
        raise ConfigError(
            f"{_name(path)} is larger than 1 MB",
            hint="a config is a short text; name the file that holds the data in `data.path`",
        )
    return content


def decode(content: bytes, source: str) -> str:
    """Decodes UTF-8, with or without a byte order mark.

    Raises:
        ConfigError: The bytes are no UTF-8.
    """
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        column = error.start - (content.rfind(b"\n", 0, error.start) + 1)
        raise ConfigError(
            f"this is not UTF-8 text: byte 0x{content[error.start]:02x}",
            mark=Mark(source, line, column + 1),
            hint="save the file with the encoding UTF-8",
        ) from error


def _content(path: Path) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | AT_ONCE)
    try:
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError
        if not stat.S_ISREG(mode):
            raise OSError("it is not a regular file")
        with open(descriptor, "rb", closefd=False) as file:
            return file.read(MOST_BYTES + 1)
    finally:
        os.close(descriptor)


def _unreadable(path: Path, error: OSError | ValueError) -> ConfigError:
    name = _name(path)
    if isinstance(error, FileNotFoundError):
        near = _neighbour(path)
        return ConfigError(
            f"{name}: there is no such file", hint=f"did you mean {near}?" if near else None
        )
    if isinstance(error, IsADirectoryError):
        return ConfigError(f"{name} is a directory, not a config", hint="name a YAML file")
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return ConfigError(f"{name} cannot be read: {reason}")


def _name(path: Path) -> str:
    name = str(path)
    return name if name.isprintable() and len(name) < 200 else ascii(name[:200])


def _neighbour(path: Path) -> str | None:
    try:
        names = [entry.name for entry in os.scandir(path.parent) if entry.is_file()]
    except (OSError, ValueError):
        return None
    near = closest(path.name, names[:1000])
    return str(path.parent / near) if near else None


_UNPRINTABLE = re.compile(r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

_Span = tuple[int, int]
"""0-based line and column."""


@dataclass(frozen=True, slots=True)
class SyntaxProblem:
    """A syntax error: its words and its place (0-based line and column)."""

    at: tuple[int, int]
    message: str
    hint: str | None


def bad_character(text: str) -> SyntaxProblem | None:
    """Returns the first control character of a text, NUL among them, or None if it has none."""
    match = _UNPRINTABLE.search(text)
    if match is None:
        return None
    before = text[: match.start()].split("\n")
    code = ord(match.group())
    what = "the character NUL" if code == 0 else f"the control character U+{code:04X}"
    hint = "remove it; if there are many, the file is not text"
    at = (len(before) - 1, len(before[-1]))
    return SyntaxProblem(at, f"{what} cannot stand in a config", hint)


def explain(error: yaml.YAMLError, lines: list[str]) -> SyntaxProblem:
    """Words a syntax error of the YAML parser for somebody who does not know YAML's grammar."""
    if not isinstance(error, yaml.MarkedYAMLError):
        return SyntaxProblem((0, 0), "this is not YAML: it cannot be read", None)
    conflict = _conflict(lines)
    if conflict is not None:
        return conflict
    at = _span(error.problem_mark) or _span(error.context_mark) or (0, 0)
    start = _span(error.context_mark) or at
    problem, context = error.problem or "", error.context or ""
    character = _character(lines, at)
    if "tab character" in problem or ("start any token" in problem and character == "\t"):
        return SyntaxProblem(at, "a tab cannot indent a line", "indent with spaces")
    if "start any token" in problem:
        message = f"an unquoted value cannot start with `{character}`"
        return SyntaxProblem(at, message, "put the value in quotes")
    if "quoted scalar" in context:
        return _quoted(problem, start, at)
    if "flow" in context and " or " in problem:
        return _unclosed(context, start, at, lines)
    return _dash(lines, at) or _grammar(problem, start, at)


def _conflict(lines: list[str]) -> SyntaxProblem | None:
    for number, line in enumerate(lines):
        if line.startswith("<<<<<<< "):
            hint = "keep one version and remove the lines with <<<<<<<, ======= and >>>>>>>"
            return SyntaxProblem((number, 0), "a merge conflict is not resolved here", hint)
    return None


def _dash(lines: list[str], at: _Span) -> SyntaxProblem | None:
    """Returns the problem of a `-` without a space on the line before, if that is it."""
    before = lines[at[0] - 1] if 0 < at[0] <= len(lines) else ""
    match = re.match(r"( *)-[^\s-]", before)
    if match is None:
        return None
    message = "a space is missing after this `-`"
    return SyntaxProblem(
        (at[0] - 1, len(match[1])), message, "write `- ` before each item of a list"
    )


def _quoted(problem: str, start: _Span, at: _Span) -> SyntaxProblem:
    if "escape" in problem:
        return SyntaxProblem(
            at,
            "a backslash in double quotes starts an escape, and this one is unknown",
            "use single quotes, or write two backslashes",
        )
    return SyntaxProblem(start, "this quote is never closed", "end the text with the same quote")


def _unclosed(context: str, start: _Span, at: _Span, lines: list[str]) -> SyntaxProblem:
    what, bracket = ("mapping", "}") if "mapping" in context else ("list", "]")
    if start[0] == at[0] and _character(lines, at):
        return SyntaxProblem(
            at,
            f"expected `,` or `{bracket}` here",
            f"the {what} that starts at column {start[1] + 1} is not closed before",
        )
    return SyntaxProblem(
        start, f"the {what} that starts here is not closed", f"end it with `{bracket}`"
    )


def _grammar(problem: str, start: _Span, at: _Span) -> SyntaxProblem:
    if "mapping values are not allowed" in problem:
        hint = "put text that contains `: ` in quotes, or check the indentation of this line"
        return SyntaxProblem(at, "a `:` cannot stand here", hint)
    if "could not find expected ':'" in problem:
        hint = "write `key: value`, with a space after the colon"
        return SyntaxProblem(start, "this line is not `key: value`", hint)
    if "key" in problem or "indicator" in problem or "<block end>" in problem:
        message = "this line fits neither the mapping nor the list above it"
        hint = "give the keys of a mapping, or the `-` of a list, the same indentation"
        return SyntaxProblem(at, message, hint)
    if "node content" in problem:
        return SyntaxProblem(at, "a value is missing here", None)
    if "document start" in problem:
        hint = "check the indentation: all keys of the first level start in the same column"
        return SyntaxProblem(at, "the config ends before this text", hint)
    return SyntaxProblem(at, f"this is not YAML: {problem or 'it cannot be read'}", None)


def _span(mark: yaml.Mark | None) -> _Span | None:
    return (mark.line, mark.column) if mark is not None else None


def _character(lines: list[str], at: _Span) -> str:
    line = lines[at[0]] if at[0] < len(lines) else ""
    return line[at[1] : at[1] + 1]


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
