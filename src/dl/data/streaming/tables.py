"""Tables larger than memory: typed columns on disk, of which one is read at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pyarrow.parquet

from dl.config.schema import Config
from dl.config.sections.data import CsvData, ParquetData
from dl.data.preprocessing.features import Feature, UnseenCategories, feature_names, transform_table
from dl.data.raw import Column, RawParts, RawTable
from dl.data.streaming.csv_store import csv_frame
from dl.data.streaming.scratch import ScratchFile, StoredArray, check_space
from dl.data.tables.frame import Frame
from dl.data.tables.parquet_file import (
    damaged_as_data_error,
    frame_of_parquet,
    open_parquet,
    refuse_lost_rows,
)
from dl.data.tables.read import Wanted, dialect, read_files, selector, typed_column
from dl.data.tokens import Tokens
from dl.data.types import Array
from dl.errors import DataError
from dl.progress import Reporter

_BLOCK = 1 << 25
"""Bytes of the float64 values that are made into numbers at a time."""
_RAW_BYTES = 8
_NUMBER_BYTES = 4


@dataclass(frozen=True, slots=True)
class _Stored:
    """A column whose values lie on the disk; `like` has its kind and no values."""

    like: Column
    values: StoredArray


class StoredColumns(Mapping[str, Column]):
    """Input columns on disk; a column is brought into memory each time that it is asked for.

    Attributes:
        positions: The rows to give, in this order; None for all.
    """

    def __init__(self, columns: Mapping[str, _Stored], positions: Array | None = None) -> None:
        self._columns = columns
        self.positions = positions

    def __getitem__(self, name: str) -> Column:
        stored = self._columns[name]
        if self.positions is None:
            return replace(stored.like, values=stored.values.mapped())
        return replace(stored.like, values=stored.values[self.positions])

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)

    def take(self, positions: Array) -> StoredColumns:
        """Returns the columns with only these of their rows; reads nothing."""
        chosen = positions if self.positions is None else self.positions[positions]
        return StoredColumns(self._columns, chosen)


@dataclass(frozen=True, slots=True)
class StoredTable(RawTable):
    """Rows of a table whose input columns lie on the disk; its targets are in memory."""

    columns: StoredColumns

    def take(self, positions: Array) -> StoredTable:
        """Returns the table with only these rows (0-based, of this table), in this order."""
        return replace(
            self,
            columns=self.columns.take(positions),
            targets={name: column.take(positions) for name, column in self.targets.items()},
            rows=self.rows[positions],
        )


class _ParquetColumns(Mapping[str, Any]):
    """Columns of a Parquet file, each read when it is asked for."""

    def __init__(self, path: Path, file: Any, names: list[str]) -> None:
        self._path = path
        self._file = file
        self._names = names

    def __getitem__(self, name: str) -> Any:
        with damaged_as_data_error(self._path):
            column = self._file.read(columns=[name]).column(name)
        refuse_lost_rows(self._path, len(column), self._file.metadata.num_rows)
        return column

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def stream_tables(config: Config, data: CsvData | ParquetData) -> RawParts:
    """Reads all files of a table into columns on the disk.

    Raises:
        DataError: A file or value cannot be used.
        DiskError: There is no space for the columns.
        Findings: The config asks for what makes no sense for this table.
    """
    return read_files(config, data, stream_table)


def stream_table(config: Config, path: Path, wanted: Wanted) -> RawTable:
    """Reads a file of the config's kind into columns on the disk."""
    frame = _frame(config, path, wanted)
    inputs = [name for name in frame.columns if name not in wanted.targets]
    check_space(
        _RAW_BYTES * frame.length * len(inputs),
        f"{frame.length:,} rows of {len(inputs)} columns",
    )
    scratch = ScratchFile()
    return StoredTable(
        columns=StoredColumns(
            {name: _stored(_typed(frame, name, wanted), scratch) for name in inputs}
        ),
        targets={name: _typed(frame, name, wanted) for name in wanted.targets},
        rows=np.arange(frame.length, dtype=np.int64),
        source=frame.source,
        place=frame.place,
    )


def prepare_table(
    table: StoredTable, features: Sequence[Feature], tokens: Tokens | None, reporter: Reporter
) -> StoredArray:
    """Returns the rows as numbers that lie on the disk, shape (rows, columns).

    Raises:
        DataError: As in `transform`.
        DiskError: There is no space for the numbers.
    """
    width = len(feature_names(features))
    check_space(_NUMBER_BYTES * len(table) * width, f"{len(table):,} rows of {width} numbers")
    unseen = UnseenCategories()
    scratch = ScratchFile()
    for positions in _blocks(len(table), max(width, len(table.columns))):
        scratch.write(transform_table(table.take(positions), features, unseen, tokens))
    unseen.tell(reporter)
    return scratch.array(np.float32, (len(table), width))


def _blocks(rows: int, columns: int) -> Iterator[Array]:
    size = max(1, _BLOCK // (_RAW_BYTES * columns))
    for begin in range(0, rows, size):
        yield np.arange(begin, min(begin + size, rows))


def _frame(config: Config, path: Path, wanted: Wanted) -> Frame:
    select = selector(str(path), wanted)
    if not isinstance(config.data, ParquetData):
        separator, encoding = dialect(config)
        return csv_frame(path, separator, encoding, select, wanted.features or ())
    with damaged_as_data_error(path):
        file = open_parquet(path)
    names = select(list(file.schema_arrow.names))
    columns = _ParquetColumns(path, file, names)
    return frame_of_parquet(path, columns, file.metadata.num_rows)


def _typed(frame: Frame, name: str, wanted: Wanted) -> Column:
    try:
        return typed_column(frame, name, wanted)
    except pyarrow.ArrowInvalid as error:
        raise DataError(
            f"{frame.source}: column {name!r} is too large to be read at once",
            found=str(error).split("\n")[0][:120],
            hint="write the rows as a Parquet file whose numbers are no text",
        ) from error
    finally:
        pyarrow.default_memory_pool().release_unused()


def _stored(column: Column, scratch: ScratchFile) -> _Stored:
    kind = replace(column, values=np.empty(0, column.values.dtype))
    return _Stored(kind, scratch.stored(column.values))
