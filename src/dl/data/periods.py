"""Rows in the order of time to parts: the earliest to train, then to validate, the latest to test.

Rows of the same time stay together, so a part has the fraction that comes nearest. A gap leaves out
the rows at the end of a part that are nearer to the next one than the gap is long.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from dl.config.data import Split
from dl.data.types import Array, Column
from dl.errors import DataError

_UNITS = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}


class Periods(NamedTuple):
    """The times of each part: the index of the first, and of the one behind the last."""

    train: tuple[int, int]
    validation: tuple[int, int]
    test: tuple[int, int]


def periods(times: Array, counts: Array, split: Split, gap: Array | float, source: str) -> Periods:
    """Returns the times of each part.

    Forward folds cut what is before the test into one piece more than there are folds, of equal
    numbers of rows but for the first, which takes what is left over: fold k trains on the first k
    pieces and validates on the next, as scikit-learn's `TimeSeriesSplit` does.

    Args:
        times: The different times, ascending, shape (times,).
        counts: Rows of each, shape (times,).
        split: The fractions, or the fold.
        gap: The least difference of times in two parts.
        source: What is split, for messages.

    Raises:
        DataError: There are too few different times, or the gap leaves none for a part.
    """
    rows = np.concatenate([[0], np.cumsum(counts)])
    whole, end, last = int(rows[-1]), len(times), len(times)
    parts = [bool(split.folds or split.validation), bool(split.test)]
    needed = 1 + sum(parts) if split.folds is None else split.folds + 1 + parts[1]
    if len(times) < needed:
        raise DataError(
            f"{source}: {split.ordered_by} has {len(times)} different times",
            expected=f"at least {needed}, one for each part" + (" and fold" if split.folds else ""),
            hint="make the parts or folds fewer, or name another column in `data.split.by`",
        )
    test = (last, last)
    if split.test:
        begin = _boundary(rows, whole - split.test * whole, needed - 1, last - 1)
        test, end = (begin, last), _before(times, begin, gap)
    validation = (end, end)
    if split.folds is not None:
        size = int(rows[end]) // (split.folds + 1)
        first = int(rows[end]) - (split.folds - split.fold + 1) * size
        begin, last = (_nearest(rows, place) for place in (first, first + size))
        validation, end = (begin, last), _before(times, begin, gap)
    elif split.validation:
        begin = _boundary(rows, rows[end] - split.validation * whole, 1, end - 1)
        validation, end = (begin, end), _before(times, begin, gap)
    found = Periods((0, end), validation, test)
    _refuse_empty(found, split, source)
    return found


def _boundary(rows: Array, wanted: float, least: int, most: int) -> int:
    """Returns the time before which there are nearest to so many rows, within limits."""
    return int(np.clip(_nearest(rows, wanted), least, max(least, most)))


def _nearest(rows: Array, wanted: float) -> int:
    return int(np.argmin(np.abs(rows - wanted)))


def _before(times: Array, begin: int, gap: Array | float) -> int:
    """Returns the end of the times that are at least a gap before one of them."""
    if not gap:
        return begin
    return min(begin, int(np.searchsorted(times, times[begin] - gap, side="right")))


def _refuse_empty(found: Periods, split: Split, source: str) -> None:
    wanted = {"train": True, "validation": bool(split.folds or split.validation)}
    for part, (begin, end) in found._asdict().items():
        if wanted.get(part) and end <= begin:
            taken = (
                f"the gap of {split.gap_text} leaves"
                if split.gap is not None
                else "the times leave"
            )
            fold = f" in fold {split.fold}" if split.folds else ""
            raise DataError(
                f"{source}: {taken} no rows for the {part} part{fold}",
                expected=f"times in {split.ordered_by} that are far enough apart",
                hint="make `data.split.gap`, `folds`, `validation` or `test` smaller",
            )


def gap_of(split: Split, column: Column, source: str) -> Array | float:
    """Returns the gap in the unit of a column of times: of dates a timedelta64, else a number.

    Raises:
        DataError: The gap has a unit where the column holds numbers, or the other way round.
    """
    gap, dates = split.gap, column.kind == "date"
    if gap is None:
        return 0.0
    if isinstance(gap, str) != dates:
        written = split.gap_text
        what, example = ("dates", f"{written}d") if dates else ("numbers", written[:-1])
        raise DataError(
            f"{source}: {split.ordered_by} holds {what}, but `data.split.gap` is {written}",
            expected="a time with its unit, such as 7d or 12h" if dates else "a number",
            hint=f"write `gap: {example}`",
        )
    if not isinstance(gap, str):
        return gap
    return np.asarray(np.timedelta64(round(float(gap[:-1]) * _UNITS[gap[-1]] * 1_000_000), "us"))


def time_text(time: Array) -> str:
    """Writes a time: a date without its time of the day where that is midnight, or a number."""
    if time.dtype.kind != "M":
        return f"{float(time):.12g}"
    day = time.astype("datetime64[D]")
    return str(day if day == time else time.astype("datetime64[s]"))
