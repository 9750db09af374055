"""Rows as series: their order, where they are torn, the windows of each part, simple forecasts.

What orders the rows of a series is the time, where `split.order` is one, and else the file. A
window lies in rows that follow each other: it crosses no other series, no gap in time and no row
that was left out. A window is of the part that the rows it predicts are of, all of them; its inputs
may reach back into earlier parts, never into later ones.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dl.config.data import Data, Window
from dl.data.periods import time_text
from dl.data.split import LEFT_OUT, PARTS, SplitRows
from dl.data.types import Array, Column, Raw, RawParts, RawTable
from dl.data.windows import Positions, Windows
from dl.errors import DataError
from dl.text import plural

_REGULAR = 1.5
"""A step in time that is longer than the usual one by this factor is a gap: a row is missing."""
_IRREGULAR = 2.0
"""The same where steps differ, as those of working days do: of the longest step that is usual."""
_USUAL = 0.95
"""The fraction of steps that are usual."""
_MOST_LOOKED = 100_000
"""Rows at the end of the training part in which a season is looked for."""
_LEAST_SEASON, _OF_CHANCE = 0.3, 4.0
"""The correlation of changes a season apart, below which there is none; of few rows, that many
standard deviations of what noise gives."""
_AS_GOOD = 0.95
"""The first of the distances whose correlation is this fraction of the largest: others are its
multiples."""
_SEASONS = 3
"""So many seasons must be there to be seen."""


def in_series(raw: RawTable, data: Data, window: Window, tell: Callable[[str], None]) -> RawTable:
    """Returns the rows series after series, each in its order, with the place of each in its own.

    Raises:
        DataError: A row lacks its time or series, or times do not rise.
    """
    series, time = raw.others.get("series"), raw.others.get("time")
    if series is not None:
        refuse_missing(raw, series, window.by or "", "it says of which series the row is")
        if (np.diff(series.values) < 0).any():
            raw = raw.take(np.argsort(series.values, kind="stable"))
            series, time = raw.others["series"], raw.others.get("time")
    torn = np.zeros(max(len(raw) - 1, 0), np.bool_)
    if series is not None:
        torn |= np.diff(series.values) != 0
    if time is not None:
        name = data.split.by or ""
        refuse_missing(raw, time, name, "it orders the rows")
        torn |= _gaps(raw, time, torn, name, tell)
    steps = np.arange(len(raw), dtype=np.int64)
    steps[1:] += np.cumsum(torn)
    return replace(raw, steps=steps)


def refuse_missing(raw: Raw, column: Column, name: str, why: str, more: str = "") -> None:
    """Refuses rows without a value in a column that each needs; `more` is another way out."""
    missing = column.missing()
    if missing.any():
        raise DataError(
            f"{raw.row_place(int(np.argmax(missing)))}: column {name!r} has no value",
            expected=f"a value in each row: {why}",
            found=f"{plural(int(missing.sum()), 'row')} without",
            hint=f"fill it in, leave these rows out, or {more}"
            if more
            else "fill it in, or leave these rows out",
        )


def _gaps(
    raw: RawTable, time: Column, torn: NDArray[np.bool_], name: str, tell: Callable[[str], None]
) -> NDArray[np.bool_]:
    """Returns behind which rows time is missing, shape (rows - 1,)."""
    passed = np.diff(time.values).astype(np.float64)
    within = passed[~torn]
    if (wrong := ~torn & (passed <= 0)).any():
        row = int(np.argmax(wrong)) + 1
        same = passed[row - 1] == 0
        raise DataError(
            f"{raw.row_place(row)}: the time in column {name!r} "
            + ("is that of the row before" if same else "is before that of the row above it"),
            expected="times that rise from row to row of a series (`data.window`)",
            found=time_text(time.values[row])
            + ("" if same else f" after {time_text(time.values[row - 1])}")
            + f"; {plural(int(wrong.sum()), 'such row')} in all",
            hint="sort the rows and leave repeated ones out; name the column of several series in "
            "`data.window.by`; or take the rows as they stand: `split: {order: rows}`",
        )
    if not len(within):
        return torn
    usual, long = np.quantile(within, [0.5, _USUAL], method="lower")
    most = _REGULAR * usual if long <= _REGULAR * usual else _IRREGULAR * long
    gaps = ~torn & (passed > most)
    if gaps.any():
        row = int(np.argmax(np.where(gaps, passed, 0)))
        ends = (time_text(time.values[row]), time_text(time.values[row + 1]))
        tell(
            f"{raw.source}: {plural(int(gaps.sum()), 'gap')} in column {name!r}, the longest from "
            f"{ends[0]} to {ends[1]}: no window crosses one"
        )
    return np.asarray(gaps)


# Windows


def every_window(raw: RawTable, window: Window) -> RawTable:
    """Returns rows with all windows that fit, whatever their parts; perhaps none."""
    steps = _steps_of(raw)
    return _with_windows(raw, window, _whole(steps, window), np.arange(len(raw)))


def divided(parts: RawParts, whole: RawTable, found: SplitRows, window: Window) -> RawParts:
    """Returns the parts with the windows of each, and those rows of others that these look back to.

    Args:
        parts: All rows; a part that has rows of its own has windows over these alone.
        whole: The rows that were split.
        found: Which of them are in which part.
        window: The windows.

    Raises:
        DataError: No window fits in a part.
    """
    rank = np.full(len(whole), LEFT_OUT, np.int8)
    for place, positions in enumerate(found.positions.values()):
        rank[positions] = place
    named: dict[str, Any] = dict.fromkeys(PARTS)
    for place, name in enumerate(PARTS):
        own = parts.named.get(name) if place else None
        if (rank == place).any():
            named[name] = _part(whole, rank, place, window)
        elif isinstance(own, RawTable):
            named[name] = _part(own, np.full(len(own), place, np.int8), place, window)
    return replace(parts, **named)


def _part(raw: RawTable, rank: NDArray[np.int8], place: int, window: Window) -> RawTable:
    """Returns the rows of a part that its windows need; of the training part all."""
    steps, first, asked = _steps_of(raw), window.input_rows[0], window.target_rows
    ends = _whole(steps, window)
    ends = ends[_none(rank > place, ends + first, ends)]
    ends = ends[_none(rank != place, ends + asked[0], ends + asked[-1])]
    if not len(ends):
        longest = max(map(len, _runs(steps, rank == place)))
        raise _no_window(raw, place, longest, window)
    bounds = np.zeros(len(raw) + 1, np.int64)
    np.add.at(bounds, ends + first, 1)
    np.add.at(bounds, ends + asked[-1] + 1, -1)
    needed = np.cumsum(bounds[:-1]) > 0
    if not place:
        needed |= rank == 0
    return _with_windows(raw, window, ends, np.flatnonzero(needed))


def _no_window(raw: RawTable, place: int, longest: int, window: Window) -> DataError:
    part, asked = PARTS[place], len(range(window.target_rows[0], window.target_rows[-1] + 1))
    needed = f"at least {asked if place else window.span} rows of it that follow each other"
    first = f": {plural(window.length, 'step')}, and what comes after"
    larger = f"`data.split.{part}` larger" if place else "give more rows"
    return DataError(
        f"{raw.source}: no window fits in the {part} part",
        expected=needed + (", to be predicted" if place else first),
        found=f"{plural(longest, 'row')} in a row",
        hint=f"make `data.window.length`, `every`, `ahead` or `outputs` smaller, or {larger}",
    )


def _with_windows(raw: RawTable, window: Window, ends: Positions, kept: Positions) -> RawTable:
    columns = list(raw.targets.values())
    numbers = all(column.kind == "numeric" for column in columns)
    past = np.column_stack([column.values for column in columns]) if numbers and columns else None
    own = np.searchsorted(kept, ends).astype(np.int64)
    table = raw if len(kept) == len(raw) else raw.take(kept)
    return replace(table, windows=Windows(window, own, past, _steps_of(raw), ends))


def _whole(steps: Positions, window: Window) -> Positions:
    """Returns the last input row of each window whose rows all follow each other."""
    first, last = window.input_rows[0], window.target_rows[-1]
    ends = np.arange(-first, max(len(steps) - last, -first), dtype=np.int64)
    ends = ends[steps[ends + last] - steps[ends + first] == last - first]
    if window.stride > 1 and len(ends):
        begins = np.flatnonzero(np.diff(steps, prepend=steps[0] - 2) != 1)
        at = ends + first
        ends = ends[(at - begins[np.searchsorted(begins, at, "right") - 1]) % window.stride == 0]
    return np.asarray(ends)


def _none(wrong: NDArray[np.bool_], begin: Positions, end: Positions) -> NDArray[np.bool_]:
    """Returns which spans of rows, both ends included, have no row that is wrong."""
    count = np.concatenate([[0], np.cumsum(wrong)])
    return np.asarray(count[end + 1] == count[begin])


def _runs(steps: Positions, chosen: NDArray[np.bool_]) -> list[Positions]:
    """Returns the chosen rows that follow each other, run after run."""
    rows = np.flatnonzero(chosen)
    return np.split(rows, np.flatnonzero(np.diff(steps[rows]) != 1) + 1)


def _steps_of(raw: RawTable) -> Positions:
    return np.arange(len(raw)) if raw.steps is None else raw.steps


# Simple forecasts


def season_of(train: RawTable) -> int | None:
    """Returns the rows of the season of a series, found in its training part; None without one.

    It is the distance at which the changes from row to row correlate most; changes, since a trend
    correlates at all distances.
    """
    if train.windows is None or train.windows.past is None:
        return None
    column = next(iter(train.targets.values())).values
    rows = max(_runs(_steps_of(train), np.ones(len(train), np.bool_)), key=len)[-_MOST_LOOKED:]
    changes = np.diff(column[rows])
    most = len(changes) // _SEASONS
    if most < 3:
        return None
    changes = changes - changes.mean()
    spectrum = np.abs(np.fft.rfft(changes, 2 * len(changes))) ** 2
    alike = np.fft.irfft(spectrum)[: most + 1]
    if not alike[0] > 0:
        return None
    # Fewer pairs lie far apart: divided by their number, far and near ones compare.
    alike = alike / alike[0] * len(changes) / (len(changes) - np.arange(most + 1))
    peaks = 2 + np.flatnonzero((alike[2:-1] > alike[1:-2]) & (alike[2:-1] >= alike[3:]))
    best = alike[peaks].max(initial=0)
    if best < max(_LEAST_SEASON, _OF_CHANCE / np.sqrt(len(changes))):
        return None
    return int(peaks[np.argmax(alike[peaks] >= _AS_GOOD * best)])


def simple_forecasts(windows: Windows) -> dict[str, Array]:
    """Returns what simple forecasts say, by what they are called, as numbers of the target.

    The last value that is known when a step is predicted, and the last one that is known of whole
    seasons before it; where the series does not reach back so far, the last value.

    Returns:
        Shape (windows, steps, targets) each; none for a target that is not one of numbers.
    """
    form, past = windows.form, windows.past
    if past is None:
        return {}
    asked, known = _asked_and_known(windows)
    last = past[known]
    found = {"the last value": last}
    if form.season is not None:
        back = form.season * -(-(asked - known) // form.season)
        at = np.maximum(asked - back, 0)
        there = windows.steps[asked] - windows.steps[at] == back
        found[f"a season before ({form.season} rows)"] = np.where(
            there[..., np.newaxis], past[at], last
        )
    return found


def changes(windows: Windows) -> Array:
    """Returns how far numbers are from the last that is known, shape (windows, steps, targets)."""
    asked, known = _asked_and_known(windows)
    if (past := windows.past) is None:
        raise ValueError("changes are those of numbers")
    return np.asarray(past[asked] - past[known])


def _asked_and_known(windows: Windows) -> tuple[Positions, Positions]:
    """Returns the rows to predict and the last ones that are known, shape (windows, steps)."""
    form, at = windows.form, windows.at[:, np.newaxis]
    asked = at + np.array(form.target_rows)
    known = asked - form.ahead if form.outputs == "each" else np.broadcast_to(at, asked.shape)
    return asked, known
