"""Writing columns as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dl.data.types import Array
from dl.data.write import rows_output
from dl.errors import DiskError


def write_csv(columns: Mapping[str, Array], target: Path | BinaryIO) -> None:
    with rows_output(target) as write:
        write(columns)


def written(**columns: object) -> str:
    stream = io.BytesIO()
    write_csv({name: np.asarray(values) for name, values in columns.items()}, stream)
    return stream.getvalue().decode()


def test_numbers_and_plain_text_are_not_quoted() -> None:
    assert written(a=["red", "blue"], b=[1, 2], c=[0.5, -1.0]) == "a,b,c\nred,1,0.5\nblue,2,-1\n"


def test_text_with_a_separator_or_quote_is_quoted() -> None:
    assert written(a=["a,b", 'c"d', "e\nf"]) == 'a\n"a,b"\n"c""d"\n"e\nf"\n'


@pytest.mark.parametrize("text", ["=1+1", "+cmd", "-x", "@sum", "\tx", "\rx"])
def test_formulas_are_made_text(text: str) -> None:
    rows = list(csv.reader(io.StringIO(written(**{text: [text]}), newline="")))
    assert rows == [["'" + text], ["'" + text]]


@pytest.mark.parametrize("text", ["-1", "+1.5", "-1e-3", "x=1", "a-b", "'=1"])
def test_numbers_and_other_text_stay(text: str) -> None:
    assert written(a=[text]) == f"a\n{text}\n"


def test_empty_text_in_a_single_column_is_a_row() -> None:
    assert written(a=["", "x"]) == 'a\n""\n"x"\n'


@settings(deadline=None)
@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1))
def test_floats_are_read_again_exactly(values: list[float]) -> None:
    text = written(x=np.asarray(values, np.float32))
    again = np.asarray(text.split()[1:], np.float32)
    assert np.array_equal(again, np.asarray(values, np.float32))


@settings(deadline=None)
@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0")), min_size=1))
def test_text_is_read_again(values: list[str]) -> None:
    text = written(a=np.asarray(values, dtype=object), b=np.arange(len(values)))
    rows = list(csv.reader(io.StringIO(text, newline="")))[1:]
    assert [row[0].removeprefix("'") for row in rows] == [v.removeprefix("'") for v in values]


def test_file_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    path.write_text("something longer than what is written\n")
    write_csv({"a": np.array([1])}, path)
    assert path.read_text() == "a\n1\n"


def test_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(DiskError) as caught:
        write_csv({"a": np.array([1])}, tmp_path)
    assert caught.value.problems[0].message == f"writing {tmp_path} failed: it is a folder"


def test_closed_pipe_passes_through() -> None:
    class Closed(io.BytesIO):
        def write(self, data: object) -> int:
            raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        write_csv({"a": np.array([1])}, Closed())
