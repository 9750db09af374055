"""What can be told of the texts in a table: a missing value, a formatted number, a row as a header.

The patterns mean the same to Python's `re` and to Arrow, which looks at whole columns.
"""

from __future__ import annotations

import csv
import itertools
import math
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from dl.config.data import BLANKS, CsvData, Data
from dl.config.files import own_paths
from dl.config.nodes import flow
from dl.errors import DataError
from dl.text import cut

MISSING_WORDS = frozenset(
    {
        *("na", "n/a", "n.a.", "n.a", "#n/a", "#na", "<na>", "n/k", "nan", "-nan", "nat", "\\n"),
        *("null", "#null!", "none", "nil", "?", "??", "*", ".", ".."),
        *("-", "--", "---", "\u2013", "\u2014", "#div/0!", "#value!", "#ref!", "#num!"),
        *("unknown", "not known", "missing", "not available", "undefined"),
    }
)
"""Texts that mostly stand for a missing value, in small letters: of R, SAS, spreadsheets, UCI…

Among numbers or dates they are told; among words, such as `unknown` as a job, they are categories.
"""

_GROUPS = r"[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?"
_COMMA = r"[0-9]+,[0-9]+|[0-9]{1,3}(?:\.[0-9]{3})+,[0-9]+"
_SPACED = "[0-9]{1,3}(?:[ '_\u00a0\u202f][0-9]{3})+(?:[.,][0-9]+)?"
_PLAIN = r"[0-9]+\.?[0-9]*|\.[0-9]+|[0-9]{1,3}(?:\.[0-9]{3}){2,}"
_MONEY = r"[$€£¥₹]|US\$|USD|EUR|GBP|CHF"
FORMATTED = (
    rf"^\s*\(?[+-]?\s?(?:{_MONEY})?\s?[+-]?(?:{_GROUPS}|{_COMMA}|{_SPACED}|{_PLAIN})"
    r"\s?(?:%|[$€£¥₹]|[A-Za-zµ°²³/]{0,8})\)?\s*$"
)
"""Numbers as people write them: `$4,095.72`, `41 %`, `1 234,5`, `12 kg`, `(300)`."""
ORDINAL = r"[0-9](?:st|nd|rd|th)\s*$"
"""`1st` is a name, not a number with a unit."""
DECIMAL_COMMA = r"[0-9],(?:[0-9]{1,2}|[0-9]{4,})(?:[^0-9]|$)"
"""A comma that cannot stand between thousands."""
_MOST_UNITS = 3
"""Numbers of a column have one unit, or a few (`min`, `h`); codes such as `12A` have many."""


def stands_for_missing(text: str) -> bool:
    """Whether a text mostly stands for a missing value: `NA`, `?`, `null`."""
    return text.strip().lower() in MISSING_WORDS


