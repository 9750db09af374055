"""Arrow columns to typed columns: which kind a column is, from its values or as the config says.

Text is decided in this order: numbers (unless one has leading zeros, `00123`), dates, categories; a
column is one of texts, words to learn from, where the config says so.
Booleans are categories. Only an empty field is missing, and `nan` in a column of numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pyarrow
import pyarrow.compute as pc
from numpy.typing import NDArray

from dl.config.data import ColumnKind
from dl.config.nodes import flow
from dl.config.tables import is_formatted, plain_number
from dl.data.texts import (
    FORMS,
    INTEGER,
    LEADING_ZERO,
    NUMBER,
    Texts,
    first_no_date,
    is_text,
    mask,
    parse_dates,
    parse_months,
    parse_numbers,
)
from dl.data.types import Column, Place, Role, StoredTexts, behind
from dl.errors import DataError
from dl.text import cut, listing

Use = Literal["input", "number", "class", "target"] | Role
KINDS_OF_ROLES: Mapping[Role, ColumnKind | None] = {
    "group": "categorical",
    "part": "categorical",
    "time": None,
    "weight": "numeric",
    "series": "categorical",
}
"""The kind of a column that is for something else; None where dates and numbers will do."""

_LARGEST_INTEGER = 2**53
"""From here on two integers may be the same float64."""
_LARGEST = float(np.finfo(np.float32).max)
_YEARS = (np.datetime64("0001"), np.datetime64("10000"))
_LONGEST, _FEW = 40, 1000
_FORM = ", state in `data.columns` how they are written"


@dataclass(frozen=True, slots=True)
class Cell:
    """Where a column comes from and what it is for.

    Attributes:
        name: The column.
        place: Words for the place of a row.
        use: An input, a target that is a number or a class, or one that `dl init` is to judge; or
            what else the column is for.
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
        return {
            "input": f"add `data.columns: {{{self.name}: categorical}}`",
            "class": "list it in `data.classes` if it is a class",
            "target": "name another column with --target",
            "number": "name a loss for classes if these are classes",
            "group": "name another column in `data.split.by`",
            "time": "name another column in `data.split.by`",
            "part": "name another column in `data.split.column`",
            "weight": "name another column in `data.weight`",
            "series": "name another column in `data.window.by`",
        }[self.use]

    def error(self, row: int, message: str, found: object, hint: str, expected: str) -> DataError:
        """Returns an error about the value in a 0-based row."""
        return DataError(
            f"{self.place(row)}: column {self.name!r} {message}",
            expected=expected,
            found=repr(cut(str(found), _LONGEST)),
            hint=hint,
        )


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
    if kind == "text":
        return _whole_texts(values, cell)
    values = _plain(values, cell)
    types = pyarrow.types
    if types.is_string(values.type):
        _check_text(values, cell)
        return _from_text(values, cell, kind)
    if types.is_temporal(values.type):
        _check_years(values, cell)
        if kind in (None, "date"):
            return _dates(values)
    if _is_number(values.type) and kind in (None, "numeric"):
        return _numbers(_floats(values), values, cell)
    if types.is_null(values.type) and kind is None:
        return _numbers(_floats(values), pc.cast(values, pyarrow.float64()), cell)
    return _from_text(pc.cast(values, pyarrow.string()), cell, kind or "categorical")


def _is_number(kind: Any) -> bool:
    types = pyarrow.types
    return bool(types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind))


def _plain(values: Any, cell: Cell) -> Any:
    """Returns one array of a simple type."""
    if isinstance(values, pyarrow.ChunkedArray):
        values = values.combine_chunks()
    types = pyarrow.types
    if types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if is_text(values.type):
        return pc.cast(values, pyarrow.string())
    if not (
        types.is_boolean(values.type)
        or types.is_null(values.type)
        or types.is_date(values.type)
        or types.is_timestamp(values.type)
        or _is_number(values.type)
    ):
        raise DataError(
            f"{cell.place(0)}: column {cell.name!r} cannot be used",
            expected="numbers, text, booleans or dates",
            found=f"values of type {values.type}",
            hint="leave it out with `data.exclude`",
        )
    return values


def _check_text(texts: Any, cell: Cell) -> None:
    """Refuses texts that are not UTF-8: Parquet files and pyarrow let them pass."""
    try:
        texts.validate(full=True)
    except pyarrow.ArrowInvalid as error:
        contents = enumerate(pc.cast(texts, pyarrow.binary()).to_pylist())
        # Bytes that are text come back as they were, those that are not are left out.
        row, content = next(
            (i, c) for i, c in contents if c is not None and c.decode(errors="ignore").encode() != c
        )
        hint = "write the texts in UTF-8, or leave the column out with `data.exclude`"
        raise cell.error(row, "holds bytes that are not text", content, hint, "UTF-8") from error


