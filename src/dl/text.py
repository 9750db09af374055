"""How numbers, durations, names and lists are written: in messages, in tables and in pictures.

What a program reads (`--json`, CSV) holds exact values and none of these.
"""

from __future__ import annotations

import math
import os
import re
import sys
from collections.abc import Iterable, Sequence
from itertools import takewhile
from typing import TextIO

# Characters of a value in a message: with its label it still fits on a line of a terminal.
_LONGEST = 60
_GROUPED = 10_000
WIDTH = 80
"""Columns of text for people; a terminal may be narrower."""
_STYLES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "blue": "34"}
_STYLES |= {"cyan": "36"}


def number(value: float, digits: int = 4, *, padded: bool = False) -> str:
    """Returns a number with some significant digits: 0.9691, 123.5, 12,346, 1.2e-05.

    From 10,000 on its thousands are apart: four digits are still read at a glance, as in a year.

    Args:
        value: The number; an integer is written in full.
        digits: How many digits; those of a greater whole number are all written.
        padded: Keep the zeros at the end, in lines that are redrawn or read below each other.
    """
    if isinstance(value, int):
        return f"{value:,}" if abs(value) >= _GROUPED else str(value)
    if not math.isfinite(value):
        return str(value)
    if value == 0:
        return "0"
    if not 1e-4 <= abs(value) < 1e7:
        mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
        return f"{mantissa if padded else _without_zeros(mantissa)}e{exponent}"
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    text = f"{value:{',' if abs(value) >= _GROUPED - 0.5 else ''}.{decimals}f}"
    return text if padded else _without_zeros(text)


def signed(value: float, *, padded: bool = False) -> str:
    """Returns a number with its sign: +0.012, -3, 0."""
    return f"{'+' if value > 0 else ''}{number(value, padded=padded)}"


def measured(value: float | None) -> str:
    """Returns a metric or a loss in a table, with its zeros: 0.9700; empty where it is None."""
    return "" if value is None else number(float(value), padded=True)


def shape(sizes: Iterable[int | None]) -> str:
    """Returns a shape as people say it: `28 x 28 x any`; empty for a single number."""
    return " x ".join("any" if size is None else str(size) for size in sizes)


def _without_zeros(decimal: str) -> str:
    return decimal.rstrip("0").rstrip(".") if "." in decimal else decimal


def percent(fraction: float, decimals: int = 0) -> str:
    """Returns a fraction of 1 as a percentage: 38%, 0.4%, 99.7%; 0 or 100 only if it is exact."""
    value = 100 * fraction
    if 0 < value < 0.1:
        return "<0.1%"
    if 99.9 < value < 100:
        return ">99.9%"
    near_an_end = 0 < value < 0.95 or 99 < value < 100
    return f"{value:.{0 if value in (0, 100) else max(decimals, int(near_an_end))}f}%"