def finite_number(text: str) -> float | None:
    """Returns the number that a text is for Python, None if it is not a finite one."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


_PACKED = {
    "gzip": rb"\x1f\x8b",
    "bz2": rb"BZh[1-9]1AY&SY",
    "xz": rb"\xfd7zXZ\x00",
    "zstd": rb"\x28\xb5\x2f\xfd",
}


def packing(start: bytes) -> str | None:
    """Returns by what a file is packed that begins with these bytes, None if it is not."""
    return next((name for name, magic in _PACKED.items() if re.match(magic, start)), None)


def tabbed(rows: bytes) -> bytes:
    """Returns whole rows with a tab for each run of blanks between two values, none around them."""
    if b'"' not in rows and b"\r" not in rows:  # several times as fast
        return b"\n".join([b"\t".join(line.split()) for line in rows.split(b"\n")])
    between = re.split(rb'((?<![^ \t\r\n])"[^"]*")', rows.strip(b" \t"))
    for place, text in enumerate(between):
        if place % 2 == 0:  # the others are in quotes
            text = re.sub(rb"[ \t]*(\r?\n)[ \t]*", rb"\1", text)
            between[place] = re.sub(rb"[ \t]+", b"\t", text)
    return b"".join(between)


def cells_of(lines: Iterable[str], separator: str) -> Iterator[list[str]]:
    """Yields the values of each row of a text, whose values blanks may separate.

    Raises:
        csv.Error: A row cannot be read.
    """
    if separator == BLANKS:
        lines, separator = (tabbed(line.encode()).decode() for line in lines), "\t"
    return csv.reader(lines, delimiter=separator)


def is_formatted(text: str) -> bool:
    """Whether a text is surely a number as people write it: `$4,095.72`, `41 %`; `1o` is a slip."""
    return bool(re.search(FORMATTED, text)) and not re.search(f"{ORDINAL}|[0-9][A-Za-z]$", text)


def plain_number(text: str, decimal_comma: bool = False) -> str:
    """Returns a formatted number as a table has to write it: `4095.72` for `$4,095.72`."""
    body = re.sub(r"[^0-9.,]", "", text).strip(",")
    if decimal_comma or (re.fullmatch(_COMMA, body) and not re.fullmatch(_GROUPS, body)):
        body = body.replace(".", "").replace(",", ".")
    elif body.count(".") > 1:
        body = body.replace(".", "")
    negative = "-" in text or text.strip().startswith("(")
    return f"{'-' if negative else ''}{body.replace(',', '')}"


def has_few_units(texts: Iterable[str]) -> bool:
    """Whether formatted numbers have so few different units that they are not codes."""
    units = {re.sub(r"[^A-Za-zµ°²³/%$€£¥₹]", "", text) for text in texts}
    return len(units) <= _MOST_UNITS


MOST_ROWS = 100
"""Rows below the header that it is compared with: they are read again for it."""
_MOST = 2 / 3
"""Share of the values of a column that must be alike, so that an odd one does not hide it."""
_SLACK = 0.25
"""So far the first value may lie outside of the others, in spans: row numbers begin with 1."""
_SENTENCE = 5
"""Spaces from which a text is not the name of a column."""
_FEWEST_ROWS = 20
"""Rows of words alone below which a word of the first one may be new by chance."""
_ROWS_OF_WORD = 4
"""Rows for each word of a column from which one that is in the first row alone is its name."""
_GAP = re.compile(r"\S {2,}\S.* {2,}\S")


def check_headers(data: Data) -> None:
    """Refuses CSV files whose first line is a row; what cannot be read is left to the reading.

    Raises:
        DataError: With what to do now.
    """
    if not isinstance(data, CsvData) or data.remote:
        return
    for path in own_paths(data):
        if not path.is_file():
            continue
        try:
            rows = csv_rows(data, path)
            header, *below = itertools.islice(filter(any, rows), MOST_ROWS)
        except (OSError, ValueError, LookupError, csv.Error):
            continue
        if data.header is True:
            refuse_row(str(path), header, below, data.separator, data.features or ())
        else:
            refuse_names(str(path), header, below, data.separator, data.header, data.kinds)


def csv_rows(data: CsvData, path: Path) -> Iterator[list[str]]:
    """Yields the names of the columns and the cells of each row, without spaces around them.

    Raises:
        ValueError: The file is packed, or not text in its encoding.
    """
    encoding = "utf-8-sig" if data.encoding.lower() in ("utf-8", "utf8") else data.encoding
    with path.open("rb") as file:
        if packing(file.read(16)):
            raise ValueError("it is packed")
    with path.open(encoding=encoding, newline="") as lines:
        rows = cells_of(lines, data.separator)
        cells: Iterator[list[str]] = ([cell.strip() for cell in row] for row in rows)
        if data.header is not True:
            first = next(cells, [])
            names = list(data.header or numbered(len(first)))
            cells = itertools.chain([names, *([] if first == names else [first])], cells)
        yield from cells


def numbered(columns: int) -> list[str]:
    """Returns the names of the columns of a file without a header."""
    return [f"c{position + 1}" for position in range(columns)]


def refuse_row(
    source: str,
    header: Sequence[str],
    rows: Iterable[Sequence[str]],
    separator: str,
    named: Collection[str] = (),
    *,
    trained: bool = False,
) -> None:
    """Refuses a header that is a row like those below it.

    Args:
        source: The file, for messages.
        header: The values of its first line.
        rows: The values of the next lines, as many as there are at hand.
        separator: The character between two values.
        named: Columns that are asked for by name, by a config or a run of an earlier `dl`; where
            all are there, the header holds names.
        trained: Whether a run reads the rows, whose config stays as it is.

    Raises:
        DataError: With what to do now.
    """
    alike = [row for row in rows if len(row) == len(header)]
    if alike and all(_GAP.search(row[0]) for row in (header, *alike)):
        raise DataError(
            f"{source}:1: the columns are separated by runs of spaces",
            expected=f"columns separated by {separator!r}",
            found=repr(header[0][:60]),
            hint="add `separator: blanks` below `data`",
        )
    if (named and set(named) <= set(header)) or not is_row(header, alike):
        return
    shown = separator.join(header)
    hint = "write the names of the columns in a line above it"
    if not trained:
        hint = "add `header: false` below `data`: the columns are then c1, c2, …; or list their "
        hint += "names: `header: [a, b, …]`"
    raise DataError(
        f"{source}:1: the first line is a row of data, not the names of the columns",
        expected="a first line with a name for each column",
        found=shown if len(shown) <= 60 else f"{shown[:57]}...",
        hint=hint,
    )


def refuse_names(
    source: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    separator: str,
    header: bool | Sequence[str],
    kinds: Mapping[str, str],
) -> None:
    """Refuses a first row that holds the names of the columns, where there is to be no header.

    Args:
        source: The file, for messages.
        columns: The names of the columns.
        rows: The values of the first lines, as many as there are at hand.
        separator: The character between two values.
        header: `data.header`: false, or the names.
        kinds: The kinds of columns that are stated.

    Raises:
        DataError: With what to do now.
    """
    if not rows:
        return
    first, *below = (row for row in rows if len(row) == len(rows[0]))
    words = {i for i, name in enumerate(columns) if kinds.get(name) == "categorical"}
    if not _are_names(first, below, words, stated=header is not False):
        return
    hint = "remove `header` below `data`"
    if header is False:
        hint += f"; if it is a row, list the names of the columns: `header: {flow(list(columns))}`"
    raise DataError(
        f"{source}:1: the first line holds the names of the columns, not a row of data",
        expected="rows alone, as `data.header` says",
        found=cut(separator.join(first)),
        hint=hint,
    )


def _are_names(
    first: Sequence[str], rows: Sequence[Sequence[str]], words: Collection[int], *, stated: bool
) -> bool:
    """Tells whether no value of a row is like those below it: words above numbers, or new words."""
    cells = [cell.strip() for cell in first]
    worded = all(re.match("[^\\W\\d]", cell) for cell in cells)
    if (
        not worded
        or len(set(cells)) < len(cells)
        or any(map(stands_for_missing, cells))
        or not rows
    ):
        return False
    below = [[row[i].strip() for row in rows] for i in range(len(cells))]
    if any(_fits(cell, values) for cell, values in zip(cells, below, strict=True)):
        return False
    filled = [[value for value in values if value] for values in below]
    if any(
        values and i not in words and all(finite_number(value) is not None for value in values)
        for i, values in enumerate(filled)
    ):
        return True
    few = all(len(set(values)) <= len(values) / _ROWS_OF_WORD for values in filled)
    return not stated and few and len(cells) > 1 and len(rows) >= _FEWEST_ROWS


def is_row(header: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Tells whether most names would be values of their columns.

    Names that are rising or falling numbers may be years, wavelengths or places: they alone tell
    nothing. Rows that are longer or shorter than the header do not count.
    """
    rows = [row for row in rows if len(row) == len(header)]
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
