"""Tables of other tools: Feather, JSON Lines, Excel, Stata, SAS and SPSS.

Each is a function that yields its rows as Arrow tables, some at a time where the format allows it;
what is made of these is the same for all. Values of JSON and of Excel come as texts, which are
taken for numbers, dates or categories like those of CSV.
"""

from __future__ import annotations

import datetime
import itertools
import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow
import pyarrow.ipc

from dl.data.files import check_file
from dl.data.sources.text import decoded, opened, pieces, unpacked
from dl.data.storage import check_memory
from dl.data.tables import Block, ReadBlock, Wanted, appended, joined, refuse_repeated
from dl.errors import DataError, first_line
from dl.progress import Advance
from dl.text import listing

if TYPE_CHECKING:
    import pandas as pd

_BYTES = 4
"""Bytes of a file for each value, at least; packed ones have fewer."""
_COPIES = 12
"""So many times the bytes of a file are its rows as objects of Python, and as numbers."""
_LEAST = 1e-78
"""pandas takes the zero of a SAS transport file (`.xpt`) for 5.4e-79."""
_TITLES = {
    "feather": "a Feather file",
    "jsonl": "a file of JSON Lines",
    "excel": "an Excel file",
    "stata": "a Stata file",
    "sas": "a SAS file",
    "spss": "an SPSS file",
}

Parts = Callable[[Any, Path], Iterator[Any]]


@dataclass(frozen=True)
class OtherFormat:
    """A format of tables; see `TableFormat`.

    Attributes:
        parts: Yields the rows of a file as Arrow tables; the first argument is the section `data`.
        place: Words for the place of a 0-based row of a file.
    """

    parts: Parts
    place: str

    def read(self, data: Any, path: Path, wanted: Wanted, on_disk: bool = False) -> Block:
        """Reads the wanted columns of a file, into memory or onto the disk."""
        check_file(path)
        if not on_disk:
            check_memory(
                _COPIES * path.stat().st_size,
                f"{path}: is too large for the memory",
                f"{_COPIES} times the file, for its values and its numbers",
                "take fewer rows with `data.rows`, or write it as Parquet",
            )
        found = self.blocks(data, path, wanted, lambda size: None)
        return (appended if on_disk else joined)(found, partial(self._row, path, 0), wanted.rows)

    def blocks(
        self, data: Any, rows: Path, wanted: Wanted, advance: Advance
    ) -> Iterator[ReadBlock]:
        """Yields readers of the wanted columns, some rows at a time."""
        check_file(rows)
        begin, names = 0, list[str]()
        for table in self.parts(data, rows):
            if not names:
                header = [name.strip() for name in table.column_names]
                refuse_repeated(str(rows), header)
                names = wanted.selected(str(rows), header)
            table = table.rename_columns(header)
            place = partial(self._row, rows, begin)
            yield partial(Block, names, table.column, len(table), str(rows), place)
            begin += len(table)
        if not begin:
            raise DataError(f"{rows}: has columns but no rows")
        advance(rows.stat().st_size)

    def _row(self, path: Path, begin: int, row: int) -> str:
        return self.place.format(path=path, row=begin + row + 1, below=begin + row + 2)

    def total(self, path: Path) -> int:
        """Returns the bytes of a file."""
        return path.stat().st_size


def numbers(data: Any, path: Path) -> int:
    """Estimates the number of values by the size of the file."""
    check_file(path)
    return path.stat().st_size // _BYTES


@contextmanager
def _read_as(source: str, path: Path) -> Iterator[None]:
    """Words what a library says of a file that it cannot read, and of a package that it lacks."""
    try:
        yield
    except DataError:
        raise
    except ImportError as error:
        package = {"excel": "openpyxl", "spss": "pyreadstat"}.get(source, str(error.name))
        raise DataError(
            f"{path}: {_TITLES[source]} is read by {package}, which is not installed",
            hint=f"pip install 'dl-keras[{source}]'",
        ) from error
    except Exception as error:  # each library has errors of its own for a damaged file
        raise DataError(
            f"{path}: is not {_TITLES[source]} or is damaged",
            found=first_line(error)[:120],
            hint="write the file again",
        ) from error


def _of_feather(data: Any, path: Path) -> Iterator[Any]:
    with _read_as("feather", path), pyarrow.memory_map(os.fspath(path)) as file:
        reader = pyarrow.ipc.open_file(file)
        for number in range(reader.num_record_batches):
            yield pyarrow.Table.from_batches([reader.get_batch(number)])


