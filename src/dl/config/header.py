"""Whether the first line of a CSV file is a row of data, because the names of the columns lack."""

from __future__ import annotations

import csv
import itertools
import re
import shlex
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from dl.config.data import CsvData, Data, own_paths
from dl.config.rules.probe import csv_rows
from dl.config.written import finite_number
from dl.errors import DataError

MOST_ROWS = 100
"""Rows below the header that it is compared with: they are read again for it."""
_MOST = 2 / 3
"""Share of the values of a column that must be alike, so that an odd one does not hide it."""
_SLACK = 0.25
"""So far the first value may lie outside of the others, in spans: row numbers begin with 1."""
_SENTENCE = 5
"""Spaces from which a text is no name of a column."""
_MOST_NAMES = 12
"""Names that the command in the message spells out."""
_GAP = re.compile(r"\S {2,}\S.* {2,}\S")
_SPLIT = (
    'python3 -c "import csv, sys; csv.writer(sys.stdout).writerows(csv.reader((line.expandtabs() '
    "for line in sys.stdin), delimiter=' ', skipinitialspace=True))\""
)
"""A program that makes commas of the spaces, but not of those in quotes."""


def check_headers(data: Data) -> None:
    """Refuses CSV files whose first line is a row; what cannot be read is left to the reading.

    Raises:
        DataError: With what to do now.
    """
    if not isinstance(data, CsvData):
        return
    for path in own_paths(data):
        if not path.is_file():
            continue
        try:
            rows = csv_rows(data, path)
            header, *below = itertools.islice(filter(any, rows), MOST_ROWS)
        except (OSError, ValueError, LookupError, csv.Error):
            continue
        refuse_row(str(path), header, below, data.separator, data.features or ())


def refuse_row(
    source: str,
    header: Sequence[str],
    rows: Iterable[Sequence[str]],
    separator: str,
    named: Collection[str] = (),
) -> None:
    """Refuses a header that is a row like those below it.

    Args:
        source: The file, for messages.
        header: The values of its first line.
        rows: The values of the next lines, as many as there are at hand.
        separator: The character between two values.
        named: Columns that are asked for by name, by a config or a run of an earlier `dl`; where
            all are there, the header holds names.

    Raises:
        DataError: With what to do now.
    """
    alike = [row for row in rows if len(row) == len(header)]
    if alike and all(_GAP.search(row[0]) for row in (header, *alike)):
        raise DataError(
            f"{source}:1: the columns are separated by runs of spaces",
            expected=f"columns separated by {separator!r}",
            found=repr(header[0][:60]),
            hint=f"write it anew: {_SPLIT} {_from_to(source, '<')}",
        )
    if (named and set(named) <= set(header)) or not _is_row(header, alike):
        return
    shown = separator.join(header)
    raise DataError(
        f"{source}:1: the first line is a row of data, not the names of the columns",
        expected="a first line with a name for each column",
        found=shown if len(shown) <= 60 else f"{shown[:57]}...",
        hint=f"write it above: {_command(source, len(header), separator)}",
    )


def _is_row(header: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Tells whether most names would be values of their columns.

    Names that are rising or falling numbers may be years, wavelengths or places: they alone tell
    nothing.
    """
    named = [position for position, name in enumerate(header) if name]
    fitting = [i for i in named if _fits(header[i], [row[i] for row in rows])]
    if len(named) < 2 or len(fitting) < _MOST * len(named):
        return False
    numbers = [number for name in header if (number := finite_number(name)) is not None]
    steps = [after > before for before, after in itertools.pairwise(numbers)]
    in_order = len(set(numbers)) == len(numbers) and (all(steps) or not any(steps))
    return not in_order or any(finite_number(header[i]) is None for i in fitting)


def _fits(name: str, values: Sequence[str]) -> bool:
    """Tells whether a name could be one more value of its column."""
    number = finite_number(name)
    if number is None:
        return name in values or _shape(name) in map(_shape, values)
    known = [float(value) for value in values if finite_number(value) is not None]
    if not known or len(known) < _MOST * len([value for value in values if value]):
        return False
    slack = _SLACK * (max(known) - min(known))
    return min(known) - slack <= number <= max(known) + slack


def _shape(text: str) -> str:
    """Returns how a date or a sentence is written, with which a name has nothing in common."""
    if not any(map(str.isalpha, text)):
        return re.sub(r"\d", "0", text)
    return "a sentence" if text.count(" ") >= _SENTENCE else text


def _command(source: str, columns: int, separator: str) -> str:
    """Returns the command that writes a line of names and the file below it."""
    if columns > _MOST_NAMES:
        names = f"seq -s '{separator}' {columns}"
    else:
        names = (
            "printf '"
            + separator.join(f"c{i + 1}" for i in range(columns)).replace("\t", "\\t")
            + "\\n'"
        )
    return f"({names}; {_from_to(source, 'cat', end=')')}"


def _from_to(source: str, read: str, end: str = "") -> str:
    """Returns the end of a command that reads a file and writes one beside it."""
    path = Path(source)
    written = path.with_name(f"{path.stem}-named.csv")
    return f"{read} {shlex.quote(source)}{end} > {shlex.quote(str(written))}"
