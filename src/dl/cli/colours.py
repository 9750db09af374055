"""Colours of errors, warnings and advice, as a terminal shows them; their texts stay the same."""

from __future__ import annotations

import re
import shutil
from typing import TextIO

from dl.text import painted, wrapped

_LABELS = {"error": "bold red", "warning": "bold yellow", "hint": "bold cyan", "write": "bold cyan"}
_LABELS |= dict.fromkeys(("expected", "found", "why", "kept", "page", "more", "go on"), "bold")
_LABEL = re.compile(rf"({'|'.join(_LABELS)}): ")
_PLACE = re.compile(r"\S+:\d+:\d+: |--set \S+: ")
_GUTTER = re.compile(r" *\d* \| ")
_CARETS = re.compile(r" +\| ( *)(\^+)")


def coloured(text: str, stream: TextIO) -> str:
    """Returns the text of errors, or of advice, as a stream shows it: a terminal in its colours.

    What it is and what to do about it are bold, the place too; the word that is meant is red, as
    the carets below it. There, lines break between words, and an excerpt keeps its carets.
    """
    if not stream.isatty():
        return text
    width = shutil.get_terminal_size().columns
    shown: list[str] = []
    lines = iter(text.split("\n"))
    for line in lines:
        if _GUTTER.match(line):
            shown += _excerpt(line, next(lines, ""), width, stream)
        elif line.startswith("write: "):  # to be copied as it is
            shown.append(_line(line, stream))
        else:
            first, *rest = wrapped(line, width).split("\n")
            shown += [_line(first, stream), *rest]
    return "\n".join(shown)


def _excerpt(line: str, below: str, width: int, stream: TextIO) -> list[str]:
    """Returns a line of a config and its carets, cut to the part around these."""
    gutter, carets = line.index("|") + 2, _CARETS.match(below)
    start, end = carets.span(2) if carets else (gutter, gutter)
    room = max(1, width - gutter)
    begin = max(0, min(start - gutter - room // 2, len(line) - gutter - room))
    start, end = (max(gutter, place - begin) for place in (start, end))
    found = []
    for each in (line, below):
        cut = each[:gutter] + each[gutter + begin :][:room]
        word = painted(cut[start:end], "bold red", stream)
        found.append(f"{painted(cut[:gutter], 'blue', stream)}{cut[gutter:start]}{word}{cut[end:]}")
    return found


def _line(line: str, stream: TextIO) -> str:
    label = _LABEL.match(line)
    head, rest = line[: label.end()] if label else "", line[label.end() if label else 0 :]
    place = _PLACE.match(rest)
    word = painted(head, _LABELS[label[1]], stream) if label else ""
    end = place.end() if place else 0
    return f"{word}{painted(rest[:end], 'bold', stream)}{rest[end:]}"
