"""Texts to dates: ISO 8601 and the forms that can be read in one way only."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow
import pyarrow.compute as pc
from numpy.typing import NDArray

from dl.data.tables.numbers import cast_texts

FORMS = "2024-12-31, 2024-12-31 23:59, 2024/12/31 or 31.12.2024"
READABLE = (
    r"^\s*([0-9]{4}[-/][0-9]{1,2}[-/][0-9]{1,2}|[0-9]{1,2}\.[0-9]{1,2}\.[0-9]{4})([T ].*)?\s*$"
)
"""Texts that have one of these forms; some are no day of the calendar."""
SLASHED = r"^\s*[0-9]{1,2}[-/][0-9]{1,2}[-/]([0-9]{4}|[0-9]{2})([T ].*)?\s*$"
"""Dates that could be read day or month first."""
MONTH = r"^[0-9]{4}[-/](0?[1-9]|1[0-2])$"
FEW_MONTHS = 2
"""So few different months may be names of something."""

_YEARS = (np.datetime64("0001"), np.datetime64("10000"))
_TO_ISO = (
    (r"^(\d{4})/(\d{1,2})/(\d{1,2})\b", r"\1-\2-\3"),
    (r"^(\d{1,2})\.(\d{1,2})\.(\d{4})\b", r"\3-\2-\1"),
    (r"^(\d{4})(\d{2})(\d{2})$", r"\1-\2-\3"),
    (r"^(\d{4})-(\d)-", r"\1-0\2-"),
    (r"^(\d{4}-\d{2})-(\d)\b", r"\1-0\2"),
    (r"(\.\d{6})\d{1,3}\b", r"\1"),
)


def parse_dates(texts: Any) -> NDArray[np.datetime64] | None:
    """Returns an Arrow array of texts as datetime64[us], NaT where null; None if one is no date.

    Times with a zone become UTC. `12/31/2024` is not read: it could be day or month first.
    """
    for clean in (None, _iso):
        for zone in (None, "UTC"):
            dates = cast_texts(texts, pyarrow.timestamp("us", zone), clean)
            if dates is not None:
                return to_datetimes(dates)
    return None


def parse_months(texts: Any) -> NDArray[np.datetime64] | None:
    """Returns months, `2024-12` or `2024/12`, as their first day; None if a text is no month.

    They are categories unless a config says that they are dates: few of them may name seasons.
    """
    trimmed = pc.utf8_trim_whitespace(texts)
    if not pc.all(pc.match_substring_regex(trimmed, MONTH)).as_py():
        return None
    dashed = pc.replace_substring(trimmed, "/", "-")
    return parse_dates(pc.binary_join_element_wise(dashed, "01", "-"))


def first_no_date(texts: Any) -> int:
    """Returns the position of the first text that cannot be a date, or month, beside the others.

    Where all are dates together, that is the last one.
    """
    known = pc.drop_null(texts)
    parse = parse_dates if parse_months(known[:1]) is None else parse_months
    good, bad = 0, len(texts)  # so many texts from the first on are dates together, or are not
    while bad - good > 1:
        middle = (good + bad) // 2
        good, bad = (good, middle) if parse(texts[:middle]) is None else (middle, bad)
    return bad - 1


def first_outside(dates: Any) -> tuple[int, str] | None:
    """Returns the first date that is not of the years 1 to 9999, after its position, or None."""
    unit = _unit(dates.type)
    if unit == "ns":  # reaches from 1677 to 2262
        return None
    numbers = pc.cast(dates, pyarrow.int32() if unit == "D" else pyarrow.int64())
    first, end = (int(year.astype(f"datetime64[{unit}]").astype(np.int64)) for year in _YEARS)
    row = pc.index(pc.or_(pc.less(numbers, first), pc.greater_equal(numbers, end)), True).as_py()
    return None if row < 0 else (row, str(np.array(numbers[row].as_py(), f"datetime64[{unit}]")))


def to_datetimes(dates: Any) -> NDArray[np.datetime64]:
    """Returns an Arrow array of dates or timestamps as datetime64[us], NaT where null.

    What is below a microsecond is cut off, as it is in a text.
    """
    if _unit(dates.type) == "ns":
        dates = pc.floor_temporal(pc.cast(dates, pyarrow.timestamp("ns")), unit="microsecond")
    numbers = pc.cast(pc.cast(dates, pyarrow.timestamp("us")), pyarrow.int64())
    filled = pc.fill_null(numbers, np.iinfo(np.int64).min)
    values: NDArray[np.datetime64] = filled.to_numpy().astype(np.int64).view("datetime64[us]")
    return values


def _unit(kind: Any) -> str:
    """Returns the unit in which an Arrow type of dates counts, as NumPy calls it."""
    if pyarrow.types.is_timestamp(kind):
        return str(kind.unit)
    return "D" if pyarrow.types.is_date32(kind) else "ms"


def has_times(dates: NDArray[np.datetime64]) -> bool:
    """Whether any of the dates has a time of the day."""
    known = dates[~np.isnat(dates)]
    return bool(np.any(known != known.astype("datetime64[D]")))


def _iso(texts: Any) -> Any:
    texts = pc.utf8_trim_whitespace(texts)
    for pattern, replacement in _TO_ISO:
        texts = pc.replace_substring_regex(texts, pattern=pattern, replacement=replacement)
    return texts
