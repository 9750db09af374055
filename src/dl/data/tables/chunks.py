"""Tables read in chunks of rows, typed by the kinds of columns that were learned at training."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.compute as pc
import pyarrow.csv

from dl.data.raw import RawTable
from dl.data.tables.csv_file import body_of, check_header, frame_of, options
from dl.data.tables.csv_text import CsvText
from dl.data.tables.frame import Frame
from dl.data.tables.parquet_file import (
    damaged_as_data_error,
    frame_of_parquet,
    open_parquet,
    refuse_lost_rows,
)
from dl.data.tables.pieces import Piece
from dl.data.tables.read import Wanted, selector, typed_table
from dl.progress import Advance

ReadChunk = Callable[[], RawTable | None]
"""Reads some rows; None where there are none. May be called in another thread."""

_BLOCK = 1 << 20
"""Bytes that Arrow gives to one thread at a time."""
_EXACT = float(2**53)
_PARQUET_ROWS = 1 << 16


def csv_chunks(pieces: Iterable[Piece], wanted: Wanted) -> Iterator[ReadChunk]:
    """Yields readers of the rows of a CSV file, a piece each.

    Raises:
        DataError: The readers raise it, where the rows cannot be used; the message has the line.
    """
    for piece in pieces:
        yield partial(_typed_piece, piece, wanted)


def parquet_rows(path: Path) -> int:
    """Returns the number of rows of a Parquet file; raises `DataError`."""
    with damaged_as_data_error(path):
        return int(open_parquet(path).metadata.num_rows)


def parquet_chunks(
    path: Path, wanted: Wanted, advance: Advance, rows: int = _PARQUET_ROWS
) -> Iterator[ReadChunk]:
    """Yields readers of the rows of a Parquet file, so many at a time, and reports progress.

    Raises:
        DataError: The file cannot be read, or (from the readers) its rows cannot be used.
    """
    with damaged_as_data_error(path):
        file = open_parquet(path)
        names = selector(str(path), wanted)(list(file.schema_arrow.names))
        batches = file.iter_batches(batch_size=rows, columns=names)
    begin = 0
    while (batch := _next_batch(path, batches)) is not None:
        frame = frame_of_parquet(path, {n: batch.column(n) for n in names}, batch.num_rows)
        yield partial(typed_table, _from_row(frame, begin), wanted)
        advance(batch.num_rows)
        begin += batch.num_rows
    refuse_lost_rows(path, begin, file.metadata.num_rows)


def _next_batch(path: Path, batches: Iterator[Any]) -> Any:
    with damaged_as_data_error(path):
        return next(batches, None)


def _from_row(frame: Frame, begin: int) -> Frame:
    place = frame.place
    return replace(frame, place=lambda row: place(begin + row))


def _typed_piece(piece: Piece, wanted: Wanted) -> RawTable | None:
    text = piece()
    if not text.skipped:  # the other pieces have the same header
        check_header(text, wanted.features or ())
    if not text.has_rows:
        selector(text.source, wanted)(text.header)
        return None
    frame = _quick_frame(text, wanted) or frame_of(
        text, selector(text.source, wanted), wanted.features or ()
    )
    return typed_table(frame, wanted)


def _quick_frame(text: CsvText, wanted: Wanted) -> Frame | None:
    """Returns the columns with numbers parsed by Arrow, without a text of each in between.

    None where a value is none that Arrow reads as the careful way does, or where its text may be
    wanted for a message: then the careful way has to decide. A column where a text stands for a
    missing value is read as text: the text may be a number (`-999`).
    """
    names = selector(text.source, wanted)(text.header)
    positions = [text.header.index(name) for name in names]
    numeric = [
        name
        for name in names
        if wanted.kinds.get(name) == "numeric" and not wanted.missing_in(name)
    ]
    settings = options(text, positions)
    settings["read_options"].block_size = _BLOCK
    convert = settings["convert_options"]
    convert.column_types = {
        str(position): pyarrow.float64() if name in numeric else pyarrow.string()
        for name, position in zip(names, positions, strict=True)
    }
    try:
        table = pyarrow.csv.read_csv(body_of(text), **settings)
    except pyarrow.ArrowInvalid:
        return None
    columns = {name: table.column(i) for i, name in enumerate(names)}
    if not all(_is_exact(columns[name]) for name in numeric):
        return None
    return Frame(columns, table.num_rows, text.source, text.place)


def _is_exact(numbers: Any) -> bool:
    """Whether all numbers are so small that no two integers look the same."""
    limits = pc.min_max(numbers).as_py()
    lowest, highest = limits["min"], limits["max"]
    return lowest is None or (lowest > -_EXACT and highest < _EXACT)
