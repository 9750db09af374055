"""Reads a table as training will and judges its columns: what to see, what to predict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from dl.data.columns import Cell, stand_ins, to_column, without_texts
from dl.data.doubts import are_pixels
from dl.data.raw import Column, RawTable
from dl.data.sources.csv import Dialect as CsvDialect
from dl.data.sources.csv import read_csv
from dl.data.sources.parquet import read_parquet
from dl.data.tables import Block, EveryColumn, require
from dl.data.targets.values import target_values
from dl.errors import DataError, UsageError
from dl.init.columns import judge
from dl.init.facts import Feature, LeftOut, Target
from dl.init.guess import likely_target
from dl.init.sniff import Dialect, sniff
from dl.init.targets import judge_target
from dl.init.yaml_text import shown_list


@dataclass(frozen=True, slots=True)
class Table:
    """A table file, judged.

    Attributes:
        path: The file, as the user wrote it.
        dialect: How a CSV file is written; None for Parquet.
        rows: Number of rows that have a target.
        features: What the network shall see.
        left_out: The other columns.
        target: What is to be predicted.
        pixels: Whether the inputs look like the pixels of small pictures.
    """

    path: Path
    dialect: Dialect | None
    rows: int
    features: Sequence[Feature]
    left_out: Sequence[LeftOut]
    target: Target
    pixels: bool


def read_table(path: Path, targets: Sequence[str]) -> Table:
    """Reads a CSV or Parquet file, by its ending, and judges it.

    Raises:
        DataError: The file or the target cannot be used.
        UsageError: No target is named.
    """
    if path.suffix.lower() in PARQUET:
        return _judge(path, None, read_parquet(path, _ALL), targets)
    dialect = sniff(path)
    block = read_csv(path, CsvDialect(str(path), dialect.separator, dialect.encoding), _ALL)
    return _judge(path, dialect, block, targets)


PARQUET = (".parquet", ".pq")
_ALL = EveryColumn(None, (), {})


def _judge(path: Path, dialect: Dialect | None, block: Block, targets: Sequence[str]) -> Table:
    if not targets:
        raise _no_target(path, block.names)
    require(str(path), targets, block.names, "target column")
    words = {name: stand_ins(block.column(name)) for name in block.names}
    known = {name: without_texts(block.column(name), tuple(words[name])) for name in words}
    block = replace(block, column=known.__getitem__)
    target = _target(block, targets, words)
    inputs = [_typed(block, name) for name in block.names if name not in targets]
    columns = [column for _, column in inputs if isinstance(column, Column)]
    pixels = are_pixels(columns)
    judged = [_judged(name, column, pixels) for name, column in inputs]
    features = [
        replace(column, words=words[column.name])
        for column in judged
        if isinstance(column, Feature)
    ]
    left_out = [column for column in judged if isinstance(column, LeftOut)]
    if not features:
        raise _no_input(path, left_out)
    rows = block.length - target.missing
    return Table(path, dialect, rows, features, left_out, target, pixels)


def _judged(name: str, column: Column | LeftOut, pixels: bool) -> Feature | LeftOut:
    if isinstance(column, LeftOut):
        return column
    # The edge of a picture is black in every row; a picture without it would be a puzzle.
    return Feature(name, "numeric", 1, 0) if pixels else judge(name, column)


def _no_input(path: Path, left_out: Sequence[LeftOut]) -> DataError:
    reasons = [f"{column.name!r} {column.reason}" for column in left_out[:5]]
    return DataError(
        f"{path}: there is no column to predict from",
        expected="numbers, categories or dates beside the target",
        found="; ".join(reasons) or "only the target",
    )


def _no_target(path: Path, names: Sequence[str]) -> UsageError:
    return UsageError(
        f"{path}: name the column to predict with --target",
        expected=f"one of {shown_list(names, most=12)}",
        hint=f"dl init {path} --target {likely_target(names)}",
    )


def _target(block: Block, names: Sequence[str], words: Mapping[str, Mapping[str, int]]) -> Target:
    """Judges the target by the rows that have one."""
    columns = {
        name: to_column(block.column(name), Cell(name, block.place, "target"), None)
        for name in names
    }
    rows = np.arange(block.length, dtype=np.int64)
    table = RawTable({}, columns, rows, block.source, block.place)
    missing = np.any([column.missing() for column in columns.values()], axis=0)
    if missing.all():
        raise DataError(f"{block.source}: no row has a target", hint="name another with --target")
    judged = judge_target(target_values(table.take(np.flatnonzero(~missing))))
    return replace(judged, words={n: words[n] for n in names}, missing=int(missing.sum()))


def _typed(block: Block, name: str) -> tuple[str, Column | LeftOut]:
    """Types a column as training will; one that training would refuse is left out."""
    try:
        return name, to_column(block.column(name), Cell(name, block.place), None)
    except DataError as error:
        problem = error.problems[0]
        found = f": {problem.found}" if problem.found else ""
        return name, LeftOut(name, f"cannot be read yet ({problem.message}{found})")
