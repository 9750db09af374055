"""Charts as data: what the page's script draws, and what a table says for those who cannot see."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from dl.data.types import Array

_DIGITS = 5
_MOST_POINTS = 1200

Values = Sequence[float] | Sequence[float | None] | Array


@dataclass(frozen=True, slots=True)
class Line:
    """A series of points; a gap where a value is None.

    Attributes:
        label: Its name in the legend.
        x: Positions, ascending.
        y: Values.
        dashed: Whether the line is dashed: validation beside training.
        kind: How it is drawn.
        colour: Number of its colour in the page's palette.
    """

    label: str
    x: tuple[float, ...]
    y: tuple[float | None, ...]
    dashed: bool = False
    kind: Literal["line", "points", "bars"] = "line"
    colour: int = 0


@dataclass(frozen=True, slots=True)
class Mark:
    """A vertical line with a label: the best epoch, the threshold in force."""

    x: float
    label: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart.

    Attributes:
        title: What it shows.
        x_label: What the horizontal axis is.
        y_label: What the vertical axis is.
        lines: Its series.
        marks: Vertical lines.
        log: Whether a button offers a logarithmic vertical axis.
        note: A sentence below it.
    """

    title: str
    x_label: str
    y_label: str
    lines: tuple[Line, ...]
    marks: tuple[Mark, ...] = ()
    log: bool = False
    note: str = ""

    def document(self) -> dict[str, Any]:
        """Returns the chart as plain data for the script."""
        return asdict(self)

    @property
    def header(self) -> list[str]:
        """The header of the table that says the same."""
        return [self.x_label, *(line.label for line in self.lines)]

    @property
    def rows(self) -> list[list[str]]:
        """The rows of that table, at most a hundred, evenly spread."""
        positions = sorted({x for line in self.lines for x in line.x})
        step = max(1, math.ceil(len(positions) / 100))
        values = [dict(zip(line.x, line.y, strict=True)) for line in self.lines]
        return [[_word(x), *(_word(line.get(x)) for line in values)] for x in positions[::step]]


def line(label: str, x: Values, y: Values, **look: Any) -> Line:
    """Returns a line of plain numbers; one of very many points keeps every n-th."""
    step = max(1, math.ceil(len(x) / _MOST_POINTS))
    return Line(label, tuple(map(_short, x[::step])), tuple(map(_finite, y[::step])), **look)


def _short(value: float) -> float:
    return float(f"{float(value):.{_DIGITS}g}")


def _finite(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else _short(value)


def _word(value: float | None) -> str:
    return "" if value is None else f"{value:.5g}"
