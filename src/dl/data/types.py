"""Rows of data: as a source hands them on, before any preprocessing, and ready for Keras.

A source function reads a config's `data` into `RawParts`. Rows that are still to be split stand in
`train`; only a part that has rows of its own stands in `validation` or `test`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from dl.config.data import ColumnKind
from dl.data.windows import Windows

Array = NDArray[Any]
_BLOCK_BYTES = 1 << 26
"""Bytes of rows on the disk that are in memory at a time."""


def mean(values: Array, weights: Array | None, axis: int | None = 0) -> Array:
    """Returns the mean over rows, each counting by its weight, shape (rows,), where there are any.

    With `axis` None it is the mean over everything in the rows, too.
    """
    if weights is None or not weights.any():
        return np.asarray(values.mean(axis=axis))
    by_row = values if axis == 0 else values.reshape(len(values), -1).mean(axis=1)
    return np.asarray(np.average(by_row, axis=0, weights=weights))


def step_over(rows: int, most: int) -> int:
    """Returns the step in which at most so many of the rows are looked at, evenly spread."""
    return max(1, -(-rows // most))


class DiskRows(Protocol):
    """Rows that lie on the disk; an index brings those that it names into memory, as an array."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of all rows."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the numbers that an index gives."""

    def __len__(self) -> int: ...

    def __getitem__(self, rows: slice | Array) -> Array: ...


Rows = Array | DiskRows
IGNORED = 255
"""What stands in masks, as they are kept, for a pixel that does not count."""
Role = Literal["group", "time", "part", "weight", "series"]
"""What a column of a table is for that is neither an input nor a target: what keeps rows together,
orders them, or says the part of each; how much a row counts, and which series it is of."""


@dataclass(frozen=True, slots=True)
class LazyRows:
    """Rows that are made of others on the disk, each time that they are asked for.

    Attributes:
        shape: Shape of all rows.
        dtype: Type of the numbers.
        read: Returns those that an index names.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    read: Callable[[slice | Array], Array]

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: slice | Array) -> Array:
        return self.read(rows)


def made_of(rows: Rows, make: Callable[[Array], Array]) -> Rows:
    """Returns what is made of rows: at once, or of rows on the disk each time they are read."""
    if isinstance(rows, np.ndarray):
        return make(rows)
    like = make(rows[:1])
    return LazyRows((len(rows), *like.shape[1:]), like.dtype, lambda wanted: make(rows[wanted]))


def blocks(rows: Rows) -> Iterator[slice]:
    """Yields slices of all rows: a single one, or of rows on the disk some at a time."""
    row = math.prod(rows.shape[1:]) * rows.dtype.itemsize
    whole = isinstance(rows, np.ndarray)
    step = len(rows) if whole else max(1, _BLOCK_BYTES // max(1, row))
    for begin in range(0, len(rows), max(1, step)):
        yield slice(begin, begin + step)


def chosen(rows: Rows, positions: Array) -> Rows:
    """Returns some rows, in the order of their positions; reads none that lie on the disk."""
    if isinstance(rows, np.ndarray):
        return rows[positions]
    shape = (len(positions), *rows.shape[1:])
    return LazyRows(shape, rows.dtype, lambda wanted: rows[positions[wanted]])


@dataclass(frozen=True, slots=True)
class Part:
    """Rows of one part, ready for Keras.

    Attributes:
        x: Inputs, float32 (integers for token ids), shape (rows, *input_shape).
        y: Targets as the loss wants them, float32 or int32, shape (rows,) or (rows, outputs); `x`
            itself, where a row is to come out as it went in.
        rows: 0-based position of each row in its source, shape (rows,).
        weights: How much each row counts, or each of its places, float32 with a mean of 1, shape
            (rows,) or (rows, *places); None where all count the same.
        forecasts: Of windows, what simple forecasts say, in the form of `y`, by what they are
            called: they know the past alone.
        texts: The columns of texts as they were read, by name, to be shown.
    """

    x: Rows
    y: Rows
    rows: NDArray[np.int64]
    weights: Rows | None = None
    forecasts: Mapping[str, Array] = field(default_factory=dict)
    texts: Mapping[str, Column] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.x)

    def take(self, rows: slice | Array) -> Part:
        """Returns some rows, in memory."""
        weights = None if self.weights is None else self.weights[rows]
        x = self.x[rows]
        y = x if self.y is self.x else self.y[rows]
        forecasts = {name: said[rows] for name, said in self.forecasts.items()}
        texts = {name: column.take(rows) for name, column in self.texts.items()}
        return Part(x, y, self.rows[rows], weights, forecasts, texts)

    def targets(self, rows: slice = slice(None)) -> tuple[Array, Array | None]:
        """Returns targets and weights of all rows, or of some, in memory."""
        return self.y[rows], None if self.weights is None else self.weights[rows]

    def target_blocks(self) -> Iterator[tuple[Array, Array | None]]:
        """Yields targets and weights: all at once, or of rows on the disk some at a time."""
        return map(self.targets, blocks(self.y))

    def sample(self, most: int) -> Part:
        """Returns at most so many of the rows, evenly spread over all, in their order."""
        if len(self) <= most:
            return self
        return self.take(np.linspace(0, len(self) - 1, most).astype(np.int64))


