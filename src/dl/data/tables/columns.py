"""Arrow columns to typed columns: which kind a column is, from its values or as the config says.

Text is decided in this order: numbers (unless one has leading zeros, `00123`), dates, categories.
Booleans are categories. Only an empty field is missing, and `nan` in a column of numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyarrow
import pyarrow.compute as pc

from dl.config.emit import flow
from dl.config.sections.data import ColumnKind
from dl.config.written import is_formatted, plain_number
from dl.data.raw import Column, Place
from dl.data.tables.dates import (
    FORMS,
    first_no_date,
    first_outside,
    has_times,
    parse_dates,
    parse_months,
    to_datetimes,
)
from dl.data.tables.numbers import (
    check_numbers,
    has_leading_zeros,
    is_integral,
    not_numbers,
    parse_numbers,
    to_floats,
)
from dl.data.tables.odd_texts import Texts, texts_of
from dl.errors import DataError

Use = Literal["input", "number", "class", "target"]


@dataclass(frozen=True, slots=True)
class Cell:
    """Where a column comes from and what it is for.

    Attributes:
        name: The column.
        place: Words for the place of a row.
        use: An input, a target that is a number or a class, or one that `dl init` is to judge.
        named: The texts that the config names for a missing value.
        trained: Whether a trained run reads the rows: its columns stay what they are.
    """

    name: str
    place: Place
    use: Use = "input"
    named: Sequence[str] = ()
    trained: bool = False

    def hint(self, mending: str) -> str:
        """Returns how to mend the values, or what to write if they are right."""
        return mending if self.trained else f"{mending}, or {self.advice}"

    @property
    def advice(self) -> str:
        """What to write if the values are categories; `data.columns` is for input columns."""
        if self.use == "input":
            return f"add `data.columns: {{{self.name}: categorical}}`"
        if self.use == "class":
            return "list it in `data.classes` if it is a class"
        if self.use == "target":
            return "name another column with --target"
        return "name a loss for classes if these are classes"

    def error(self, row: int, message: str, found: object, hint: str, expected: str) -> DataError:
        """Returns an error about the value in a 0-based row."""
        return DataError(
            f"{self.place(row)}: column {self.name!r} {message}",
            expected=expected,
            found=_shown(found),
            hint=hint,
        )


def _shown(found: object) -> str:
    text = found if isinstance(found, str) else str(found)
    return repr(text if len(text) <= 40 else f"{text[:39]}…")


def to_column(values: Any, cell: Cell, kind: ColumnKind | None) -> Column:
    """Types an Arrow column.

    Args:
        values: The Arrow array, chunked or not.
        cell: Name, place and use.
        kind: The kind it must have, or None to decide by the values. A column that is numbers or
            dates but for some texts is a mistake; in a target of classes only where these stand
            for a missing value.

    Raises:
        DataError: A value does not fit the kind; the message has its row.
    """
    values = _plain(values, cell)
    if pyarrow.types.is_string(values.type):
        _check_text(values, cell)
        return _from_text(values, cell, kind)
    if pyarrow.types.is_temporal(values.type):
        _check_years(values, cell)
    if pyarrow.types.is_temporal(values.type) and kind in (None, "date"):
        return _dates(to_datetimes(values))
    if _is_number(values.type) and kind in (None, "numeric"):
        return _numbers(values, cell)
    if pyarrow.types.is_null(values.type) and kind is None:
        return _numbers(pc.cast(values, pyarrow.float64()), cell)
    return _from_text(pc.cast(values, pyarrow.string()), cell, kind or "categorical")


def without_texts(values: Any, missing: Sequence[str]) -> Any:
    """Returns a column without the texts, or what they mean in its type, that stand for nothing."""
    if not missing:
        return values
    if _is_text(values.type):
        values = pc.cast(values, pyarrow.string())
        stands_in = pc.is_in(pc.utf8_trim_whitespace(values), pyarrow.array(missing))
    else:
        meant = [value for text in missing if (value := _meant(text, values.type)) is not None]
        if not meant:
            return values
        stands_in = pc.is_in(values, pyarrow.array(meant, values.type))
    return pc.if_else(stands_in, pyarrow.scalar(None, values.type), values)


def _meant(text: str, kind: Any) -> Any:
    """Returns a text as a value of an Arrow type of numbers or dates, None where it is none."""
    try:
        return pc.cast(pyarrow.scalar(text), kind)
    except pyarrow.ArrowException:
        return None


def stand_ins(values: Any) -> dict[str, int]:
    """Returns the texts that stand for a missing value among numbers or dates, with their rows."""
    if not _is_text(values.type):
        return {}
    texts = pc.cast(values, pyarrow.string())
    if isinstance(texts, pyarrow.ChunkedArray):
        texts = texts.combine_chunks()
    if parse_numbers(texts) is not None or parse_dates(texts) is not None:
        return {}
    distinct = texts_of(texts)
    kind = "date" if distinct.are_months() else distinct.kind(number_wanted=False)
    return distinct.stand_ins(kind) if kind else {}


def _is_text(kind: Any) -> bool:
    if pyarrow.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(
        pyarrow.types.is_string(kind)
        or pyarrow.types.is_large_string(kind)
        or pyarrow.types.is_string_view(kind)
    )


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
    """Refuses bytes that are not text; Arrow checks them in a CSV file, but not in Parquet."""
    try:
        texts.validate(full=True)
    except pyarrow.ArrowInvalid as error:
        row, content = next(
            (row, content)
            for row, content in enumerate(pc.cast(texts, pyarrow.binary()).to_pylist())
            if content is not None and not _is_utf8(content)
        )
        hint = "write the texts in UTF-8, or leave the column out of `data.features`"
        raise cell.error(row, "holds bytes that are not text", content, hint, "UTF-8") from error


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


def _from_text(texts: Any, cell: Cell, kind: ColumnKind | None) -> Column:
    if kind == "categorical":
        return _categories(texts)
    if kind == "numeric":
        return _numbers_of_text(texts, cell)
    if kind == "date":
        return _dates_of_text(texts, cell)
    return _decided(texts, cell)


def _decided(texts: Any, cell: Cell) -> Column:
    numbers = parse_numbers(texts)
    if numbers is not None:
        if has_leading_zeros(to_floats(numbers), texts):
            return _categories(texts)
        return _numbers(numbers, cell, texts)
    dates = parse_dates(texts)
    if dates is not None:
        return _dates(dates)
    encoded = pc.dictionary_encode(texts)
    distinct = texts_of(encoded)
    if cell.use == "class" and not distinct.only_lacks_values():
        return _categories(encoded)
    kind = distinct.kind(number_wanted=cell.use == "number")
    return _categories(encoded) if kind is None else _from_text(texts, cell, kind)


def _numbers_of_text(texts: Any, cell: Cell) -> Column:
    numbers = parse_numbers(texts)
    if numbers is not None:
        return _numbers(numbers, cell, texts)
    row = int(np.argmax(not_numbers(texts)))
    text = texts[row].as_py()
    distinct = texts_of(texts)
    if text.strip() in distinct.stand_ins("numeric"):
        raise _stand_in(row, distinct, "numeric", cell, len(texts))
    if is_formatted(text):
        shown, number = _shown(text), plain_number(text, distinct.has_decimal_comma())
        raise DataError(
            f"{cell.place(row)}: column {cell.name!r}: {shown} is not a number; write {number}",
            expected="a number: digits, a point before the decimals, and nothing else",
            hint=cell.hint("correct all values of the column"),
        )
    hint = cell.hint("leave the field empty if the value is missing; write decimals with a point")
    raise cell.error(row, "is numeric, but this is text", text, hint, "a number")


def _stand_in(
    row: int, distinct: Texts, kind: Literal["numeric", "date"], cell: Cell, rows: int
) -> DataError:
    """Returns the error about texts that stand for a missing value."""
    found = distinct.stand_ins(kind)
    words = " and ".join(map(repr, found))
    among = "numbers" if kind == "numeric" else "dates"
    count = sum(found.values())
    line = f"`missing_values: {flow([*cell.named, *found])}` below `data`"
    if cell.trained:
        hint = f"leave these fields empty, or train a run with {line}"
    else:
        hint = f"if it stands for a missing value, write {line}; else {cell.advice}"
    return DataError(
        f"{cell.place(row)}: column {cell.name!r} has {words} in {count:,} of {rows:,} rows, "
        f"among {among}",
        expected=f"{among}, and empty fields where a value is missing",
        hint=hint,
    )


def _numbers(numbers: Any, cell: Cell, texts: Any = None) -> Column:
    values = to_floats(numbers)
    written = numbers if texts is None else texts
    check_numbers(values, written, cell.error)
    return Column("numeric", values, integral=is_integral(values, written))


def _dates_of_text(texts: Any, cell: Cell) -> Column:
    dates = parse_dates(texts)
    if dates is None:
        dates = parse_months(texts)
    if dates is not None:
        return _dates(dates)
    row = first_no_date(texts)
    text = texts[row].as_py()
    distinct = texts_of(texts)
    if text.strip() in distinct.stand_ins("date"):
        raise _stand_in(row, distinct, "date", cell, len(texts))
    if parse_dates(texts[row : row + 1]) is not None:
        message = "mixes dates with and without a time zone"
        hint = cell.hint("give all of them a zone, or none")
        raise cell.error(row, message, text, hint, FORMS)
    message = "is a date, but this is not one that can be read"
    hint = cell.hint("write it in one of these forms")
    raise cell.error(row, message, text, hint, FORMS)


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
