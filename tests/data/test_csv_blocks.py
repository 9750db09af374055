"""CSV in blocks: the same rows, lines and errors as in one block, wherever it is cut."""

from __future__ import annotations

import contextlib
import csv
import io
import tempfile
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dl.config.data import ColumnKind
from dl.data.sources import csv as csv_source
from dl.data.sources import parquet
from dl.data.sources.csv import csv_blocks
from dl.data.sources.dialect import Dialect
from dl.data.tables import Wanted, typed_table
from dl.data.types import Array, RawTable
from dl.errors import DataError
from support.tables import told

KINDS: dict[str, ColumnKind] = {"n": "numeric", "c": "categorical", "d": "date"}
WANTED = Wanted(tuple(KINDS), (), KINDS)
ROWS = "1.5,red,2024-01-02\n-2,blue,2024-02-03\n,red,\n4e1,,2024-03-04\n"
TEXT = "n,c,d\n" + ROWS
SIZES = [1, 2, 7, 20, 40, 1000]


def tables(data: bytes, size: int, encoding: str = "utf-8") -> list[RawTable]:
    """Returns the blocks, as `dl predict` reads them."""
    dialect = Dialect("new.csv", ",", encoding)
    blocks = csv_blocks(io.BytesIO(data), dialect, WANTED, to_predict=True, size=size)
    return [typed_table(read(), WANTED) for read in blocks]


def whole(data: bytes, encoding: str = "utf-8") -> RawTable:
    """Returns the table as `dl train` reads it: no number is read but from its text."""
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        path = Path("new.csv")
        path.write_bytes(data)
        return typed_table(csv_source.read(Dialect("", ",", encoding), path, WANTED), WANTED)


def texts(table: RawTable, name: str) -> list[str | None]:
    """Returns a categorical column as text."""
    column = table.columns[name]
    return [column.categories[code] if code >= 0 else None for code in column.values.tolist()]


def assert_same(parts: list[RawTable], expected: RawTable) -> None:
    joined: dict[str, Array] = {
        name: np.concatenate([part.columns[name].values for part in parts]) for name in ("n", "d")
    }
    np.testing.assert_array_equal(joined["n"], expected.columns["n"].values)
    np.testing.assert_array_equal(joined["d"], expected.columns["d"].values)
    assert [text for part in parts for text in texts(part, "c")] == texts(expected, "c")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
def test_blocks_hold_the_rows_of_the_whole(size: int, end: str, encoding: str) -> None:
    data = TEXT.replace("red", "röt").replace("\n", end).encode(encoding)
    assert_same(tables(data, size, encoding), whole(data, encoding))


@pytest.mark.parametrize("size", SIZES)
def test_lines_of_an_old_macintosh_are_one_block(size: int) -> None:
    data = TEXT.replace("\n", "\r").encode()
    assert len(tables(data, size)) == 1
    assert_same(tables(data, size), whole(data))


@pytest.mark.parametrize("size", SIZES)
def test_byte_order_mark_is_no_part_of_the_header(size: int) -> None:
    data = b"\xef\xbb\xbf" + TEXT.encode()
    assert_same(tables(data, size), whole(data))


@pytest.mark.parametrize("size", SIZES)
def test_quoted_line_ends_do_not_end_a_row(size: int) -> None:
    data = b'n,c,d\n1,"a\nb\r\n""c"",\n",2024-01-01\n2,"\n",\n3,x,2024-01-01\n'
    assert_same(tables(data, size), whole(data))


@pytest.mark.parametrize("size", SIZES)
def test_quotes_inside_plain_values_stand_for_themselves(size: int) -> None:
    data = b'n,c,d\n1,5" disk,\n2,"a\nb",\n3,x"y,2024-01-01\n4,"q\n9,""z"",\n",\n5,5" disk,\n'
    parts = tables(data, size)
    assert [text for part in parts for text in texts(part, "c")] == [
        *('5" disk', "a\nb", 'x"y', 'q\n9,"z",', '5" disk')
    ]


@pytest.mark.parametrize("size", SIZES)
def test_blank_lines_and_a_missing_last_line_end_are_fine(size: int) -> None:
    data = b"\n\nn,c,d\n\n1,red,\n\n\n2,blue,2024-01-01"
    assert_same(tables(data, size), whole(data))


def test_row_may_be_longer_than_a_block() -> None:
    data = f"n,c,d\n1,{'x' * 5000},\n2,red,\n".encode()
    assert_same(tables(data, 64), whole(data))


def test_mistakes_are_told_in_the_order_of_the_file() -> None:
    data = b"n,c,d\n1,red\n2,r\0d,\n"
    assert told(lambda: tables(data, 14)).startswith("new.csv:2: row has 2 values")


def test_blocks_are_small() -> None:
    data = TEXT.encode() + ROWS.encode() * 50
    assert max(len(part) for part in tables(data, 100)) <= 8


