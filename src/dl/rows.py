"""Rows of a caller as a file: of the kind that a section `data` is about."""

from __future__ import annotations

import csv
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dl.config.data import BLANKS, TYPED
from dl.errors import DataError, DlError, first_line
from dl.progress import SilentReporter
from dl.text import plural

if TYPE_CHECKING:
    import pandas as pd

Rows = Any
"""Rows: a `pandas.DataFrame`, the path of a file, or an array."""
_ROWS = "data"
"""The name, without its ending, of a file of rows."""


@contextmanager
def rows_file(
    rows: Rows,
    source: Mapping[str, Any],
    reporter: SilentReporter,
    columns: list[str] | None = None,
) -> Iterator[Path]:
    """Gives rows as a file, see `write_rows`; errors and warnings tell of the rows, not of it."""
    with tempfile.TemporaryDirectory(prefix="dl-rows-") as folder:
        path = write_rows(rows, Path(folder), source, columns)
        place = "data.iloc[{}]" if hasattr(rows, "iloc") else "data[{}]"

        def told(at: re.Match[str]) -> str:
            row = int(at["row"]) - 1 if at["row"] else -1
            if at["line"]:  # a text may be of several lines
                with path.open(encoding=source.get("encoding") or "utf-8", newline="") as file:
                    read = csv.reader(file, delimiter=source.get("separator") or ",")
                    row = sum(1 for _ in read if read.line_num < int(at["line"])) - 1
            return "data" if row < 0 else place.format(row)

        pattern = re.compile(re.escape(str(path)) + r"(?::(?P<line>\d+)|: row (?P<row>\d+))?")
        try:
            yield path
        except DlError as error:
            problems = [replace(p, message=pattern.sub(told, p.message)) for p in error.problems]
            error.args, error.problems = (problems[0].message,), tuple(problems)
            raise
        finally:
            reporter.warnings[:] = [pattern.sub(told, text) for text in reporter.warnings]


def _in_forms(rows: pd.DataFrame, columns: object) -> pd.DataFrame:
    """Returns numbers and dates as `data.columns` says that texts are written: `1234,5`."""
    from pandas.api import types

    forms = columns.items() if isinstance(columns, Mapping) else ()
    written: dict[Any, Any] = {}
    for name, form in forms:
        if name not in rows or not isinstance(form, Mapping):
            continue
        comma = form.get("decimal", "," if form.get("thousands") == "." else ".") == ","
        if comma and types.is_float_dtype(rows[name]):
            written[name] = rows[name].astype("string").str.replace(".", ",")
        elif form.get("format") and types.is_datetime64_any_dtype(rows[name]):
            written[name] = rows[name].dt.strftime(form["format"])
    return rows.assign(**written)


def write_rows(
    rows: Rows, folder: Path, source: Mapping[str, Any], columns: list[str] | None = None
) -> Path:
    """Writes rows as a file of the kind that a section `data` is about, and returns the file.

    Args:
        rows: A DataFrame; an array, or a dict of arrays.
        folder: Where the file goes.
        source: The section.
        columns: Names of the columns of an array without names; none for arrays of any shape.

    Raises:
        DataError: These rows cannot be written as such a file.
    """
    import numpy as np
    import pandas as pd

    kind = source.get("source") or "parquet"
    table = kind not in ("npz", "images", "keras", "synthetic") or bool(columns)
    if table and not isinstance(rows, pd.DataFrame):
        try:
            rows = pd.DataFrame(np.asarray(rows), columns=columns)
        except ValueError as error:  # pandas tells of its own axes
            wide = f", of {plural(len(columns), 'column')}" if columns else ""
            raise DataError(
                f"these rows are no table: {type(rows).__name__}",
                expected=f"a DataFrame, the path of a file, or an array of two axes{wide}",
                found=f"shape {rows.shape}" if hasattr(rows, "shape") else None,
            ) from error
    if table:
        path = folder / f"{_ROWS}.{'parquet' if kind in TYPED else 'csv'}"
        if kind in TYPED:
            try:
                rows.to_parquet(path, index=False)
            except (TypeError, ValueError) as error:  # those of pyarrow are such
                raise DataError(
                    f"these rows cannot be kept as Parquet: {first_line(error)}",
                    expected="columns of numbers, text, truth values or dates",
                ) from error
        else:
            separator = "," if source.get("separator") == BLANKS else source.get("separator")
            encoding = source.get("encoding") or "utf-8"
            rows = _in_forms(rows, source.get("columns"))
            rows.to_csv(path, index=False, sep=separator or ",", encoding=encoding)
        return path
    path = folder / f"{_ROWS}.npz"
    if isinstance(rows, pd.DataFrame):
        rows = rows.to_numpy()
    np.savez(path, **(rows if isinstance(rows, Mapping) else {"x": np.asarray(rows)}))
    return path
