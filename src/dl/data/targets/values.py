"""The target's values as they were read from a table or from arrays, checked for gaps."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from dl.data.raw import Column, Raw, RawArrays, RawTable
from dl.data.types import Array
from dl.errors import DataError

TRUTHS = ("false", "true")
_SMALL_RANGE = 100_000
_BLOCK = 1 << 22
"""Values of a target whose classes are looked up at once."""


@dataclass(frozen=True, slots=True)
class TargetValues:
    """The target of some rows.

    Attributes:
        names: Names of the target columns.
        values: Numbers, shape (rows, columns) or more, as float64 (whole ones of several axes stay
            what they are); or, of a target of words, the position of each word in `words`, shape
            (rows,) or more.
        words: The distinct texts of a target of words, sorted; None for numbers.
        source: The file, or name of the data set.
        place: Words for the place of a row, given its 0-based position here.
    """

    names: tuple[str, ...]
    values: Array
    words: tuple[str, ...] | None
    source: str
    place: Callable[[int], str]

    @property
    def title(self) -> str:
        """The column or columns, as messages call them."""
        if len(self.names) > 3:
            return f"{len(self.names)} target columns"
        return " and ".join(f"`{name}`" for name in self.names)

    @property
    def columns(self) -> int:
        """The number of columns."""
        return 1 if self.values.ndim == 1 else int(self.values.shape[1])

    def distinct(self) -> tuple[NDArray[np.intp], tuple[str, ...]]:
        """Returns the distinct values as text, and the position there of each value, in one axis.

        Numbers are sorted by size, words by code point; a word that no row has may be among them.
        """
        if self.words is not None:
            return self.values.reshape(-1).astype(np.intp), self.words
        positions, known = _positions_of_numbers(self.values.reshape(-1))
        return positions, tuple(number_text(value) for value in known)

    def used(self) -> set[str]:
        """Returns the distinct values that at least one row has, as text."""
        used: set[str] = set()
        for block in self.blocks():
            positions, texts = block.distinct()
            counts = np.bincount(positions, minlength=len(texts))
            used |= {text for text, count in zip(texts, counts, strict=True) if count}
        return used

    def blocks(self) -> Iterator[TargetValues]:
        """Yields blocks of rows: the positions of all values at once take eight bytes for each."""
        step = max(1, _BLOCK // max(1, self.values[:1].size))
        for start in range(0, len(self.values), step):
            values = self.values[start : start + step]
            yield replace(self, values=values, place=partial(_shifted, self.place, start))


def _positions_of_numbers(column: Array) -> tuple[NDArray[np.intp], Array]:
    """Returns each number's position among the distinct ones, and those, by size.

    Whole numbers in a small range, as most class numbers are, are counted rather than sorted.
    """
    low = float(column.min()) if len(column) else np.inf
    if len(column) and column.max() - low < _SMALL_RANGE:
        steps = (column - low).astype(np.intp)
        if (steps + low == column).all():
            present = np.flatnonzero(np.bincount(steps))
            position = np.zeros(present[-1] + 1, np.intp)
            position[present] = np.arange(len(present))
            return position[steps], present + low
    known = np.unique(column)
    return np.searchsorted(known, column), known


def _shifted(place: Callable[[int], str], start: int, position: int) -> str:
    return place(start + position)


def number_text(value: float) -> str:
    """Returns a number as a class is named: `3` for 3.0, `0.5` for 0.5."""
    return str(int(value)) if float(value).is_integer() else repr(float(value))


def target_values(raw: Raw) -> TargetValues:
    """Returns the target of some rows.

    Raises:
        DataError: A value is missing or infinite, or the values are neither numbers nor words.
    """
    values = _of_table(raw) if isinstance(raw, RawTable) else _of_arrays(raw)
    _refuse_gaps(values)
    return values


def _of_table(raw: RawTable) -> TargetValues:
    columns = list(raw.targets.values())
    names = tuple(raw.targets)
    for name, column in raw.targets.items():
        _refuse_kind(name, column, raw.source, several=len(columns) > 1)

    if columns[0].kind == "categorical":
        return TargetValues(
            names, columns[0].values, columns[0].categories, raw.source, raw.row_place
        )
    numbers = np.column_stack([column.values for column in columns])
    return TargetValues(names, numbers, None, raw.source, raw.row_place)


def _refuse_kind(name: str, column: Column, source: str, several: bool) -> None:
    if column.kind == "date":
        raise DataError(
            f"{source}: the target column `{name}` holds dates",
            expected="numbers, or names of classes",
            found="dates",
            hint="make it a number, such as the days since a first day",
        )
    if column.kind == "categorical" and several:
        raise DataError(
            f"{source}: the target column `{name}` holds text",
            expected="numbers in each of several target columns",
            found=f"text, such as {column.categories[0]!r}" if column.categories else "text",
            hint=f"name one column as `target`, or write 0 and 1 into `{name}`",
        )


def _of_arrays(raw: RawArrays) -> TargetValues:
    if raw.y is None:
        raise DataError(
            f"{raw.source}: there are no targets",
            expected="a target for each row",
            found="inputs only",
            hint="add the targets; `dl predict` needs none",
        )
    y = raw.y

    if y.dtype.kind in "bU":
        return _words_of_array(y, raw.source, raw.row_place)
    if y.dtype.kind not in "iuf":
        raise _wrong_array(raw.source, f"values of the type {y.dtype}")
    if y.ndim > 2:
        numbers = y.astype(np.float64) if y.dtype.kind == "f" else y
        return TargetValues(("target",), numbers, None, raw.source, raw.row_place)
    numbers = y.astype(np.float64).reshape(len(y), -1)
    return TargetValues(_array_names(numbers.shape[1]), numbers, None, raw.source, raw.row_place)


def is_own_input(raw: Raw) -> bool:
    """Whether the target of rows of several numbers is their input, as for an autoencoder."""
    if isinstance(raw, RawTable) or raw.y is None or not isinstance(raw.x, np.ndarray):
        return False
    if raw.x[:1].size < 2 or raw.y.dtype.kind not in "iuf":
        return False
    # Most targets differ from the inputs in the first row already.
    return np.array_equal(raw.x[:1], raw.y[:1]) and np.array_equal(raw.x, raw.y)


def _words_of_array(y: Array, source: str, place: Callable[[int], str]) -> TargetValues:
    """Reads words or truth values; truth values in several columns are 0 and 1."""
    if y.dtype.kind == "b" and y.size != len(y):
        names = ("target",) if y.ndim > 2 else _array_names(y.shape[1])
        return TargetValues(names, y.astype(np.uint8), None, source, place)
    shape = y.shape if y.size != len(y) else (len(y),)
    names = _array_names(shape[1]) if len(shape) == 2 else ("target",)
    if y.dtype.kind == "b":
        return TargetValues(names, y.reshape(shape).astype(np.int32), TRUTHS, source, place)
    words, positions = np.unique(y.reshape(-1), return_inverse=True)
    texts = tuple(str(word) for word in words)
    return TargetValues(names, positions.reshape(shape).astype(np.int32), texts, source, place)


def _array_names(columns: int) -> tuple[str, ...]:
    return ("target",) if columns == 1 else tuple(str(column) for column in range(columns))


def _wrong_array(source: str, found: str) -> DataError:
    return DataError(
        f"{source}: the targets are neither numbers nor names of classes",
        expected="numbers, or names of classes",
        found=found,
        hint="save the targets as an array of integers, floats or text",
    )


def _refuse_gaps(target: TargetValues) -> None:
    bad = _gaps(target)
    if not bad.any():
        return
    row = int(np.argmax(bad))
    raise DataError(
        f"{target.place(row)}: the target {_gap_name(target, row)} has no value",
        expected="a value in each row" if target.words is not None else "a finite number",
        found=_gap_found(target, row),
        hint="give the value or delete the row: the model cannot learn from it",
    )


def _gaps(target: TargetValues) -> NDArray[np.bool_]:
    """Returns which rows have no value, or an infinite one."""
    if target.words is not None:
        return np.asarray((target.values < 0).reshape(len(target.values), -1).any(axis=1))
    finite = np.isfinite(target.values)
    return np.asarray(~finite.reshape(len(finite), -1).all(axis=1))


def _gap_name(target: TargetValues, row: int) -> str:
    if target.words is not None or target.columns == 1 or target.values.ndim > 2:
        return target.title
    return f"`{target.names[int(np.argmax(~np.isfinite(target.values[row])))]}`"


def _gap_found(target: TargetValues, row: int) -> str:
    if target.words is not None:
        return "nothing"
    numbers: Sequence[float] = target.values[row].reshape(-1)
    bad = next(number for number in numbers if not np.isfinite(number))
    return "a missing value" if np.isnan(bad) else str(bad)
