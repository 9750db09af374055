"""What is wrong with text that is not YAML, in plain words."""

from __future__ import annotations

import re
from dataclasses import dataclass

import yaml

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
