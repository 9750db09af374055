"""What is wrong with a CSV file, told with its line."""

from __future__ import annotations

import os
import re
from encodings.aliases import aliases
from pathlib import Path

import pytest

from dl.data.load import load_dataset
from dl.errors import ConfigError, DataError
from dl.progress import SilentReporter
from support.tables import config_for, config_with, told


def fault(folder: Path, content: str | bytes, **data: object) -> str:
    """Returns the error that a file with this content causes."""
    path = folder / "rows.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return told(lambda: load_dataset(config_for(path, **data), SilentReporter()), folder)


def path_fault(path: Path, folder: Path) -> str:
    return told(lambda: load_dataset(config_for(path), SilentReporter()), folder)


def test_missing_file_names_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("x,y\n1,2\n")
    assert path_fault(tmp_path / "row.csv", tmp_path) == (
        "row.csv: there is no such file\nhint: did you mean rows.csv?"
    )


def test_missing_folder(tmp_path: Path) -> None:
    assert path_fault(tmp_path / "no" / "rows.csv", tmp_path) == (
        "no/rows.csv: there is no such file\nhint: there is no folder no either"
    )


def test_directory(tmp_path: Path) -> None:
    (tmp_path / "rows").mkdir()
    assert path_fault(tmp_path / "rows", tmp_path) == (
        "rows: is a folder without files\n"
        "expected: a folder of files of one kind\n"
        "hint: name another one; or files in its folders by a pattern: rows/*/*"
    )


def test_pipe_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "rows.csv")
    assert path_fault(tmp_path / "rows.csv", tmp_path) == (
        "rows.csv: is a pipe or a device\n"
        "expected: a regular file\n"
        "hint: write the rows to a file first (`dl predict` reads a pipe as `-`)"
    )


def test_url_is_refused(tmp_path: Path) -> None:
    assert path_fault(tmp_path / "https:/example.org/rows.csv", tmp_path) == (
        "https:/example.org/rows.csv: is a URL\n"
        "expected: a path on this machine\n"
        "hint: download it first"
    )