@pytest.mark.parametrize(
    ("bad", "expected"),
    [
        (b"oops,red,\n", "column 'n' is numeric, but this is text"),
        (b"inf,red,\n", "column 'n' is infinite"),
        (b"9007199254740993,red,\n", "column 'n' holds an integer that is too large to be exact"),
        (b"1,red,soon\n", "column 'd' is a date, but this is not one that can be read"),
        (b"1,red\n", "row has 2 values"),
        (b"1,r\0d,\n", "holds a NUL byte"),
        (b"1,r\xffd,\n", "is not utf-8 text"),
    ],
)
@pytest.mark.parametrize("size", SIZES)
def test_error_in_a_later_block_has_the_line_of_the_file(
    bad: bytes, expected: str, size: int
) -> None:
    data = b"n,c,d\n" + b'1,"a\nb",\r\n\n2,blue,2024-01-01\n' * 3 + bad + b"1,red,\n"
    # Arrow counts rows, but a file has lines: four for each repetition.
    line = 1 + 3 * 4 + 1
    assert told(lambda: tables(data, size)).startswith(f"new.csv:{line}: {expected}")
    assert told(lambda: whole(data)) == told(lambda: tables(data, size))


@pytest.mark.parametrize("size", SIZES)
def test_quote_that_is_not_closed_is_refused(size: int) -> None:
    data = b'n,c,d\n1,red,\n2,"red,\n3,red,\n'
    assert told(lambda: tables(data, size)).startswith("new.csv:3: is not a CSV row")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "new.csv: is empty"),
        (b"n;c;d\n1;red;\n", "new.csv: has a single column, 'n;c;d'"),
        (b"n,c\n1,red\n", "new.csv: there is no column 'd'"),
        (b"n,c,d,n\n1,red,,1\n", "new.csv: two columns are named 'n'"),
        (b"PAR1,", "new.csv: is a Parquet file"),
    ],
)
def test_wrong_start_is_told_as_for_a_whole_file(data: bytes, expected: str) -> None:
    assert told(lambda: tables(data, 8)).startswith(expected)


def test_failing_disk_is_told() -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise OSError(5, "Input/output error")

    blocks = csv_blocks(Broken(), Dialect("new.csv"), WANTED)
    assert told(lambda: next(blocks)) == "new.csv: cannot be read: Input/output error"


CELLS = st.one_of(
    st.sampled_from(["", "1", " 2.5 ", "-0.0", "1e300", "nan", "007", "1e400", "0x10", "1,5", "x"]),
    st.floats(allow_nan=False).map(repr),
    st.integers(-(2**60), 2**60).map(str),
)
WORDS = st.text('ab",\n\r ;é', max_size=6)


@settings(deadline=None, max_examples=150)
@given(st.lists(st.tuples(CELLS, WORDS), min_size=1, max_size=8), st.integers(1, 60))
def test_any_table_reads_as_in_one_block(rows: list[tuple[str, str]], size: int) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([("n", "c", "d"), *((number, word, "") for number, word in rows)])
    data = text.getvalue().encode()
    try:
        expected = whole(data)
    except DataError:
        with pytest.raises(DataError):
            tables(data, size)
    else:
        assert_same(tables(data, size), expected)


def test_parquet_comes_in_blocks_with_the_rows_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "new.parquet"
    table = pyarrow.table({"c": ["a", None, "b", "a", "x"], "n": [1.0, 2, 3, 4, None]})
    pyarrow.parquet.write_table(table, path, row_group_size=3)
    wanted = Wanted(("n", "c"), (), {"n": "numeric", "c": "categorical"})
    done: list[int] = []

    monkeypatch.setattr(parquet, "_ROWS", 2)
    tables_read = [
        typed_table(read(), wanted) for read in parquet.blocks(None, path, wanted, done.append)
    ]

    numbers = np.concatenate([part.columns["n"].values for part in tables_read])
    np.testing.assert_array_equal(numbers, [1, 2, 3, 4, np.nan])
    assert [word for part in tables_read for word in texts(part, "c")] == ["a", None, "b", "a", "x"]
    assert sum(done) == 5
    assert tables_read[-1].place(len(tables_read[-1]) - 1) == f"{path}: row 5"


def test_the_line_of_a_row_is_that_of_a_reader_of_quotes() -> None:
    dialect = Dialect(separator=",", source="f")
    texts = (b"a,1\nb,2\n", b'"c\nd",3\n\ne,4\n', b"f,5\r\ng,6\r\n", b"h,7\ni,8")
    lines, blocks = 2, []
    for text in texts:
        blocks.append(csv_source._Rows(dialect, ["x", "y"], text, lines))
        lines += text.count(b"\n")
    assert [block.is_plain() for block in blocks] == [True, False, False, True]
    placed = [csv_source._place(blocks, "f", row) for row in range(9)]
    assert placed == [f"f:{line}" for line in (2, 3, 4, 7, 8, 9, 10, 11)] + ["f"]