@dataclass(frozen=True, slots=True)
class Inputs:
    """Rows to predict, ready for Keras.

    Attributes:
        x: As in `Part`.
        files: The file of each row; empty unless the rows are image files.
        kept: Columns of the rows that are handed on as they stand, by name.
        told: What each prediction is for, where that is not a row of the file: columns by name.
    """

    x: Rows
    files: tuple[str, ...] = ()
    kept: Mapping[str, Any] = field(default_factory=dict)
    told: Mapping[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.x)


@dataclass(frozen=True, slots=True)
class Storage:
    """Where rows are held.

    Attributes:
        streamed: On disk, to be read in blocks; else in memory.
        reason: Why, in plain words.
    """

    streamed: bool
    reason: str

    def document(self) -> dict[str, str]:
        """Returns it as plain data, for `run.json`."""
        return {"rows": "streamed" if self.streamed else "resident", "rows_reason": self.reason}


IN_MEMORY = Storage(False, "rows are kept in memory")


Numbers = NDArray[np.int64]
Place = Callable[[int], str]
"""Words for the place of a row, given its 0-based position: `data/train.csv:17`."""


def behind(place: Place, begin: int) -> Place:
    """Returns the words for the places of rows of which the first has the number `begin`."""
    return lambda row: place(begin + row)


class StoredTexts(Sequence[str]):
    """The texts of an Arrow column, in memory or on the disk: one is decoded when it is asked for.

    Args:
        texts: The Arrow array.
    """

    def __init__(self, texts: Any) -> None:
        self._texts = texts

    def __len__(self) -> int:
        return len(self._texts)

    def __getitem__(self, place: Any) -> Any:
        return self._texts[place].as_py() or ""


@dataclass(frozen=True, slots=True)
class Column:
    """The values of one column of a table.

    Attributes:
        kind: How `values` are to be read.
        values: Shape (rows,). Numeric: float64, NaN where missing. Categorical: int32 positions in
            `categories`, -1 where missing. Date: datetime64[us], NaT where missing. Text: int64
            positions in `categories`, -1 where missing.
        categories: The distinct texts of a categorical column, sorted; those of all rows of a
            column of texts, as they are; empty for other kinds.
        integral: Whether a numeric column holds only integers, as written (`3`, not `3.0`).
        timed: Whether a date column holds times of the day.
    """

    kind: ColumnKind
    values: Array
    categories: Sequence[str] = ()
    integral: bool = False
    timed: bool = False

    def missing(self) -> NDArray[np.bool_]:
        """Returns which rows have no value."""
        if self.kind in ("categorical", "text"):
            return np.asarray(self.values < 0)
        return np.asarray(np.isnat(self.values) if self.kind == "date" else np.isnan(self.values))

    def take(self, positions: slice | Array) -> Column:
        """Returns the column with only these rows, in this order."""
        return replace(self, values=self.values[positions])


class StoredColumns(Mapping[str, Column]):
    """Columns on the disk; one is brought into memory each time that it is asked for."""

    def __init__(self, stored: Mapping[str, tuple[Column, Rows]]) -> None:
        """Takes for each column what it is, whatever its values, and the values on the disk."""
        self._stored = stored

    def __getitem__(self, name: str) -> Column:
        like, values = self._stored[name]
        return replace(like, values=values[:])

    def __iter__(self) -> Iterator[str]:
        return iter(self._stored)

    def __len__(self) -> int:
        return len(self._stored)

    @property
    def kinds(self) -> dict[str, ColumnKind]:
        """The kind of each column; reads nothing."""
        return {name: like.kind for name, (like, _) in self._stored.items()}

    def take(self, positions: Array) -> StoredColumns:
        """Returns the columns with only these rows, in this order; reads nothing."""
        return StoredColumns(
            {name: (like, chosen(rows, positions)) for name, (like, rows) in self._stored.items()}
        )


