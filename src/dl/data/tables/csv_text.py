"""The text of a CSV file: its bytes checked and decoded, its header, the lines of its rows."""

from __future__ import annotations

import csv
import io
import mmap
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pyarrow

from dl.errors import DataError
from dl.vocabulary.spec import Findings

_BOM = b"\xef\xbb\xbf"
_OTHER_FORMATS = {
    b"PAR1": "a Parquet file: use `source: parquet`",
    b"PK\x03\x04": "a zip or spreadsheet file: export it as CSV",
    b"\x1f\x8b": "compressed by gzip: unpack it first",
}


@dataclass(frozen=True)
class CsvText:
    """The text of a CSV file.

    Attributes:
        source: The file, for messages.
        data: The whole text, UTF-8 without a byte order mark; perhaps mapped from a file.
        separator: The character between two values.
        skipped: Lines of the file that are left out between the header and the first row here.
    """

    source: str
    data: bytes | mmap.mmap
    separator: str
    skipped: int = 0

    @cached_property
    def header(self) -> list[str]:
        """The names of the columns, without spaces around them."""
        return self._header[0]

    @cached_property
    def body_start(self) -> int:
        """Where the rows begin in `data`."""
        return self._header[1]

    @property
    def one_column(self) -> bool:
        """Whether the table has a single column, so that an empty line is a row without a value."""
        return len(self.header) == 1

    @cached_property
    def body_end(self) -> int:
        """Where the rows end in `data`: before an empty line at the end, which is no row."""
        return before_empty_line(self.data, self.body_start, len(self.data))

    @property
    def has_rows(self) -> bool:
        """Whether there is a row below the header."""
        start, end = self.body_start, self.body_end
        if self.one_column or self.data[start : start + 64].strip(b"\r\n"):
            return end > start
        return bool(self.data[start:end].strip(b"\r\n"))  # a tab may be a row, too

    @cached_property
    def _header(self) -> tuple[list[str], int]:
        start = 0
        for line, record in _records(self._lines(self.data), self.separator, self.source):
            start = line
            if record:
                return [name.strip() for name in record], self._after_line(start)
        raise DataError(f"{self.source}: is empty", expected="a header row and rows below it")

    @staticmethod
    def _lines(data: Any) -> io.TextIOWrapper:
        # Arrow's reader copies nothing of a mapped file.
        return io.TextIOWrapper(pyarrow.BufferReader(data), encoding="utf-8", newline="")

    def _after_line(self, count: int) -> int:
        stream = self._lines(self.data)
        length = 0
        for _ in range(count):
            length += len(stream.readline().encode())
        return length

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Yields the 1-based first line and the values of each row; slow, for messages only."""
        line = 1
        header_seen = False
        lines = self._lines(pyarrow.py_buffer(self.data).slice(0, self.body_end))
        for last_line, record in _records(lines, self.separator, self.source, self.skipped):
            if header_seen and (record or self.one_column):
                yield line + self.skipped, record or [""]
            header_seen = header_seen or bool(record)
            line = last_line + 1

    def place(self, row: int) -> str:
        """Words for the place of a 0-based row: `data/train.csv:17`; the file if unclear."""
        try:
            for position, (line, _) in enumerate(self.rows()):
                if position == row:
                    return f"{self.source}:{line}"
        except DataError:
            # pyarrow is laxer about stray quotes than Python's reader, which only counts lines.
            return self.source
        return self.source


def before_empty_line(data: bytes | mmap.mmap, start: int, end: int) -> int:
    """Returns where the last line between two places begins if nothing stands in it, else `end`."""
    last = data[max(start, end - 2) : end]
    ending = next((ending for ending in (b"\r\n", b"\n", b"\r") if last.endswith(ending)), b"")
    begin = end - len(ending)
    if ending and (begin == start or data[begin - 1 : begin] in (b"\n", b"\r")):
        return begin
    return end


def decode(source: str, data: bytes, encoding: str, separator: str) -> CsvText:
    """Checks the bytes of a CSV file and returns its text.

    Raises:
        DataError: The bytes are no text in this encoding, or hold a NUL.
        Findings: The config's encoding or separator cannot be used.
    """
    check_start(source, data[:4], separator)
    text = _to_utf8(source, data, encoding)
    nul = text.find(b"\0")
    if nul >= 0:
        raise holds_nul(source, _line(text, nul))
    return CsvText(source, text, separator)


def check_start(source: str, start: bytes, separator: str) -> None:
    """Refuses a separator that cannot be used, and files of other formats by their first bytes."""
    _check_separator(separator)
    for magic, meaning in _OTHER_FORMATS.items():
        if start.startswith(magic):
            raise DataError(f"{source}: is {meaning}")


def holds_nul(source: str, line: int) -> DataError:
    """Returns the error about a NUL in a line."""
    return DataError(
        f"{source}:{line}: holds a NUL byte",
        expected="a text file",
        hint="the file is binary or damaged; export it again",
    )


def _check_separator(separator: str) -> None:
    if not separator.isascii() or separator in '"\r\n\0':
        raise Findings.one(
            ("data", "separator"),
            "separator cannot be used",
            "an ASCII character other than a quote or line end",
            repr(separator),
            'the usual ones are "," and ";" and "\\t"',
        )


def _to_utf8(source: str, data: bytes, encoding: str) -> bytes:
    try:
        if is_utf8(encoding):
            data = data.removeprefix(_BOM)
            data.decode("utf-8")
            return data
        return data.decode(encoding).removeprefix("\ufeff").encode("utf-8")
    except UnicodeDecodeError as error:
        raise undecodable(source, _line(data, error.start), encoding, error) from error
    except (LookupError, UnicodeError) as error:
        raise unknown_encoding(encoding) from error


def is_utf8(encoding: str) -> bool:
    """Whether an encoding is UTF-8, as it is usually spelled."""
    return encoding.lower().replace("_", "-") in ("utf-8", "utf8")


def undecodable(source: str, line: int, encoding: str, error: UnicodeDecodeError) -> DataError:
    """Returns the error about bytes in a line that are no text in the encoding."""
    known = error.start < len(error.object)
    return DataError(
        f"{source}:{line}: is not {encoding} text",
        found=f"byte 0x{error.object[error.start]:02x}" if known else None,
        hint="name its encoding: `encoding: cp1252` (Windows), `encoding: latin-1` or "
        "`encoding: utf-16`",
    )


def unknown_encoding(encoding: str) -> Findings:
    """Returns the error about `data.encoding`."""
    return Findings.one(
        ("data", "encoding"),
        "encoding is not known",
        "a text encoding of Python, such as utf-8, latin-1, cp1252, utf-16",
        repr(encoding),
    )


def _line(data: bytes, position: int) -> int:
    return data.count(b"\n", 0, position) + 1


def _records(
    lines: io.TextIOWrapper, separator: str, source: str, skipped: int = 0
) -> Iterator[tuple[int, list[str]]]:
    """Yields the last line and the values of each record, blank lines as empty records."""
    reader = csv.reader(lines, delimiter=separator, strict=True)
    while True:
        first = reader.line_num + 1
        try:
            record = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise DataError(
                f"{source}:{first + skipped}: is not a CSV row: {error}",
                hint='check the quotes: a " is closed by a ", one inside a quoted value is doubled',
            ) from error
        yield reader.line_num, record
