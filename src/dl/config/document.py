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
from dl.errors import ConfigError, Mark, Problem, closest, did_you_mean
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
        ConfigError: The bytes are not UTF-8.
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
        hint = did_you_mean(_neighbour(path))
        return ConfigError(f"{name}: there is no such file", hint=hint)
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

_Explained = tuple[tuple[int, int], str, str | None]
"""The 0-based line and column of a syntax error, what is wrong and what to do."""
_GRAMMAR = (
    (
        "mapping values are not allowed",
        "a `:` is not allowed here",
        "put text that contains `: ` in quotes, or check the indentation of this line",
    ),
    (
        "key|indicator|<block end>",
        "this line fits neither the mapping nor the list above it",
        "give the keys of a mapping, or the `-` of a list, the same indentation",
    ),
    ("node content", "a value is missing here", None),
    (
        "document start",
        "the config ends before this text",
        "check the indentation: all keys of the first level start in the same column",
    ),
)
"""What the parser says, and what that means."""


def _bad_character(text: str) -> _Explained | None:
    """Explains the first control character of a text, NUL among them, if it has one."""
    match = _UNPRINTABLE.search(text)
    if match is None:
        return None
    before = text[: match.start()].split("\n")
    code = ord(match.group())
    what = "the character NUL" if code == 0 else f"the control character U+{code:04X}"
    hint = "remove it; if there are many, the file is not text"
    return (len(before) - 1, len(before[-1])), f"{what} is not allowed in a config", hint


def _explained(error: yaml.YAMLError, lines: list[str]) -> _Explained:
    """Words a syntax error of the YAML parser for somebody who does not know YAML's grammar."""
    if not isinstance(error, yaml.MarkedYAMLError):
        return (0, 0), "this is not YAML: it cannot be read", None
    for number, line in enumerate(lines):
        if line.startswith("<<<<<<< "):
            hint = "keep one version and remove the lines with <<<<<<<, ======= and >>>>>>>"
            return (number, 0), "a merge conflict is not resolved here", hint
    marks = [error.problem_mark or error.context_mark, error.context_mark or error.problem_mark]
    at, start = ((mark.line, mark.column) if mark else (0, 0) for mark in marks)
    problem, context = error.problem or "", error.context or ""
    character = lines[at[0]][at[1] : at[1] + 1] if at[0] < len(lines) else ""
    if "tab character" in problem or ("start any token" in problem and character == "\t"):
        return at, "a tab cannot indent a line", "indent with spaces"
    if "start any token" in problem:
        return at, f"an unquoted value cannot start with `{character}`", "put the value in quotes"
    if "quoted scalar" in context and "escape" in problem:
        message = "a backslash in double quotes starts an escape, and this one is unknown"
        return at, message, "use single quotes, or write two backslashes"
    if "quoted scalar" in context:
        return start, "this quote is never closed", "end the text with the same quote"
    if "flow" in context and " or " in problem:
        what, bracket = ("mapping", "}") if "mapping" in context else ("list", "]")
        if start[0] == at[0] and character:
            hint = f"the {what} that starts at column {start[1] + 1} is not closed before"
            return at, f"expected `,` or `{bracket}` here", hint
        return start, f"the {what} that starts here is not closed", f"end it with `{bracket}`"
    return _of_grammar(problem, start, at, lines)


def _of_grammar(
    problem: str, start: tuple[int, int], at: tuple[int, int], lines: list[str]
) -> _Explained:
    before = lines[at[0] - 1] if 0 < at[0] <= len(lines) else ""
    dash = re.match(r"( *)-[^\s-]", before)
    if dash is not None:
        place = (at[0] - 1, len(dash[1]))
        return place, "a space is missing after this `-`", "write `- ` before each item of a list"
    if "could not find expected ':'" in problem:
        hint = "write `key: value`, with a space after the colon"
        return start, "this line is not `key: value`", hint
    for said, message, todo in _GRAMMAR:
        if re.search(said, problem):
            return at, message, todo
    return at, f"this is not YAML: {problem or 'it cannot be read'}", None


_Parser: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Document:
    """What was read: the root, and the problems that did not stop the reading.

    `whole` is false where a file that it extends could not be read.
    """

    root: MapNode
    problems: tuple[Problem, ...]
    whole: bool = True


def read_document(content: bytes, source: str) -> Document:
    """Reads the content of a config file; `source` names the file in marks.

    Raises:
        ConfigError: The text is not YAML, or so wrong that the reading had to stop.
    """
    lines = decode(content, source).splitlines()
    text = "".join(f"{line}\n" for line in lines)
    root, problems = read_node(text, Places(Mark(source), lines))
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
    bad = _bad_character(text)
    if bad is not None:
        raise ConfigError.of([_placed(bad, places)])
    builder = Builder(places)
    try:
        for event in yaml.parse(text, Loader=_Parser):
            builder.take(event)
    except Stop as stop:
        raise ConfigError.of([*builder.problems, stop.problem]) from stop
    except yaml.YAMLError as error:
        problem = _placed(_explained(error, text.splitlines()), places)
        raise ConfigError.of([*builder.problems, problem]) from error
    return builder.root, builder.problems


def _placed(found: _Explained, places: Places) -> Problem:
    (line, column), message, hint = found
    return Problem(message, places.mark((line, column), (line, column + 1)), hint=hint)


def _no_mapping(root: Node, problems: list[Problem]) -> ConfigError:
    what = "a list" if isinstance(root, ListNode) else "a single value"
    hint = "write sections such as `data:`, `model:` and `training:`"
    if isinstance(root, ScalarNode) and ":" in root.written:
        hint = "write a space after each colon: `key: value`"
    elif root.mark.source.endswith((".csv", ".tsv")):
        hint = f"a table is no config: dl init {root.mark.source} prints one for it"
    problem = Problem(f"the config is {what}", root.mark, expected="a mapping", hint=hint)
    return ConfigError.of([problem, *problems])
