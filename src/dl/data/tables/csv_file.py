"""Reading CSV files: pyarrow reads every value as text, so that nothing is guessed on the way."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.csv

from dl.config.header import MOST_ROWS, refuse_row
from dl.data.arrays.memory import check_memory
from dl.data.files import check_file
from dl.data.tables.csv_text import CsvText, decode
from dl.data.tables.frame import Frame, Names, Select
from dl.errors import DataError

_BLOCK = 1 << 24
_COPIES = 3
_OTHER_SEPARATORS = {";": '";"', "\t": '"\\t"', ",": '","', "|": '"|"'}


def read_csv(path: Path, separator: str, encoding: str, select: Select, named: Names = ()) -> Frame:
    """Reads the selected columns of a CSV file as text; an empty field is null.

    Raises:
        DataError: The file cannot be read or is no table; the message has the line.
    """
    check_file(path)
    size = path.stat().st_size
    check_memory(
        _COPIES * size,
        f"{path}: is too large for the memory",
        f"{_COPIES} times the file, for its text and its numbers",
        "take fewer rows, or write the columns that you need as Parquet",
    )
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from error
    return frame_of(decode(str(path), data, encoding, separator), select, named)


def frame_of(text: CsvText, select: Select, named: Names = ()) -> Frame:
    """Reads the selected columns of the text of a CSV file; see `read_csv`."""
    check_header(text, named)
    wanted = select(text.header)
    table = _parse(text, [text.header.index(name) for name in wanted])
    if table.num_rows == 0:
        raise no_rows(text.source)
    columns = {name: table.column(i) for i, name in enumerate(wanted)}
    return Frame(columns, table.num_rows, text.source, text.place)


def check_header(text: CsvText, named: Names = ()) -> None:
    """Refuses one column that looks like several, a row in the place of names, repeated names.

    Args:
        text: The text.
        named: Columns that are asked for by name.
    """
    header = text.header
    if len(header) == 1:
        for other, spelled in _OTHER_SEPARATORS.items():
            if other in header[0]:
                raise DataError(
                    f"{text.source}: has a single column, {header[0][:60]!r}",
                    expected=f"columns separated by {text.separator!r}",
                    hint=f"add `separator: {spelled}` below `data`",
                )
    if not text.skipped:  # a later piece of a file has the same header
        refuse_row(text.source, header, _first_rows(text), text.separator, named)
    repeated = [name for i, name in enumerate(header) if name and name in header[:i]]
    if repeated:
        raise DataError(
            f"{text.source}: two columns are named {repeated[0]!r}",
            hint="give each column a name of its own",
        )


def _first_rows(text: CsvText) -> list[list[str]]:
    """Returns the first rows; none where one cannot be read, which its reading tells of."""
    try:
        return [row for _, row in itertools.islice(text.rows(), MOST_ROWS)]
    except DataError:
        return []


def _parse(text: CsvText, wanted: list[int]) -> Any:
    body = body_of(text)
    with row_faults(text):
        return pyarrow.csv.read_csv(body, **options(text, wanted))


def body_of(text: CsvText) -> Any:
    """Returns the rows as an Arrow stream; refuses a text without rows."""
    if not text.has_rows:
        raise no_rows(text.source)
    body = pyarrow.py_buffer(text.data).slice(text.body_start, text.body_end - text.body_start)
    return pyarrow.BufferReader(body)


def no_rows(source: str) -> DataError:
    """Returns the error about a CSV file without rows."""
    return DataError(f"{source}: has a header but no rows")


def options(text: CsvText, positions: list[int]) -> dict[str, Any]:
    """Returns pyarrow's options: every column is text, an empty field (or line) is null.

    Args:
        text: The text.
        positions: The columns to read.

    Raises:
        DataError: A quote is not closed.
    """
    quoted = text.data.find(b'"') >= 0
    if quoted and (_quotes(text) % 2 or _may_begin_with_last_quote(text)):
        check_rows(text)
    wanted = [str(position) for position in positions]
    names = [str(position) for position in range(len(text.header))]
    return {
        "read_options": pyarrow.csv.ReadOptions(column_names=names, block_size=_BLOCK),
        "parse_options": pyarrow.csv.ParseOptions(
            delimiter=text.separator,
            newlines_in_values=quoted,
            ignore_empty_lines=not text.one_column,
        ),
        "convert_options": pyarrow.csv.ConvertOptions(
            include_columns=wanted,
            column_types={name: pyarrow.string() for name in wanted},
            null_values=[""],
            strings_can_be_null=True,
            check_utf8=False,
        ),
    }


def _may_begin_with_last_quote(text: CsvText) -> bool:
    """Whether a value may begin with the last quote: nothing closes it, but Arrow says nothing.

    The value would reach to the end of the file, over all rows that are left.
    """
    last = text.data.rfind(b'"')
    return text.data[max(0, last - 1) : last] in (b"", b"\n", b"\r", text.separator.encode())


def _quotes(text: CsvText) -> int:
    starts = range(0, len(text.data), _BLOCK)
    return sum(text.data[start : start + _BLOCK].count(b'"') for start in starts)


@contextmanager
def row_faults(text: CsvText) -> Iterator[None]:
    """Turns Arrow's errors into a `DataError` that names the first wrong row."""
    try:
        yield
    except pyarrow.ArrowInvalid as error:
        check_rows(text)
        raise DataError(
            f"{text.source}: is not a CSV table that can be read",
            found=str(error).split("\n")[0][:120],
            hint="a row longer than 16 MB often means a quote that is not closed",
        ) from error


def check_rows(text: CsvText) -> None:
    """Refuses the first row whose length is wrong or whose quotes are not closed."""
    expected = len(text.header)
    for line, values in text.rows():
        if len(values) != expected:
            raise DataError(
                f"{text.source}:{line}: row has {_count(len(values))}",
                expected=f"{_count(expected)}, as in the header",
                hint='put a value that holds the separator in quotes: "a, b"',
            )


def _count(values: int) -> str:
    return f"{values} value" if values == 1 else f"{values} values"
