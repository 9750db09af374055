"""CSV in pieces of whole rows, so that a table of any length takes little memory."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import BinaryIO

from dl.data.tables.csv_text import (
    CsvText,
    before_empty_line,
    decode,
    holds_nul,
    is_utf8,
    undecodable,
)
from dl.data.tables.quotes import end_of_rows
from dl.errors import DataError

PIECE = 1 << 23
"""Bytes of a piece, unless a single row is longer."""

_BYTEWISE = ("ascii", "utf-8", "iso8859", "cp125", "koi8", "mac-")
"""Encodings in which a line end and a quote are one byte that stands for nothing else."""

Piece = Callable[[], CsvText]
"""Checks the bytes of a piece and returns its text: the header, and some of the rows."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a CSV file is to be read.

    Attributes:
        source: The file, for messages.
        separator: The character between two values.
        encoding: The encoding of its text.
    """

    source: str
    separator: str
    encoding: str


def csv_pieces(stream: BinaryIO, dialect: Dialect, size: int = PIECE) -> Iterator[Piece]:
    """Yields a CSV stream in pieces, each of whole rows below the file's header.

    Only as much as one piece is read ahead. A text in an encoding such as UTF-16, whose rows
    cannot be told apart byte by byte, is a single piece.

    Args:
        stream: The bytes of the file.
        dialect: How they are to be read.
        size: Bytes of a piece.

    Raises:
        DataError: The bytes cannot be read, are no text, or are a file of another format; the
            pieces raise it too.
        Findings: The config's encoding or separator cannot be used.
    """
    blocks = _blocks(stream, dialect, size)
    first = decode(dialect.source, next(blocks, b""), dialect.encoding, dialect.separator)
    header = bytes(first.data[: first.body_start])
    lines = _line_ends(header)
    skipped = _line_ends(bytes(first.data[first.body_start :]))
    yield lambda: first
    for block in blocks:
        yield partial(_piece, dialect, header, block, lines, skipped)
        skipped += _line_ends(block)


def _piece(dialect: Dialect, header: bytes, block: bytes, lines: int, skipped: int) -> CsvText:
    first = lines + skipped + 1
    try:
        text = block.decode(dialect.encoding)
    except UnicodeDecodeError as error:
        line = first + block.count(b"\n", 0, error.start)
        raise undecodable(dialect.source, line, dialect.encoding, error) from error
    nul = text.find("\0")
    if nul >= 0:
        raise holds_nul(dialect.source, first + text.count("\n", 0, nul))
    rows = block if is_utf8(dialect.encoding) else text.encode()
    return CsvText(dialect.source, header + rows, dialect.separator, skipped)


def _blocks(stream: BinaryIO, dialect: Dialect, size: int) -> Iterator[bytes]:
    """Yields the bytes, cut behind line ends that no quotes enclose and that end some text."""
    rest = b""
    while block := _read(stream, dialect, max(size, len(rest))):
        block = rest + block
        end = end_of_rows(block, dialect.separator) if _is_bytewise(dialect.encoding) else 0
        end = _before_empty_lines(block, end)
        if end:
            yield block[:end]
        rest = block[end:]
    if rest:
        yield rest


def _before_empty_lines(block: bytes, end: int) -> int:
    """Returns where the last row ends that something stands in.

    The empty lines behind it stay with the rows to come: only the last line of a file may be none.
    """
    if before_empty_line(block, 0, end) == end:
        return end
    text = len(block[:end].rstrip(b"\r\n"))
    return text + (2 if block.startswith(b"\r\n", text) else 1) if text else 0


def _read(stream: BinaryIO, dialect: Dialect, size: int) -> bytes:
    try:
        return stream.read(size)
    except OSError as error:
        raise DataError(f"{dialect.source}: cannot be read: {error.strerror}") from error


def _line_ends(text: bytes) -> int:
    """Counts lines as Python's readers do: `\\r` ends one too, and `\\r\\n` ends one."""
    if b"\r" not in text:  # much faster than counting none
        return text.count(b"\n")
    return text.count(b"\n") + text.count(b"\r") - text.count(b"\r\n")


def _is_bytewise(encoding: str) -> bool:
    return _canonical(encoding).startswith(_BYTEWISE) and not _canonical(encoding).endswith("sig")


def _canonical(encoding: str) -> str:
    try:
        return codecs.lookup(encoding).name
    except LookupError:
        return ""
