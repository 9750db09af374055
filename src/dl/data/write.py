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
from dl.runs.files import output

_FORMULA = r"^[=+\-@\t\r]"
_NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"
_SPECIAL = r'[",\r\n]|^$'
_BLOCK = 1 << 16

Write = Callable[[Mapping[str, Array]], None]
"""Writes columns of equal length: arrays of numbers or text, shape (rows,), by name."""


def write_csv(columns: Mapping[str, Array], target: Path | BinaryIO) -> None:
    """Writes columns as one table; see `csv_output`."""
    with csv_output(target) as write:
        write(columns)


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
        yield _Writer(target, "standard output").write
    else:
        with output(target) as stream:
            yield _Writer(stream, str(target)).write


def _cannot_write(name: str, error: OSError) -> DiskError:
    return DiskError(f"{name}: cannot be written: {error.strerror or error}")


class _Writer:
    def __init__(self, stream: BinaryIO, name: str) -> None:
        self._stream = stream
        self._name = name
        self._begun = False

    def write(self, columns: Mapping[str, Array]) -> None:
        table = pyarrow.table([_column(values) for values in columns.values()], list(columns))
        try:
            if not self._begun:
                self._stream.write(_header(table.column_names))
                self._begun = True
            for batch in table.to_batches(max_chunksize=_BLOCK):
                self._stream.write(_text(batch))
            self._stream.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise _cannot_write(self._name, error) from error


def _header(names: list[str]) -> Any:
    return _text(pyarrow.record_batch([_escaped(pyarrow.array([name])) for name in names], names))


def _text(batch: Any) -> Any:
    # pyarrow cannot quote only the texts that need it: it quotes all texts of a block or none.
    style = "needed" if any(map(_has_special, batch.columns)) else "none"
    plain = pyarrow.record_batch([_plain(column) for column in batch.columns], batch.schema.names)
    sink = pyarrow.BufferOutputStream()
    options = pyarrow.csv.WriteOptions(include_header=False, quoting_style=style)
    pyarrow.csv.write_csv(plain, sink, options)
    return sink.getvalue()


def _column(values: Array) -> Any:
    if values.dtype.kind in "biuf":
        return pyarrow.array(np.ascontiguousarray(values))
    # Each text is looked at once, however many rows have it.
    texts = pyarrow.array(np.asarray(values, dtype=object), pyarrow.string()).dictionary_encode()
    return pyarrow.DictionaryArray.from_arrays(texts.indices, _escaped(texts.dictionary))


def _plain(values: Any) -> Any:
    is_dictionary = pyarrow.types.is_dictionary(values.type)
    return values.dictionary_decode() if is_dictionary else values


def _escaped(texts: Any) -> Any:
    """Puts an apostrophe before each text that a spreadsheet would run as a formula."""
    formula = pc.and_not(
        pc.match_substring_regex(texts, _FORMULA), pc.match_substring_regex(texts, _NUMBER)
    )
    return pc.if_else(formula, pc.binary_join_element_wise("'", texts, ""), texts)


def _has_special(values: Any) -> bool:
    texts = values.dictionary if pyarrow.types.is_dictionary(values.type) else values
    if not pyarrow.types.is_string(texts.type):
        return False
    return bool(pc.any(pc.match_substring_regex(texts, _SPECIAL)).as_py())
