"""What a column says about the target: columns that tell nothing, or that a network cannot use."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dl.config.tables import stands_for_missing
from dl.data.raw import Column
from dl.data.texts import FEW_MONTHS, MONTH

MOST_CATEGORIES = 100
"""A category with more values than this has too few rows of each to learn from."""
_MOST_MISSING = 0.6
"""Share of empty rows from which most of what the network sees was filled in."""
_HALF = 0.5
"""Share of different values from which a category has fewer than two rows on average."""
_LONG_TEXT, _MOST_SPACES = 40, 3
"""Letters or spaces, on average, from which values are sentences, not names."""
_FEW_ROWS = 50
"""In more rows, whole numbers in order number the rows, whatever the column is called."""
_FEWEST_PIXELS, _BRIGHTEST = 16, 255
"""Columns of the smallest picture (4 x 4), and white in 8 bits."""
_IDENTIFIER = re.compile(
    r"(?i:(?:.*[_ .-])?(?:id|ids|uuid|guid|index|idx|key|nr|no|row|rownames)|unnamed.*|)"
    r"|.*[a-z]I[Dd]"
)


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why a column is no input: the id of the advice, and words that follow its name."""

    rule: str
    reason: str


def doubt(name: str, column: Column, step: int = 1) -> Doubt | None:
    """Returns why a column tells nothing, or None if it may be an input.

    Args:
        name: Its name.
        column: Its values, all of them or every `step`-th.
        step: The distance between two of the rows.
    """
    missing = int(column.missing().sum())
    present = len(column.values) - missing
    if found := _empty(missing, present + missing):
        return found
    if column.kind == "numeric":
        return _of_numbers(name, column, present, step)
    return (_of_dates if column.kind == "date" else _of_categories)(column, present)


def _empty(missing: int, rows: int) -> Doubt | None:
    if missing == rows:
        return Doubt("empty-column", f"is empty in all {rows:,} rows")
    if missing > _MOST_MISSING * rows:
        return Doubt("empty-column", f"is mostly empty ({missing:,} of {rows:,} rows)")
    return None


def _constant(present: int) -> Doubt:
    return Doubt("constant-column", f"is the same in all {present:,} rows")


def _identifier(present: int) -> Doubt:
    return Doubt("identifier", f"is an identifier: all {present:,} values differ")


def _of_numbers(name: str, column: Column, present: int, step: int) -> Doubt | None:
    values = column.values[~column.missing()]
    if np.all(values == values[0]):
        return _constant(present)
    if not np.all(values == np.floor(values)) or len(np.unique(values)) < present:
        return None
    if np.all(np.diff(values) == step) and (present > _FEW_ROWS or _IDENTIFIER.fullmatch(name)):
        return Doubt("identifier", f"numbers the rows ({values[0]:.0f} to {values[-1]:.0f})")
    return _identifier(present) if _IDENTIFIER.fullmatch(name) else None


def _of_categories(column: Column, present: int) -> Doubt | None:
    distinct = len(np.unique(column.values[~column.missing()]))
    if distinct == 1:
        return _constant(present)
    if _words(column.categories):
        return Doubt("free-text", f"is free text ({distinct:,} different values)")
    if distinct == present and present > MOST_CATEGORIES // 10:
        return _identifier(present)
    if distinct > MOST_CATEGORIES or distinct > _HALF * present > MOST_CATEGORIES // 10:
        reason = f"has too many categories ({distinct:,} in {present:,} rows)"
        return Doubt("many-categories", reason)
    return None


def _words(categories: tuple[str, ...]) -> bool:
    """Says whether the values are sentences rather than names of something."""
    lengths = [len(text) for text in categories]
    spaces = [text.count(" ") for text in categories]
    return bool(np.mean(lengths) > _LONG_TEXT or np.mean(spaces) >= _MOST_SPACES)


def _of_dates(column: Column, present: int) -> Doubt | None:
    values = column.values[~column.missing()]
    return _constant(present) if np.all(values == values[0]) else None


def are_months(column: Column) -> bool:
    """Tells whether all categories of a column are months, `1949-01`, or stand for none."""
    texts = [text for text in column.categories if not stands_for_missing(text)]
    return len(texts) > FEW_MONTHS and all(re.fullmatch(MONTH, text) for text in texts)


def are_pixels(columns: Sequence[Column]) -> bool:
    """Tells whether columns look like the pixels of small pictures."""
    if len(columns) < _FEWEST_PIXELS or any(column.kind != "numeric" for column in columns):
        return False
    values = np.column_stack([column.values for column in columns])
    whole = bool(np.all(values == np.floor(values)))
    return whole and float(values.min()) == 0 and float(values.max()) <= _BRIGHTEST
