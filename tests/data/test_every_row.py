"""No row is lost or shifted: whatever reads a table, its rows are those that were written."""

from __future__ import annotations

import contextlib
import csv
import io
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from dl.config.data import ColumnKind
from dl.config.schema import Config
from dl.data.dataset import Preprocessing
from dl.data.inputs import open_blocks
from dl.data.load import load_dataset
from dl.data.sources.csv import csv_blocks, read
from dl.data.sources.dialect import Dialect
from dl.data.tables import Wanted, joined, typed_table
from dl.data.target import decode
from dl.data.types import RawTable
from dl.errors import DataError
from dl.predict.lite import Task, predictions
from dl.progress import SilentReporter
from support.tables import config_with, told

NAMES = ("n", "c", "d")
KINDS: dict[str, ColumnKind] = {"n": "numeric", "c": "categorical", "d": "date"}
Row = tuple[float | None, str | None, str | None]

ROWS = st.lists(
    st.tuples(
        st.none() | st.integers(-9, 9).map(float),
        st.none() | st.text('ab",;\n\r#é\u2028\x0b\x85', min_size=1, max_size=4),
        st.none() | st.sampled_from(["2024-01-02", "1999-12-31"]),
    ),
    min_size=1,
    max_size=9,
)
ENDS = st.sampled_from(["\n", "\r\n", "\r"])


def written(rows: list[Row], names: tuple[str, ...], end: str, quote_empty: bool) -> str:
    """Returns a table as text; a missing value is nothing, or two quotes."""
    lines = [",".join(names)]
    for row in rows:
        cells = [_cell(row[NAMES.index(name)], quote_empty) for name in names]
        lines.append(",".join(cells))
    # An empty line at the end of a file is no row, so a last row of nothing needs its quotes.
    lines[-1] = lines[-1] or '""'
    return end.join([*lines, ""])


def _cell(value: float | str | None, quote_empty: bool) -> str:
    if value is None:
        return '""' if quote_empty else ""
    text = str(value)
    special = any(letter in text for letter in '",\n\r')
    return '"' + text.replace('"', '""') + '"' if special else text


def values(table: RawTable) -> list[tuple[object, ...]]:
    """Returns the rows of a table as plain values."""
    columns = []
    for name, column in table.columns.items():
        if KINDS[name] == "categorical":
            read: list[object] = [
                column.categories[code] if code >= 0 else None for code in column.values.tolist()
            ]
        else:
            missing = column.missing()
            known = column.values.astype("datetime64[D]") if name == "d" else column.values
            read = [None if gap else value for gap, value in zip(missing, known, strict=True)]
        columns.append(list(map(str, read)))
    return list(zip(*columns, strict=True))


