"""Missing values: the rows to drop, and what a missing value is filled with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dl.data.raw import Column, RawTable
from dl.data.types import Array
from dl.errors import DataError

Rule = Literal["error", "mean", "median", "most_frequent", "drop"]
TargetRule = Literal["error", "drop"]


def drop_missing(
    table: RawTable, rule: Rule, target_rule: TargetRule, tell: Callable[[str], None]
) -> RawTable:
    """Returns the labelled rows that can be used.

    Args:
        table: The rows.
        rule: With `drop`, rows that lack any value are left out.
        target_rule: With `drop`, rows that lack a target are left out.
        tell: Told how many rows are left out, and why.

    Raises:
        DataError: A target is missing and neither rule is `drop`, or no row is left.
    """
    if rule == "drop":
        lacking = _lacking(table, (table.columns, table.targets))
        what = "a value"
    elif target_rule == "drop":
        lacking = _lacking(table, (table.targets,))
        what = "a target"
    else:
        for name, column in table.targets.items():
            _refuse_missing_target(table, name, column)
        return table
    if not lacking.any():
        return table
    if lacking.all():
        raise DataError(
            f"{table.source}: every row lacks {what}, so none is left",
            hint="fill with `preprocess.missing: median`, or leave the empty columns out with "
            "`data.features`"
            if rule == "drop"
            else "name another column as `data.target`",
        )
    number = int(lacking.sum())
    verb = "lacks" if number == 1 else "lack"
    tell(f"{table.source}: {number:,} of {_rows(len(table))} left out: {verb} {what}")
    return table.take(np.flatnonzero(~lacking))


def _lacking(table: RawTable, several: Sequence[Mapping[str, Column]]) -> NDArray[np.bool_]:
    """Returns which rows lack a value in any of the columns."""
    lacking = np.zeros(len(table), np.bool_)
    # One at a time: the columns may lie on the disk.
    for columns in several:
        for name in columns:
            lacking |= columns[name].missing()
    return lacking


def _refuse_missing_target(table: RawTable, name: str, column: Column) -> None:
    missing = column.missing()
    if missing.any():
        row = int(np.argmax(missing))
        raise DataError(
            f"{table.place(int(table.rows[row]))}: the target {name!r} is missing",
            found=_rows(int(missing.sum())) + " without it",
            hint="fill it in, or write `data.missing_target: drop` to leave such rows out",
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
    return f"{count:,} row" if count == 1 else f"{count:,} rows"
