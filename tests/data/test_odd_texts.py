"""A column of numbers or dates but for some texts is told, whatever their share; codes are not."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pyarrow
import pytest

from dl.config.rules.probe import probe
from dl.data.columns import Cell, Use, to_column
from dl.data.load import load_dataset
from dl.data.types import Column
from dl.errors import DataError
from dl.progress import SilentReporter
from support.tables import config_with, told

CELL = Cell("x", lambda row: f"rows.csv:{row + 2}")
MANY = [str(1000 + 7 * i) for i in range(30)]
DAYS = [f"2024-01-{day:02}" for day in range(1, 31)]


def typed(values: list[str], use: Use = "input") -> Column:
    return to_column(pyarrow.array(values), replace(CELL, use=use), None)


def message(values: list[str], use: Use = "input") -> str:
    return told(lambda: typed(values, use))


def missing_text(words: str, rows: str, among: str, listed: str, line: int) -> str:
    return (
        f"rows.csv:{line}: column 'x' has {words} in {rows} rows, among {among}\n"
        f"expected: {among}, and empty fields where a value is missing\n"
        f"hint: if it stands for a missing value, write `missing_values: [{listed}]` below `data`; "
        "else add `data.columns: {x: categorical}`"
    )


@pytest.mark.parametrize("count", [1, 5, 40, 3000])
@pytest.mark.parametrize(
    "word", ["NA", "?", "null", "None", "N/A", "-", ".", "#N/A", "<NA>", "unknown"]
)
def test_text_for_a_missing_value_among_numbers_is_told_at_any_share(word: str, count: int) -> None:
    listed = word if word[0].isalpha() and word != "null" else f'"{word}"'
    rows = f"{count:,} of {count + 3:,}"
    expected = missing_text(repr(word), rows, "numbers", listed if word != "." else ".", 4)
    assert message(["3", "1", *[word] * count, "2"]) == expected


def test_several_texts_for_a_missing_value_are_told_together() -> None:
    values = ["1", "NA", "2", "?", "NA"]
    assert message(values) == missing_text("'NA' and '?'", "3 of 5", "numbers", 'NA, "?"', 3)


def test_text_for_a_missing_value_among_dates_is_told_at_any_share() -> None:
    values = [*DAYS[:3], *["unknown"] * 7]
    assert message(values) == missing_text("'unknown'", "7 of 10", "dates", "unknown", 5)
    assert message(["NA", *DAYS]) == missing_text("'NA'", "1 of 31", "dates", "NA", 2)


@pytest.mark.parametrize(("bad", "line"), [("NA", 4), ("1949-13", 3)])
def test_odd_text_among_months_is_told_where_they_are_dates(bad: str, line: int) -> None:
    values = ["1949-01", "1949-02", "1949-03", "1949-04"]
    values.insert(line - 2, bad)
    text = told(lambda: to_column(pyarrow.array(values), CELL, "date"))
    if bad == "NA":
        assert text == missing_text("'NA'", "1 of 5", "dates", "NA", line)
    else:
        assert text.startswith(f"rows.csv:{line}: column 'x' is a date, but this is not one that")


@pytest.mark.parametrize("share", [1, 10, 100])
def test_other_text_among_many_different_numbers_is_told_at_any_share(share: int) -> None:
    values = [*MANY, *["closed"] * share]
    random.Random(1).shuffle(values)
    line = values.index("closed") + 2
    assert message(values).startswith(f"rows.csv:{line}: column 'x' is numeric, but this is text")


@pytest.mark.parametrize("bad", ["2024-02-30", "soon", "31.4.2024", "12/31/2024"])
@pytest.mark.parametrize("share", [1, 20])
def test_text_among_dates_is_told(bad: str, share: int) -> None:
    assert message([*DAYS[:20], *[bad] * share]) == (
        "rows.csv:22: column 'x' is a date, but this is not one that can be read\n"
        "expected: 2024-12-31, 2024-12-31 23:59, 2024/12/31 or 31.12.2024\n"
        f"found: {bad!r}\n"
        "hint: write it in one of these forms, or add `data.columns: {x: categorical}`"
    )


def test_dates_of_which_half_have_a_zone_are_told() -> None:
    values = [f"{day} 10:00{'Z' if i % 2 else ''}" for i, day in enumerate(DAYS)]
    assert message(values) == (
        "rows.csv:3: column 'x' mixes dates with and without a time zone\n"
        "expected: 2024-12-31, 2024-12-31 23:59, 2024/12/31 or 31.12.2024\n"
        "found: '2024-01-02 10:00Z'\n"
        "hint: give all of them a zone, or none, or add `data.columns: {x: categorical}`"
    )


def test_many_dates_that_could_be_read_two_ways_are_told() -> None:
    values = [f"{month}/{day}/2024" for month in (1, 2) for day in range(1, 20)]
    assert message(values).startswith("rows.csv:2: column 'x' is a date, but this is not one that")


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("${:,.2f}", "1000.00"),
        ("{:,}.5", "1000.5"),
        ("{:,}", "1000"),
        ("1,{:03.0f},000", "1,000,000"),
        ("{}.0%", "1000.0"),
        ("{} %", "1000"),
        ("{} kg", "1000"),
        ("{}km", "1000"),
        ("€ {}", "1000"),
        ("({})", "-1000"),
        ("-${}", "-1000"),
        ("{},5", "1000.5"),
        ("1'{:03.0f}'000", "1000000"),
        ("1.{:03.0f},25", "1000.25"),
    ],
)
@pytest.mark.parametrize("use", ["input", "number", "target"])
def test_numbers_in_the_dress_of_money_and_the_like_are_told(
    written: str, number: str, use: Use
) -> None:
    scale = 1 if "1," in written or "1'" in written or "1." in written else 7
    start = 0 if scale == 1 else 1000
    values = [written.format(start + scale * i) for i in range(30)]
    plain = number.replace(",", "")
    assert message(values, use).startswith(
        f"rows.csv:2: column 'x': {values[0]!r} is not a number; write {plain}\n"
    )


def test_comma_that_cannot_stand_between_thousands_is_a_point_in_the_whole_column() -> None:
    assert message(["4,095", "3,14", "12,5"]).startswith(
        "rows.csv:2: column 'x': '4,095' is not a number; write 4.095\n"
    )


@pytest.mark.parametrize(
    "values",
    [
        ["1", "2", "A"] * 9,
        ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "X", "X", "X"],
        ["10%", "20%", "30%"] * 9,
        ["12 oz", "16 oz"] * 20,
        ["1st", "2nd", "3rd", "4th"] * 9,
        [f"{i}{letter}" for i in range(12) for letter in "ABCDEF"],
        [f"{i}-{i + 9}" for i in range(0, 400, 10)],
        ["NA", "?"],
        ["red", "NA", "3"] * 9,
        ["00501", "00544", "NA"],
        ["Ph.D.", "2024-01-01", "soon", "later"],
        ["10:30", "11:00"] * 20,
        [f"192.168.{i}.{i}" for i in range(40)],
        [f"A/5 {i}" if i % 3 else str(i) for i in range(90)],
    ],
)
def test_codes_and_words_stay_categories(values: list[str]) -> None:
    assert typed(values).kind == "categorical"


def test_classes_are_told_only_where_a_value_is_missing() -> None:
    assert typed([*MANY, "closed"], "class").kind == "categorical"
    assert typed(["10%", "20%"] * 20, "class").kind == "categorical"
    assert message(["0", "1", "NA"], "class").endswith(
        "write `missing_values: [NA]` below `data`; else list it in `data.classes` if it is a class"
    )


@pytest.mark.parametrize("loss", ["mse", "huber", "poisson", "cosine_similarity", "mae"])
def test_money_as_a_target_is_told_under_any_loss_for_numbers(tmp_path: Path, loss: str) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("a,y\n" + "".join(f"{i},${i % 5}.50\n" for i in range(20)))
    config = config_with(
        {"source": "csv", "path": str(path), "target": "y"}, training={"loss": loss}
    )
    assert told(lambda: load_dataset(config, SilentReporter()), tmp_path) == (
        "rows.csv:2: column 'y': '$0.50' is not a number; write 0.50\n"
        "expected: a number: digits, a point before the decimals, and nothing else\n"
        "hint: correct all values of the column, state in `data.columns` how they are written, or "
        "name a loss for classes if these are classes"
    )


def test_spaces_of_any_alphabet_around_a_number_do_not_count() -> None:
    values = ["\u00a01\u00a0", "\u20032", "NA\u00a0"]
    assert message(values) == missing_text("'NA'", "1 of 3", "numbers", "NA", 4)
    assert typed(values[:2]).values.tolist() == [1, 2]


def test_look_at_a_target_of_money_leaves_it_to_the_reading(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("a,y\n1,$4.50\n2,NA\n3,$5\n")
    data = config_with({"source": "csv", "path": str(path), "target": "y"}).data
    assert probe(data, tmp_path).target is None
    path.write_text("a,y\n1,1st\n2,2nd\n3,$5\n")
    assert probe(data, tmp_path).target == "text"


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("red", "leave the field empty if the value is missing; write decimals with a point"),
        ("$1,200", "correct all values of the column"),
        (
            "NA",
            "leave these fields empty, or train a run with `missing_values: [NA]` below `data`",
        ),
    ],
)
def test_rows_of_a_trained_run_are_to_be_mended_not_its_config(text: str, hint: str) -> None:
    cell = Cell("x", "row {}".format, trained=True)
    with pytest.raises(DataError) as error:
        to_column(pyarrow.array(["1", text]), cell, "numeric")
    assert error.value.problems[0].hint == hint
