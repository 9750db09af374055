from pathlib import Path

import numpy as np
import pytest

from conftest import Dl
from dl.data.types import Column
from dl.init.columns import Feature, LeftOut, judge


def numbers(values: list[float]) -> Column:
    return Column("numeric", np.array(values, dtype=np.float64))


def words(values: list[str]) -> Column:
    names = sorted(set(values))
    positions = np.array([names.index(value) for value in values], dtype=np.int32)
    return Column("categorical", positions, tuple(names))


def test_numbers_that_vary_are_an_input() -> None:
    column = numbers([1.5, 2.5, np.nan, 1.5])
    assert judge("length", column) == Feature("length", "numeric", width=1, missing=1)


def test_categories_that_repeat_are_an_input() -> None:
    column = words(["red", "blue"] * 10)
    expected = Feature("colour", "categorical", width=2, missing=0, categories=("blue", "red"))
    assert judge("colour", column) == expected


def test_dates_are_an_input() -> None:
    column = Column("date", np.array(["2024-01-01", "2024-01-02"], dtype="datetime64[us]"))
    assert isinstance(judge("day", column), Feature)


@pytest.mark.parametrize(
    ("name", "column", "reason"),
    [
        ("x", numbers([3.0] * 9), "is the same in all 9 rows"),
        ("x", words(["a"] * 9), "is the same in all 9 rows"),
        ("x", numbers([np.nan] * 9), "is empty in all 9 rows"),
        ("x", numbers([1.0, *[np.nan] * 8]), "is mostly empty (8 of 9 rows)"),
        ("x", numbers([float(i) for i in range(60)]), "numbers the rows (0 to 59)"),
        ("PassengerId", numbers([1.0, 2.0, 3.0]), "numbers the rows (1 to 3)"),
        ("order_id", numbers([7.0, 3.0, 12.0]), "is an identifier: all 3 values differ"),
        ("code", words([f"k{i:03}" for i in range(20)]),
         "is an identifier: all 20 values differ"),
        ("review", words(["this is a good one"] * 9 + ["x y z a b"]),
         "is free text (2 different values)"),
        ("city", words([f"c{i % 250}" for i in range(400)]),
         "has too many categories (250 in 400 rows)"),
        ("city", words([f"c{i % 1001}" for i in range(4000)]),
         "has too many categories (1,001 in 4,000 rows)"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_a_column_that_tells_nothing_is_left_out(name: str, column: Column, reason: str) -> None:
    assert judge(name, column) == LeftOut(name, reason)


def test_amounts_that_all_differ_are_kept() -> None:
    assert isinstance(judge("price", numbers([7.0, 3.0, 12.0])), Feature)


def test_an_identifier_is_known_by_its_whole_name() -> None:
    assert isinstance(judge("humid", numbers([7.0, 3.0, 12.0])), Feature)


def test_months_are_dates() -> None:
    column = words([f"1949-{month:02}" for month in range(1, 13)])
    parts = {"year": "number", "month": "categories"}
    assert judge("month", column) == Feature(
        "month", "date", 13, 0, written="date", example="1949-01", parts=parts
    )


def test_a_number_of_the_row_is_taken_where_there_is_nothing_else(
    dl: Dl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = "".join(f"{step},{step % 24 * 1.5}\n" for step in range(199)) + "199,\n"
    (tmp_path / "load.csv").write_text("step,demand\n" + rows)
    text = dl("init", "load.csv", "--target", "demand").out
    assert "  # `step` numbers the rows (0 to 199): there is no better input\n" in text
