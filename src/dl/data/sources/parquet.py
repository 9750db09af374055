"""Parquet files; their columns have types, so little is left to decide."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet

from dl.data.files import check_file
from dl.data.storage import check_memory
from dl.data.tables import Block, ReadBlock, Wanted, joined, refuse_repeated
from dl.data.types import Place
from dl.errors import DataError
from dl.progress import Advance

_BYTES_PER_VALUE = 16
"""A value as it was read, and as a number."""
_ROWS = 1 << 16
_BROKEN = (pyarrow.ArrowException, OSError, UnicodeDecodeError)
"""What Arrow raises for a damaged file; the last one for names of columns that are not UTF-8."""


def read(data: Any, path: Path, wanted: Wanted, on_disk: bool = False) -> Block:
    """Reads the wanted columns of a Parquet file.

    Args:
        data: The section `data`; not needed.
        path: The file.
        wanted: The columns.
        on_disk: Leave them in the file, and read a column each time that it is asked for.

    Raises:
        DataError: The file cannot be read or is not a table; a column may raise it, too.
    """
    file = _opened(path)
    names = wanted.selected(str(path), list(file.schema_arrow.names))
    length = min(file.metadata.num_rows, wanted.rows or sys.maxsize)

    def whole(names: Sequence[str]) -> Block:
        return joined(_blocks(path, _opened(path), names), _place(path), wanted.rows)

    if on_disk:
        return Block(
            names, lambda name: whole([name]).column(name), length, str(path), _place(path)
        )
    check_memory(
        length * len(names) * _BYTES_PER_VALUE,
        f"{path}: is too large for the memory",
        f"{length} rows of {len(names)} columns",
        "take fewer rows, or fewer columns with `data.features`, or let `engine.memory` "
        "be smaller: larger data is streamed",
    )
    return whole(names)


def total(path: Path) -> int:
    """Returns the number of rows; raises `DataError`."""
    return int(_opened(path).metadata.num_rows)


def numbers(data: Any, path: Path) -> int:
    """Returns the number of values, 0 for a file that will be refused anyway."""
    check_file(path)
    try:
        metadata = pyarrow.parquet.read_metadata(path)
    except _BROKEN:
        return 0
    return min(int(metadata.num_rows), getattr(data, "rows", None) or sys.maxsize) * int(
        metadata.num_columns
    )


def blocks(data: Any, rows: Path, wanted: Wanted, advance: Advance) -> Iterator[ReadBlock]:
    """Yields readers of the wanted columns, so many rows at a time, and reports progress.

    Raises:
        DataError: The file cannot be read.
    """
    file = _opened(rows)
    names = wanted.selected(str(rows), list(file.schema_arrow.names))
    return _blocks(rows, file, names, advance)


def _blocks(
    path: Path, file: Any, names: Sequence[str], advance: Advance = lambda rows: None
) -> Iterator[ReadBlock]:
    batches = file.iter_batches(batch_size=_ROWS, columns=list(names))
    begin = 0
    while True:
        with _damaged_as_data_error(path):
            batch = next(batches, None)
        if batch is None:
            break
        table = pyarrow.Table.from_batches([batch])
        yield partial(Block, names, table.column, len(table), str(path), _place(path, begin))
        advance(len(table))
        begin += len(table)
    if begin != file.metadata.num_rows:
        raise DataError(
            f"{path}: is damaged",
            expected=f"{file.metadata.num_rows} rows, as the file says",
            found=str(begin),
            hint="write the file again",
        )


def _opened(path: Path) -> Any:
    """Opens a file of which no two columns have the same name; reads no rows."""
    check_file(path)
    with _damaged_as_data_error(path):
        file = pyarrow.parquet.ParquetFile(path)
        header = list(file.schema_arrow.names)
    refuse_repeated(str(path), header)
    if file.metadata.num_rows == 0:
        raise DataError(f"{path}: has columns but no rows")
    return file


@contextmanager
def _damaged_as_data_error(path: Path) -> Iterator[None]:
    try:
        yield
    except _BROKEN as error:
        raise DataError(
            f"{path}: is not a Parquet file or is damaged",
            found=str(error).split("\n")[0][:120],
            hint="use `source: csv` for text; else write the file again",
        ) from error


def _place(path: Path, begin: int = 0) -> Place:
    return lambda row: f"{path}: row {begin + row + 1}"
