"""Pieces of YAML as a person would write them: plain words where possible, comments in a column."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterable
from pathlib import Path

from dl.text import cut, listing

WIDTH = 96
_COMMENT_COLUMN = 34
_LONGEST_NAME = 40
_PLAIN = re.compile(r"(?:\.{0,2}/)*[A-Za-z_][A-Za-z0-9_./-]*(?: [A-Za-z0-9_./-]+)*")
_NOT_TEXT = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"}
"""Words that some YAML reader takes for something else than text."""


def scalar(text: str) -> str:
    """Returns the text as a YAML value: plain if every reader takes it for text, else quoted."""
    if _PLAIN.fullmatch(text) and text.lower() not in _NOT_TEXT:
        return text
    return json.dumps(text, ensure_ascii=not text.isprintable())


def commented(line: str, comment: str = "") -> str:
    """Returns the line with a comment behind it, in a column of its own where there is room."""
    return f"{line:<{_COMMENT_COLUMN - 2}}  # {comment}" if comment else line


def comment_lines(comment: str, indent: int = 2) -> list[str]:
    """Returns a comment in lines of its own, broken between words."""
    start = f"{' ' * indent}# "
    return textwrap.wrap(
        _printable(comment),
        WIDTH,
        initial_indent=start,
        subsequent_indent=f"{start}    ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def path_line(path: Path) -> str:
    """Returns the line of `data` that names a file or folder."""
    comment = "" if path.is_absolute() else "relative to this file"
    return commented(f"  path: {scalar(str(path))}", comment)


def scalar_list(key: str, values: Iterable[str], indent: int) -> list[str]:
    """Returns `key: [a, b, …]`, broken into several lines where it is long."""
    margin, items = " " * indent, [scalar(value) for value in values]
    whole = f"{margin}{key}: [{', '.join(items)}]"
    if len(whole) <= WIDTH:
        return [whole]
    rows = [""]
    for item in items:
        if rows[-1] and indent + 2 + len(rows[-1]) + len(item) + 1 > WIDTH:
            rows.append("")
        rows[-1] += f"{item}, "
    below = [f"{margin}  {row.rstrip()}" for row in rows]
    return [f"{margin}{key}: [", *below[:-1], below[-1].removesuffix(","), f"{margin}]"]


def shown(name: str) -> str:
    """Returns a name for a comment: short, on one line, whatever its characters."""
    return f"`{cut(_printable(name), _LONGEST_NAME)}`"


def shown_list(names: Iterable[str], most: int = 6) -> str:
    """Returns several names for a comment, the first few of them if they are many."""
    return listing(map(shown, names), "", most)


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() else "?" for char in text)
