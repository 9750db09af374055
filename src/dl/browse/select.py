"""Which runs to show, and in which order: `accuracy>0.95`, `status=failed`, `-started`."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dl.errors import UsageError

_CONDITION = re.compile(r"\s*([^<>=!~\s]+)\s*(<=|>=|!=|=|<|>|~)\s*(.*?)\s*", re.DOTALL)
_ORDERS: Mapping[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}

_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}

Row = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition on the value of a key: one of = != < <= > >= ~ (contains), and the other side."""

    key: str
    comparison: str
    value: str

    def holds(self, row: Row) -> bool:
        """Tells whether a row fulfils it; a row without the value fulfils only `!=`."""
        given = row.get(self.key)
        if given is None:
            return self.comparison == "!="
        if self.comparison == "~":
            return self.value.lower() in shown(given).lower()
        if self.comparison in ("=", "!="):
            return _equal(given, self.value) == (self.comparison == "=")
        return _ordered(given, self.value, _ORDERS[self.comparison])


def parse_condition(text: str) -> Condition:
    """Reads `KEY OPERATOR VALUE`.

    Raises:
        UsageError: The text is no condition.
    """
    match = _CONDITION.fullmatch(text)
    if match is None:
        raise UsageError(
            f"the filter {text} is no condition",
            expected="KEY=VALUE, with one of = != < <= > >= ~ (contains)",
            hint="for example: 'accuracy>=0.95' or status=completed",
        )
    return Condition(*match.groups())


def sort_rows(rows: Iterable[Row], key: str) -> list[Row]:
    """Returns the rows by a key, descending if it begins with `-`; rows without the value last."""
    descending, key = key.startswith("-"), key.removeprefix("-")
    having = [row for row in rows if row.get(key) is not None]
    lacking = [row for row in rows if row.get(key) is None]
    instant = key == "started"  # its text does not sort across offsets from UTC

    def rank(row: Row) -> tuple[int, float, str]:
        value = row[key]
        return _rank(datetime.fromisoformat(str(value)).timestamp() if instant else value)

    return sorted(having, key=rank, reverse=descending) + lacking


def shown(value: object) -> str:
    """Returns a value as a config shows it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return "[" + ", ".join(map(shown, value)) + "]"
    return str(value)


def _equal(given: object, text: str) -> bool:
    number = _number(text)
    if number is not None and isinstance(given, int | float) and not isinstance(given, bool):
        return float(given) == number
    return shown(given).lower() == text.lower()


def _ordered(given: object, text: str, holds: Callable[[Any, Any], bool]) -> bool:
    number = _number(text)
    if isinstance(given, int | float) and not isinstance(given, bool):
        return number is not None and holds(float(given), number)
    return holds(shown(given), text)


def _number(text: str) -> float | None:
    """Reads `0.95`, or a duration in seconds: `30m`, `2h`, `7d`."""
    scale = _UNITS.get(text[-1:])
    try:
        return float(text[:-1]) * scale if scale else float(text)
    except ValueError:
        return None


def _rank(value: object) -> tuple[int, float, str]:
    """Orders numbers before text; a value that is no number counts as the least."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return (0, -math.inf if math.isnan(value) else float(value), "")
    return (1, 0.0, shown(value))