def test_path_below_a_file(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("x,y\n1,2\n")
    assert path_fault(tmp_path / "rows.csv" / "more.csv", tmp_path).startswith(
        "rows.csv/more.csv: there is no such file"
    )


@pytest.mark.parametrize("content", ["", "\n\n", "\ufeff"])
def test_empty(tmp_path: Path, content: str) -> None:
    assert fault(tmp_path, content) == (
        "rows.csv: is empty\nexpected: a header row and rows below it"
    )


@pytest.mark.parametrize("content", ["x,y", "x,y\n", "x,y\r\n\r\n"])
def test_header_only(tmp_path: Path, content: str) -> None:
    assert fault(tmp_path, content) == "rows.csv: has a header but no rows"


def test_missing_target_names_the_nearest(tmp_path: Path) -> None:
    assert fault(tmp_path, "x,label\n1,2\n", target="labels") == (
        "rows.csv: there is no target column 'labels'\n"
        "expected: one of x, label\n"
        "hint: did you mean 'label'?"
    )


def test_several_missing_features_are_told_at_once(tmp_path: Path) -> None:
    assert fault(tmp_path, "width,y\n1,2\n", features=["widht", "a", "b", "c", "d"]) == (
        "rows.csv: there are no columns 'widht', 'a', 'b', 'c' and 1 more\n"
        "expected: one of width, y\n"
        "hint: did you mean 'width'?"
    )


def test_missing_feature_names_the_nearest(tmp_path: Path) -> None:
    assert fault(tmp_path, "width,y\n1,2\n", features=["widht"]) == (
        "rows.csv: there is no column 'widht'\n"
        "expected: one of width, y\n"
        "hint: did you mean 'width'?"
    )


def test_kind_of_a_missing_column(tmp_path: Path) -> None:
    assert fault(tmp_path, "x,y\n1,2\n", columns={"z": "numeric"}) == (
        "rows.csv: there is no input column 'z'\nexpected: one of x"
    )


def test_no_column_beside_the_target(tmp_path: Path) -> None:
    assert fault(tmp_path, "y\n1\n") == "rows.csv: there is no column besides the target"


def test_duplicate_header(tmp_path: Path) -> None:
    assert fault(tmp_path, "x,x,y\n1,2,3\n") == (
        "rows.csv: two columns are named 'x'\nhint: give each column a name of its own"
    )


def test_column_without_a_name(tmp_path: Path) -> None:
    assert fault(tmp_path, ",x,y\n0,1,2\n") == (
        "rows.csv: column 1 has no name\n"
        "expected: a name for each column in the header\n"
        "hint: name it, or list the columns to use in `data.features`; pandas leaves it out with "
        "`to_csv(FILE, index=False)`"
    )


def test_column_without_a_name_that_is_not_used(tmp_path: Path) -> None:
    rows = "".join(f"{i},{i},{i}\n" for i in range(10))
    (tmp_path / "rows.csv").write_text(",x,y\n" + rows)
    config = config_for(tmp_path / "rows.csv", features=["x"])
    assert load_dataset(config, SilentReporter()).preprocessing.feature_names == ("x",)


def test_longer_row_has_its_line(tmp_path: Path) -> None:
    assert fault(tmp_path, 'x,y\n1,2\n\n"3\n",4\n5,6,7\n') == (
        "rows.csv:6: row has 3 values\n"
        "expected: 2 values, as in the header\n"
        'hint: put a value that holds the separator in quotes: "a, b"'
    )


def test_shorter_row_has_its_line(tmp_path: Path) -> None:
    assert fault(tmp_path, "x,y\n1,2\n3\n") == (
        "rows.csv:3: row has 1 value\n"
        "expected: 2 values, as in the header\n"
        'hint: put a value that holds the separator in quotes: "a, b"'
    )


def test_quote_that_is_not_closed(tmp_path: Path) -> None:
    assert fault(tmp_path, 'x,y\n1,2\n"3,4\n5,6\n') == (
        "rows.csv:3: is not a CSV row: unexpected end of data\n"
        'hint: check the quotes: a " is closed by a ", one inside a quoted value is doubled'
    )


def test_nul(tmp_path: Path) -> None:
    assert fault(tmp_path, "x,y\n1,2\n3,\x004\n") == (
        "rows.csv:3: holds a NUL byte\n"
        "expected: a text file\n"
        "hint: the file is binary or damaged; export it again"
    )


def test_wrong_encoding_has_its_line(tmp_path: Path) -> None:
    assert fault(tmp_path, "x,y\n1,2\nk\xfche,4\n".encode("latin-1")) == (
        "rows.csv:3: is not utf-8 text\n"
        "found: byte 0xfc\n"
        "hint: name its encoding: `encoding: cp1252` (Windows), `encoding: latin-1` or "
        "`encoding: utf-16`"
    )


@pytest.mark.parametrize(
    ("encoding", "key"),
    [
        ("utf-8-sig", "utf-8"),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16"),  # without a byte order mark
        ("cp1252", "cp1252"),
    ],
)
def test_other_encodings_are_read(tmp_path: Path, encoding: str, key: str) -> None:
    text = "größe,y\n" + "".join(f"{i},{i}\n" for i in range(10))
    (tmp_path / "rows.csv").write_bytes(text.encode(encoding))
    config = config_for(tmp_path / "rows.csv", encoding=key)
    assert load_dataset(config, SilentReporter()).preprocessing.feature_names == ("größe",)


@pytest.mark.parametrize(
    ("key", "value"), [("encoding", "latin-99"), ("encoding", "hex"), ("separator", '"')]
)
def test_unusable_dialect_is_a_mistake_of_the_config(tmp_path: Path, key: str, value: str) -> None:
    (tmp_path / "rows.csv").write_text("x,y\n1,2\n")
    with pytest.raises(ConfigError, match=f"data.{key} "):
        config_for(tmp_path / "rows.csv", **{key: value})


@pytest.mark.parametrize("encoding", sorted(set(aliases.values())))
def test_every_encoding_is_refused_or_reads_the_same_numbers(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "rows.csv").write_text("x,y\n" + "".join(f"{n},{2 * n}\n" for n in range(10)))
    refused = r"encoding is not known|there is no target column 'y'|is not \w+ text"
    try:
        read = load_dataset(config_for(tmp_path / "rows.csv", encoding=encoding), SilentReporter())
        numbers, told = sorted(read.train.y.ravel()), ""
    except (ConfigError, DataError) as error:
        numbers, told = [], str(error)
    assert numbers == [2, 4, 6, 10, 12, 14, 18] or re.search(refused, told)


@pytest.mark.parametrize(("separator", "spelled"), [(";", '";"'), ("\t", '"\\t"')])
def test_wrong_separator(tmp_path: Path, separator: str, spelled: str) -> None:
    header = separator.join(["x", "y"])
    assert fault(tmp_path, f"{header}\n1{separator}2\n") == (
        f"rows.csv: has a single column, {header!r}\n"
        "expected: columns separated by ','\n"
        f"hint: add `separator: {spelled}` below `data`"
    )


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"PAR1\x15", "a Parquet file: use `source: parquet`"),
        (b"PK\x03\x04", "a zip or spreadsheet file: use `source: excel`, or unpack it"),
    ],
)
def test_other_formats_are_named(tmp_path: Path, content: bytes, what: str) -> None:
    assert fault(tmp_path, content) == f"rows.csv: is {what}"


def test_text_among_numbers_has_line_column_and_value(tmp_path: Path) -> None:
    rows = "".join(f"{i},{i}\n" for i in range(20))
    assert fault(tmp_path, f"x,y\n{rows}oops,3\n") == (
        "rows.csv:22: column 'x' is numeric, but this is text\n"
        "expected: a number\n"
        "found: 'oops'\n"
        "hint: leave the field empty if the value is missing; write decimals with a point, or "
        "add `data.columns: {x: categorical}`"
    )


def test_text_in_a_column_that_is_said_to_be_numeric(tmp_path: Path) -> None:
    assert fault(tmp_path, "x,y\n1,2\nred,3\nblue,3\n", columns={"x": "numeric"}).startswith(
        "rows.csv:3: column 'x' is numeric, but this is text\nexpected: a number\nfound: 'red'"
    )


