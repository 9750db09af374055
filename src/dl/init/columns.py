"""Judges the columns of a table: what the network shall see, and what tells it nothing."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from dl.data.raw import Column
from dl.init.facts import Feature, LeftOut

MOST_CATEGORIES = 100
"""A category with more values than this has too few rows of each to learn from."""
_MOST_MISSING = 0.6
_NEARLY_ALL = 0.5
_LONG_TEXT = 40
_DATE_NUMBERS = 6
_FEW_ROWS = 50
_IDENTIFIER = re.compile(
    r"(?i:(?:.*[_ .-])?(?:id|ids|uuid|guid|index|idx|key|nr|no|row|rownames)|unnamed.*|)"
    r"|.*[a-z]I[Dd]"
)


def judge(name: str, column: Column) -> Feature | LeftOut:
    """Decides whether a column is an input, and as what."""
    missing = int(column.missing().sum())
    rows = len(column.values)
    reason = _empty(missing, rows)
    if reason is None:
        reason = _REASONS[column.kind](name, column, rows - missing)
    if reason is not None:
        return LeftOut(name, reason)
    return Feature(name, column.kind, _width(column), missing, categories=column.categories)


def _empty(missing: int, rows: int) -> str | None:
    if missing == rows:
        return "is empty"
    if missing > _MOST_MISSING * rows:
        return f"is mostly empty ({missing} of {rows} rows)"
    return None


def _of_numbers(name: str, column: Column, present: int) -> str | None:
    values = column.values[~column.missing()]
    if np.all(values == values[0]):
        return "is the same in every row"
    if not np.all(values == np.floor(values)) or len(np.unique(values)) < present:
        return None
    if _counts_up(values) and (present > _FEW_ROWS or _IDENTIFIER.fullmatch(name)):
        return "numbers the rows"
    return "is an identifier: all values differ" if _IDENTIFIER.fullmatch(name) else None


def _counts_up(values: NDArray[np.float64]) -> bool:
    return bool(np.all(np.diff(values) == 1))


def _of_categories(name: str, column: Column, present: int) -> str | None:
    distinct = len(column.categories)
    if distinct == 1:
        return "is the same in every row"
    if _words(column.categories):
        return f"is free text ({distinct} different values)"
    if distinct == present and present > MOST_CATEGORIES // 10:
        return "is an identifier: all values differ"
    if distinct > MOST_CATEGORIES or distinct > _NEARLY_ALL * present > MOST_CATEGORIES // 10:
        return f"has too many categories ({distinct} in {present} rows)"
    return None


def _words(categories: tuple[str, ...]) -> bool:
    """Says whether the values are sentences rather than names of something."""
    lengths = [len(text) for text in categories]
    spaces = [text.count(" ") for text in categories]
    return bool(np.mean(lengths) > _LONG_TEXT or np.mean(spaces) >= 3)


def _of_dates(name: str, column: Column, present: int) -> str | None:
    values = column.values[~column.missing()]
    return "is the same in every row" if np.all(values == values[0]) else None


_REASONS = {"numeric": _of_numbers, "categorical": _of_categories, "date": _of_dates}


def _width(column: Column) -> int:
    if column.kind == "categorical":
        return len(column.categories)
    return _DATE_NUMBERS if column.kind == "date" else 1