def duration(seconds: float) -> str:
    """Returns a duration: 0.4 s, 12 s, 3 min 20 s, 2 h 5 min."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes == 0:
        return f"{rest} s"
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def lapse(seconds: float) -> str:
    """Returns a duration whose least ones are told apart, too: 4.7 ms, 47 ms, 0.4 s, 12 s."""
    return f"{number(1000.0 * seconds, 2)} ms" if 0 < seconds < 0.095 else duration(seconds)


def age(seconds: float) -> str:
    """Returns how long ago something was: now, 5 min, 3 h, 12 d."""
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{int(seconds // length)} {unit}"
    return "now"


def size(count: int) -> str:
    """Returns a number of bytes: 12 B, 345 kB, 1.2 GB."""
    value, unit = float(count), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if value < 999.5:
            break
        value, unit = value / 1000, larger
    return f"{value:.0f} {unit}" if unit == "B" or value >= 9.95 else f"{value:.1f} {unit}"


def plural(count: int, noun: str, many: str | None = None) -> str:
    """Returns a count with its noun: `1 row`, `3,000 rows`, `2 classes`."""
    regular = f"{noun}es" if noun.endswith("s") else f"{noun}s"
    return f"{count:,} {noun if count == 1 else many or regular}"


def listing(words: Iterable[str], last: str = "or", most: int | None = None) -> str:
    """Returns `a`, `a or b`, `a, b or c`; with an empty `last`, `a, b, c`.

    Of a list of more than `most` words there are the first ones: `a, b and 7 more`.
    """
    items = list(words)
    if most is not None and len(items) > most:
        return f"{', '.join(items[:most])} and {len(items) - most} more"
    if len(items) < 2 or not last:
        return ", ".join(items)
    return f"{', '.join(items[:-1])} {last} {items[-1]}"


def wrapped(text: str, width: int = WIDTH, indent: str = "  ") -> str:
    """Returns a text in lines of so many columns, all but the first one indented.

    A longer word stays whole: a path or a command is to be copied.
    """
    import textwrap  # half a millisecond, which `dl list` has no use for

    return textwrap.fill(
        text, width, subsequent_indent=indent, break_on_hyphens=False, break_long_words=False
    )


def cut(text: str, most: int = _LONGEST) -> str:
    """Returns the text without what is beyond its first `most` characters: `[1, 2, 3…`."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def one_line(text: str) -> str:
    """Returns the text on one line, without characters that cannot be printed."""
    if not text.isprintable():
        text = "".join(c if c.isprintable() else " " for c in text)
    return " ".join(text.split())


def shortened(text: str, most: int) -> str:
    """Returns a name on one line, its middle left out if it has more than `most` characters.

    Both ends stay, since names of a kind often differ only at the end.
    """
    text = one_line(text)
    if len(text) <= most:
        return text
    tail = (most - 1) // 3
    head = most - 1 - tail
    return f"{text[:head].rstrip()}…{text[len(text) - tail :].lstrip()}"


def apart(names: Sequence[str], most: int) -> list[str]:
    """Returns names of a kind, each of at most so many characters, that stay different.

    Where one is too long, what all of them begin and end with is left out first, in whole words:
    `…fox…`, `…deer…`. Those that are still equal after that are counted.
    """
    lines = [one_line(name) for name in names]
    if len(lines) > 1 and max(map(len, lines)) > most:
        head = _begin(lines)
        rest = [line[len(head) :] for line in lines]
        tail = _begin([line[::-1] for line in rest])
        kept = [line[: len(line) - len(tail)] for line in rest]
        lines = [f"{'…' if head else ''}{line}{'…' if tail else ''}" for line in kept]
    found: list[str] = []
    for place, line in enumerate(lines, start=1):
        short = shortened(line, most)
        mark = f" ({place})"
        found.append(short if short not in found else shortened(line, most - len(mark)) + mark)
    return found


def _begin(lines: Sequence[str]) -> str:
    """Returns the whole words that all lines begin with."""
    same = takewhile(lambda column: len(set(column)) == 1, zip(*lines, strict=False))
    return re.sub(r"[^\W_]+$", "", "".join(column[0] for column in same))


def printable(text: str) -> str:
    """Returns a text with escapes for what a terminal would obey: names can hold anything."""
    return "".join(c if c.isprintable() or c in "\n\t" else ascii(c)[1:-1] for c in text)


def painted(text: str, style: str, stream: TextIO | None = None) -> str:
    """Returns a text in a style for a stream (default: stdout), if that is seen in colours.

    Args:
        text: The text.
        style: Words of `bold`, `dim`, `red`, `green`, `yellow`, `blue`, `cyan`, or codes of
            terminals; may be empty.
        stream: Where it will be written.
    """
    plain = "NO_COLOR" in os.environ or os.environ.get("TERM", "dumb") == "dumb"
    if not text or not style or plain or not (stream or sys.stdout).isatty():
        return text
    return f"\x1b[{';'.join(_STYLES.get(word, word) for word in style.split())}m{text}\x1b[0m"
