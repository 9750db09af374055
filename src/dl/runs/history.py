"""`history.csv`: one row an epoch, 1-based."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence

from dl.errors import RunError
from dl.runs.directory import RunDirectory
from dl.runs.files import write_text

Row = Mapping[str, float]


def write_history(run: RunDirectory, rows: Sequence[Row]) -> None:
    """Writes all rows durably, with the columns of the first; raises `DiskError`."""
    text = io.StringIO()
    if rows:
        writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows({key: _cell(value) for key, value in row.items()} for row in rows)
    write_text(run.history, text.getvalue())


def read_history(run: RunDirectory) -> list[dict[str, float]]:
    """Reads the rows; a torn last row is dropped.

    Raises:
        RunError: The file is missing or damaged before its last row.
    """
    try:
        lines = run.history.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise RunError(f"{run.history} cannot be read", hint="train again") from error
    rows = list(csv.reader(lines))
    if not rows:
        return []
    return _rows(run, rows[0], rows[1:])


def _rows(run: RunDirectory, header: list[str], rows: list[list[str]]) -> list[dict[str, float]]:
    read: list[dict[str, float]] = []
    for number, row in enumerate(rows, start=1):
        try:
            read.append({key: float(cell) for key, cell in zip(header, row, strict=True)})
        except ValueError as error:
            if number == len(rows):
                break
            raise RunError(
                f"{run.history} is damaged in row {number}", hint="train again"
            ) from error
    return read


def _cell(value: float) -> str:
    """Words a number so that reading it gives the same number; whole ones without a point."""
    number = float(value)
    if math.isfinite(number) and number == int(number) and abs(number) < 1e15:
        return str(int(number))
    return repr(number)
