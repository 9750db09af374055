"""Looks at a user's data as training will: what the network shall see, and what is to be predicted.

What is found out here are the facts from which a first config is written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from dl.config.data import ColumnForm, ColumnKind, Task
from dl.config.nodes import flow
from dl.data.columns import Cell, to_column
from dl.data.doubts import are_months, are_pixels, doubt
from dl.data.formats import FORMATS, form_of, table_files
from dl.data.forms import date_formats, likely_form, plain_values
from dl.data.sources.dialect import Dialect, sniff
from dl.data.tables import Block, EveryColumn, below_each_other, require
from dl.data.target_values import TargetValues, target_values
from dl.data.texts import is_text, stand_ins, without_texts
from dl.data.types import Column, RawTable
from dl.errors import DataError, UsageError
from dl.init.plan import TOKENS, Target, shown_list
from dl.init.series import Series, rises, series_of
from dl.text import listing

MOST_CLASSES = 20
"""Whole numbers with more distinct values than this are amounts, not classes."""
_ROWS_OF_CLASS = 5
"""Numbers are classes only where they repeat at least this often on average."""
_FEW_WORDS = 10
"""So many different texts may be classes, however few rows there are."""
_WORDS = 8
"""Words of a sentence, on average; names and addresses have fewer, and hardly one of them again."""
_SHOWN = 100
"""Values of which one is shown."""
_MONTH_PARTS = {"year": "number", "month": "categories"}
_DAY_PARTS = {**_MONTH_PARTS, "day": "number", "weekday": "categories"}
_TIME_PARTS = {**_DAY_PARTS, "hour": "categories", "minute": "number"}
"""Parts of dates. As a category each month has a weight of its own; as a number, December is far
from January. The error of a daily series fell from 2.15 to 1.80."""
_INPUTS = {"month": 12, "weekday": 7, "hour": 24}
"""Inputs that a part becomes as categories."""
_ALL = EveryColumn(None, (), {})
_USUAL_TARGETS = (
    *("target", "label", "class", "y", "outcome", "response", "species", "survived"),
    *("diagnosis", "churn", "quality", "category", "price", "score"),
)


Written = dict[str, Any]
"""How a column is written, `written`, and one of its values, `example`."""


@dataclass(frozen=True, slots=True)
class Feature:
    """A column that the network shall see.

    Attributes:
        name: Its name in the file.
        kind: How training reads it.
        width: How many numbers it becomes for the network, about.
        missing: Number of rows without a value.
        words: The texts that stand for a missing value, with the number of rows of each.
        categories: Its categories, where it has some.
        written: How its values are written, where training must be told: they are months, which
            are dates, or texts, or a form.
        example: One of these values.
        doubt: Why it would be left out if there were another.
        parts: The parts of a date, as a config states them.
    """

    name: str
    kind: ColumnKind
    width: int
    missing: int
    words: Mapping[str, int] = field(default_factory=dict)
    categories: tuple[str, ...] = ()
    written: str | ColumnForm = ""
    example: str = ""
    doubt: str = ""
    parts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A column that says nothing about the target, or nothing that a network can use, and why."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Table:
    """A table file, judged.

    Attributes:
        path: The file, folder or pattern, as the user wrote it.
        files: How many files it means.
        csv: How a CSV file is written; None for Parquet.
        rows: Number of rows that have a target.
        features: What the network shall see.
        left_out: The other columns.
        target: What is to be predicted.
        pixels: Whether the inputs look like the pixels of small pictures.
        stated: How the targets are written that are not written plainly.
        series: The series that it is, if it holds nothing but times and numbers.
        time: A column of dates in whose order the rows are, each later than the one before.
    """

    path: Path
    files: int
    csv: Dialect | None
    rows: int
    features: Sequence[Feature]
    left_out: Sequence[LeftOut]
    target: Target
    pixels: bool
    stated: Mapping[str, Written]
    series: Series | None = None
    time: str | None = None


def read_table(path: Path, targets: Sequence[str]) -> Table:
    """Reads a CSV or Parquet file, by its ending, and judges it.

    Raises:
        DataError: The file or the target cannot be used.
        UsageError: No target is named.
    """
    written, block, words, forms = open_table(path, targets)
    names = block.names
    if not targets:
        raise UsageError(
            f"{path}: name the column to predict with --target",
            expected=f"one of {shown_list(names, most=12)}",
            hint=f"dl init {path} --target {likely_target(names)}",
        )
    require(str(path), targets, names, "target column")
    target = target_of(block, targets, words)
    inputs = {name: typed_column(block, name) for name in names if name not in targets}
    pixels = are_pixels([column for column in inputs.values() if isinstance(column, Column)])
    judged, left_out = _chosen(inputs, pixels)
    features = [
        f if f.doubt else replace(f, words=words[f.name], **forms.get(f.name, {})) for f in judged
    ]
    if not features:
        told = [f"{column.name!r} {column.reason}" for column in left_out[:5]]
        raise DataError(
            f"{path}: there is no column to predict from",
            expected="numbers, categories or dates besides the target",
            found="; ".join(told) or "only the target",
        )
    return Table(
        path=path,
        files=len(table_files(str(path))),
        csv=written,
        rows=block.length - target.missing,
        features=features,
        left_out=left_out,
        target=target,
        pixels=pixels,
        stated={name: forms[name] for name in targets if name in forms},
        series=series_of(block, target),
        time=next((f.name for f in features if f.kind == "date" and rises(block, f.name)), None),
    )


def _chosen(
    inputs: Mapping[str, Column | LeftOut], pixels: bool
) -> tuple[list[Feature], list[LeftOut]]:
    """Returns what the network shall see of the columns, and the others."""
    judged = [_judged(name, column, pixels) for name, column in inputs.items()]
    features = [column for column in judged if isinstance(column, Feature)]
    left_out = [column for column in judged if isinstance(column, LeftOut)]
    if features:
        return features, left_out
    # A number of the row is a poor input, but better than none.
    number = {name for name, column in inputs.items() if _numbers_rows(name, column)}
    doubtful = [column for column in left_out if column.name in number]
    rest = [column for column in left_out if column.name not in number]
    return [Feature(each.name, "numeric", 1, 0, doubt=each.reason) for each in doubtful], rest


def open_table(
    path: Path, targets: Sequence[str] = ()
) -> tuple[Dialect | None, Block, dict[str, dict[str, int]], dict[str, Written]]:
    """Reads a table file, with plain values.

    Returns:
        How it is written; its rows; by column, the texts that stand for no value there, with the
        rows that have them, which are missing in the rows; the columns that are not written
        plainly, and how.

    Raises:
        DataError: The file cannot be read.
    """
    files = table_files(str(path))
    form = form_of(files[0], "csv")
    written = sniff(files[0]) if form == "csv" else None
    read = [FORMATS[form].read(written, f, _ALL, on_disk=False) for f in files]
    block = below_each_other(read, ":1" if written and written.header is True else "")
    words = {name: stand_ins(block.column(name)) for name in block.names}
    known = {name: without_texts(block.column(name), tuple(words[name])) for name in words}
    forms: dict[str, Written] = {}
    for name, values in known.items():
        found = likely_form(values, name in targets)
        if found is not None:
            some = pc.drop_null(values)[:_SHOWN].to_pylist()  # a long one tells more
            forms[name] = {"written": found, "example": max(some, key=len).strip()}
            known[name] = plain_values(values, found, Cell(name, block.place))
    return written, replace(block, column=known.__getitem__), words, forms


def likely_target(names: Sequence[str]) -> str:
    """Returns the column with the most usual name of a target, else the last one."""
    by_folded = {name.lower().strip(): name for name in reversed(names)}
    usual = (by_folded[name] for name in _USUAL_TARGETS if name in by_folded)
    return next(usual, names[-1])


def typed_column(block: Block, name: str) -> Column | LeftOut:
    """Types a column as training will; one that training would refuse is left out."""
    try:
        return to_column(block.column(name), Cell(name, block.place), None)
    except DataError as error:
        values, formats = block.column(name), list[str]()
        if is_text(values.type):  # structs and lists cannot even be counted
            formats = date_formats(pc.drop_null(pc.unique(values)).to_pylist())
        if len(formats) > 1:
            line = flow({name: {"kind": "date", "format": formats[0]}})
            which = listing(map(repr, formats), "and")
            told = f"fits the formats {which}: state one, `columns: {line}`, and exclude it no more"
            return LeftOut(name, told)
        problem = error.problems[0]
        found = f": {problem.found}" if problem.found else ""
        return LeftOut(name, f"cannot be read yet ({problem.message}{found})")


def _judged(name: str, column: Column | LeftOut, pixels: bool) -> Feature | LeftOut:
    if isinstance(column, LeftOut):
        return column
    # The edge of a picture is black in every row; a picture without it would be a puzzle.
    return Feature(name, "numeric", 1, 0) if pixels else judge(name, column)


def _numbers_rows(name: str, column: Column | LeftOut) -> bool:
    if isinstance(column, LeftOut) or column.kind != "numeric":
        return False
    found = doubt(name, column)
    return found is not None and found.rule == "identifier"


def judge(name: str, column: Column) -> Feature | LeftOut:
    """Decides whether a column is an input, and as what."""
    missing = int(column.missing().sum())
    if are_months(column):
        first = column.categories[0]
        parts = _MONTH_PARTS
        return Feature(
            name, "date", _width(parts), missing, written="date", example=first, parts=parts
        )
    found = doubt(name, column)
    if found is not None and found.rule == "free-text" and _are_sentences(column):
        some = max(column.categories[:_SHOWN], key=len)
        return Feature(name, "text", TOKENS, missing, written="text", example=some)
    if found is not None:
        return LeftOut(name, found.reason)
    if column.kind == "date":
        parts = _TIME_PARTS if column.timed else _DAY_PARTS
        return Feature(name, "date", _width(parts), missing, parts=parts)
    width = max(1, len(column.categories))
    return Feature(name, column.kind, width, missing, categories=tuple(column.categories))


def _are_sentences(column: Column) -> bool:
    """Tells whether texts have words enough to learn from, and are not a few that come again."""
    words = float(np.mean([len(text.split()) for text in column.categories]))
    return words >= _WORDS and 2 * len(column.categories) >= len(column.values)


def _width(parts: Mapping[str, str]) -> int:
    return sum(_INPUTS[part] if form == "categories" else 1 for part, form in parts.items())


def target_of(block: Block, names: Sequence[str], words: Mapping[str, Mapping[str, int]]) -> Target:
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


def judge_target(values: TargetValues) -> Target:
    """Decides the task by the values of the target: numbers, classes, or several labels at once.

    Raises:
        DataError: There is nothing to learn: one value only, or words that hardly repeat. Or the
            target has several axes, for which no network is proposed.
    """
    if values.values.ndim > 2 or (values.words is not None and values.columns > 1):
        raise DataError(
            f"{values.source}: the target has several axes, as for the steps of a sequence or a "
            "mask",
            expected="one class or number, or a row of them, for each row",
            found=f"{' x '.join(map(str, values.values.shape[1:]))} values for each row",
            hint="dl init proposes no network for it; write one that ends in these axes: "
            "docs/data.md",
        )
    if values.columns > 1:
        return _several(values)
    positions, names = values.distinct()
    counts = np.bincount(positions, minlength=len(names))
    names = tuple(name for name, count in zip(names, counts, strict=True) if count)
    counts = counts[counts > 0]
    if len(names) == 1:
        raise DataError(
            f"{values.source}: the target {values.title} is the same in every row",
            expected="at least two different values",
            found=repr(names[0][:40]),
            hint="name another column with --target",
        )
    if values.words is None and _are_amounts(values.values, len(names)):
        return _numbers(values)
    rows = len(positions)
    if values.words is not None and len(names) > max(_FEW_WORDS, rows // 2):
        raise DataError(
            f"{values.source}: the target {values.title} has nearly as many values as rows",
            expected="numbers, or names of classes that repeat",
            found=f"{len(names)} different texts in {rows} rows, such as {names[0][:40]!r}",
            hint="name another column with --target",
        )
    task: Task = "binary" if len(names) == 2 else "multiclass"
    second = int(counts[1]) if task == "binary" else 0
    return Target(values.names, task, names, rarest=int(counts.min()), second=second)


def _several(values: TargetValues) -> Target:
    """Decides about several columns: flags are labels or one-hot classes, others numbers."""
    numbers = values.values
    if not np.isin(numbers, (0.0, 1.0)).all():
        return _numbers(values)
    task: Task = "multiclass" if np.all(numbers.sum(axis=1) == 1) else "multilabel"
    rarest = int(numbers.reshape(len(numbers), -1).sum(axis=0).min())
    return Target(values.names, task, values.names, rarest=rarest)


def _numbers(values: TargetValues) -> Target:
    span = (float(np.min(values.values)), float(np.max(values.values)))
    off = values.values - np.mean(values.values)
    spread = float(np.std(off)) if values.columns == 1 else 0.0
    skewness = float(np.mean(off**3)) / spread**3 if spread else 0.0
    return Target(values.names, "regression", span=span, skewness=skewness)


def _are_amounts(numbers: NDArray[np.float64], distinct: int) -> bool:
    """Says whether the numbers of a target are amounts rather than the numbers of classes."""
    if distinct == 2:
        return False
    whole = bool(np.all(numbers == np.floor(numbers)))
    return not whole or distinct > MOST_CLASSES or len(numbers) < _ROWS_OF_CLASS * distinct
