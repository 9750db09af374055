"""CSV: whole rows of text, in which Arrow finds every value as text.

Training, streaming and predicting read by this way alone, so that an encoding, a quote, an empty
line and the line of a row mean the same to all of them. Why all is text at first: see
docs/design/0007-csv-is-read-as-text.md.
"""

from __future__ import annotations

import contextlib
import csv
import io
import itertools
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow
import pyarrow.compute as pc
import pyarrow.csv

from dl.config.data import BLANKS
from dl.config.tables import MOST_ROWS, refuse_names, refuse_row, tabbed
from dl.data.files import check_file
from dl.data.sources.dialect import SEPARATORS, Dialect, as_written, header_of
from dl.data.sources.text import (
    BLOCK,
    decoded,
    line_ends,
    opened,
    pieces,
    sampled,
    unpacked,
    whole_rows,
)
from dl.data.storage import check_memory, check_space
from dl.data.tables import Block, ReadBlock, Wanted, appended, joined, refuse_repeated
from dl.errors import DataError
from dl.progress import Advance
from dl.text import plural

_SMALL_BLOCK = 1 << 21
"""Bytes of rows that are put together again: small enough for the caches of a processor."""

_COPIES = 3
"""The text by columns, the column that is being typed once more, and the numbers."""
_EXACT = float(2**53)
"""From here on two integers may be the same float64."""


@dataclass(frozen=True, slots=True)
class _Rows:
    """Some of the rows of a file.

    Attributes:
        dialect: How the file is read.
        header: The names of its columns.
        data: Whole rows, in UTF-8.
        line: The 1-based line of the file in which they begin.
    """

    dialect: Dialect
    header: list[str]
    data: bytes
    line: int

    def records(self) -> Iterator[tuple[int, list[str]]]:
        """Yields the line and the values of each row; slow, for messages only."""
        for line, values, _ in _records(self.data, self.dialect, self.line):
            if values or len(self.header) == 1:  # an empty line is a row without a value
                yield line, values or [""]

    def is_plain(self) -> bool:
        """Tells whether each line is a row: none is empty, and no quotes hold a line end."""
        signs = (b'"', b"\r", b"\n\n")
        return not self.data.startswith(b"\n") and not any(sign in self.data for sign in signs)

    def check(self) -> None:
        """Refuses the first row whose length is wrong or whose quotes are not closed."""
        expected, blanks = len(self.header), self.dialect.separator == BLANKS
        for line, values in self.records():
            if len(values) != expected:
                raise DataError(
                    f"{self.dialect.source}:{line}: row has {plural(len(values), 'value')}",
                    expected=f"{plural(expected, 'value')}, as in the "
                    + ("header" if self.dialect.header is True else "first row"),
                    hint='put a value that holds a blank in quotes, "a b"; a missing one is ""'
                    if blanks
                    else 'put a value that holds the separator in quotes: "a, b"',
                )


def csv_blocks(
    stream: BinaryIO,
    dialect: Dialect,
    wanted: Wanted,
    advance: Advance = lambda size: None,
    *,
    to_predict: bool = False,
    size: int | None = None,
) -> Iterator[ReadBlock]:
    """Yields readers of the rows, a block each; an empty field is null, all else is text.

    Only as much as one block is read ahead.

    Args:
        stream: The bytes of the file.
        dialect: How they are to be read.
        wanted: The columns.
        advance: Is told of bytes that are read.
        to_predict: Whether each block is used on its own: numbers may come as such where a column
            of numbers is wanted.
        size: Bytes to read for a block.

    Raises:
        DataError: The file is not a table, or (from the readers) a row is not one; with the line.
    """
    header, blocks = _opened(
        pieces(stream, dialect.source, size or BLOCK, advance), dialect, wanted
    )
    first = next(blocks, None)
    _check_header(first.dialect if first else dialect, header, first, wanted)
    names = wanted.selected(dialect.source, header)
    if first is None:
        raise DataError(f"{dialect.source}: has a header but no rows")
    # Where a text stands for a missing value, a column is text: the text may be a number (`-999`).
    numeric = [
        name
        for name in (names if to_predict else ())
        if wanted.kinds.get(name) == "numeric"
        and not wanted.missing_in(name)
        and name not in wanted.kept
        and name not in wanted.forms
    ]
    for rows in itertools.chain([first], blocks):
        yield partial(_parsed, rows, names, numeric)