def _check_years(dates: Any, cell: Cell) -> None:
    """Refuses dates that are not of the years 1 to 9999."""
    unit = _unit(dates.type)
    if unit == "ns":  # reaches from 1677 to 2262
        return
    numbers = pc.cast(dates, pyarrow.int32() if unit == "D" else pyarrow.int64())
    first, end = (int(year.astype(f"datetime64[{unit}]").astype(np.int64)) for year in _YEARS)
    row = pc.index(pc.or_(pc.less(numbers, first), pc.greater_equal(numbers, end)), True).as_py()
    if row >= 0:
        raise cell.error(
            row,
            "holds a date that is too far away",
            np.array(numbers[row].as_py(), f"datetime64[{unit}]"),
            f"correct the value, or write the column in another unit than that of {dates.type}",
            "a date of the years 1 to 9999",
        )


def _unit(kind: Any) -> str:
    """Returns the unit in which an Arrow type of dates counts, as NumPy calls it."""
    if pyarrow.types.is_timestamp(kind):
        return str(kind.unit)
    return "D" if pyarrow.types.is_date32(kind) else "ms"


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
        values = _floats(numbers)
        if _plain_integers(values, texts):
            return Column("numeric", values, integral=True)
        whole = texts.filter(pyarrow.array(_whole(values)))
        if pc.any(pc.match_substring_regex(whole, LEADING_ZERO)).as_py():
            return _categories(texts)  # `00123` would lose something as a number
        return _numbers(values, texts, cell)
    dates = parse_dates(texts)
    if dates is not None:
        return _dates(dates)
    encoded = pc.dictionary_encode(texts)
    distinct = Texts.of(encoded)
    if cell.use == "class" and not distinct.only_lacks_values():
        return _categories(encoded)
    kind = distinct.kind(number_wanted=cell.use == "number")
    return _categories(encoded) if kind is None else _from_text(texts, cell, kind)


def _numbers_of_text(texts: Any, cell: Cell) -> Column:
    numbers = parse_numbers(texts)
    if numbers is not None:
        return _numbers(_floats(numbers), texts, cell)
    # Trimmed, since a pattern of Arrow takes no spaces but those of ASCII for spaces.
    matches = pc.match_substring_regex(pc.utf8_trim_whitespace(texts), NUMBER)
    row = int(np.argmin(mask(pc.fill_null(matches, True))))
    text = texts[row].as_py()
    distinct = Texts.of(texts)
    _refuse_stand_in(row, text, distinct.stand_ins("numeric"), "numbers", cell, len(texts))
    if is_formatted(text):
        shown = repr(cut(text, _LONGEST))
        number = plain_number(text, distinct.has_decimal_comma())
        raise DataError(
            f"{cell.place(row)}: column {cell.name!r}: {shown} is not a number; write {number}",
            expected="a number: digits, a point before the decimals, and nothing else",
            hint=cell.hint(f"correct all values of the column{'' if cell.trained else _FORM}"),
        )
    hint = cell.hint("leave the field empty if the value is missing; write decimals with a point")
    raise cell.error(row, "is numeric, but this is text", text, hint, "a number")


def _dates_of_text(texts: Any, cell: Cell) -> Column:
    dates = parse_dates(texts)
    if dates is None:
        dates = parse_months(texts)
    if dates is not None:
        return _dates(dates)
    row = first_no_date(texts)
    text = texts[row].as_py()
    _refuse_stand_in(row, text, Texts.of(texts).stand_ins("date"), "dates", cell, len(texts))
    message = "is a date, but this is not one that can be read"
    if cell.use == "time":
        message = "gives the order of the rows, but this is neither a number nor a date to be read"
    mending = "write it in one of these forms"
    if parse_dates(texts[row : row + 1]) is not None:
        message = "mixes dates with and without a time zone"
        mending = "give all of them a zone, or none"
    raise cell.error(row, message, text, cell.hint(mending), FORMS)


def _refuse_stand_in(
    row: int, text: str, found: Mapping[str, int], among: str, cell: Cell, rows: int
) -> None:
    """Refuses texts that stand for a missing value, if that of the row is one of them."""
    if text.strip() not in found:
        return
    line = f"`missing_values: {flow([*cell.named, *found])}` below `data`"
    if cell.trained:
        hint = f"leave these fields empty, or train a run with {line}"
    else:
        hint = f"if it stands for a missing value, write {line}; else {cell.advice}"
    raise DataError(
        f"{cell.place(row)}: column {cell.name!r} has {listing(map(repr, found), 'and')} in "
        f"{sum(found.values()):,} of {rows:,} rows, among {among}",
        expected=f"{among}, and empty fields where a value is missing",
        hint=hint,
    )


