"""Numbers and dates that are written as people write them, in a form that the config states."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest

from conftest import Dl
from dl.config.data import ColumnForm
from dl.data.columns import Cell
from dl.data.forms import likely_form, plain_values
from dl.data.inputs import open_blocks
from dl.data.load import load_dataset
from dl.data.resolve import resolve_config
from dl.data.texts import parse_months
from dl.progress import SilentReporter
from support.streaming import assert_same, both
from support.tables import config_for, told

SILENT = SilentReporter()
EURO = {"kind": "numeric", "decimal": ",", "thousands": ".", "unit": "€"}
PLAIN = [f"{i * 111.5},{i},2024-{i % 12 + 1:02}-13,{i}" for i in range(1, 31)]


def money(value: float) -> str:
    return f"{value:,.1f} €".replace(",", "_").replace(".", ",").replace("_", ".")


WRITTEN = [f"{money(i * 111.5)};{i} %;{i % 12 + 1}/13/2024;{i}.000" for i in range(1, 31)]
COLUMNS: dict[str, Any] = {
    "price": EURO,
    "off": {"kind": "numeric", "unit": "%"},
    "day": {"kind": "date", "format": "%m/%d/%Y"},
    "y": {"kind": "numeric", "thousands": "."},
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "rows.csv"
    path.write_text("\n".join(["price;off;day;y", *WRITTEN]) + "\n")
    return path


def plain(text: str, **form: Any) -> Any:
    values = pyarrow.array([text])
    return plain_values(values, ColumnForm(**form), Cell("x", lambda row: "rows.csv:2"))[0].as_py()


@pytest.mark.parametrize(
    ("text", "form", "number"),
    [
        ("3,5", {"decimal": ","}, "3.5"),
        ("-1.234.567,8 ", {"decimal": ",", "thousands": "."}, "-1234567.8"),
        ("1234,5", {"decimal": ",", "thousands": "."}, "1234.5"),
        ("$4,095.72", {"thousands": ",", "unit": "$"}, "4095.72"),
        ("-$ 5", {"unit": "$"}, "-5"),
        ("41 %", {"unit": "%"}, "41"),
        ("41\u00a0%", {"unit": "%"}, "41"),
        ("41", {"unit": "%"}, "41"),
        ("1\u202f234,5 kg", {"decimal": ",", "thousands": " ", "unit": "kg"}, "1234.5"),
        ("1'234", {"thousands": "'"}, "1234"),
        ("1,5e3", {"decimal": ","}, "1.5e3"),
        (",5", {"decimal": ","}, ".5"),
        ("", {"unit": "%"}, ""),
    ],
)
def test_number_is_read_in_its_form(text: str, form: dict[str, Any], number: str) -> None:
    assert plain(text, kind="numeric", **form) == number


@pytest.mark.parametrize("text", ["1.5", "12.34,5", "1.2345", "5 $", "--1", "1,2,3", "x"])
def test_number_in_another_form_is_refused(text: str) -> None:
    assert told(lambda: plain(text, **EURO)) == (
        "rows.csv:2: column 'x' is not written as `data.columns` says (`1.234,5 €`)\n"
        f"expected: such as 1.234,5 €\nfound: '{text}'\n"
        "hint: correct it, leave the field empty if the value is missing, or change the form"
    )


@pytest.mark.parametrize(
    ("text", "form", "date"),
    [
        ("2/9/2024", "%m/%d/%Y", "2024-02-09 00:00:00"),
        (" 31 Jan 24 ", "%d %b %y", "2024-01-31 00:00:00"),
        ("12/31/2024 5:06 PM", "%m/%d/%Y %I:%M %p", "2024-12-31 17:06:00"),
        ("2024-12-31 01:00 +0200", "%Y-%m-%d %H:%M %z", "2024-12-30 23:00:00"),
    ],
)
def test_date_is_read_in_its_format(text: str, form: str, date: str) -> None:
    assert str(plain(text, kind="date", format=form)) == date


def test_day_that_is_not_in_the_calendar_is_refused(path: Path, tmp_path: Path) -> None:
    path.write_text(path.read_text().replace("3/13/2024", "2/30/2024", 1))
    assert told(lambda: load_dataset(config(path), SILENT), tmp_path) == (
        "rows.csv:3: column 'day' is not written as `data.columns` says (`%m/%d/%Y`)\n"
        "expected: such as 12/31/2024\nfound: '2/30/2024'\n"
        "hint: correct it, leave the field empty if the value is missing, or change the form"
    )


def config(path: Path, **data: Any) -> Any:
    return config_for(path, separator=";", columns=COLUMNS, **data)


def test_forms_give_what_plain_values_give_in_every_way_of_reading(
    path: Path, tmp_path: Path
) -> None:
    simple = tmp_path / "plain.csv"
    simple.write_text("\n".join(["price,off,day,y", *PLAIN]) + "\n")
    expected = load_dataset(config_for(simple), SILENT)
    resident, streamed, *_ = both(config(path))
    assert_same(resident, streamed)
    np.testing.assert_array_equal(resident.train.x, expected.train.x)
    np.testing.assert_array_equal(resident.train.y, 1000 * expected.train.y)
    resolved = resolve_config(config(path), resident)
    assert resolved.data.forms.keys() == COLUMNS.keys()  # type: ignore[union-attr]
    assert_same(load_dataset(resolved, SILENT), streamed)
    read = open_blocks(resolved, resident.preprocessing, path, SILENT).read(lambda size: None)
    assert sum(len(block) for block in read) == 30


def test_numbers_of_a_typed_file_have_no_form(path: Path, tmp_path: Path) -> None:
    resident = load_dataset(config(path), SILENT)
    typed = tmp_path / "rows.parquet"
    columns = {"price": [1.5, 2.5], "off": [1, 2], "day": ["1/13/2024", "2/13/2024"]}
    pyarrow.parquet.write_table(pyarrow.table(columns), typed)
    blocks = open_blocks(config(path), resident.preprocessing, typed, SILENT)
    assert sum(len(block) for block in blocks.read(lambda size: None)) == 2


def test_missing_values_have_no_form(path: Path) -> None:
    path.write_text(path.read_text().replace("30 %", "NA"))
    text = told(lambda: load_dataset(config(path, missing_values=["NA"]), SILENT), path.parent)
    assert text.startswith("rows.csv:31: column 'off' has no value\n")


@pytest.mark.parametrize(
    ("texts", "form"),
    [
        (["3,5", "4,25"], {"kind": "numeric", "decimal": ","}),
        (["1,234", "2,345"], {"kind": "numeric", "thousands": ","}),
        (["1.234,5", "2"], {"kind": "numeric", "thousands": "."}),
        (["$4,095.72", "$1.00"], {"kind": "numeric", "thousands": ",", "unit": "$"}),
        (["41 %", "3.5 %"], {"kind": "numeric", "unit": "%"}),
        (["1/13/2024", "2/1/2024"], {"kind": "date", "format": "%m/%d/%Y"}),
        (["13/1/2024", "2/1/2024"], {"kind": "date", "format": "%d/%m/%Y"}),
        (["1/2/2024", "2/1/2024"], None),
        (["31 May 2024", "1 May 2024"], {"kind": "date", "format": "%d %b %Y"}),
        (["31 January 2024", "1 March 2024"], {"kind": "date", "format": "%d %B %Y"}),
        (["5 kg", "3 lb"], None),
        (["1.5", "2"], None),
        (["2024-01-02", "2024-01-03"], None),
        (["red", "blue"], None),
    ],
)
def test_init_finds_the_form(texts: list[str], form: dict[str, Any] | None) -> None:
    found = likely_form(pyarrow.array([*texts, None]), wanted=False)
    assert found == (None if form is None else ColumnForm(**form))


def test_init_writes_the_forms_with_what_they_mean(
    dl: Dl, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(path.parent)
    text = dl("init", "rows.csv", "--target", "price").out
    assert (
        "  columns:\n"
        '    "off": {kind: numeric, unit: "%"}  # `10 %` is 10\n'
        '    day: {kind: date, format: "%m/%d/%Y"}  # `10/13/2024` is 2024-10-13\n'
        '    price: {kind: numeric, thousands: ., unit: "€"}  # `1.003,5 €` is 1003.5\n'
    ) in text
    (path.parent / "c.yaml").write_text(text)
    assert dl("validate", "c.yaml").code == 0


def test_quarters_are_dates_where_the_config_says_so(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("q,y\n" + "".join(f"{1990 + i // 4}Q{i % 4 + 1},{i}\n" for i in range(40)))
    [column] = [
        *load_dataset(config_for(path, columns={"q": "date"}), SILENT).preprocessing.columns
    ]
    assert column.kind == "date"
    months = parse_months(pyarrow.array(["1949Q1", "1950-q4", "1951/Q2"])).to_pylist()
    assert [str(day)[:10] for day in months] == ["1949-01-01", "1950-10-01", "1951-04-01"]