def expected(rows: list[Row], names: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Returns what was written as `values` gives it; spaces around a text do not count."""
    places = [NAMES.index(name) for name in names]
    return [
        tuple(
            str((str(v).strip() or None) if v is not None else None)
            for v in (row[place] for place in places)
        )
        for row in rows
    ]


@settings(deadline=None, max_examples=60)
@given(
    rows=ROWS,
    names=st.sampled_from([("n",), ("c",), ("d",), ("n", "c"), NAMES]),
    end=ENDS,
    quote_empty=st.booleans(),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    size=st.integers(1, 40),
)
def test_every_reader_gives_the_rows_that_were_written(
    rows: list[Row],
    names: tuple[str, ...],
    end: str,
    quote_empty: bool,
    encoding: str,
    size: int,
) -> None:
    data = written(rows, names, end, quote_empty).encode(encoding)
    wanted = Wanted(names, (), KINDS)
    dialect = Dialect("rows.csv", ",", encoding)
    whole = typed_table(joined(csv_blocks(io.BytesIO(data), dialect, wanted), str), wanted)
    assert values(whole) == expected(rows, names)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.csv"
        path.write_bytes(data)
        stored = typed_table(read(dialect, path, wanted, on_disk=True), wanted, on_disk=True)
        assert values(stored) == expected(rows, names)
    blocks = csv_blocks(io.BytesIO(data), dialect, wanted, to_predict=True, size=size)
    parts = [typed_table(block(), wanted) for block in blocks]
    assert [row for part in parts for row in values(part)] == expected(rows, names)


def learned_from(folder: Path, missing: str) -> tuple[Config, Preprocessing]:
    """Returns the config and what is learned of a table of `a` from 0 to 6 and `y`."""
    path = folder / "train.csv"
    path.write_text("a,y\n" + "".join(f"{i},{3 * i}\n" for i in range(7)))
    config = config_with(
        {
            "source": "csv",
            "path": str(path),
            "target": "y",
            "split": {"validation": 0, "test": 0},
        },
        preprocess={"missing": missing, "numeric": "none"},
    )
    return config, load_dataset(config, SilentReporter()).preprocessing


def predicted(folder: Path, data: bytes, missing: str, stdin: bool) -> list[float]:
    """Returns the inputs of the network, row by row, in the place of predictions."""
    config, fitted = learned_from(folder, missing)
    path = folder / "new.csv"
    path.write_bytes(data)
    chunks = open_blocks(config, fitted, io.BytesIO(data) if stdin else path, SilentReporter())
    target = fitted.target
    found = predictions(
        np.asarray,
        chunks,
        target,
        Task(path),
        SilentReporter(),
        lambda inputs, outputs: decode(outputs, target),
    )
    return [float(value) for columns in found for value in columns["prediction"]]


@pytest.mark.parametrize("stdin", [False, True])
@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("a\n1\n2\n\n4\n5\n", [1, 2, 3, 4, 5]),
        ("a\r\n1\r\n\r\n5\r\n", [1, 3, 5]),
        ("a\r1\r\r5\r", [1, 3, 5]),
        ("a\n\n2\n5\n", [3, 2, 5]),
        ("a\n1\n\n\n5\n", [1, 3, 3, 5]),
        ("a\n1\n\n5", [1, 3, 5]),
        ("a\n1\n  \n5\n", [1, 3, 5]),
        ('a\n1\n""\n5\n', [1, 3, 5]),
        ("\n\na\n1\n\n5\n", [1, 3, 5]),
        ("\ufeffa\n1\n\n5\n", [1, 3, 5]),
        ("a\n1\n5\n\n", [1, 5]),
        ("a\n1\n5\n\n\n", [1, 5, 3]),
        ("a\n\n\n", [3]),
        ("a,b\n1,\n\n,x\n5,x\n", [1, 3, 5]),
    ],
)
def test_empty_line_in_a_table_of_one_column_is_a_row(
    tmp_path: Path, text: str, numbers: list[float], stdin: bool
) -> None:
    assert predicted(tmp_path, text.encode(), "median", stdin) == numbers


def test_rule_drop_drops_no_row_to_predict(tmp_path: Path) -> None:
    assert predicted(tmp_path, b"a\n1\n\n5\n", "drop", stdin=True) == [1, 3, 5]


def test_empty_line_is_a_missing_value_for_the_rule_error(tmp_path: Path) -> None:
    assert told(lambda: predicted(tmp_path, b"a\n1\n\n3\n", "error", stdin=False), tmp_path) == (
        "new.csv:3: column 'a' has no value\n"
        "found: 1 row without it\n"
        "hint: fill it in, or set `preprocess.missing` to mean, median, most_frequent or drop"
    )


@pytest.mark.parametrize("text", ["a\n", "a\n\n", "a\r\n\r\n", "a"])
def test_empty_line_at_the_end_alone_is_no_row(tmp_path: Path, text: str) -> None:
    message = told(lambda: predicted(tmp_path, text.encode(), "median", stdin=False), tmp_path)
    assert message == "new.csv: has a header but no rows"


def is_well_formed(text: str) -> bool:
    """Whether all quotes stand where they belong; Arrow takes some that Python does not."""
    try:
        list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error:
        return False
    return True


def rows_of(read: Callable[[], list[RawTable]]) -> list[tuple[object, ...]] | None:
    """Returns the rows, or None where they are refused."""
    try:
        return [row for table in read() for row in values(table)]
    except DataError:
        return None


@settings(deadline=None, max_examples=100)
@given(
    header=st.sampled_from(["n", "c", "n,c", '"n",c', "\n\nc"]),
    body=st.text('1a,"\n\r \t#\u2028', max_size=24),
    size=st.integers(1, 30),
)
def test_all_readers_agree_on_any_text(header: str, body: str, size: int) -> None:
    text = f"{header}\n{body}"
    assume(is_well_formed(text))
    data = text.encode()
    names = tuple(name for name in ("n", "c") if name in header)
    wanted, dialect = Wanted(names, (), KINDS), Dialect("rows.csv")

    def whole() -> list[RawTable]:
        return [typed_table(joined(csv_blocks(io.BytesIO(data), dialect, wanted), str), wanted)]

    def stored() -> list[RawTable]:
        with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
            Path("rows.csv").write_bytes(data)
            return [typed_table(read(dialect, Path("rows.csv"), wanted, on_disk=True), wanted)]

    def blocks() -> list[RawTable]:
        found = csv_blocks(io.BytesIO(data), dialect, wanted, to_predict=True, size=size)
        return [typed_table(block(), wanted) for block in found]

    expected = rows_of(whole)
    assert rows_of(stored) == expected
    assert rows_of(blocks) == expected


def test_quote_that_is_not_closed_swallows_no_rows() -> None:
    # Two quotes, so their number alone does not tell.
    data = b'n,c\n1,5" disk\n2,"red\n3,blue\n4,blue\n'
    wanted = Wanted(("n", "c"), (), KINDS)
    blocks = csv_blocks(io.BytesIO(data), Dialect("rows.csv"), wanted)
    assert told(lambda: joined(blocks, str)) == (
        "rows.csv:3: is not a CSV row: unexpected end of data\n"
        'hint: check the quotes: a " is closed by a ", one inside a quoted value is doubled'
    )


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_row_of_nothing_but_tabs_is_a_row(size: int) -> None:
    wanted, data = Wanted(("n", "c"), (), KINDS), io.BytesIO(b"n\tc\n\t\n1\ta\n\t\n")
    blocks = csv_blocks(data, Dialect("r.tsv", "\t"), wanted, size=size)
    rows = [row for block in blocks for row in values(typed_table(block(), wanted))]
    assert rows == [("None", "None"), ("1.0", "a"), ("None", "None")]