def read(data: Any, path: Path, wanted: Wanted, on_disk: bool = False) -> Block:
    """Reads the wanted columns of a CSV file as text, into memory or onto the disk.

    Args:
        data: The section `data`, for how the file is written.
        path: The file.
        wanted: The columns.
        on_disk: Whether the rows are held on the disk.

    Raises:
        DataError: The file cannot be read or is not a table; the message has the line.
        DiskError: There is no space for the columns.
    """
    check_file(path)
    size = total(path, wanted.rows)
    if on_disk:
        check_space(2 * size, f"the text of {path} by columns")
    else:
        check_memory(
            _COPIES * size,
            f"{path}: is too large for the memory",
            f"{_COPIES} times the file, for its text and its numbers",
            "take fewer rows, or write the columns that you need as Parquet",
        )
    dialect = Dialect.of(data, str(path))
    with opened(path) as stream:
        found = csv_blocks(unpacked(stream), dialect, wanted, size=_SMALL_BLOCK)
        place = partial(_line_of, path, dialect, wanted)
        return (appended if on_disk else joined)(found, place, wanted.rows)


def blocks(
    data: Any, rows: Path | BinaryIO, wanted: Wanted, advance: Advance
) -> Iterator[ReadBlock]:
    """Yields readers of rows to predict; see `csv_blocks`."""
    with opened(rows) if isinstance(rows, Path) else contextlib.nullcontext(rows) as stream:
        dialect = Dialect.of(data, str(rows) if isinstance(rows, Path) else "standard input")
        yield from csv_blocks(unpacked(stream), dialect, wanted, advance, to_predict=True)


def numbers(data: Any, path: Path) -> int:
    """Counts the values at the start of the file, and takes the rest to be alike."""
    check_file(path)
    sample, _ = sampled(path)
    separator = Dialect.of(data, str(path)).separator
    values = sample.count(b"\n") + sample.count(separator.replace(BLANKS, " ").encode())
    return int(values * total(path, getattr(data, "rows", None)) / max(1, len(sample)))


def names(data: Any, path: Path) -> list[str]:
    """Returns the names of the columns of a file."""
    with opened(path) as stream:
        dialect = Dialect.of(data, str(path))
        return _opened(pieces(unpacked(stream), str(path)), dialect)[0]


def total(path: Path, rows: int | None = None) -> int:
    """Returns about how many bytes the text of a file has, or so many of its rows."""
    sample, size = sampled(path)
    if rows is not None:
        size = min(size, rows * len(sample) / max(1, line_ends(sample)))
    return int(size)


def _line_of(path: Path, dialect: Dialect, wanted: Wanted, row: int) -> str:
    """Words for the place of a 0-based row, `data/train.csv:17`; the file alone if unclear."""
    try:
        with opened(path) as stream:
            found = _opened(pieces(unpacked(stream), dialect.source), dialect, wanted)
            return _place(found[1], dialect.source, row)
    except DataError:
        return dialect.source


def _place(blocks: Iterable[_Rows], source: str, row: int) -> str:
    try:
        for block in blocks:
            # Rows to predict are asked for many places in a block: most need no reading.
            if block.is_plain():
                count = line_ends(block.data) + (not block.data.endswith(b"\n"))
                if row < count:
                    return f"{source}:{block.line + row}"
                row -= count
                continue
            for line, _ in block.records():
                if not row:
                    return f"{source}:{line}"
                row -= 1
    except DataError:
        pass  # Arrow is laxer about stray quotes than Python's reader, which only counts lines
    return source


def _opened(
    content: Iterator[bytes], dialect: Dialect, wanted: Wanted | None = None
) -> tuple[list[str], Iterator[_Rows]]:
    """Returns the names of the columns, without spaces around them, and the rows in blocks."""
    texts = decoded(content, dialect.source, dialect.encoding)
    if wanted and wanted.trained:
        start = next(texts)
        dialect = as_written(start, dialect, wanted.features or ())
        texts = itertools.chain([start], texts)
    blanks = dialect.separator == BLANKS
    rows = whole_rows(texts, b" \t" if blanks else dialect.character.encode())
    if blanks:
        rows = map(tabbed, rows)
    first = next(rows, b"")
    for _, values, end in _records(first, dialect):
        if values:
            cells = [name.strip() for name in values]
            header = header_of(cells, dialect, trained=wanted is not None and wanted.trained)
            end = end if header is cells else 0
            return header, _bodies(dialect, header, (first[:end], first[end:]), rows)
    expected = "a header row and rows below it" if dialect.header is True else "rows"
    raise DataError(f"{dialect.source}: is empty", expected=expected)


