"""Which line ends of a CSV text end a row, and which stand inside a quoted value."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from dl.data.types import Array

_QUOTE = ord('"')

Positions = NDArray[np.intp]


def end_of_rows(block: bytes, separator: str) -> int:
    """Returns where the last whole row of a text ends, which begins with a row; 0 if none ends.

    Args:
        block: The text, in an encoding whose line ends and quotes are single bytes.
        separator: The character between two values, in ASCII.
    """
    end = block.rfind(b"\n") + 1
    if b'"' not in block:
        return end
    starts, ends = _quoted(block, separator.encode())
    while end:
        before = int(np.searchsorted(starts, end - 1)) - 1
        if before < 0 or ends[before] < end - 1:
            return end
        end = block.rfind(b"\n", 0, int(starts[before])) + 1
    return 0


def _quoted(block: bytes, separator: bytes) -> tuple[Positions, Positions]:
    """Returns the first and the last quote of each quoted value; one may end with the text."""
    characters = np.frombuffer(block, np.uint8)
    quotes = np.flatnonzero(characters == _QUOTE)
    if len(quotes) % 2:
        quotes = np.append(quotes, len(block))
    starts, ends = quotes[0::2], quotes[1::2]
    if _pair(characters, starts, ends, separator):
        return starts, ends
    return _quoted_among_stray(block, separator)


def _pair(characters: Array, starts: Positions, ends: Positions, separator: bytes) -> bool:
    """Whether quotes taken in pairs stand around values; a doubled quote ends and begins one."""
    borders = np.zeros(256, np.bool_)
    borders[list(b'"\r\n' + separator)] = True
    before = borders[characters[np.maximum(starts - 1, 0)]] | (starts == 0)
    last = len(characters) - 1
    after = borders[characters[np.minimum(ends + 1, last)]] | (ends >= last)
    return bool(before.all() and after.all())


def _quoted_among_stray(block: bytes, separator: bytes) -> tuple[Positions, Positions]:
    """Finds quoted values where other quotes stand inside plain ones, as in `5" disk`; slower."""
    border = re.escape(separator)
    quoted = re.compile(
        rb'"(?:(?<=[\r\n' + border + rb']")|(?<=\A"))[^"]*(?:""[^"]*)*("|\Z)', re.DOTALL
    )
    spans = [(match.start(), match.start(1)) for match in quoted.finditer(block)]
    starts, ends = np.array(spans, np.intp).reshape(-1, 2).T
    return starts, ends