def test_decimal_commas(tmp_path: Path) -> None:
    assert fault(tmp_path, "x;y\n1,5;2\n2,5;3\n", separator=";").startswith(
        "rows.csv:2: column 'x': '1,5' is not a number; write 1.5\n"
    )


def test_text_in_a_column_that_is_said_to_be_a_date(tmp_path: Path) -> None:
    content = "x,y\n2024-01-05,2\n12/31/2024,3\n"
    assert fault(tmp_path, content, columns={"x": "date"}) == (
        "rows.csv:3: column 'x' is a date, but this is not one that can be read\n"
        "expected: 2024-12-31, 2024-12-31 23:59, 2024/12/31 or 31.12.2024\n"
        "found: '12/31/2024'\n"
        "hint: write it in one of these forms, or add `data.columns: {x: categorical}`"
    )


@pytest.mark.parametrize(
    ("value", "what"),
    [("inf", "is infinite"), ("1e400", "is infinite"), ("-1e39", "is too large")],
)
def test_infinite_and_too_large_numbers(tmp_path: Path, value: str, what: str) -> None:
    assert fault(tmp_path, f"x,y\n1,2\n{value},3\n") == (
        f"rows.csv:3: column 'x' {what}\n"
        "expected: a number between -3.4e+38 and 3.4e+38\n"
        f"found: '{value}'\n"
        "hint: correct the value, or leave the field empty and set `preprocess.missing`"
    )


def test_integer_that_is_not_exact(tmp_path: Path) -> None:
    assert fault(tmp_path, "x,y\n1,2\n9007199254740993,3\n") == (
        "rows.csv:3: column 'x' holds an integer that is too large to be exact\n"
        "expected: integers up to 2^53\n"
        "found: '9007199254740993'\n"
        "hint: leave an identifier out with `data.exclude`, or make it `categorical` in "
        "`data.columns`"
    )


def test_missing_value_has_its_line(tmp_path: Path) -> None:
    rows = "".join(f"{i},{i}\n" for i in range(8))
    split = {"validation": 0, "test": 0}
    assert fault(tmp_path, f"x,y\n{rows},3\nnan,4\n", split=split) == (
        "rows.csv:10: column 'x' has no value\n"
        "found: 2 rows without it\n"
        "hint: fill it in, or set `preprocess.missing` to mean, median, most_frequent or drop"
    )


def test_missing_target_has_its_line(tmp_path: Path) -> None:
    assert fault(tmp_path, "x,y\n1,2\n2,\n") == (
        "rows.csv:3: the target 'y' is missing\n"
        "found: 1 row without it\n"
        "hint: fill it in, or write `data.missing_target: drop` to leave such rows out"
    )


def test_column_without_values(tmp_path: Path) -> None:
    rows = "".join(f"{i},,{i}\n" for i in range(10))
    assert fault(tmp_path, f"x,z,y\n{rows}") == (
        "rows.csv: column 'z' has no values in the training part\n"
        "hint: add `exclude: [z]` below `data`"
    )


def test_empty_split(tmp_path: Path) -> None:
    assert fault(tmp_path, "x,y\n1,2\n2,3\n") == (
        "rows.csv: the test part is empty\n"
        "expected: a fraction that is at least one row, or 0\n"
        "found: `data.split.test: 0.2` of 2 rows\n"
        "hint: write `data.split.test: 0` to do without it"
    )


def test_dropping_all_rows(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("x,z,y\n1,,2\n,2,3\n")
    config = config_with(
        {"source": "csv", "path": str(tmp_path / "rows.csv"), "target": "y"},
        preprocess={"missing": "drop"},
    )
    assert told(lambda: load_dataset(config, SilentReporter()), tmp_path) == (
        "rows.csv: every row lacks a value, so none is left\n"
        "hint: fill with `preprocess.missing: median`, or leave the empty columns out with "
        "`data.features`"
    )


def test_row_behind_a_stray_quote_has_no_line(tmp_path: Path) -> None:
    assert fault(tmp_path, 'x,c,y\n1,"a"b,2\ninf,c,3\n').startswith("rows.csv: column 'x' is inf")


def test_text_in_a_numeric_target_advises_another_loss(tmp_path: Path) -> None:
    rows = "".join(f"{i},{i}\n" for i in range(20))
    assert fault(tmp_path, f"x,y\n{rows}1,many\n") == (
        "rows.csv:22: column 'y' is numeric, but this is text\n"
        "expected: a number\n"
        "found: 'many'\n"
        "hint: leave the field empty if the value is missing; write decimals with a point, or "
        "name a loss for classes if these are classes"
    )


def test_file_that_does_not_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dl.data.storage.available_memory", lambda: 8)
    assert fault(tmp_path, "x,y\n1,2\n") == (
        "rows.csv: is too large for the memory\n"
        "expected: at most 0.0 GiB\n"
        "found: 0.0 GiB, 3 times the file, for its text and its numbers\n"
        "hint: take fewer rows, or write the columns that you need as Parquet"
    )