def _of_json_lines(data: Any, path: Path) -> Iterator[Any]:
    """Yields the values as text; the keys of the lines that are read first are the columns."""
    header: dict[str, None] = {}
    line, rest = 1, b""
    with opened(path) as stream:
        content = pieces(unpacked(stream), str(path))
        for text in itertools.chain(decoded(content, str(path), "utf-8"), [b"\n"]):
            whole, end, rest = (rest + text).rpartition(b"\n")
            lines = whole.split(b"\n") if end else []
            rows = [_json_row(path, line + i, row) for i, row in enumerate(lines)]
            while rows and rows[-1] is None:  # empty lines may be the end of the file
                rows.pop()
            rest, line = b"\n" * (len(lines) - len(rows)) + rest, line + len(rows)
            if not header:
                header = dict.fromkeys(key for row in rows for key in row or ())
            for place, row in enumerate(rows, line - len(rows)):
                odd = [key for key in row or () if key not in header]
                if row is None or odd:
                    raise DataError(
                        f"{path}:{place}: " + (f"has a new key {odd[0]!r}" if odd else "is empty"),
                        expected="an object of JSON in each line, with the keys of the first lines",
                        found=listing(header, "", most=8) if odd else None,
                    )
            if rows:
                columns = {key: [cell_text(row.get(key)) for row in rows if row] for key in header}
                yield pyarrow.table(
                    {k: pyarrow.array(v, pyarrow.string()) for k, v in columns.items()}
                )


def _json_row(path: Path, line: int, text: bytes) -> dict[str, Any] | None:
    """Returns the keys and values of a line, numbers as they are written; None if it is empty."""
    if not text.strip():
        return None
    try:
        row = json.loads(text, parse_float=str, parse_int=str, parse_constant=str)
    except ValueError as error:
        raise DataError(
            f"{path}:{line}: is not JSON: {error}",
            expected='an object of JSON in each line: {"age": 41, "city": "Bern"}',
        ) from error
    odd = None if isinstance(row, dict) else row
    if odd is None:
        odd = next((value for value in row.values() if isinstance(value, dict | list)), None)
    if odd is not None:
        raise DataError(
            f"{path}:{line}: is not a row of a table",
            expected="an object whose values are numbers, texts, true, false or null",
            found=json.dumps(odd)[:60],
        )
    return dict(row)


def cell_text(value: object) -> str | None:
    """Returns a value as a CSV file would have it; None where there is none."""
    if value is None or value != value:
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime.datetime):
        return value.isoformat(" ").removesuffix(" 00:00:00")
    return str(value)


def sheets(path: Path) -> list[str]:
    """Returns the names of the sheets of an Excel file; raises `DataError`."""
    import pandas as pd

    with _read_as("excel", path), pd.ExcelFile(path) as file:
        return list(map(str, file.sheet_names))


def _of_excel(data: Any, path: Path) -> Iterator[Any]:
    import pandas as pd

    with _read_as("excel", path):
        sheet, names = getattr(data, "sheet", None), sheets(path)
        if sheet is not None and sheet not in names:
            raise DataError(f"{path}: there is no sheet {sheet!r}", expected=listing(names))
        # pandas would give columns of one name other names, and guess what is missing.
        frame = pd.read_excel(
            path, sheet_name=sheet or 0, header=None, dtype=object, keep_default_na=False
        )
    rows = [[cell_text(value) or None for value in row] for row in frame.itertuples(index=False)]
    while rows and not any(rows[-1]):
        rows.pop()
    if not rows:
        raise DataError(f"{path}: is empty", expected="a header row and rows below it")
    columns = [pyarrow.array(column, pyarrow.string()) for column in zip(*rows[1:], strict=True)]
    yield pyarrow.Table.from_arrays(columns, [name or "" for name in rows[0]])


def _of_frame(source: str, data: Any, path: Path) -> Iterator[Any]:
    """Yields the rows of a file of statistics; labelled values are their labels."""
    import pandas as pd

    with _read_as(source, path):
        if source == "stata":
            frame = pd.read_stata(path)
        elif source == "spss":
            frame = pd.read_spss(path)
        else:
            encoding = "latin-1" if path.suffix.lower() == ".xpt" else "infer"
            frame = pd.read_sas(path, encoding=encoding)
        columns = [_typed(frame.iloc[:, place]) for place in range(frame.shape[1])]
    yield pyarrow.Table.from_arrays(columns, [str(name) for name in frame.columns])


def _typed(values: pd.Series[Any]) -> Any:
    """Returns a column: whole numbers as such, which these formats keep as fractions."""
    kind = values.dtype.kind if isinstance(values.dtype, np.dtype) else "O"
    if kind == "M":
        return pyarrow.array(values.to_numpy("datetime64[us]"))
    if kind not in "iuf":
        return pyarrow.array([cell_text(value) for value in values], pyarrow.string())
    numbers = values.to_numpy(np.float64)
    numbers = np.where(np.abs(numbers) < _LEAST, 0, numbers)
    missing = np.isnan(numbers)
    if (
        np.all(missing | (numbers == np.floor(numbers)))
        and np.nanmax(np.abs(numbers), initial=0) < 2**53
    ):
        return pyarrow.array(np.where(missing, 0, numbers).astype(np.int64), mask=missing)
    return pyarrow.array(numbers, mask=missing)


OTHERS = {
    "feather": OtherFormat(_of_feather, "{path}: row {row}"),
    "jsonl": OtherFormat(_of_json_lines, "{path}:{row}"),
    "excel": OtherFormat(_of_excel, "{path}: row {below}"),
    **{
        source: OtherFormat(partial(_of_frame, source), "{path}: row {row}")
        for source in ("stata", "sas", "spss")
    },
}
STREAMED: Sequence[str] = ("feather", "jsonl")
"""The others are read whole by pandas."""
