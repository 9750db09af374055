"""The columns of the training part at a glance, from what the run kept of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np

from dl.data.drift import ColumnSummary
from dl.data.profile import Distribution
from dl.text import percent, shortened

_BINS = 20
_COMMON, _LONGEST = 3, 40
"""Categories that a cell can name, and characters of each."""


@dataclass(frozen=True, slots=True)
class ColumnRow:
    """A column in words, and as a small picture.

    Attributes:
        name: The column.
        kind: How its values are read.
        missing: How many rows have no value, as a percentage; empty if all have one.
        values: The commonest categories, or the range and the median.
        heights: What the picture shows: rows of each category, or in bins of equal width.
        says: What the picture shows, in words.
    """

    name: str
    kind: str
    missing: str
    values: str
    heights: tuple[float, ...]
    says: str


def column_rows(
    columns: Sequence[ColumnSummary], drawn: Mapping[str, Distribution]
) -> list[ColumnRow]:
    """Returns a row for each column; `drawn` are the distributions that are known by name."""
    return [_row(column, drawn.get(column.name)) for column in columns]


def _row(column: ColumnSummary, drawn: Distribution | None) -> ColumnRow:
    rows = sum(column.counts) + column.missing
    missing = percent(column.missing / rows) if column.missing else ""
    tell = _categories if column.kind == "categorical" else _range
    return ColumnRow(column.name, column.kind, missing, *tell(column, drawn))


def _categories(column: ColumnSummary, _: object) -> tuple[str, tuple[float, ...], str]:
    *counts, rest = column.counts
    known = sum(column.counts)
    shares = [
        f"{shortened(category, _LONGEST) or '(empty)'} {percent(count / known)}"
        for category, count in zip(column.categories, counts, strict=True)
    ]
    values, more = ", ".join(shares[:_COMMON]), len(shares[_COMMON:])
    if more:
        values += f" and {'over ' if rest else ''}{more} more"
    others = [f"all others {percent(rest / known)}"] if rest else []
    return values, column.counts if rest else tuple(counts), ", ".join([*shares, *others])


def _range(column: ColumnSummary, drawn: Distribution | None) -> tuple[str, tuple[float, ...], str]:
    # A summary of numbers has both ends; 0 stands for what is not there.
    low, high = column.low or 0.0, column.high or 0.0
    ends, below = [*column.bounds, high], list(accumulate(column.counts))
    median = next(end for end, rows in zip(ends, below, strict=True) if 2 * rows >= below[-1])
    values = f"{column.shown(low)} to {column.shown(high)}, median {column.shown(median)}"
    values += " characters" if column.kind == "text" else ""
    says = ", ".join(
        f"{percent(rows / below[-1])} up to {column.shown(end)}"
        for end, rows in zip(ends, below, strict=True)
    )
    if low == high:
        values = says = f"always {column.shown(low)}"
    # In the distribution gaps are filled: a column that has some is shown by its deciles.
    if drawn is not None and drawn.kind == "numbers" and not column.missing:
        return values, drawn.counts, says
    heights = np.interp(np.linspace(low, high, _BINS + 1), [low, *ends], [0, *below])
    heights[0] = 0
    return values, tuple(float(f"{height:.4g}") for height in np.diff(heights)), says
