"""Reading Parquet files; their columns have types, so little is left to decide."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet

from dl.data.arrays.memory import check_memory
from dl.data.files import check_file
from dl.data.tables.frame import Frame, Select
from dl.errors import DataError

_BYTES_PER_VALUE = 16
"""A value as it was read, and as a number."""


def read_parquet(path: Path, select: Select) -> Frame:
    """Reads the selected columns of a Parquet file.

    Raises:
        DataError: The file cannot be read or is no table.
    """
    with damaged_as_data_error(path):
        file = open_parquet(path)
        wanted = select(list(file.schema_arrow.names))
        rows = file.metadata.num_rows
        check_memory(
            rows * len(wanted) * _BYTES_PER_VALUE,
            f"{path}: is too large for the memory",
            f"{rows} rows of {len(wanted)} columns",
            "take fewer rows, or fewer columns with `data.features`, or let `engine.memory` "
            "be smaller: larger data is streamed",
        )
        table = file.read(columns=wanted)
    refuse_lost_rows(path, table.num_rows, rows)
    return frame_of_parquet(path, {name: table.column(name) for name in wanted}, rows)


def open_parquet(path: Path) -> Any:
    """Opens a Parquet file; reads no rows.

    Raises:
        DataError: Two columns have the same name, or there are no rows.
        ArrowException: It is not a Parquet file; `damaged_as_data_error` words it.
    """
    check_file(path)
    file = pyarrow.parquet.ParquetFile(path)
    _check_header(path, list(file.schema_arrow.names))
    if file.metadata.num_rows == 0:
        raise DataError(f"{path}: has columns but no rows")
    return file


BROKEN_PARQUET = (pyarrow.ArrowException, OSError, UnicodeDecodeError)
"""What Arrow raises for a damaged file; the last one for names of columns that are no UTF-8."""


@contextmanager
def damaged_as_data_error(path: Path) -> Iterator[None]:
    """Turns Arrow's errors about a Parquet file into a `DataError`."""
    try:
        yield
    except BROKEN_PARQUET as error:
        raise DataError(
            f"{path}: is not a Parquet file or is damaged",
            found=str(error).split("\n")[0][:120],
            hint="use `source: csv` for text; else write the file again",
        ) from error


def refuse_lost_rows(path: Path, found: int, rows: int) -> None:
    """Refuses a Parquet file of which fewer rows can be read than it says to have."""
    if found != rows:
        raise DataError(
            f"{path}: is damaged",
            expected=f"{rows} rows, as the file says",
            found=str(found),
            hint="write the file again",
        )


def frame_of_parquet(path: Path, columns: Mapping[str, Any], rows: int) -> Frame:
    """Returns the frame of a Parquet file's columns."""

    def place(row: int) -> str:
        return f"{path}: row {row + 1}"

    return Frame(columns, rows, str(path), place)


def _check_header(path: Path, header: list[str]) -> None:
    repeated = [name for i, name in enumerate(header) if name in header[:i]]
    if repeated:
        raise DataError(
            f"{path}: two columns are named {repeated[0]!r}",
            hint="give each column a name of its own",
        )
