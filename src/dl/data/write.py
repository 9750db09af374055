"""Writing columns as CSV, in blocks of rows, safe to open in a spreadsheet."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow
import pyarrow.compute as pc
import pyarrow.csv

from dl.data.types import Array
from dl.errors import DiskError
from dl.rundir.files import output

_FORMULA = r"^[=+\-@\t\r]"
_NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"
_SPECIAL = r'[",\r\n]|^$'
_BLOCK = 1 << 16

Write = Callable[[Mapping[str, Array]], None]
"""Writes columns of equal length: arrays of numbers or text, shape (rows,), by name."""


@contextmanager
def csv_output(target: Path | BinaryIO) -> Iterator[Write]:
    """Gives what writes blocks of rows below each other, the first one with a header row.

    Floats are written with as many digits as it takes to read the same value again. Text that a
    spreadsheet would run as a formula gets an apostrophe in front. A file appears when it is
    whole: after an error an earlier one is as it was.

    Args:
        target: A file to replace, or an open binary stream, which stays open.

    Raises:
        DiskError: The file cannot be written.
        BrokenPipeError: Nobody reads the stream any more.
    """
    if not isinstance(target, Path):
        yield _writer(target, "standard output")
    else:
        with output(target) as stream:
            yield _writer(stream, str(target))


def _writer(stream: BinaryIO, name: str) -> Write:
    begun = False

    def write(columns: Mapping[str, Array]) -> None:
        nonlocal begun
        rows = pyarrow.table([_column(values) for values in columns.values()], list(columns))
        batches = rows.to_batches(max_chunksize=_BLOCK)
        if not begun:
            header = [_column(np.array([title], object)) for title in columns]
            batches.insert(0, pyarrow.record_batch(header, list(columns)))
            begun = True
        try:
            for batch in batches:
                stream.write(_text(batch))
            stream.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise DiskError(f"{name}: cannot be written: {error.strerror or error}") from error

    return write


def _column(values: Array) -> Any:
    """Returns numbers, or texts encoded by the distinct ones: each is looked at once.

    A text that a spreadsheet would run as a formula gets an apostrophe.
    """
    if values.dtype.kind in "biuf":
        return pyarrow.array(np.ascontiguousarray(values))
    encoded = pyarrow.array(np.asarray(values, dtype=object), pyarrow.string()).dictionary_encode()
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
