"""Colours of errors, warnings and advice, as a terminal shows them; their texts stay the same."""

from __future__ import annotations

import re
from typing import TextIO

from dl.text import painted

_LABELS = {"error": "bold red", "warning": "bold yellow", "hint": "bold cyan", "write": "bold cyan"}
_LABELS |= dict.fromkeys(("expected", "found", "why"), "bold")
_LABEL = re.compile(rf"({'|'.join(_LABELS)}): ")
_PLACE = re.compile(r"\S+:\d+:\d+: |--set \S+: ")
_GUTTER = re.compile(r" *(\d+)? \| ")
_CARETS = re.compile(r" +\| ( *)(\^+)")


def coloured(text: str, stream: TextIO) -> str:
    """Returns the text of errors, or of advice, in the colours that a stream shows.

    What it is and what to do about it are bold, the place too; the word that is meant is red, as
    the carets below it.
    """
    lines = text.split("\n")
    below = [*lines[1:], ""]
    return "\n".join(_line(*pair, stream) for pair in zip(lines, below, strict=True))


def _line(line: str, below: str, stream: TextIO) -> str:
    gutter = _GUTTER.match(line)
    if gutter is not None:
        carets = _CARETS.match(line) or _CARETS.match(below)
        head, rest = line[: gutter.end()], line[gutter.end() :]
        start, end = carets.span(2) if carets else (0, 0)
        start, end = start - gutter.end(), end - gutter.end()
        word = painted(rest[start:end], "bold red", stream)
        return f"{painted(head, 'blue', stream)}{rest[:start]}{word}{rest[end:]}"
    label = _LABEL.match(line)
    head, rest = line[: label.end()] if label else "", line[label.end() if label else 0 :]
    place = _PLACE.match(rest)
    word = painted(head, _LABELS[label[1]], stream) if label else ""
    end = place.end() if place else 0
    return f"{word}{painted(rest[:end], 'bold', stream)}{rest[end:]}"
