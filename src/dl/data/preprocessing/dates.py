"""The parts of a date as numbers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dl.data.types import Array

DAY_PARTS = ("year", "month", "day", "weekday", "day_of_year")
TIME_PARTS = ("hour", "minute")


def part_of(dates: Array, part: str) -> NDArray[np.float64]:
    """Returns one part of each date; months, days and weekdays (Monday) count from 1."""
    days = dates.astype("datetime64[D]")
    months = dates.astype("datetime64[M]")
    years = dates.astype("datetime64[Y]")
    match part:
        case "year":
            numbers = years.astype(np.int64) + 1970
        case "month":
            numbers = (months - years).astype(np.int64) + 1
        case "day":
            numbers = (days - months).astype(np.int64) + 1
        case "weekday":
            # 1 January 1970 was a Thursday.
            numbers = (days.astype(np.int64) + 3) % 7 + 1
        case "day_of_year":
            numbers = (days - years).astype(np.int64) + 1
        case "hour":
            numbers = (dates - days).astype("timedelta64[h]").astype(np.int64)
        case _:
            numbers = (dates - days).astype("timedelta64[m]").astype(np.int64) % 60
    return numbers.astype(np.float64)
