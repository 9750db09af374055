"""The text of a CSV file: its bytes checked and decoded, its header, the lines of its rows."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from dl.errors import DataError
from dl.vocabulary.spec import Finding, Findings

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
        data: The whole text, UTF-8 without a byte order mark.
        separator: The character between two values.
    """

    source: str
    data: bytes
    separator: str

    @cached_property
    def header(self) -> list[str]:
        """The names of the columns, without spaces around them."""
        return self._header[0]

    @cached_property
    def body_start(self) -> int:
        """Where the rows begin in `data`."""
        return self._header[1]

    @cached_property
    def _header(self) -> tuple[list[str], int]:
        start = 0
        for line, record in _records(self._lines(), self.separator, self.source):
            start = line
            if record:
                return [name.strip() for name in record], self._after_line(start)
        raise DataError(f"{self.source}: is empty", expected="a header row and rows below it")

    def _lines(self) -> io.TextIOWrapper:
        return io.TextIOWrapper(io.BytesIO(self.data), encoding="utf-8", newline="")

    def _after_line(self, count: int) -> int:
        stream = io.TextIOWrapper(io.BytesIO(self.data), encoding="utf-8", newline="")
        length = 0
        for _ in range(count):
            length += len(stream.readline().encode())
        return length

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Yields the 1-based first line and the values of each row; slow, for messages only."""
        line = 1
        header_seen = False
        for last_line, record in _records(self._lines(), self.separator, self.source):
            if record and header_seen:
                yield line, record
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


def decode(source: str, data: bytes, encoding: str, separator: str) -> CsvText:
    """Checks the bytes of a CSV file and returns its text.

    Raises:
        DataError: The bytes are no text in this encoding, or hold a NUL.
        Findings: The config's encoding or separator cannot be used.
    """
    _check_separator(separator)
    for magic, meaning in _OTHER_FORMATS.items():
        if data.startswith(magic):
            raise DataError(f"{source}: is {meaning}")
    text = _to_utf8(source, data, encoding)
    nul = text.find(b"\0")
    if nul >= 0:
        raise DataError(
            f"{source}:{_line(text, nul)}: holds a NUL byte",
            expected="a text file",
            hint="the file is binary or damaged; export it again",
        )
    return CsvText(source, text, separator)


def _check_separator(separator: str) -> None:
    if not separator.isascii() or separator in '"\r\n\0':
        raise Findings(
            [
                Finding(
                    ("data", "separator"),
                    "separator cannot be used",
                    "an ASCII character other than a quote or line end",
                    repr(separator),
                    'the usual ones are "," and ";" and "\\t"',
                )
            ]
        )


def _to_utf8(source: str, data: bytes, encoding: str) -> bytes:
    try:
        if encoding.lower().replace("_", "-") in ("utf-8", "utf8"):
            data = data.removeprefix(_BOM)
            data.decode("utf-8")
            return data
        return data.decode(encoding).removeprefix("\ufeff").encode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{source}:{_line(data, error.start)}: is not {encoding} text",
            found=f"byte 0x{data[error.start]:02x}" if error.start < len(data) else None,
            hint="name its encoding: `encoding: cp1252` (Windows), `encoding: latin-1` or "
            "`encoding: utf-16`",
        ) from error
    except (LookupError, UnicodeError) as error:
        raise Findings(
            [
                Finding(
                    ("data", "encoding"),
                    "encoding is not known",
                    "a text encoding of Python, such as utf-8, latin-1, cp1252, utf-16",
                    repr(encoding),
                )
            ]
        ) from error


def _line(data: bytes, position: int) -> int:
    return data.count(b"\n", 0, position) + 1


def _records(
    lines: io.TextIOWrapper, separator: str, source: str
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
                f"{source}:{first}: is no CSV row: {error}",
                hint='check the quotes: a " is closed by a ", one inside a quoted value is doubled',
            ) from error
        yield reader.line_num, record
