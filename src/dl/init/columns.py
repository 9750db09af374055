"""Judges the columns of a table: what the network shall see, and what tells it nothing."""

from __future__ import annotations

from dl.data.doubts import are_months, doubt
from dl.data.raw import Column
from dl.init.facts import Feature, LeftOut

_DATE_NUMBERS = 6


def judge(name: str, column: Column) -> Feature | LeftOut:
    """Decides whether a column is an input, and as what."""
    missing = int(column.missing().sum())
    if are_months(column):
        return Feature(name, "date", _DATE_NUMBERS, missing, months=column.categories[0])
    found = doubt(name, column)
    if found is not None:
        return LeftOut(name, found.reason)
    return Feature(name, column.kind, _width(column), missing, categories=column.categories)


def _width(column: Column) -> int:
    if column.kind == "categorical":
        return len(column.categories)
    return _DATE_NUMBERS if column.kind == "date" else 1
