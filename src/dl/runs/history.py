"""`history.csv`: one row an epoch, 1-based."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence

from dl.runs.directory import RunDirectory
from dl.runs.manifest import damaged, publish, read_checked

Row = Mapping[str, float]


def write_history(run: RunDirectory, rows: Sequence[Row]) -> None:
    """Publishes all rows, with the columns of the first; raises `DiskError`."""
    text = io.StringIO()
    if rows:
        writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows({key: _cell(value) for key, value in row.items()} for row in rows)
    publish(run.history, text.getvalue().encode())


def read_history(run: RunDirectory) -> list[dict[str, float]]:
    """Reads the rows.

    Raises:
        RunError: The file is missing, or is not what was published.
    """
    content = read_checked(run.history)
    try:
        header, *rows = list(csv.reader(content.decode().splitlines())) or [[]]
        if len(set(header)) < len(header):
            raise ValueError("a column twice")
        found = [dict(zip(header, map(float, row), strict=True)) for row in rows]
        if any(row.get("epoch") != place for place, row in enumerate(found, start=1)):
            raise ValueError("not the epochs in their order")
        return found
    except (ValueError, csv.Error) as error:
        raise damaged(
            run.history, "it must have a row of numbers for each epoch, from 1"
        ) from error


def _cell(value: float) -> str:
    """Words a number so that reading it gives the same number; whole ones without a point."""
    number = float(value)
    if math.isfinite(number) and number == int(number) and abs(number) < 1e15:
        return str(int(number))
    return repr(number)
