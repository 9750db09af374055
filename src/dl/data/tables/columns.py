"""Arrow columns to typed columns: which kind a column is, from its values or as the config says.

Text is decided in this order: numbers (unless one has leading zeros, `00123`), dates, categories.
Booleans are categories. Only an empty field is missing, and `nan` in a column of numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow
import pyarrow.compute as pc

from dl.config.sections.data import ColumnKind
from dl.data.raw import Column, Place
from dl.data.tables.dates import (
    FORMS,
    first_no_date,
    first_outside,
    has_times,
    parse_dates,
    to_datetimes,
)
from dl.data.tables.numbers import (
    check_numbers,
    has_leading_zeros,
    is_integral,
    nearly,
    not_numbers,
    parse_numbers,
    to_floats,
)
from dl.errors import DataError


@dataclass(frozen=True, slots=True)
class Cell:
    """Where a column comes from, for messages.

    Attributes:
        name: The column.
        place: Words for the place of a row.
        target: Whether it is a target; `data.columns` is for input columns.
    """

    name: str
    place: Place
    target: bool = False

    @property
    def advice(self) -> str:
        """What to write if the values are categories."""
        if self.target:
            return "name a loss for classes if these are classes"
        return f"add `data.columns: {{{self.name}: categorical}}`"

    def error(self, row: int, message: str, found: object, hint: str, expected: str) -> DataError:
        """Returns an error about the value in a 0-based row."""
        shown = found if isinstance(found, str) else str(found)
        return DataError(
            f"{self.place(row)}: column {self.name!r} {message}",
            expected=expected,
            found=repr(shown if len(shown) <= 40 else f"{shown[:39]}…"),
            hint=hint,
        )


def to_column(values: Any, cell: Cell, kind: ColumnKind | None, strict: bool = True) -> Column:
    """Types an Arrow column.

    Args:
        values: The Arrow array, chunked or not.
        cell: Name and place, for messages.
        kind: The kind it must have, or None to decide by the values.
        strict: Refuse a column where nearly all texts are numbers or dates, instead of making
            it categories.

    Raises:
        DataError: A value does not fit the kind; the message has its row.
    """
    values = _plain(values, cell)
    if pyarrow.types.is_string(values.type):
        _check_text(values, cell)
        return _from_text(values, cell, kind, strict)
    if pyarrow.types.is_temporal(values.type):
        _check_years(values, cell)
    if pyarrow.types.is_temporal(values.type) and kind in (None, "date"):
        return _dates(to_datetimes(values))
    if _is_number(values.type) and kind in (None, "numeric"):
        return _numbers(values, cell)
    if pyarrow.types.is_null(values.type) and kind is None:
        return _numbers(pc.cast(values, pyarrow.float64()), cell)
    return _from_text(pc.cast(values, pyarrow.string()), cell, kind or "categorical", strict)


def _plain(values: Any, cell: Cell) -> Any:
    """Returns one array of a simple type."""
    if isinstance(values, pyarrow.ChunkedArray):
        values = values.combine_chunks()
    if pyarrow.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if pyarrow.types.is_large_string(values.type) or pyarrow.types.is_string_view(values.type):
        return pc.cast(values, pyarrow.string())
    simple = (
        pyarrow.types.is_string(values.type)
        or pyarrow.types.is_boolean(values.type)
        or pyarrow.types.is_null(values.type)
        or pyarrow.types.is_date(values.type)
        or pyarrow.types.is_timestamp(values.type)
        or _is_number(values.type)
    )
    if not simple:
        raise DataError(
            f"{cell.place(0)}: column {cell.name!r} cannot be used",
            expected="numbers, text, booleans or dates",
            found=f"values of type {values.type}",
            hint="leave it out: list the other columns in `data.features`",
        )
    return values


def _check_text(texts: Any, cell: Cell) -> None:
    """Refuses bytes that are no text; Arrow checks them in a CSV file, but not in Parquet."""
    try:
        texts.validate(full=True)
    except pyarrow.ArrowInvalid as error:
        row, content = next(
            (row, content)
            for row, content in enumerate(pc.cast(texts, pyarrow.binary()).to_pylist())
            if content is not None and not _is_utf8(content)
        )
        hint = "write the texts in UTF-8, or leave the column out of `data.features`"
        raise cell.error(row, "holds bytes that are no text", content, hint, "UTF-8") from error


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


def _check_years(dates: Any, cell: Cell) -> None:
    outside = first_outside(dates)
    if outside is not None:
        row, date = outside
        raise cell.error(
            row,
            "holds a date that is too far away",
            date,
            f"correct the value, or write the column in another unit than that of {dates.type}",
            "a date of the years 1 to 9999",
        )


def _is_number(kind: Any) -> bool:
    return bool(
        pyarrow.types.is_integer(kind)
        or pyarrow.types.is_floating(kind)
        or pyarrow.types.is_decimal(kind)
    )


def _from_text(texts: Any, cell: Cell, kind: ColumnKind | None, strict: bool) -> Column:
    if kind == "categorical":
        return _categories(texts)
    if kind == "numeric":
        return _numbers_of_text(texts, cell)
    if kind == "date":
        return _dates_of_text(texts, cell)
    return _decided(texts, cell, strict)


def _decided(texts: Any, cell: Cell, strict: bool) -> Column:
    numbers = parse_numbers(texts)
    if numbers is not None:
        if has_leading_zeros(to_floats(numbers), texts):
            return _categories(texts)
        return _numbers(numbers, cell, texts)
    dates = parse_dates(texts)
    if dates is not None:
        return _dates(dates)
    if strict and nearly(texts):
        return _numbers_of_text(texts, cell)
    return _categories(texts)


def _numbers_of_text(texts: Any, cell: Cell) -> Column:
    numbers = parse_numbers(texts)
    if numbers is not None:
        return _numbers(numbers, cell, texts)
    row = int(np.argmax(not_numbers(texts)))
    raise cell.error(
        row,
        "is numeric, but this is text",
        texts[row].as_py(),
        "leave the field empty if the value is missing, write decimals with a point, or "
        + cell.advice,
        "a number",
    )


def _numbers(numbers: Any, cell: Cell, texts: Any = None) -> Column:
    values = to_floats(numbers)
    written = numbers if texts is None else texts
    check_numbers(values, written, cell.error)
    return Column("numeric", values, integral=is_integral(values, written))


def _dates_of_text(texts: Any, cell: Cell) -> Column:
    dates = parse_dates(texts)
    if dates is not None:
        return _dates(dates)
    row = first_no_date(texts)
    if row is None:
        row, message = 0, "mixes dates with and without a time zone"
    else:
        message = "is a date, but this is none that can be read"
    hint = f"write it in one of these forms, or {cell.advice}"
    raise cell.error(row, message, texts[row].as_py(), hint, FORMS)


def _dates(values: Any) -> Column:
    return Column("date", values, timed=has_times(values))


def _categories(texts: Any) -> Column:
    """Numbers the distinct texts, sorted, without the spaces around them."""
    encoded = pc.dictionary_encode(texts)
    trimmed = [text.strip() for text in encoded.dictionary.to_pylist()]
    names = sorted({text for text in trimmed if text})
    position = {name: i for i, name in enumerate(names)}
    renumber = np.array([*(position.get(text, -1) for text in trimmed), -1], dtype=np.int32)
    codes = pc.fill_null(encoded.indices, len(trimmed)).to_numpy()
    return Column("categorical", renumber[codes], tuple(names))
