"""Missing values: the rows to drop, and what a missing value is filled with."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dl.data.raw import Column, RawTable
from dl.data.types import Array
from dl.errors import DataError

Rule = Literal["error", "mean", "median", "most_frequent", "drop"]


def drop_missing(table: RawTable, rule: Rule) -> RawTable:
    """Returns the labelled rows that can be used: with all values for the rule `drop`.

    Raises:
        DataError: A target is missing and the rule is not `drop`, or no row is left.
    """
    if rule != "drop":
        for name, column in table.targets.items():
            _refuse_missing_target(table, name, column)
        return table
    missing = np.zeros(len(table), np.bool_)
    # One at a time: the columns may lie on the disk.
    for columns in (table.columns, table.targets):
        for name in columns:
            missing |= columns[name].missing()
    if missing.all():
        raise DataError(
            f"{table.source}: every row has a missing value, so none is left",
            hint="fill with `preprocess.missing: median`, or leave the empty columns out with "
            "`data.features`",
        )
    return table.take(np.flatnonzero(~missing)) if missing.any() else table


def _refuse_missing_target(table: RawTable, name: str, column: Column) -> None:
    missing = column.missing()
    if missing.any():
        row = int(np.argmax(missing))
        raise DataError(
            f"{table.place(int(table.rows[row]))}: the target {name!r} is missing",
            found=_rows(int(missing.sum())) + " without it",
            hint="fill it in, delete the row, or write `preprocess.missing: drop`",
        )


def refuse_missing(table: RawTable, name: str, missing: NDArray[np.bool_]) -> None:
    """Refuses a missing value in an input column.

    Raises:
        DataError: A value is missing; the message has its row.
    """
    if not missing.any():
        return
    row = int(np.argmax(missing))
    raise DataError(
        f"{table.place(int(table.rows[row]))}: column {name!r} has no value",
        found=f"{_rows(int(missing.sum()))} without it",
        hint="fill it in, or set `preprocess.missing` to mean, median, most_frequent or drop",
    )


def fill_number(values: Array, rule: Rule) -> float | None:
    """Returns what stands for a missing number; `values` are the known ones."""
    match rule:
        case "error":
            return None
        case "mean":
            return float(values.mean())
        case "most_frequent":
            distinct, counts = np.unique(values, return_counts=True)
            return float(distinct[np.argmax(counts)])
        case _:
            return float(np.median(values))


def fill_category(column: Column, rule: Rule) -> str | None:
    """Returns the most frequent category; the first of equals."""
    if rule == "error":
        return None
    known = column.values[column.values >= 0]
    return column.categories[int(np.argmax(np.bincount(known)))]


def fill_date(values: Array, rule: Rule) -> str | None:
    """Returns the median of the known dates, or the most frequent one, as ISO 8601."""
    if rule == "error":
        return None
    if rule == "most_frequent":
        distinct, counts = np.unique(values, return_counts=True)
        return str(distinct[np.argmax(counts)])
    return str(np.sort(values)[(len(values) - 1) // 2])


def _rows(count: int) -> str:
    return f"{count} row" if count == 1 else f"{count} rows"
