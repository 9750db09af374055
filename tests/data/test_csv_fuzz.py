"""Whatever stands in a CSV file: it is read, or refused with a data error."""

from __future__ import annotations

import io
import random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from dl.data.sources.csv import csv_blocks
from dl.data.sources.dialect import Dialect
from dl.data.tables import EveryColumn, joined, typed_table
from dl.data.types import RawTable
from dl.errors import DataError

VALUES = ["1", "2.5", "-3e4", "", "NA", "nan", "inf", "1e400", "red", '"a, b"', "2024-01-05", "1,5"]
VALUES += ["00123", "9007199254740993", "true", '"', " x ", "é", "\ufeff", "=1+1", "12:30", "1_0"]
FIELDS = st.sampled_from(VALUES) | st.text(max_size=5)
ROWS = st.lists(st.lists(FIELDS, max_size=4).map(",".join), max_size=12)
WANTED = EveryColumn(None, (), {})
ENDS = st.sampled_from(["\n", "\r\n", "\r"])


def read(data: bytes) -> RawTable | None:
    """Reads a file with these bytes; None if it is refused."""
    try:
        blocks = csv_blocks(io.BytesIO(data), Dialect("rows.csv"), WANTED)
        return typed_table(joined(blocks, "rows.csv:{}".format), WANTED)
    except DataError as error:
        (problem,) = error.problems
        assert problem.message.startswith("rows.csv")
        return None


@settings(deadline=None)
@given(rows=ROWS, end=ENDS)
def test_rows_of_any_values(rows: list[str], end: str) -> None:
    table = read(end.join(["a,b,c", *rows]).encode("utf-8", "surrogatepass"))
    if table is not None:
        assert all(len(column.values) == len(table) for column in table.columns.values())


@settings(deadline=None)
@given(data=st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    table = read(data)
    if table is not None:
        assert all(len(column.values) == len(table) for column in table.columns.values())


@settings(max_examples=200, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_good_file_with_some_bytes_changed(seed: int) -> None:
    chance = random.Random(seed)
    lines = [f"{i},{'red' if i % 2 else 'blue'},2024-01-{i + 1:02}" for i in range(20)]
    data = bytearray("\n".join(["a,b,c", *lines]).encode())
    for _ in range(chance.randint(1, 4)):
        data[chance.randrange(len(data))] = chance.choice(b'\0\n\r",;x9\xff =')
    table = read(bytes(data))
    if table is not None:
        assert np.array_equal(table.rows, np.arange(len(table)))
