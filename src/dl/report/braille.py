"""Curves in a few lines of a terminal, as dots of Braille characters; light: nothing is imported.

A line is pieces of text, each with a style: that of a curve, `quiet`, or none. A live display and a
printed text show the same lines, each in its own colours.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from dl.report.charts import wants_log
from dl.text import number

Piece = tuple[str, str]
"""A piece of text, and its style."""

_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""The dots of a Braille character, from its top; the two of a row are those of its columns."""
_ASCII = "*o+x"
_DASH, _EACH = 5, 8
"""Columns of dots that a dash takes, and from one to the next: without colours, curves differ."""


@dataclass(frozen=True, slots=True)
class Best:
    """The point to be marked: the place of its epoch between the first (0) and the last (1)."""

    place: float
    value: float
    curve: str


def plotted(
    curves: Mapping[str, Sequence[float]],
    width: int,
    height: int,
    *,
    best: Best | None = None,
    ascii_only: bool = False,
) -> list[list[Piece]]:
    """Returns curves over each other, with the greatest and the least value at their left.

    The scale is logarithmic where `wants_log` says so. All curves but the first are dashed; where
    they meet, the later one is seen. What is not finite leaves a gap.

    Args:
        curves: The values of each curve at equal distances, by its style.
        width: The columns of the screen for all of it.
        height: Its lines.
        best: The point that gets a mark.
        ascii_only: Draw with ASCII characters.
    """
    scale = [value for values in curves.values() for value in values if math.isfinite(value)]
    if not scale:
        return []
    low, high = min(scale), max(scale)
    log = wants_log(scale)
    labels = [number(high), *[""] * (height - 2), number(low)]
    labels[height // 2 - 1] = "log" if log else ""
    margin = max(map(len, labels))
    grid = _Grid(width - margin - 1, height, _Scale(low, high, log), ascii_only)
    for style, values in curves.items():
        grid.draw(values, style)
    if best is not None:
        grid.mark(best)
    return [
        [(f"{label:>{margin}} ", "quiet"), *line]
        for label, line in zip(labels, grid.lines(), strict=True)
    ]


@dataclass(frozen=True, slots=True)
class _Scale:
    low: float
    high: float
    log: bool

    def share(self, value: float) -> float:
        """Returns where a value is between the least (0) and the greatest (1); or NaN."""
        if not math.isfinite(value):
            return math.nan
        if self.high <= self.low:
            return 0.5
        if self.log:
            bounded = min(max(value, self.low), self.high)
            return math.log(bounded / self.low) / math.log(self.high / self.low)
        return min(max((value - self.low) / (self.high - self.low), 0.0), 1.0)


class _Grid:
    """Characters with the dots of curves: two columns of four in each, or one of ASCII."""

    def __init__(self, width: int, height: int, scale: _Scale, ascii_only: bool) -> None:
        self._width, self._height, self._scale = width, height, scale
        self._across, self._down = (1, 1) if ascii_only else (2, 4)
        self._dots = [[0] * width for _ in range(height)]
        self._styles = [[""] * width for _ in range(height)]
        self._marks: dict[tuple[int, int], str] = {}
        self._letters: dict[str, str] = {}
        self._ascii = ascii_only

    def draw(self, values: Sequence[float], style: str) -> None:
        dashed = bool(self._letters) and not self._ascii
        self._letters[style] = _ASCII[len(self._letters) % len(_ASCII)]
        before: int | None = None
        shares = stretched([self._scale.share(v) for v in values], self._width * self._across)
        for x, share in enumerate(shares):
            if math.isnan(share):
                before = None
                continue
            now = self._level(share)
            for y in _between(before, now) if not dashed or x % _EACH < _DASH else ():
                row, column = y // self._down, x // self._across
                self._dots[row][column] |= _DOTS[y % self._down][x % self._across]
                self._styles[row][column] = style
            before = now

    def mark(self, best: Best) -> None:
        """Puts a mark on a point: its cell shows nothing else."""
        column = min(round(best.place * self._width), self._width - 1)
        row = self._level(self._scale.share(best.value)) // self._down
        self._marks[row, column] = "O" if self._ascii else "●"
        self._styles[row][column] = best.curve

    def lines(self) -> list[list[Piece]]:
        """Returns the lines, neighbours of a style in one piece."""
        return [self._line(row) for row in range(self._height)]

    def _line(self, row: int) -> list[Piece]:
        pieces: list[Piece] = []
        for column, style in enumerate(self._styles[row]):
            character = self._character(row, column)
            if pieces and pieces[-1][1] == style:
                pieces[-1] = (pieces[-1][0] + character, style)
            else:
                pieces.append((character, style))
        return pieces

    def _character(self, row: int, column: int) -> str:
        dots, mark = self._dots[row][column], self._marks.get((row, column))
        if mark is not None:
            return mark
        if not dots:
            return " "
        return self._letters[self._styles[row][column]] if self._ascii else chr(0x2800 + dots)

    def _level(self, share: float) -> int:
        """Returns the row of dots, from the top."""
        return round((1 - share) * (self._height * self._down - 1))


def _between(before: int | None, now: int) -> range:
    """Returns the rows to fill in a column, so that a steep curve has no gaps."""
    if before is None or before == now:
        return range(now, now + 1)
    return range(before + 1, now + 1) if now > before else range(now, before)


def stretched(values: Sequence[float], count: int) -> list[float]:
    """Returns so many values: means of neighbours where there are more, else points between."""
    if len(values) >= count:
        bounds = [len(values) * place // count for place in range(count + 1)]
        return [math.fsum(values[start:end]) / (end - start) for start, end in pairwise(bounds)]
    if len(values) == 1:
        return [values[0], *[math.nan] * (count - 1)]
    found = []
    for place in range(count):
        left, over = divmod(place * (len(values) - 1) / (count - 1), 1)
        start, end = values[int(left)], values[min(int(left) + 1, len(values) - 1)]
        found.append(start + over * (end - start) if over else start)
    return found
