"""CSV larger than memory: its text is checked in blocks, parsed once, and kept by columns on disk.

The columns are text, as in `dl.data.tables.csv_file`, so that the kind of each is decided from all
of its values by the same function. The text itself is copied first: a mapped file that another
program shortens would end this one by a signal.
"""

from __future__ import annotations

import codecs
import mmap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.csv
import pyarrow.ipc

from dl.data.files import check_file
from dl.data.streaming.scratch import ScratchFile, check_space
from dl.data.tables.csv_file import body_of, check_header, no_rows, options, row_faults
from dl.data.tables.csv_text import (
    CsvText,
    check_start,
    holds_nul,
    undecodable,
    unknown_encoding,
)
from dl.data.tables.frame import Frame, Names, Select
from dl.runs.files import disk_error
from dl.system import forget_pages

_BLOCK = 1 << 24


class _TextColumns(Mapping[str, Any]):
    """Columns of text in an Arrow file, each mapped from the disk when it is asked for."""

    def __init__(self, names: list[str], content: mmap.mmap) -> None:
        self._names = names
        self._reader = pyarrow.ipc.open_file(pyarrow.py_buffer(content))

    def __getitem__(self, name: str) -> Any:
        position = self._names.index(name)
        batches = map(self._reader.get_batch, range(self._reader.num_record_batches))
        chunks = [batch.column(position) for batch in batches]
        return pyarrow.chunked_array(chunks, pyarrow.string())

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def csv_frame(
    path: Path, separator: str, encoding: str, select: Select, named: Names = ()
) -> Frame:
    """Reads the selected columns of a CSV file as text that stays on the disk.

    Raises:
        DataError: The file cannot be read or is no table; the message has the line.
        DiskError: There is no space for the columns.
    """
    text = mapped_text(path, separator, encoding)
    check_header(text, named)
    names = select(text.header)
    positions = [text.header.index(name) for name in names]
    check_space(2 * len(text.data), "the text by columns, and its numbers")
    body = body_of(text)
    with row_faults(text):
        reader = pyarrow.csv.open_csv(body, **options(text, positions))
        content, rows = _stored(reader)
    if isinstance(text.data, mmap.mmap):
        forget_pages(text.data)  # only messages need the text from now on
    if rows == 0:
        raise no_rows(text.source)
    return Frame(_TextColumns(names, content), rows, text.source, text.place)


def _stored(reader: Any) -> tuple[mmap.mmap, int]:
    """Writes all record batches to an Arrow file; returns its content and the number of rows."""
    scratch = ScratchFile()
    rows = 0
    sink = pyarrow.PythonFile(scratch.file, mode="w")
    with pyarrow.ipc.new_file(sink, reader.schema) as writer:
        for batch in reader:
            rows += batch.num_rows
            try:
                writer.write_batch(batch)
            except OSError as error:
                raise disk_error(error, "writing the columns of a CSV file") from error
    return scratch.content(), rows


def mapped_text(path: Path, separator: str, encoding: str) -> CsvText:
    """Checks the bytes of a CSV file and returns a copy of its text, mapped from the disk.

    Raises:
        DataError: The bytes are no text in this encoding, or hold a NUL.
        DiskError: There is no space for the copy.
        Findings: The config's encoding or separator cannot be used.
    """
    check_file(path)
    with path.open("rb") as file:
        check_start(str(path), file.read(4), separator)
    check_space(path.stat().st_size, f"the text of {path}")
    return CsvText(str(path), _copied(path, encoding), separator)


def _copied(path: Path, encoding: str) -> mmap.mmap | bytes:
    scratch = ScratchFile()
    empty = True
    for text in _decoded(path, encoding):
        content = (text.removeprefix("\ufeff") if empty else text).encode()
        empty = empty and not content
        scratch.write(content)
    return b"" if empty else scratch.content()


def _decoded(path: Path, encoding: str) -> Iterator[str]:
    """Yields the text in blocks; refuses what is no text."""
    lines = 1
    try:
        decoder = codecs.getincrementaldecoder(encoding)()
        for block in _blocks(path):
            text = decoder.decode(block, final=not block)
            if "\0" in text:
                raise holds_nul(str(path), lines + text.count("\n", 0, text.index("\0")))
            yield text
            lines += text.count("\n")
    except UnicodeDecodeError as error:
        line = lines + error.object.count(b"\n", 0, error.start)
        raise undecodable(str(path), line, encoding, error) from error
    except (LookupError, UnicodeError) as error:
        raise unknown_encoding(encoding) from error


def _blocks(path: Path) -> Iterator[bytes]:
    """Yields the bytes of a file in blocks, and an empty block behind the last."""
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            yield block
    yield b""
