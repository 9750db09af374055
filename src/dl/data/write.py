"""Writing columns in blocks of rows: as CSV, safe to open in a spreadsheet, or as Parquet."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from dl.data.formats import form_of, is_packed
from dl.errors import DataError, DiskError, UsageError
from dl.rundir.files import output

_FORMULA = r"^[=+\-@\t\r]"
_NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"
_SPECIAL = r'[",\r\n]|^$'
_BLOCK = 1 << 16

Columns = Mapping[str, Any]
"""Columns of equal length by name: arrays of numbers or text, shape (rows,), or Arrow's."""
Write = Callable[[Columns], None]


@contextmanager
def rows_output(target: Path | BinaryIO) -> Iterator[Write]:
    """Gives what writes blocks of rows below each other.

    Parquet, a group of rows for each block, where its name says so; else CSV with a
    header. There, floats have as many digits as it takes to read the same value again, and text
    that a spreadsheet would run as a formula gets an apostrophe in front. A file appears when it
    is whole: after an error an earlier one is as it was.

    Args:
        target: A file to replace, or an open binary stream, which stays open.

    Raises:
        UsageError: The name of the file tells a form that cannot be written.
        DiskError: The file cannot be written.
        DataError: The format has no form for the values of a column.
        BrokenPipeError: Nobody reads the stream any more.
    """
    if not isinstance(target, Path):
        yield _csv_writer(target, "standard output")
        return
    form = form_of(target, "csv")
    if form not in ("csv", "parquet") or is_packed(target):
        raise UsageError(
            f"{target}: cannot be written as {target.suffix}",
            expected="a name that ends in .csv or .parquet",
            hint=f"write {target.name.partition('.')[0]}.csv",
        )
    with output(target) as stream:
        if form == "csv":
            yield _csv_writer(stream, str(target))
            return
        with _parquet_writer(stream, str(target)) as write:
            yield write


@contextmanager
def _parquet_writer(stream: BinaryIO, name: str) -> Iterator[Write]:
    writer: Any = None

    def write(columns: Columns) -> None:
        nonlocal writer
        rows = pyarrow.table([_arrow(values) for values in columns.values()], list(columns))
        with _writing(name):
            writer = writer or pyarrow.parquet.ParquetWriter(stream, rows.schema)
            writer.write_table(rows)

    try:
        yield write
    finally:
        with _writing(name):
            if writer is not None:
                writer.close()


@contextmanager
def _writing(name: str) -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise DiskError(f"{name}: cannot be written: {error.strerror or error}") from error


def _csv_writer(stream: BinaryIO, name: str) -> Write:
    begun = False

    def write(columns: Columns) -> None:
        nonlocal begun
        cells = [_cells(title, values) for title, values in columns.items()]
        batches = pyarrow.table(cells, list(columns)).to_batches(max_chunksize=_BLOCK)
        if not begun:
            header = [_cells(title, np.array([title], object)) for title in columns]
            batches.insert(0, pyarrow.record_batch(header, list(columns)))
            begun = True
        with _writing(name):
            for batch in batches:
                stream.write(_text(batch))
            stream.flush()

    return write


def _arrow(values: Any) -> Any:
    """Returns a column as a single array of Arrow."""
    if isinstance(values, pyarrow.ChunkedArray):
        return values.combine_chunks()
    if isinstance(values, np.ndarray) and values.dtype.kind not in "biuf":
        return pyarrow.array(np.asarray(values, dtype=object), pyarrow.string())
    return pyarrow.array(np.ascontiguousarray(values) if isinstance(values, np.ndarray) else values)


def _cells(title: str, values: Any) -> Any:
    """Returns numbers, or texts encoded by the distinct ones: each is looked at once.

    A text that a spreadsheet would run as a formula gets an apostrophe.
    """
    array = _arrow(values)
    if pyarrow.types.is_primitive(array.type) and not pyarrow.types.is_temporal(array.type):
        return array  # numbers, true or false
    try:
        encoded = array.cast(pyarrow.string()).dictionary_encode()
    except (pyarrow.ArrowInvalid, pyarrow.ArrowNotImplementedError) as error:
        raise DataError(
            f"column {title!r} has no form in CSV",
            found=f"values of the type {array.type}",
            hint="write Parquet: -o NAME.parquet",
        ) from error
    texts = encoded.dictionary
    formula = pc.and_not(
        pc.match_substring_regex(texts, _FORMULA), pc.match_substring_regex(texts, _NUMBER)
    )
    safe = pc.if_else(formula, pc.binary_join_element_wise("'", texts, ""), texts)
    return pyarrow.DictionaryArray.from_arrays(encoded.indices, safe)


def _text(batch: Any) -> Any:
    # pyarrow cannot quote only the texts that need it: it quotes all texts of a block or none.
    style, plain = "none", []
    for column in batch.columns:
        if pyarrow.types.is_dictionary(column.type):
            if pc.any(pc.match_substring_regex(column.dictionary, _SPECIAL)).as_py():
                style = "needed"
            column = column.dictionary_decode()
        plain.append(column)
    sink = pyarrow.BufferOutputStream()
    options = pyarrow.csv.WriteOptions(include_header=False, quoting_style=style)
    pyarrow.csv.write_csv(pyarrow.record_batch(plain, batch.schema.names), sink, options)
    return sink.getvalue()