def _floats(numbers: Any) -> NDArray[np.float64]:
    """Returns an Arrow array of numbers as float64, NaN where null."""
    floats = pc.fill_null(pc.cast(numbers, pyarrow.float64(), safe=False), float("nan"))
    return np.array(floats.to_numpy(zero_copy_only=False))


def _whole(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Returns which values are whole numbers or missing; a look at them saves one at the texts."""
    with np.errstate(invalid="ignore"):
        return np.asarray((values == np.floor(values)) | np.isnan(values))


def _plain_integers(values: NDArray[np.float64], texts: Any) -> bool:
    """Tells whether all are exact integers as `str` writes them: faster than by a pattern."""
    if not _whole(values[:_FEW]).all() or not _whole(values).all():
        return False
    missing = np.isnan(values)
    filled = np.where(missing, 0, values)
    if np.abs(filled).max(initial=0) >= _LARGEST_INTEGER or texts.null_count != missing.sum():
        return False
    integers = pyarrow.array(filled.astype(np.int64), mask=missing)
    return bool(pc.all(pc.equal(pc.cast(integers, pyarrow.string()), texts)).as_py())


def _numbers(values: NDArray[np.float64], written: Any, cell: Cell) -> Column:
    """Returns numbers; refuses infinite and too large ones, and integers float64 cannot tell apart.

    Args:
        values: The numbers.
        written: The Arrow array of them as the file has them, perhaps as texts.
        cell: Name and place.
    """
    with np.errstate(invalid="ignore"):
        size = np.abs(values)
        large = size >= _LARGEST_INTEGER
    for row in np.flatnonzero(large).tolist():
        if size[row] > _LARGEST:
            raise cell.error(
                row,
                "is infinite" if np.isinf(values[row]) else "is too large",
                written[row].as_py(),
                "correct the value, or leave the field empty and set `preprocess.missing`",
                f"a number between -{_LARGEST:.2g} and {_LARGEST:.2g}",
            )
        text = str(written[row].as_py()).strip()
        if text.lstrip("+-").isdigit() and abs(int(text[:400])) > _LARGEST_INTEGER:
            raise cell.error(
                row,
                "holds an integer that is too large to be exact",
                written[row].as_py(),
                "leave an identifier out with `data.exclude`, or make it `categorical` in "
                "`data.columns`",
                "integers up to 2^53",
            )
    if pyarrow.types.is_string(written.type):  # as written: `3` is an integer, `3.0` is not
        whole = bool(_whole(values).all())
        integral = whole and pc.all(pc.match_substring_regex(written, INTEGER)).as_py()
    else:
        integral = pyarrow.types.is_integer(written.type)
    return Column("numeric", values, integral=bool(integral))


def _dates(dates: Any) -> Column:
    """Returns dates as datetime64[us], NaT where null; below a microsecond they are cut off."""
    if _unit(dates.type) == "ns":
        dates = pc.floor_temporal(pc.cast(dates, pyarrow.timestamp("ns")), unit="microsecond")
    numbers = pc.cast(pc.cast(dates, pyarrow.timestamp("us")), pyarrow.int64())
    filled = pc.fill_null(numbers, np.iinfo(np.int64).min)
    values = filled.to_numpy().astype(np.int64).view("datetime64[us]")
    known = values[~np.isnat(values)]
    return Column("date", values, timed=bool(np.any(known != known.astype("datetime64[D]"))))


def _categories(texts: Any) -> Column:
    """Numbers the distinct texts, sorted, without the spaces around them."""
    encoded = pc.dictionary_encode(texts)
    trimmed = [text.strip() for text in encoded.dictionary.to_pylist()]
    names = sorted({text for text in trimmed if text})
    position = {name: i for i, name in enumerate(names)}
    renumber = np.array([*(position.get(text, -1) for text in trimmed), -1], dtype=np.int32)
    codes = pc.fill_null(encoded.indices, len(trimmed)).to_numpy()
    return Column("categorical", renumber[codes], tuple(names))


def _whole_texts(values: Any, cell: Cell) -> Column:
    """Keeps the texts as they are, where they are: those on the disk are looked at in pieces."""
    chunks = values.chunks if isinstance(values, pyarrow.ChunkedArray) else [values]
    texts, codes, begin = [], [np.empty(0, np.int64)], 0
    for chunk in chunks:
        whole = pc.cast(_plain(chunk, cell), pyarrow.string())
        _check_text(whole, replace(cell, place=behind(cell.place, begin)))
        known = pc.fill_null(pc.not_equal(pc.utf8_trim_whitespace(whole), ""), False)
        codes.append(np.where(mask(known), np.arange(begin, begin + len(whole)), -1))
        texts.append(whole)
        begin += len(whole)
    stored = pyarrow.chunked_array(texts, pyarrow.string())
    return Column("text", np.concatenate(codes), StoredTexts(stored))
