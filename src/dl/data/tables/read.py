"""Reading tables: a config's files or data set to typed columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from dl.config.schema import Config
from dl.config.sections.data import BuiltinData, ColumnKind, CsvData, ParquetData, own_paths
from dl.config.written import stands_for_missing
from dl.data.files import unchanged
from dl.data.fingerprint import fingerprint_files
from dl.data.raw import Column, RawParts, RawTable
from dl.data.tables.builtin import read_builtin
from dl.data.tables.columns import Cell, Use, to_column, without_texts
from dl.data.tables.csv_file import read_csv
from dl.data.tables.frame import Frame, Select
from dl.data.tables.parquet_file import read_parquet
from dl.data.tables.select import require
from dl.errors import DataError
from dl.vocabulary.traits import TAKES_CLASSES

FileData = CsvData | ParquetData
Kinds = Mapping[str, ColumnKind]

ReadTable = Callable[[Config, Path, "Wanted"], RawTable]
"""Reads a file of the config's kind."""

_INDEX = "__index_level_"
"""How pandas names an index without a name, where it writes one as a column."""
_CLASSIFICATION = ("binary", "multiclass", "multilabel")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which columns to read and how.

    Attributes:
        features: Input columns; None for every column but the targets.
        targets: Target columns; empty for rows to predict.
        kinds: Kinds of columns that are known.
        strict_target: Whether a target of numbers and a few texts is a mistake.
        classes: The classes of the target, where they are known.
        missing_in: Returns the texts that stand for a missing value in a column.
        trained: Whether a trained run reads the rows.
    """

    features: Sequence[str] | None
    targets: Sequence[str]
    kinds: Kinds
    strict_target: bool = False
    classes: Sequence[str] = ()
    missing_in: Callable[[str], Sequence[str]] = lambda name: ()
    trained: bool = False


def read_tables(config: Config) -> RawParts:
    """Reads all files of a table, or a data set of scikit-learn.

    Raises:
        DataError: A file or value cannot be used.
        Findings: The config asks for what makes no sense for this table.
    """
    data = config.data
    match data:
        case BuiltinData():
            return read_builtin(data)
        case CsvData() | ParquetData():
            return read_files(config, data, read_table_from)
        case _:
            raise TypeError(f"no table: {data.source}")


def read_table_from(config: Config, path: Path, wanted: Wanted) -> RawTable:
    """Reads another file: of the config's kind, or a CSV file for a built-in data set."""
    return typed_table(_frame(config, path, wanted), wanted)


def read_files(config: Config, data: FileData, read: ReadTable) -> RawParts:
    """Reads the config's files with a function that reads one; the first decides the kinds."""
    targets = (data.target,) if isinstance(data.target, str) else data.target
    strict = _strict_target(config)
    kinds, classes = data.columns or {}, data.classes or ()
    wanted = Wanted(data.features, targets, kinds, strict, classes, data.missing_in)
    paths = own_paths(data)
    with unchanged(paths):
        train = read(config, Path(data.path), wanted)
        _check_kinds(data, train)
        alike = replace(wanted, features=tuple(train.columns), kinds=_kinds(train))
        validation, test = (
            None if path is None else read(config, Path(path), alike)
            for path in (data.validation_path, data.test_path)
        )
        fingerprint = fingerprint_files(paths)
    return RawParts(train, validation, test, fingerprint=fingerprint)


def _frame(config: Config, path: Path, wanted: Wanted) -> Frame:
    select = selector(str(path), wanted)
    if isinstance(config.data, ParquetData):
        return read_parquet(path, select)
    separator, encoding = dialect(config)
    return read_csv(path, separator, encoding, select, wanted.features or ())


def dialect(config: Config) -> tuple[str, str]:
    """Returns the separator and the encoding of the config's CSV files."""
    data = config.data
    return (data.separator, data.encoding) if isinstance(data, CsvData) else (",", "utf-8")


def missing_in(config: Config) -> Callable[[str], Sequence[str]]:
    """Returns what tells the texts that stand for a missing value in a column."""
    data = config.data
    return data.missing_in if isinstance(data, CsvData | ParquetData) else lambda name: ()


def _strict_target(config: Config) -> bool:
    if config.data.task is not None:
        return config.data.task not in _CLASSIFICATION
    return config.training.loss.type not in TAKES_CLASSES | {"KLDivergence"}


def _check_kinds(data: FileData, table: RawTable) -> None:
    require(table.source, data.columns or (), tuple(table.columns), "input column")
    if isinstance(data.missing_values, dict):
        require(table.source, data.missing_values, (*table.columns, *table.targets), "column")


def _kinds(table: RawTable) -> Kinds:
    return {name: column.kind for name, column in {**table.columns, **table.targets}.items()}


def selector(source: str, wanted: Wanted) -> Select:
    """Returns what chooses the wanted columns of a file by its header."""

    def select(header: list[str]) -> list[str]:
        require(source, wanted.targets, header, "target column")
        if wanted.features is not None:
            require(source, wanted.features, header, "column")
            return [*wanted.features, *wanted.targets]
        if "" in header:
            raise _unnamed(source, header.index("") + 1)
        for name in header:
            if name.startswith(_INDEX):
                raise _index(source, name)
        names = [name for name in header if name not in wanted.targets]
        if not names:
            raise DataError(f"{source}: there is no column beside the target")
        return [*names, *wanted.targets]

    return select


def _unnamed(source: str, number: int) -> DataError:
    return DataError(
        f"{source}: column {number} has no name",
        expected="a name for each column in the header",
        hint="name it, or list the columns to use in `data.features`; pandas writes no such column "
        "with `to_csv(FILE, index=False)`",
    )


def _index(source: str, name: str) -> DataError:
    return DataError(
        f"{source}: column {name!r} is the index of a pandas frame, which numbers the rows",
        expected="columns to learn from",
        hint="list the columns to use in `data.features`; pandas writes no such column with "
        "`to_parquet(FILE, index=False)`",
    )


def typed_table(frame: Frame, wanted: Wanted) -> RawTable:
    """Types the columns of a frame, as far as they are wanted."""

    def typed(name: str) -> Column:
        return typed_column(frame, name, wanted)

    # Arrow releases Python's lock while it reads texts as numbers or dates.
    with ThreadPoolExecutor() as threads:
        columns = dict(zip(frame.columns, threads.map(typed, frame.columns), strict=True))
    return RawTable(
        columns={name: column for name, column in columns.items() if name not in wanted.targets},
        targets={name: columns[name] for name in wanted.targets},
        rows=np.arange(frame.length, dtype=np.int64),
        source=frame.source,
        place=frame.place,
    )


def typed_column(frame: Frame, name: str, wanted: Wanted) -> Column:
    """Types a column of a frame."""
    kind = wanted.kinds.get(name)
    use: Use = "input"
    if name in wanted.targets:
        use = "number" if wanted.strict_target else "class"
        if any(map(stands_for_missing, wanted.classes)):
            kind = "categorical"
    named = wanted.missing_in(name)
    values = without_texts(frame.columns[name], named)
    return to_column(values, Cell(name, frame.place, use, named, wanted.trained), kind)
