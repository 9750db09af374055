"""Reads a table as training will and judges its columns: what to see, what to predict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from dl.data.doubts import are_pixels
from dl.data.raw import Column, RawTable
from dl.data.tables.columns import Cell, stand_ins, to_column, without_texts
from dl.data.tables.csv_file import read_csv
from dl.data.tables.frame import Frame
from dl.data.tables.parquet_file import read_parquet
from dl.data.tables.select import require
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
        return _judge(path, None, read_parquet(path, list), targets)
    dialect = sniff(path)
    frame = read_csv(path, dialect.separator, dialect.encoding, list)
    return _judge(path, dialect, frame, targets)


PARQUET = (".parquet", ".pq")


def _judge(path: Path, dialect: Dialect | None, frame: Frame, targets: Sequence[str]) -> Table:
    if not targets:
        raise _no_target(path, frame)
    require(str(path), targets, list(frame.columns), "target column")
    words = {name: stand_ins(values) for name, values in frame.columns.items()}
    known = {name: without_texts(frame.columns[name], tuple(words[name])) for name in words}
    frame = replace(frame, columns=known)
    target = _target(frame, targets, words)
    inputs = [_typed(frame, name) for name in frame.columns if name not in targets]
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
    rows = frame.length - target.missing
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


def _no_target(path: Path, frame: Frame) -> UsageError:
    names = list(frame.columns)
    return UsageError(
        f"{path}: name the column to predict with --target",
        expected=f"one of {shown_list(names, most=12)}",
        hint=f"dl init {path} --target {likely_target(names)}",
    )


def _target(frame: Frame, names: Sequence[str], words: Mapping[str, Mapping[str, int]]) -> Target:
    """Judges the target by the rows that have one."""
    columns = {
        name: to_column(frame.columns[name], Cell(name, frame.place, "target"), None)
        for name in names
    }
    rows = np.arange(frame.length, dtype=np.int64)
    table = RawTable({}, columns, rows, frame.source, frame.place)
    missing = np.any([column.missing() for column in columns.values()], axis=0)
    if missing.all():
        raise DataError(f"{frame.source}: no row has a target", hint="name another with --target")
    judged = judge_target(target_values(table.take(np.flatnonzero(~missing))))
    return replace(judged, words={n: words[n] for n in names}, missing=int(missing.sum()))


def _typed(frame: Frame, name: str) -> tuple[str, Column | LeftOut]:
    """Types a column as training will; one that training would refuse is left out."""
    try:
        return name, to_column(frame.columns[name], Cell(name, frame.place), None)
    except DataError as error:
        problem = error.problems[0]
        found = f": {problem.found}" if problem.found else ""
        return name, LeftOut(name, f"cannot be read yet ({problem.message}{found})")
