"""A cheap look at the data, without numpy: how many classes or targets it has, where that is easy.

A look never fails: what cannot be read is unknown, and the loading of the data words the error.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from dl.config.sections.data import (
    BuiltinData,
    CsvData,
    Data,
    ImagesData,
    KerasData,
    ParquetData,
    SyntheticData,
)
from dl.config.written import finite_number, is_formatted
from dl.vocabulary.data_sets import BUILTIN, KERAS, SYNTHETIC, DataSet

MOST_BYTES = 2_000_000
MOST_ENTRIES = 10_000
MANY_NUMBERS = 20
"""More distinct fractions than this are numbers, never classes."""


@dataclass(frozen=True, slots=True)
class Peek:
    """What is known about the data; None where it is not.

    Attributes:
        target: `classes`: only classes make sense. `text`: values that are no numbers.
            `integers`: whole numbers, which can be either. `numbers`: only regression makes sense.
        classes: Number of classes, or of distinct values of the target.
        labels: The classes as the data names them.
        columns: Number of target columns.
        input_shape: Shape of one row.
    """

    target: Literal["classes", "text", "integers", "numbers"] | None = None
    classes: int | None = None
    labels: tuple[str, ...] | None = None
    columns: int | None = None
    input_shape: tuple[int, ...] | None = None


def peek(data: Data, folder: Path) -> Peek:
    """Returns what is cheaply known about the data; `folder` is where relative paths start."""
    if isinstance(data, BuiltinData):
        shape = None if data.features is None else (len(data.features),)
        return _known(BUILTIN[data.dataset], shape)
    if isinstance(data, KerasData):
        return _known(KERAS[data.dataset])
    if isinstance(data, SyntheticData):
        return _known(SYNTHETIC[data.dataset])
    if isinstance(data, ImagesData):
        return _peek_images(data, folder / data.path)
    if isinstance(data, CsvData):
        return _peek_csv(data, folder)
    return Peek(columns=_columns(data)) if isinstance(data, ParquetData) else Peek()


def _known(data_set: DataSet, shape: tuple[int, ...] | None = None) -> Peek:
    shape = shape or data_set.shape
    if not data_set.classes:
        return Peek("numbers", columns=1, input_shape=shape)
    return Peek("classes", len(data_set.classes), data_set.classes, columns=1, input_shape=shape)


def _columns(data: CsvData | ParquetData) -> int:
    return 1 if isinstance(data.target, str) else len(data.target)


def _peek_images(data: ImagesData, folder: Path) -> Peek:
    shape = (*data.image_size, 3 if data.color == "rgb" else 1)
    labels = _class_folders(folder)
    if labels is None:
        return Peek("classes", columns=1, input_shape=shape)
    return Peek("classes", len(labels), labels, columns=1, input_shape=shape)


def _class_folders(folder: Path) -> tuple[str, ...] | None:
    """Returns the names of the folders in `folder`; None where there are none to be read."""
    try:
        with os.scandir(folder) as entries:
            names = [
                entry.name
                for _, entry in zip(range(MOST_ENTRIES), entries, strict=False)
                if entry.is_dir() and not entry.name.startswith(".")
            ]
    except OSError:
        return None
    return tuple(sorted(names)) or None


def _peek_csv(data: CsvData, folder: Path) -> Peek:
    unknown = Peek(columns=_columns(data))
    if unknown.columns != 1:
        return unknown
    target = data.target if isinstance(data.target, str) else data.target[0]
    paths = [folder / path for path in (data.path, data.validation_path, data.test_path) if path]
    try:
        if not all(map(is_cheap, paths)):
            return unknown
        values = {value for path in paths for value in column_values(data, path, target)}
    except (OSError, ValueError, LookupError, TypeError, csv.Error):
        return unknown
    return _peek_values(values - {""})


def is_cheap(path: Path) -> bool:
    """Tells whether a file can be read in no time: no pipe, and neither empty nor large."""
    return path.is_file() and 0 < path.stat().st_size <= MOST_BYTES


def column_values(data: CsvData, path: Path, name: str) -> Iterator[str]:
    """Yields the values of a column as the file writes them, `""` where one is missing."""
    rows = csv_rows(data, path)
    position = next(rows, []).index(name.strip())
    missing = data.missing_in(name)
    for row in rows:
        if len(row) > position:
            yield "" if row[position] in missing else row[position]


def column_titles(data: CsvData, path: Path) -> list[str]:
    """Returns the header of a file."""
    return next(csv_rows(data, path), [])


def csv_rows(data: CsvData, path: Path) -> Iterator[list[str]]:
    """Yields the cells of each line, the header first, without spaces around them."""
    encoding = "utf-8-sig" if data.encoding.lower() in ("utf-8", "utf8") else data.encoding
    with path.open(encoding=encoding, newline="") as lines:
        for row in csv.reader(lines, delimiter=data.separator):
            yield [cell.strip() for cell in row]


def _peek_values(texts: set[str]) -> Peek:
    numbers = {text: finite_number(text) for text in texts}
    finite = {number for number in numbers.values() if number is not None}
    if not texts:
        return Peek(columns=1)
    if not finite and 2 * sum(map(is_formatted, texts)) >= len(texts):
        return Peek(columns=1)
    if not finite:
        return Peek("text", len(texts), tuple(sorted(texts)), columns=1)
    if len(finite) < len(texts) and None in numbers.values():
        return Peek(columns=1)
    if all(number.is_integer() for number in finite):
        labels = tuple(str(int(number)) for number in sorted(finite))
        return Peek("integers", len(labels), labels, columns=1)
    if len(finite) > MANY_NUMBERS:
        return Peek("numbers", columns=1)
    return Peek(columns=1)