def _bodies(
    dialect: Dialect, header: list[str], first: tuple[bytes, bytes], texts: Iterator[bytes]
) -> Iterator[_Rows]:
    line = 1 + line_ends(first[0])
    for data in itertools.chain(first[1:], texts):
        if data if len(header) == 1 else data.lstrip(b"\r\n"):
            yield _Rows(dialect, header, data, line)
        line += line_ends(data)


def _records(data: bytes, dialect: Dialect, line: int = 1) -> Iterator[tuple[int, list[str], int]]:
    """Yields the first line, the values and the end of each record; of a blank line no values."""
    end = 0

    def lines() -> Iterator[str]:
        nonlocal end
        for text in io.TextIOWrapper(io.BytesIO(data), "utf-8", newline=""):
            end += len(text.encode())
            yield text

    reader = csv.reader(lines(), delimiter=dialect.character, strict=True)
    while True:
        first = line + reader.line_num
        try:
            values = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise DataError(
                f"{dialect.source}:{first}: is not a CSV row: {error}",
                hint='check the quotes: a " is closed by a ", one inside a quoted value is doubled',
            ) from error
        yield first, values, end


def _check_header(dialect: Dialect, header: list[str], rows: _Rows | None, wanted: Wanted) -> None:
    """Refuses one column that looks like several, a row in the place of names, repeated names."""
    source = dialect.source
    below: list[list[str]] = []
    with contextlib.suppress(DataError):  # a row that cannot be read is told of when it is
        records = rows.records() if rows else ()
        below = [values for _, values in itertools.islice(records, MOST_ROWS)]
    if dialect.header is True:
        named = wanted.features or ()
        refuse_row(source, header, below, dialect.separator, named, trained=wanted.trained)
    elif not wanted.trained:
        refuse_names(source, header, below, dialect.separator, dialect.header, wanted.kinds)
    shown = header[0] if dialect.header is True else below[0][0] if below else ""
    for other, spelled in SEPARATORS.items() if len(header) == 1 else ():
        if other in shown and other != dialect.separator:
            raise DataError(
                f"{source}: has a single column, {shown[:60]!r}",
                expected=f"columns separated by {dialect.shown}",
                hint=f"add `separator: {spelled}` below `data`",
            )
    refuse_repeated(source, header)


def _parsed(rows: _Rows, names: list[str], numeric: Collection[str]) -> Block:
    separator, data = rows.dialect.character.encode(), rows.data
    # Where a value begins with the last quote, nothing closes it: it would reach to the end of the
    # block, but Arrow says nothing.
    last = data.rfind(b'"')
    opens = data[max(0, last - 1) : last] in (b"", b"\n", b"\r", separator)
    if last >= 0 and (opens or data.count(b'"') % 2):
        rows.check()
    if numeric:
        # Numbers are parsed without a text of each in between. Where one is not read as its text
        # would be, or is so large that its text is wanted for a message, the careful way decides.
        with contextlib.suppress(pyarrow.ArrowInvalid):
            block = _by_arrow(rows, names, numeric)
            limits = [pc.min_max(block.column(name)).as_py() for name in numeric]
            if all((at["min"] or 0) > -_EXACT and (at["max"] or 0) < _EXACT for at in limits):
                return block
    try:
        return _by_arrow(rows, names, ())
    except pyarrow.ArrowInvalid as error:
        rows.check()
        raise DataError(
            f"{rows.dialect.source}: is not a CSV table that can be read",
            found=str(error).split("\n")[0][:120],
        ) from error


def _by_arrow(rows: _Rows, names: list[str], numeric: Collection[str]) -> Block:
    positions = {name: str(rows.header.index(name)) for name in names}
    types = {
        position: pyarrow.float64() if name in numeric else pyarrow.string()
        for name, position in positions.items()
    }
    table = pyarrow.csv.read_csv(
        pyarrow.BufferReader(rows.data),
        pyarrow.csv.ReadOptions(
            column_names=[str(position) for position in range(len(rows.header))],
            block_size=min(len(rows.data), 2**31 - 1),  # so that a row may have any length
        ),
        pyarrow.csv.ParseOptions(
            delimiter=rows.dialect.character,
            newlines_in_values=b'"' in rows.data,
            ignore_empty_lines=len(rows.header) > 1,
        ),
        pyarrow.csv.ConvertOptions(
            include_columns=list(types),
            column_types=types,
            null_values=[""],
            strings_can_be_null=True,
            check_utf8=False,
        ),
    ).rename_columns(names)
    source = rows.dialect.source
    return Block(names, table.column, len(table), source, partial(_place, [rows], source))
