"""Reading Parquet files; their columns have types, so little is left to decide."""

from __future__ import annotations

from pathlib import Path

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
    check_file(path)
    try:
        file = pyarrow.parquet.ParquetFile(path)
        header = list(file.schema_arrow.names)
        _check_header(path, header)
        wanted = select(header)
        rows = file.metadata.num_rows
        check_memory(
            rows * len(wanted) * _BYTES_PER_VALUE,
            f"{path}: is too large for the memory",
            f"{rows} rows of {len(wanted)} columns",
            "take fewer rows, or fewer columns with `data.features`",
        )
        table = file.read(columns=wanted)
    except (pyarrow.ArrowException, OSError) as error:
        raise DataError(
            f"{path}: is no Parquet file or is damaged",
            found=str(error).split("\n")[0][:120],
            hint="use `source: csv` for text; else write the file again",
        ) from error
    if table.num_rows == 0:
        raise DataError(f"{path}: has columns but no rows")

    def place(row: int) -> str:
        return f"{path}: row {row + 1}"

    return Frame({name: table.column(name) for name in wanted}, table.num_rows, str(path), place)


def _check_header(path: Path, header: list[str]) -> None:
    repeated = [name for i, name in enumerate(header) if name in header[:i]]
    if repeated:
        raise DataError(
            f"{path}: two columns are named {repeated[0]!r}",
            hint="give each column a name of its own",
        )
