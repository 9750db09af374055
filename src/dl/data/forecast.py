"""Forecasts of a table: the windows of all its rows, and what each prediction is for.

Windows at the end of a series ask for rows that nobody has seen: their time goes on by the step of
the series, where that is the same from row to row, or from month to month.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pyarrow

from dl.config.data import Data, Window
from dl.data.types import Array, Inputs, RawTable, Rows
from dl.data.windows import Positions, WindowRows
from dl.errors import DataError
from dl.text import plural

_ROUNDING = 1e-6
"""Steps of decimal numbers that differ by this fraction are the same."""


def inputs_of(
    raw: RawTable, x: Rows, window: Window, data: Data, kept: dict[str, Any], most: int
) -> Iterator[Inputs]:
    """Yields the windows of all rows in blocks, each with what it is for.

    Args:
        raw: The rows, series after series.
        x: The same as numbers.
        window: The windows; each row ends one, whatever their stride.
        data: Names the column of times.
        kept: Columns of the file, in its order, that are handed on for the row that is predicted.
        most: Windows of a block.

    Raises:
        DataError: No window fits.
    """
    steps = np.arange(len(raw)) if raw.steps is None else raw.steps
    first = window.input_rows[0]
    ends = np.arange(-first, len(raw))
    ends = ends[steps[ends] - steps[ends + first] == -first]
    if not len(ends):
        raise DataError(
            f"{raw.source}: no window fits",
            expected=f"at least {1 - first} rows that follow each other: "
            f"{plural(window.length, 'step')} of a window",
            found=plural(len(raw), "row"),
            hint="give rows from further back, too",
        )
    offsets = np.array(window.input_rows)
    for begin in range(0, len(ends), most):
        own = ends[begin : begin + most]
        told = told_of(raw, own, window, data)
        yield Inputs(WindowRows(x, own, offsets), kept=_kept(raw, own, window, kept), told=told)


def told_of(raw: RawTable, ends: Positions, window: Window, data: Data) -> dict[str, Any]:
    """Returns what predictions are for: the series and the time, or else the row from 0.

    Args:
        raw: The rows, series after series.
        ends: Position of the last input row of each window.
        window: The windows.
        data: Names the column of times.
    """
    told: dict[str, Any] = {}
    ahead = window.ahead
    series, time = raw.others.get("series"), raw.others.get("time")
    if series is not None:
        names = np.array(series.categories, dtype=object)
        told[window.by or "series"] = names[series.values[ends]]
    if time is None:
        rows, known = _continued(raw, ends, ahead, raw.rows, lambda run, beyond: run[-1] + beyond)
        known |= series is None
        told["row"] = pyarrow.array(rows, mask=~known)
    elif time.kind == "date":
        times, _ = _continued(raw, ends, ahead, time.values, _next_dates)
        told[data.split.by or "time"] = _date_texts(times)
    else:
        times, known = _continued(raw, ends, ahead, time.values, _next_numbers)
        whole = (times[known] == np.floor(times[known])).all()
        filled = np.where(known, times, 0)
        values = filled.astype(np.int64) if whole else filled
        told[data.split.by or "time"] = pyarrow.array(values, mask=~known)
    return told


def _kept(raw: RawTable, ends: Positions, window: Window, kept: dict[str, Any]) -> dict[str, Any]:
    """Returns the kept columns for the rows that are predicted; empty where there is none."""
    last = _last_of_run(raw)[ends]
    asked = ends + window.ahead
    there = asked <= last
    at = pyarrow.array(raw.rows[np.where(there, asked, 0)], mask=~there)
    return {name: column.take(at) for name, column in kept.items()}


def _continued(
    raw: RawTable,
    ends: Positions,
    ahead: int,
    values: Array,
    go_on: Callable[[Array, Array], Array | None],
) -> tuple[Array, Array]:
    """Returns the value of each row that is predicted, and whether it is known.

    Args:
        raw: The rows.
        ends: Position of the last input row of each window.
        ahead: Rows from there.
        values: The value of each row.
        go_on: Returns what follows the values of a run, so many steps behind its end; or None.
    """
    last, asked = _last_of_run(raw), ends + ahead
    found = values[np.minimum(asked, last[ends])].copy()
    beyond = asked - last[ends]
    known = beyond <= 0
    for end in np.unique(last[ends][~known]):
        run = values[np.searchsorted(last, end) : end + 1]
        mine = ~known & (last[ends] == end)
        if (more := go_on(run, beyond[mine])) is not None:
            found[mine] = more
            known = known | mine
    if found.dtype.kind == "M":
        found[~known] = np.datetime64("NaT")
    return found, known


def _last_of_run(raw: RawTable) -> Positions:
    """Returns for each row the last one of those that follow each other from it on."""
    steps = np.arange(len(raw)) if raw.steps is None else raw.steps
    ends = np.append(np.flatnonzero(np.diff(steps) != 1), len(raw) - 1)
    return np.asarray(ends[np.searchsorted(ends, np.arange(len(raw)))])


def _next_numbers(run: Array, beyond: Array) -> Array | None:
    steps = np.diff(run)
    if not len(steps) or np.ptp(steps) > _ROUNDING * abs(steps[-1]):
        return None
    return np.asarray(run[-1] + beyond * np.round(steps[-1], 9))


def _next_dates(run: Array, beyond: Array) -> Array | None:
    steps = np.diff(run)
    if not len(steps):
        return None
    if (steps == steps[0]).all():
        return np.asarray(run[-1] + beyond * steps[0])
    months = run.astype("datetime64[M]")
    within, counts = run - months.astype(run.dtype), np.diff(months).astype(np.int64)
    if (within != within[0]).any() or (counts != counts[0]).any():
        return None
    later = months[-1] + (beyond * counts[0]).astype("timedelta64[M]")
    return np.asarray(later.astype(run.dtype) + within[0])


def _date_texts(times: Array) -> Array:
    """Returns dates in ISO 8601, without the time of the day where all are days; None of none."""
    known = times[~np.isnat(times)]
    unit = "D" if (known == known.astype("datetime64[D]")).all() else "s"
    texts = times.astype(f"datetime64[{unit}]").astype(str).astype(object)
    texts[np.isnat(times)] = None
    return np.asarray(texts)
