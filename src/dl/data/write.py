"""Writing columns as CSV, safe to open in a spreadsheet."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow
import pyarrow.compute as pc
import pyarrow.csv

from dl.data.types import Array
from dl.errors import DiskError

_FORMULA = r"^[=+\-@\t\r]"
_NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"
_SPECIAL = r'[",\r\n]|^$'
_BLOCK = 1 << 16


def write_csv(columns: Mapping[str, Array], target: Path | BinaryIO) -> None:
    """Writes columns of equal length, with a header row.

    Floats are written with as many digits as it takes to read the same value again. Text that a
    spreadsheet would run as a formula gets an apostrophe in front.

    Args:
        columns: Arrays of numbers or text, shape (rows,), by name.
        target: A file to replace, or an open binary stream, which stays open.

    Raises:
        DiskError: The file cannot be written.
        BrokenPipeError: Nobody reads the stream any more.
    """
    table = pyarrow.table([_column(values) for values in columns.values()], list(columns))
    try:
        if isinstance(target, Path):
            with target.open("wb") as file:
                _write(table, file)
        else:
            _write(table, target)
    except BrokenPipeError:
        raise
    except OSError as error:
        name = target if isinstance(target, Path) else "standard output"
        raise DiskError(f"{name}: cannot be written: {error.strerror or error}") from error


def _write(table: Any, stream: BinaryIO) -> None:
    names = [_escaped(pyarrow.array([name])) for name in table.column_names]
    stream.write(_text(pyarrow.record_batch(names, table.column_names)))
    for batch in table.to_batches(max_chunksize=_BLOCK):
        stream.write(_text(batch))
    stream.flush()


def _text(batch: Any) -> Any:
    # pyarrow cannot quote only the texts that need it: it quotes all texts of a block or none.
    style = "needed" if any(map(_has_special, batch.columns)) else "none"
    sink = pyarrow.BufferOutputStream()
    options = pyarrow.csv.WriteOptions(include_header=False, quoting_style=style)
    pyarrow.csv.write_csv(batch, sink, options)
    return sink.getvalue()


def _column(values: Array) -> Any:
    if values.dtype.kind in "biuf":
        return pyarrow.array(values)
    return _escaped(pyarrow.array(np.asarray(values, dtype=object), pyarrow.string()))


def _escaped(texts: Any) -> Any:
    """Puts an apostrophe before each text that a spreadsheet would run as a formula."""
    formula = pc.and_not(
        pc.match_substring_regex(texts, _FORMULA), pc.match_substring_regex(texts, _NUMBER)
    )
    return pc.if_else(formula, pc.binary_join_element_wise("'", texts, ""), texts)


def _has_special(values: Any) -> bool:
    if not pyarrow.types.is_string(values.type):
        return False
    return bool(pc.any(pc.match_substring_regex(values, _SPECIAL)).as_py())
