"""How a CSV file is written: what a config says, or its first bytes."""

from __future__ import annotations

import contextlib
import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from dl.config.data import BLANKS
from dl.config.rules.probe import targets_of
from dl.config.tables import MOST_ROWS, cells_of, is_row, numbered
from dl.data.files import check_file
from dl.data.sources.text import opened, pieces, unpacked
from dl.errors import DataError
from dl.text import plural

SEPARATORS = {",": '","', ";": '";"', "\t": '"\\t"', "|": '"|"'}
"""The usual separators, and how a config writes them."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a CSV file is to be read.

    Attributes:
        source: The file, for messages.
        separator: The character between two values, or `blanks`.
        encoding: The encoding of its text.
        header: Whether the first row holds the names of the columns; if not, perhaps the names.
        targets: Names of columns that rows to predict may lack.
    """

    source: str
    separator: str = ","
    encoding: str = "utf-8"
    header: bool | Sequence[str] = True
    targets: Sequence[str] = ()

    @classmethod
    def of(cls, data: Any, source: str) -> Dialect:
        """Returns that of a section `data`, the usual one where it says nothing about text."""
        said = ("separator", "encoding", "header")
        told = {name: getattr(data, name) for name in said if hasattr(data, name)}
        return cls(source, **told, targets=targets_of(data))

    @property
    def shown(self) -> str:
        """The separator, for messages."""
        return BLANKS if self.separator == BLANKS else repr(self.separator)

    @property
    def character(self) -> str:
        """The character between two values of `_Rows`."""
        return "\t" if self.separator == BLANKS else self.separator


def as_written(start: bytes, dialect: Dialect, features: Sequence[str]) -> Dialect:
    """Returns how rows for a trained model are written, whose first line may show that.

    They may be separated in another way than the rows of the training, or have a header which
    those had not.
    """
    line = start.lstrip(b"\r\n").partition(b"\n")[0].decode()
    for separator in (dialect.separator, *SEPARATORS, BLANKS):
        cells = line.split(None if separator == BLANKS else separator)
        if features and {cell.strip().strip('"') for cell in cells} >= set(features):
            return replace(dialect, separator=separator, header=True)
    known = () if isinstance(dialect.header, bool) else dialect.header
    inputs = [name for name in known if name not in dialect.targets]
    for separator in (dialect.separator, *SEPARATORS, BLANKS) if len(inputs) > 1 else ():
        with contextlib.suppress(csv.Error):  # it is told of where the rows are read
            cells = next(cells_of([line], separator), [])
            if len(cells) in (len(known), len(inputs)):
                return replace(dialect, separator=separator)
    return dialect


def header_of(cells: list[str], dialect: Dialect, *, trained: bool) -> list[str]:
    """Returns the names of the columns, the cells of the first row themselves if it has them.

    Rows for a trained model may lack the targets.
    """
    if dialect.header is True:
        return cells
    known = list(dialect.header or numbered(len(cells)))
    if cells == known:
        return cells
    inputs = [name for name in known if name not in dialect.targets]
    for names in (known, inputs) if trained else (known,):
        if len(cells) == len(names):
            return names
    raise DataError(
        f"{dialect.source}:1: row has {plural(len(cells), 'value')}",
        expected=f"{plural(len(known), 'value')}, one for each name in `data.header`",
    )


_MOST = 0.9
"""Share of the lines that have as many values as the first; the rest may be a title or a slip."""
_FIRST_BYTES = 64 * 1024
"""Bytes of a file that tell how it is written: hundreds of rows."""


def sniff(path: Path) -> Dialect:
    """Reads the beginning of a CSV file and returns how it is likely written.

    The separator is the one with which most lines have as many values as the first.

    Raises:
        DataError: The file cannot be opened.
    """
    check_file(path)
    with opened(path) as file:
        beginning = next(pieces(unpacked(file), str(path), _FIRST_BYTES))
    if len(beginning) == _FIRST_BYTES:  # whole lines only
        beginning = beginning[: beginning.rfind(b"\n") + 1]
    encoding = "utf-8"
    if beginning.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "utf-16"
    else:
        try:
            beginning.decode("utf-8")
        except UnicodeDecodeError:
            encoding = "latin-1"
    lines = beginning.decode(encoding, errors="replace").splitlines()
    records = {separator: _records(lines, separator) for separator in (*SEPARATORS, BLANKS)}
    separator = max(SEPARATORS, key=lambda separator: _agreement(records[separator]))
    rows = records[separator]
    padded = rows and all(any(re.search(r"\S {2,}\S", cell) for cell in row) for row in rows)
    if padded or _agreement(records[separator])[0] < _MOST <= _agreement(records[BLANKS])[0]:
        separator = BLANKS
    rows = [[cell.strip() for cell in row] for row in records[separator][: MOST_ROWS + 1]]
    header = not rows or not is_row(rows[0], rows[1:])
    return Dialect(str(path), separator, encoding, header)


def _records(lines: list[str], separator: str) -> list[list[str]]:
    """Returns the values of the lines that have some, none if a line cannot be read."""
    try:
        return [record for record in cells_of(lines, separator) if record]
    except csv.Error:
        return []


def _agreement(records: list[list[str]]) -> tuple[float, int]:
    """Returns which fraction of the lines has as many values as the first, and how many."""
    width = len(records[0]) if records else 0
    if width < 2:
        return (0.0, 0)
    alike = sum(len(record) == width for record in records)
    return (round(alike / len(records), 1), width)