@dataclass(frozen=True, slots=True)
class RawTable:
    """Rows of a table.

    Attributes:
        columns: The input columns, in the order of the config or file; `StoredColumns` where the
            rows are streamed.
        targets: The target columns; empty for rows to predict.
        rows: 0-based position of each row in its source, shape (rows,).
        source: The file, or name of the data set, for messages.
        place: Words for the place of a row in its source, given its position there (from `rows`).
        others: Columns that are for something else, by what they are for; always in memory.
        kept: Arrow columns that are handed on as they stand, by name; `take` leaves them out.
        steps: Of rows in series, the place of each: rows that follow each other have numbers that
            do. Ascending, shape (rows,).
        windows: The windows over them; without, a row is an input. `take` leaves them out.
    """

    columns: Mapping[str, Column]
    targets: Mapping[str, Column]
    rows: Numbers
    source: str
    place: Place
    others: Mapping[Role, Column] = field(default_factory=dict)
    kept: Mapping[str, Any] = field(default_factory=dict)
    steps: Numbers | None = None
    windows: Windows | None = None

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def kinds(self) -> dict[str, ColumnKind]:
        """The kind of each input column."""
        if isinstance(self.columns, StoredColumns):
            return self.columns.kinds
        return {name: column.kind for name, column in self.columns.items()}

    def row_place(self, position: int) -> str:
        """Returns words for the place of a row, given its 0-based position here."""
        return self.place(int(self.rows[position]))

    def take(self, positions: Array) -> RawTable:
        """Returns the table with only these rows (0-based, of this table), in this order."""
        return replace(
            self,
            columns=self.columns.take(positions)
            if isinstance(self.columns, StoredColumns)
            else {name: column.take(positions) for name, column in self.columns.items()},
            targets={name: column.take(positions) for name, column in self.targets.items()},
            rows=self.rows[positions],
            others={role: column.take(positions) for role, column in self.others.items()},
            kept={},
            steps=None if self.steps is None else self.steps[positions],
            windows=None,
        )


@dataclass(frozen=True, slots=True)
class RawArrays:
    """Rows that are arrays, pictures or made up.

    Attributes:
        x: Inputs as read (bytes stay bytes), shape (rows, *input_shape).
        y: Targets as read: class numbers, class names, one-hot rows or numbers, shape (rows,) or
            (rows, outputs); None for rows to predict.
        rows: 0-based position of each row in its source, shape (rows,).
        source: The file, folder, or name of the data set, for messages.
        files: The file of each row; empty unless the rows are image files.
        names: What the columns of `y` are called, where they are those of a table.
        others: Columns of that table that are for something else, by what they are for.
        place: Words for the place of a row in that table, given its position there (from `rows`).
        kept: Arrow columns of that table that are handed on as they stand, by name.
        about: What the files were like, in sentences.
        masks: Whether `y` holds masks: for each pixel the position of its class, or `IGNORED`.
    """

    x: Rows
    y: Rows | None
    rows: Numbers
    source: str
    files: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    others: Mapping[Role, Column] = field(default_factory=dict)
    place: Place | None = None
    kept: Mapping[str, Any] = field(default_factory=dict)
    about: tuple[str, ...] = ()
    masks: bool = False
    kinds: ClassVar[Mapping[str, ColumnKind]] = {}
    windows: ClassVar[None] = None
    """Columns and windows are those of tables alone."""

    @classmethod
    def whole(cls, x: Rows, y: Rows | None, source: str, files: tuple[str, ...] = ()) -> RawArrays:
        """Returns all rows of a source, numbered from 0."""
        return cls(x, y, np.arange(len(x), dtype=np.int64), source, files)

    def __len__(self) -> int:
        return len(self.rows)

    def row_place(self, position: int) -> str:
        """Returns words for the place of a row, given its 0-based position here."""
        if self.place is not None:
            return f"{self.place(int(self.rows[position]))}: {self.files[position]}"
        if self.files:
            return self.files[position]
        return f"{self.source}: row {self.rows[position]} (the first is row 0)"

    def take(self, positions: Array) -> RawArrays:
        """Returns the arrays with only these rows (0-based, of these arrays), in this order."""
        return replace(
            self,
            x=chosen(self.x, positions),
            y=None if self.y is None else chosen(self.y, positions),
            rows=self.rows[positions],
            files=tuple(self.files[position] for position in positions) if self.files else (),
            others={role: column.take(positions) for role, column in self.others.items()},
            kept={name: column.take(positions) for name, column in self.kept.items()},
        )


Raw = RawTable | RawArrays


@dataclass(frozen=True, slots=True)
class RawParts:
    """All rows of a source.

    Attributes:
        train: The training rows, and those that are still to be split.
        validation: Rows of a validation part of its own, if there is one.
        test: Rows of a test part of its own, if there is one.
        class_names: Names of the classes, where the source knows them, in the order of the class
            numbers.
        class_values: What stands in masks for each of them.
        image: Whether a row of `x` is a picture.
        fingerprint: SHA-256 of what was read, as hexadecimal digits.
        storage: Where the rows are held.
    """

    train: Raw
    validation: Raw | None = None
    test: Raw | None = None
    class_names: tuple[str, ...] | None = None
    class_values: tuple[str, ...] | None = None
    image: bool = False
    fingerprint: str = ""
    storage: Storage = IN_MEMORY

    @property
    def named(self) -> dict[str, Raw]:
        """The parts that have rows of their own, by name: train, validation, test."""
        parts = {"train": self.train, "validation": self.validation, "test": self.test}
        return {name: part for name, part in parts.items() if part is not None}
