"""Which kind a column of text is, and what its values become."""

from __future__ import annotations

import datetime
from dataclasses import replace

import numpy as np
import pyarrow
import pytest

from dl.config.data import ColumnKind
from dl.data.columns import Cell, Use, to_column
from dl.data.types import Column
from support.tables import told

CELL = Cell("x", lambda row: f"rows.csv:{row + 2}")


def column(*values: object, kind: ColumnKind | None = None, use: Use = "input") -> Column:
    return to_column(pyarrow.array(values), replace(CELL, use=use), kind)


def texts(column: Column) -> list[str | None]:
    return [column.categories[code] if code >= 0 else None for code in column.values]


@pytest.mark.parametrize(
    ("values", "numbers"),
    [
        (["1", "2"], [1, 2]),
        (["1.5", "-.5", "2.", "+1e-3"], [1.5, -0.5, 2, 0.001]),
        ([" 1", "2 "], [1, 2]),
        (["0", "-0", "0.07"], [0, 0, 0.07]),
    ],
)
def test_numbers(values: list[str], numbers: list[float]) -> None:
    read = column(*values)
    assert (read.kind, read.values.tolist()) == ("numeric", numbers)


@pytest.mark.parametrize("missing", [None, " ", "nan", "NaN"])
def test_missing_number(missing: str | None) -> None:
    read = column("1", missing)
    assert (read.kind, read.missing().tolist()) == ("numeric", [False, True])


def test_integral_is_as_written() -> None:
    assert column("1", None, "-2").integral
    assert not column("1", "2.0").integral
    assert not column("1", "1e3").integral


def test_leading_zeros_stay_text() -> None:
    read = column("00123", "00124", "5")
    assert (read.kind, texts(read)) == ("categorical", ["00123", "00124", "5"])


def test_na_is_a_category_and_only_an_empty_field_is_missing() -> None:
    read = column("NA", "null", None, "", "None")
    assert (read.kind, texts(read)) == ("categorical", ["NA", "null", None, None, "None"])


def test_categories_are_sorted_and_without_spaces_around_them() -> None:
    assert column("red", " blue", "blue ").categories == ("blue", "red")


def test_truth_values_are_categories_as_written() -> None:
    assert column("True", "False").categories == ("False", "True")
    assert column(True, False).categories == ("false", "true")
    assert column("0", "1").kind == "numeric"


@pytest.mark.parametrize(
    ("value", "iso"),
    [
        ("2024-12-31", "2024-12-31"),
        ("2024-1-5", "2024-01-05"),
        ("2024/12/31", "2024-12-31"),
        ("31.12.2024", "2024-12-31"),
        ("1.2.2024", "2024-02-01"),
        ("2024-12-31 23:59", "2024-12-31T23:59"),
        ("2024-12-31T23:59:01.5", "2024-12-31T23:59:01.5"),
        ("2024-12-31T23:59:01.123456789", "2024-12-31T23:59:01.123456"),
        ("2024-12-31T23:59:01Z", "2024-12-31T23:59:01"),
        ("2024-12-31T23:59:01+02:00", "2024-12-31T21:59:01"),
        ("1066-10-14", "1066-10-14"),
    ],
)
def test_dates(value: str, iso: str) -> None:
    read = column(value, None)
    assert read.kind == "date"
    assert read.values[0] == np.datetime64(iso, "us")
    assert read.missing().tolist() == [False, True]


@pytest.mark.parametrize("value", ["12/31/2024", "31.2.2024", "2024-02-30", "10:30", "May 2024"])
def test_what_is_no_date_is_a_category(value: str) -> None:
    assert column(value).kind == "categorical"


def test_compact_dates_only_when_asked_for() -> None:
    assert column("20241231").kind == "numeric"
    assert column("20241231", kind="date").values[0] == np.datetime64("2024-12-31", "us")


def test_timed_if_one_has_a_time() -> None:
    assert not column("2024-12-31", "2024-12-30T00:00").timed
    assert column("2024-12-31", "2024-12-30 01:00").timed


def test_kind_from_the_config_wins() -> None:
    assert texts(column("10", "9", kind="categorical")) == ["10", "9"]
    assert column("007", kind="numeric").values.tolist() == [7]


def test_few_texts_among_numbers_are_allowed_for_a_target() -> None:
    values = [*map(str, range(20)), "many"]
    assert column(*values, use="class").kind == "categorical"
    assert told(lambda: column(*values)).startswith("rows.csv:22: column 'x' is numeric")


def test_half_texts_are_categories() -> None:
    assert column("1", "2", "a", "b").kind == "categorical"


def test_dates_with_and_without_a_zone() -> None:
    values = ("2024-12-31T10:00Z", "2024-12-31T10:00")
    assert told(lambda: column(*values, kind="date")).startswith(
        "rows.csv:3: column 'x' mixes dates with and without a time zone"
    )


def test_arrow_types_are_kept() -> None:
    assert column(1, None, 3).values.tolist()[0] == 1.0
    assert column(1, 2).integral
    assert not column(1.0, 2.0).integral
    assert column("a", "b").kind == "categorical"
    assert column(datetime.date(2024, 12, 31)).kind == "date"
    encoded = pyarrow.array(["b", "a", None]).dictionary_encode()
    assert texts(to_column(encoded, CELL, None)) == ["b", "a", None]


def test_all_null_is_missing_numbers() -> None:
    assert column(None, None).missing().all()


def test_arrow_integers_beyond_the_exact_ones() -> None:
    assert told(lambda: column(1, 2**60)).startswith(
        "rows.csv:3: column 'x' holds an integer that is too large to be exact"
    )


def test_lists_cannot_be_used() -> None:
    assert told(lambda: to_column(pyarrow.array([[1], [2]]), CELL, None)) == (
        "rows.csv:2: column 'x' cannot be used\n"
        "expected: numbers, text, booleans or dates\n"
        "found: values of type list<item: int64>\n"
        "hint: leave it out with `data.exclude`"
    )
