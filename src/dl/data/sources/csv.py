"""CSV: bytes to blocks of whole rows, in which Arrow finds every value as text.

Training, streaming and predicting read by this way alone, so that an encoding, a quote, an empty
line and the line of a row mean the same to all of them. Why all is text at first: see
docs/design/0007-csv-is-read-as-text.md.
"""

from __future__ import annotations

import codecs
import contextlib
import csv
import io
import itertools
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow
import pyarrow.compute as pc
import pyarrow.csv
from numpy.typing import NDArray

from dl.config.tables import MOST_ROWS, refuse_row
from dl.data.files import check_file
from dl.data.storage import check_memory, check_space
from dl.data.tables import Block, ReadBlock, Wanted, appended, joined, refuse_repeated
from dl.errors import DataError
from dl.progress import Advance
from dl.text import plural
from dl.vocabulary.spec import Findings

BLOCK = 1 << 23
"""Bytes that are read for a block to predict, which is longer only where a single row is."""
_SMALL_BLOCK = 1 << 21
"""Those of rows that are put together again: small enough for the caches of a processor."""

_OTHER_FORMATS = {
    b"PAR1": "a Parquet file: use `source: parquet`",
    b"PK\x03\x04": "a zip or spreadsheet file: export it as CSV",
    b"\x1f\x8b": "compressed by gzip: unpack it first",
}
_OTHER_SEPARATORS = {";": '";"', "\t": '"\\t"', ",": '","', "|": '"|"'}
_BYTE_ORDERS = {
    "utf-16": (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE),
    "utf-32": (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE),
}
_COPIES = 3
"""The text by columns, the column that is being typed once more, and the numbers."""
_SAMPLE = 1 << 20
_EXACT = float(2**53)
"""From here on two integers may be the same float64."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a CSV file is to be read.

    Attributes:
        source: The file, for messages.
        separator: The character between two values.
        encoding: The encoding of its text.
    """

    source: str
    separator: str = ","
    encoding: str = "utf-8"

    @classmethod
    def of(cls, data: Any, source: str) -> Dialect:
        """Returns that of a section `data`, the usual one where it says nothing about text."""
        fallback = cls(source)
        separator = getattr(data, "separator", fallback.separator)
        return cls(source, separator, getattr(data, "encoding", fallback.encoding))


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

    def check(self) -> None:
        """Refuses the first row whose length is wrong or whose quotes are not closed."""
        expected = len(self.header)
        for line, values in self.records():
            if len(values) != expected:
                raise DataError(
                    f"{self.dialect.source}:{line}: row has {plural(len(values), 'value')}",
                    expected=f"{plural(expected, 'value')}, as in the header",
                    hint='put a value that holds the separator in quotes: "a, b"',
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
        Findings: The config's encoding or separator cannot be used.
    """
    header, blocks = _opened(_pieces(stream, dialect, size or BLOCK, advance), dialect)
    first = next(blocks, None)
    _check_header(dialect, header, first, wanted.features or ())
    names = wanted.selected(dialect.source, header)
    if first is None:
        raise DataError(f"{dialect.source}: has a header but no rows")
    # Where a text stands for a missing value, a column is text: the text may be a number (`-999`).
    numeric = [
        name
        for name in (names if to_predict else ())
        if wanted.kinds.get(name) == "numeric" and not wanted.missing_in(name)
    ]
    for rows in itertools.chain([first], blocks):
        yield partial(_parsed, rows, names, numeric)


def read(data: Any, path: Path, wanted: Wanted, on_disk: bool = False) -> Block:
    """Reads the wanted columns of a CSV file as text, into memory or onto the disk.

    Args:
        data: The section `data`, for its separator and encoding.
        path: The file.
        wanted: The columns.
        on_disk: Whether the rows are held on the disk.

    Raises:
        DataError: The file cannot be read or is not a table; the message has the line.
        DiskError: There is no space for the columns.
    """
    check_file(path)
    size = path.stat().st_size
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
    with _open(path) as stream:
        found = csv_blocks(stream, dialect, wanted, size=_SMALL_BLOCK)
        return (appended if on_disk else joined)(found, partial(_line_of, path, dialect))


def blocks(
    data: Any, rows: Path | BinaryIO, wanted: Wanted, advance: Advance
) -> Iterator[ReadBlock]:
    """Yields readers of rows to predict; see `csv_blocks`."""
    with _open(rows) if isinstance(rows, Path) else contextlib.nullcontext(rows) as stream:
        dialect = Dialect.of(data, str(rows) if isinstance(rows, Path) else "standard input")
        yield from csv_blocks(stream, dialect, wanted, advance, to_predict=True)


def total(path: Path) -> int:
    """Returns the bytes of a file."""
    return path.stat().st_size


def numbers(data: Any, path: Path) -> int:
    """Counts the values at the start of the file, and takes the rest to be alike."""
    check_file(path)
    with _open(path) as stream:
        sample = next(_pieces(stream, Dialect(str(path)), _SAMPLE))
    values = sample.count(b"\n") + sample.count(data.separator.encode())
    return int(values * path.stat().st_size / max(1, len(sample)))


def _open(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from error


def _line_of(path: Path, dialect: Dialect, row: int) -> str:
    """Words for the place of a 0-based row, `data/train.csv:17`; the file alone if unclear."""
    try:
        with _open(path) as stream:
            return _place(_opened(_pieces(stream, dialect), dialect)[1], dialect.source, row)
    except DataError:
        return dialect.source


def _place(blocks: Iterable[_Rows], source: str, row: int) -> str:
    records = itertools.chain.from_iterable(block.records() for block in blocks)
    try:
        for line, _ in itertools.islice(records, row, None):
            return f"{source}:{line}"
    except DataError:
        pass  # Arrow is laxer about stray quotes than Python's reader, which only counts lines
    return source


def _opened(content: Iterator[bytes], dialect: Dialect) -> tuple[list[str], Iterator[_Rows]]:
    """Returns the names of the columns, without spaces around them, and the rows in blocks."""
    texts = _whole_rows(_decoded(content, dialect), dialect.separator)
    first = next(texts, b"")
    for _, values, end in _records(first, dialect):
        if values:
            header = [name.strip() for name in values]
            return header, _bodies(dialect, header, (first[:end], first[end:]), texts)
    raise DataError(f"{dialect.source}: is empty", expected="a header row and rows below it")


def _bodies(
    dialect: Dialect, header: list[str], first: tuple[bytes, bytes], texts: Iterator[bytes]
) -> Iterator[_Rows]:
    line = 1 + _line_ends(first[0])
    for data in itertools.chain(first[1:], texts):
        if data if len(header) == 1 else data.lstrip(b"\r\n"):
            yield _Rows(dialect, header, data, line)
        line += _line_ends(data)


def _records(data: bytes, dialect: Dialect, line: int = 1) -> Iterator[tuple[int, list[str], int]]:
    """Yields the first line, the values and the end of each record; of a blank line no values."""
    end = 0

    def lines() -> Iterator[str]:
        nonlocal end
        for text in io.TextIOWrapper(io.BytesIO(data), "utf-8", newline=""):
            end += len(text.encode())
            yield text

    reader = csv.reader(lines(), delimiter=dialect.separator, strict=True)
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


def _check_header(
    dialect: Dialect, header: list[str], rows: _Rows | None, named: Collection[str]
) -> None:
    """Refuses one column that looks like several, a row in the place of names, repeated names."""
    source = dialect.source
    for other, spelled in _OTHER_SEPARATORS.items() if len(header) == 1 else ():
        if other in header[0]:
            raise DataError(
                f"{source}: has a single column, {header[0][:60]!r}",
                expected=f"columns separated by {dialect.separator!r}",
                hint=f"add `separator: {spelled}` below `data`",
            )
    below: list[list[str]] = []
    with contextlib.suppress(DataError):  # a row that cannot be read is told of when it is
        records = rows.records() if rows else ()
        below = [values for _, values in itertools.islice(records, MOST_ROWS)]
    refuse_row(source, header, below, dialect.separator, named)
    refuse_repeated(source, header)


def _parsed(rows: _Rows, names: list[str], numeric: Collection[str]) -> Block:
    separator, data = rows.dialect.separator.encode(), rows.data
    # Where a value begins with the last quote, nothing closes it: it would reach to the end of the
    # block, but Arrow says nothing.
    last = data.rfind(b'"')
    opens = last >= 0 and data[max(0, last - 1) : last] in (b"", b"\n", b"\r", separator)
    if opens or data.count(b'"') % 2:
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
            delimiter=rows.dialect.separator,
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


def _pieces(
    stream: BinaryIO, dialect: Dialect, size: int = BLOCK, advance: Advance = lambda size: None
) -> Iterator[bytes]:
    """Yields the bytes of a file, and no bytes behind the last."""
    content = b"."
    while content:
        try:
            content = stream.read(size)
        except OSError as error:
            raise DataError(f"{dialect.source}: cannot be read: {error.strerror}") from error
        yield content
        advance(len(content))


def _decoded(content: Iterator[bytes], dialect: Dialect) -> Iterator[bytes]:
    """Yields the content in UTF-8, without a byte order mark; refuses what is not text."""
    source, encoding = dialect.source, dialect.encoding
    start = next(content)
    _check_start(source, start, dialect.separator)
    decoder = _decoder(encoding, start)
    line, begun = 1, False
    for read in itertools.chain([start], content):
        try:
            if begun and encoding == "utf-8" and read.isascii() and not decoder.getstate()[0]:
                data = read  # ASCII is UTF-8 already: a tenth of the time of the reading is saved
            else:
                text = decoder.decode(read, final=not read)
                data = (text if begun else text.removeprefix("\ufeff")).encode()
                begun = begun or bool(text)
        except UnicodeDecodeError as error:
            place = line + error.object.count(b"\n", 0, error.start)
            known = error.start < len(error.object)
            raise DataError(
                f"{source}:{place}: is not {encoding} text",
                found=f"byte 0x{error.object[error.start]:02x}" if known else None,
                hint="name its encoding: `encoding: cp1252` (Windows), `encoding: latin-1` or "
                "`encoding: utf-16`",
            ) from error
        except UnicodeError as error:
            raise _unknown_encoding(encoding) from error
        nul = data.find(b"\0")
        if nul >= 0:
            place = line + data.count(b"\n", 0, nul)
            raise DataError(
                f"{source}:{place}: holds a NUL byte",
                expected="a text file",
                hint="the file is binary or damaged; export it again",
            )
        yield data
        line += data.count(b"\n")


def _check_start(source: str, start: bytes, separator: str) -> None:
    """Refuses a separator that cannot be used, and files of other formats by their first bytes."""
    if not separator.isascii() or separator in '"\r\n\0':
        raise Findings.one(
            ("data", "separator"),
            "separator cannot be used",
            "an ASCII character other than a quote or line end",
            repr(separator),
            'the usual ones are "," and ";" and "\\t"',
        )
    for magic, meaning in _OTHER_FORMATS.items():
        if start.startswith(magic):
            raise DataError(f"{source}: is {meaning}")


def _decoder(encoding: str, start: bytes) -> codecs.IncrementalDecoder:
    try:
        io.TextIOWrapper(io.BytesIO(), encoding)  # refuses codecs that are not for text: `hex`
        name = codecs.lookup(encoding).name
        if name in _BYTE_ORDERS and not start.startswith(_BYTE_ORDERS[name]):
            name += "-le"  # `bytes.decode` takes this order; an incremental decoder takes none
        return codecs.getincrementaldecoder(name)()
    except (LookupError, ValueError) as error:
        raise _unknown_encoding(encoding) from error


def _unknown_encoding(encoding: str) -> Findings:
    return Findings.one(
        ("data", "encoding"),
        "encoding is not known",
        "a text encoding of Python, such as utf-8, latin-1, cp1252, utf-16",
        repr(encoding),
    )


def _whole_rows(chunks: Iterator[bytes], separator: str) -> Iterator[bytes]:
    """Yields the text, cut behind line ends that no quotes enclose and that end some text.

    An empty line at the end of the file is not a row and left out; the empty lines behind a cut
    stay with the rows to come, since only then it is known whether they are at the end.
    """
    rest, waiting, length = b"", [b""], 0
    for chunk in chunks:
        waiting.append(chunk)
        length += len(chunk)
        if length < len(rest):
            continue  # a row longer than some blocks is not to be searched again for each of them
        block = b"".join([rest, *waiting])
        end = _end_of_rows(block, separator)
        if _empty_end(block, end):
            end = len(block[:end].rstrip(b"\r\n"))
            end += 0 if end == 0 else 2 if block.startswith(b"\r\n", end) else 1
        if end:
            yield block[:end]
        rest, waiting, length = block[end:], [], 0
    rest = b"".join([rest, *waiting])
    if rest := rest[: len(rest) - _empty_end(rest, len(rest))]:
        yield rest


def _empty_end(text: bytes, end: int) -> int:
    """Returns the length of the line end before `end` if nothing stands in its line, else 0."""
    near = text[max(0, end - 3) : end]  # a line end, and what is before it
    last = next((ending for ending in (b"\r\n", b"\n", b"\r") if near.endswith(ending)), b"")
    before = near[: len(near) - len(last)]
    return len(last) if before == b"" or before.endswith((b"\n", b"\r")) else 0


def _line_ends(text: bytes) -> int:
    """Counts lines as Python's readers do: `\\r` ends one too, and `\\r\\n` ends one."""
    if b"\r" not in text:  # much faster than counting none
        return text.count(b"\n")
    return text.count(b"\n") + text.count(b"\r") - text.count(b"\r\n")


def _end_of_rows(block: bytes, separator: str) -> int:
    """Returns where the last whole row of a text ends, which begins with a row; 0 if none ends."""
    end = block.rfind(b"\n") + 1
    if b'"' not in block:
        return end
    starts, ends = _quoted(block, separator.encode())
    while end:
        before = int(np.searchsorted(starts, end - 1)) - 1
        if before < 0 or ends[before] < end - 1:
            return end
        end = block.rfind(b"\n", 0, int(starts[before])) + 1
    return 0


def _quoted(block: bytes, separator: bytes) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Returns the first and the last quote of each quoted value; one may end with the text."""
    characters = np.frombuffer(block, np.uint8)
    quotes = np.flatnonzero(characters == ord('"'))
    if len(quotes) % 2:
        quotes = np.append(quotes, len(block))
    starts, ends = quotes[0::2], quotes[1::2]
    # Mostly quotes taken in pairs stand around values; a doubled quote ends and begins one.
    borders = np.zeros(256, np.bool_)
    borders[list(b'"\r\n' + separator)] = True
    before = borders[characters[np.maximum(starts - 1, 0)]] | (starts == 0)
    last = len(block) - 1
    after = borders[characters[np.minimum(ends + 1, last)]] | (ends >= last)
    if before.all() and after.all():
        return starts, ends
    # Other quotes stand inside plain values, as in `5" disk`: slower.
    border = re.escape(separator)
    quoted = re.compile(
        rb'"(?:(?<=[\r\n' + border + rb']")|(?<=\A"))[^"]*(?:""[^"]*)*("|\Z)', re.DOTALL
    )
    spans = [(match.start(), match.start(1)) for match in quoted.finditer(block)]
    starts, ends = np.array(spans, np.intp).reshape(-1, 2).T
    return starts, ends
