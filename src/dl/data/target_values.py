"""The target's values as they were read, checked for gaps, and the classes among them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from dl.data.types import Array, Raw, RawArrays, RawTable, behind
from dl.data.windows import squeezed
from dl.errors import DataError, closest
from dl.text import listing
from dl.vocabulary.spec import Findings

Size = TypeVar("Size", int, int | None)
TRUTHS = ("false", "true")
"""How the classes of truth values are called; in the order of False and True."""
_SMALL_RANGE = 100_000
"""Whole numbers in so small a range are counted, in a table of so many entries, not sorted."""
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

    @property
    def zeros_and_ones(self) -> bool:
        """Whether every value is 0 or 1."""
        return bool(((self.values == 0) | (self.values == 1)).all())

    @property
    def within_unit(self) -> bool:
        """Whether every value lies between 0 and 1."""
        return bool(((self.values >= 0) & (self.values <= 1)).all())

    @property
    def one_hot(self) -> bool:
        """Whether all is 0 but for a single 1 in each row, or along each last axis."""
        return self.zeros_and_ones and bool((self.values.sum(axis=-1) == 1).all())

    def few_whole_numbers(self, units: int | None) -> bool:
        """Whether the values are no more distinct whole numbers than the outputs tell apart."""
        if not bool((self.values == np.floor(self.values)).all()):
            return False
        return len(np.unique(self.values)) <= max(2, units or 2)

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
            yield replace(self, values=values, place=behind(self.place, start))

    def by_place(self, along_last: bool) -> TargetValues:
        """Returns a row for each place; `along_last` if the last axis is not one of places."""
        columns = self.values.shape[-1] if along_last else 1
        values: Array = self.values.reshape(-1, columns)
        per_row = len(values) // len(self.values)
        return replace(
            self,
            names=tuple(map(str, range(columns))) if along_last else self.names,
            values=values[:, 0] if self.words is not None else values,
            place=lambda position: self.place(position // per_row),
        )

    def wrong(
        self,
        where: Array,
        what: str,
        expected: str,
        hint: str,
        *,
        found: str | None = None,
        values: Array | None = None,
    ) -> DataError:
        """Returns the error for the first value that is wrong.

        Args:
            where: Which values are, shape (rows, ...).
            what: What is wrong, in words that follow the name of the target.
            expected: What is expected.
            hint: What to do.
            found: The wrong value, where it is not one of `values`.
            values: What the values are taken for, if not what they are.
        """
        values = self.values if values is None else values
        row, *place = (int(position) for position in np.argwhere(where)[0])
        by_column = values.ndim == 2 and len(place) == 1 and 1 < self.columns == len(self.names)
        title = f" `{self.names[place[0]]}`" if by_column else f" {self.title}"
        if values.ndim > 2:
            title = f" at the place {place}"
        elif len(self.names) > 1 and not by_column:  # the whole row is wrong
            title = ""
        return DataError(
            f"{self.place(row)}: the target{title} {what}",
            expected=expected,
            found=number_text(values[(row, *place)]) if found is None else found,
            hint=hint,
        )

    def unknown_class(self, classes: Sequence[str], strangers: Sequence[str]) -> DataError:
        """Returns the error for the first row whose value is among `strangers`."""
        positions, texts = self.distinct()
        numbers = [position for position, text in enumerate(texts) if text in set(strangers)]
        where = np.isin(positions, numbers)
        value = texts[positions[np.argmax(where)]]
        near = closest(value, classes)
        advice = "correct the value, or name all classes in `data.classes`"
        return self.wrong(
            where.reshape(self.values.shape),
            "has a value that is not a known class",
            "one of " + listing(map(repr, classes), "", 10),
            f"did you mean {near!r}? Otherwise {advice}" if near else advice,
            found=repr(value),
        )


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


def number_text(value: float) -> str:
    """Returns a number as a class is named: `3` for 3.0, `0.5` for 0.5."""
    return str(int(value)) if float(value).is_integer() else repr(float(value))


def without_ones(shape: tuple[Size, ...]) -> tuple[Size, ...]:
    """Returns a shape without the axes of length 1 at its end."""
    length = len(shape)
    while length and shape[length - 1] == 1:
        length -= 1
    return shape[:length]


def is_own_input(raw: Raw) -> bool:
    """Whether the target of rows of several numbers is their input, as for an autoencoder."""
    if isinstance(raw, RawTable) or raw.y is None or not isinstance(raw.x, np.ndarray):
        return False
    if raw.x[:1].size < 2 or raw.y.dtype.kind not in "iuf":
        return False
    # Most targets differ from the inputs in the first row already.
    return np.array_equal(raw.x[:1], raw.y[:1]) and np.array_equal(raw.x, raw.y[:])


def target_values(raw: Raw) -> TargetValues:
    """Returns the target of some rows.

    Raises:
        DataError: A value is missing or infinite, or the values are neither numbers nor words.
    """
    target = _of_table(raw) if isinstance(raw, RawTable) else _of_arrays(raw)
    words = target.words is not None
    gaps = target.values < 0 if words else ~np.isfinite(target.values)
    if not gaps.any():
        return target
    value = "nothing" if words else str(target.values[gaps][0])
    raise target.wrong(
        gaps,
        "has no value",
        "a value in each row" if words else "a finite number",
        "give the value or delete the row: the model cannot learn from it",
        found="a missing value" if value == "nan" else value,
    )


def _of_table(raw: RawTable) -> TargetValues:
    columns, names = list(raw.targets.values()), tuple(raw.targets)
    for name, column in raw.targets.items():
        if column.kind == "date":
            raise DataError(
                f"{raw.source}: the target column `{name}` holds dates",
                expected="numbers, or names of classes",
                found="dates",
                hint="make it a number, such as the days since a first day",
            )
        if column.kind == "categorical" and len(columns) > 1:
            raise DataError(
                f"{raw.source}: the target column `{name}` holds text",
                expected="numbers in each of several target columns",
                found=f"text, such as {column.categories[0]!r}" if column.categories else "text",
                hint=f"name one column as `target`, or write 0 and 1 into `{name}`",
            )
    of_words = columns[0].kind == "categorical"
    words = tuple(columns[0].categories) if of_words else None
    values = columns[0].values if words else np.column_stack([column.values for column in columns])
    if raw.windows is None:
        return TargetValues(names, values, words, raw.source, raw.row_place)
    first = raw.windows.first_targets
    values = squeezed(values[raw.windows.targets])
    return TargetValues(names, values, words, raw.source, lambda row: raw.row_place(first[row]))


def _of_arrays(raw: RawArrays) -> TargetValues:
    if raw.y is None:
        raise DataError(
            f"{raw.source}: there are no targets",
            expected="a target for each row",
            found="inputs only",
            hint="add the targets; `dl predict` needs none",
        )
    y = raw.y[:]
    words: tuple[str, ...] | None = None
    if y.dtype.kind not in "biufU":
        raise DataError(
            f"{raw.source}: the targets are neither numbers nor names of classes",
            expected="numbers, or names of classes",
            found=f"values of the type {y.dtype}",
            hint="save the targets as an array of integers, floats or text",
        )
    if y.dtype.kind == "b" and y.size != len(y):  # truth values in several columns are 0 and 1
        y = y.astype(np.uint8)
    elif y.dtype.kind in "bU":
        words = TRUTHS
        shape = y.shape if y.size != len(y) else (len(y),)
        if y.dtype.kind == "U":
            texts, y = np.unique(y.reshape(-1), return_inverse=True)
            words = tuple(str(text) for text in texts)
        y = y.reshape(shape).astype(np.int32)
    elif y.ndim <= 2 or y.dtype.kind == "f":
        y = y.astype(np.float64).reshape(y.shape if y.ndim > 2 else (len(y), -1))
    several = y.ndim == 2 and y.shape[1] != 1
    names = raw.names or (tuple(map(str, range(y.shape[1]))) if several else ("target",))
    return TargetValues(names, y, words, raw.source, raw.row_place)


def refuse_logarithms(target: TargetValues) -> None:
    """Refuses numbers that have no logarithm of 1 + the number; raises `DataError`."""
    if (wrong := target.values <= -1).any():
        raise target.wrong(
            wrong,
            "has a value that has no logarithm",
            "numbers above -1: `preprocess.target` is `log1p`, the logarithm of 1 + the number",
            "correct the value, or write `preprocess.target: standardize`",
        )


# Classes


def named_classes(
    several: Sequence[TargetValues],
    chosen: tuple[str, ...] | None,
    class_names: tuple[str, ...] | None,
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Returns the names of the classes in the order of the outputs, and the value of each.

    Without names, the distinct values are the classes: numbers by size, words by code point.
    `data.classes` sets the order where it holds every value (or every name that the source has for
    one); else it names the class numbers 0, 1, 2, ...

    Args:
        several: The target of all parts, of one column.
        chosen: `data.classes`.
        class_names: Names of the class numbers, where the source knows them.
    """
    used = set[str]().union(*(target.used() for target in several))
    numbers = tuple(map(str, range(len(chosen or ()))))
    by_name = {name: str(number) for number, name in enumerate(class_names or ())}
    if class_names is not None and used <= set(by_name.values()):
        if chosen is None:
            return class_names, tuple(by_name.values())
        if {class_names[int(value)] for value in used} <= set(chosen):
            return chosen, tuple(by_name.get(name, name) for name in chosen)
        if len(chosen) < len(class_names):
            raise Findings.one(
                ("data", "classes"),
                "names fewer classes than the data has",
                expected=f"{len(class_names)} names, in the order of the classes "
                + listing(map(repr, class_names), "", 10),
                found=f"{len(chosen)} names",
                hint="name every class, or leave classes out",
            )
        return chosen, numbers
    if chosen is None:
        words = any(target.words is not None for target in several)
        known = tuple(sorted(used) if words else sorted(used, key=float))
        return known, known
    if used <= set(chosen):
        return chosen, chosen
    if used <= set(numbers):
        return chosen, numbers
    strange = next(target for target in several if not target.used() <= set(chosen))
    raise strange.unknown_class(chosen, sorted(strange.used() - set(chosen)))


def not_one_hot(target: TargetValues, because: str = "") -> DataError:
    """Returns the error for the first row or place without a single 1; `because` says why."""
    values = target.values
    single = ((values == 0) | (values == 1)).all(axis=-1) & (values.sum(axis=-1) == 1)
    position = tuple(np.argwhere(~single)[0])
    hint = "name one column of class names or numbers as the target"
    if len(position) > 1:
        hint = "give each place one class; what fills up short rows can have a class of its own"
    return target.wrong(
        ~single,
        "is not a class",
        f"a single 1 among {values.shape[-1]} numbers{because}",
        hint,
        found=listing(map(number_text, values[position]), "", 6),
    )


def outside_unit(target: TargetValues, values: Array) -> DataError:
    """Returns the error for the first row with a value that a binary loss cannot compare.

    Args:
        target: The target.
        values: What the loss gets for it, shape (rows, ...).
    """
    return target.wrong(
        (values < 0) | (values > 1),
        "has a value that is not between 0 and 1",
        "numbers from 0 to 1: the loss is a binary one",
        "save the target as numbers from 0 to 1 (bytes divided by 255), write `data.task: "
        "regression` and `preprocess.target: minmax`, or choose a loss such as "
        "`mean_squared_error`",
        values=values,
    )
