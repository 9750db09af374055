"""Tables as blocks of rows: chosen columns, held in memory or on the disk, and typed.

A file of a table is read as an iterator of blocks, whatever its format. Held in memory they are
joined, held on the disk they are appended to a file, and to predict each is used on its own.
"""

from __future__ import annotations

import bisect
import itertools
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow
import pyarrow.ipc

from dl.config.data import ColumnForm, ColumnKind
from dl.config.tables import stands_for_missing
from dl.data.columns import KINDS_OF_ROLES, Cell, Use, to_column
from dl.data.files import ahead
from dl.data.forms import merged_values, plain_values
from dl.data.storage import ScratchFile, check_space
from dl.data.texts import without_texts
from dl.data.types import Column, Place, RawTable, Role, StoredColumns
from dl.errors import DataError, closest
from dl.text import listing, plural

_INDEX = "__index_level_"
"""How pandas names an index without a name, where it writes one as a column."""
_RAW_BYTES = 8
_FEW = 1000
"""Rows that are read in less time than it takes to start a thread."""


@dataclass(frozen=True, slots=True)
class Block:
    """Rows of a table as a file holds them: Arrow columns whose kinds are still to be decided.

    Attributes:
        names: The columns.
        column: Returns a column as an Arrow array; those of a CSV file are text.
        length: Number of rows.
        source: The file, for messages.
        place: Words for the place of a row, given its 0-based position in the block.
    """

    names: Sequence[str]
    column: Callable[[str], Any]
    length: int
    source: str
    place: Place

    def first(self, rows: int) -> Block:
        """Returns the first of the rows."""
        length = min(rows, self.length)
        return replace(self, column=lambda name: self.column(name)[:length], length=length)


ReadBlock = Callable[[], Block]
"""Reads some rows. May be called in another thread."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which columns to read and how.

    Attributes:
        features: Input columns; None for every column but the targets.
        targets: Target columns; empty for rows to predict.
        exclude: Columns that are left out of every column.
        rows: Most rows that are read; None for all.
        kinds: Kinds of columns that are known.
        forms: How the values of columns are written that are not written plainly.
        strict_target: Whether a target of numbers and a few texts is a mistake.
        classes: The classes of the target, where they are known.
        missing_in: Returns the texts that stand for a missing value in a column.
        trained: Whether a trained run reads the rows.
        others: Columns that are for something else, by what they are for.
        kept: Columns that are handed on as they stand, beside those that are used.
        past: Whether every column includes the targets, whose past is an input.
        merged: The class of each value of the target, where classes are made of several values.
    """

    features: Sequence[str] | None
    targets: Sequence[str]
    kinds: Mapping[str, ColumnKind]
    strict_target: bool = False
    classes: Sequence[str] = ()
    missing_in: Callable[[str], Sequence[str]] = lambda name: ()
    trained: bool = False
    exclude: Sequence[str] = ()
    rows: int | None = None
    forms: Mapping[str, ColumnForm] = field(default_factory=dict)
    others: Mapping[Role, str] = field(default_factory=dict)
    kept: Sequence[str] = ()
    past: bool = False
    merged: Mapping[str, str] = field(default_factory=dict)

    @property
    def not_inputs(self) -> tuple[str, ...]:
        """Columns that are no inputs unless they are named as such."""
        return (*(() if self.past else self.targets), *self.others.values())

    def selected(self, source: str, header: list[str]) -> list[str]:
        """Returns the names of these columns in a file with that header; raises `DataError`."""
        require(source, self.targets, header, "target column")
        require(source, self.others.values(), header, "column")
        apart = (*self.targets, *self.others.values())
        if self.features is not None:
            require(source, [*self.features, *self.kept], header, "column")
            return list(dict.fromkeys([*self.features, *apart, *self.kept]))
        require(source, self.exclude, header, "column")
        header = [name for name in header if name not in self.exclude]
        if "" in header:
            raise DataError(
                f"{source}: column {header.index('') + 1} has no name",
                expected="a name for each column in the header",
                hint="name it, or list the columns to use in `data.features`; pandas leaves it "
                "out with `to_csv(FILE, index=False)`",
            )
        index = next((name for name in header if name.startswith(_INDEX)), None)
        if index is not None:
            raise DataError(
                f"{source}: column {index!r} is the index of a pandas frame, which numbers the "
                "rows",
                expected="columns to learn from",
                hint=f"add `exclude: [{index}]` below `data`; pandas leaves it out "
                "with `to_parquet(FILE, index=False)`",
            )
        names = [name for name in header if name not in self.not_inputs]
        if not names:
            raise DataError(f"{source}: there is no column besides the target")
        return list(dict.fromkeys([*names, *apart]))


class EveryColumn(Wanted):
    """All columns, whatever their names: for `dl init`, which judges them itself."""

    def selected(self, source: str, header: list[str]) -> list[str]:
        """Returns all names."""
        return list(dict.fromkeys(header))


def refuse_repeated(source: str, header: Sequence[str]) -> None:
    """Refuses columns of the same name; those without one are refused where they are wanted."""
    repeated = [name for i, name in enumerate(header) if name and name in header[:i]]
    if repeated:
        raise DataError(
            f"{source}: two columns are named {repeated[0]!r}",
            hint="give each column a name of its own",
        )


def require(source: str, wanted: Iterable[str], present: Sequence[str], what: str) -> None:
    """Refuses names that the table does not have.

    Args:
        source: The file, for messages.
        wanted: The names that must be there.
        present: The names in the header.
        what: What the names stand for: `target column`.

    Raises:
        DataError: Names that are not there, with the nearest one that is to the first of them.
    """
    known = frozenset(present)
    missing = [name for name in wanted if name not in known]
    if missing:
        near = closest(missing[0], present)
        lack = f"is no {what} {missing[0]!r}"
        if len(missing) > 1:
            lack = f"are no {what}s {listing(map(repr, missing), '', most=4)}"
        raise DataError(
            f"{source}: there {lack}",
            expected="one of " + listing(present, "", most=8),
            hint=f"did you mean {near!r}?" if near else None,
        )


def joined(blocks: Iterable[ReadBlock], place: Place, rows: int | None = None) -> Block:
    """Returns all rows in memory, or the first ones; `place` is for those of the whole file."""
    return _whole(list(_first(blocks, rows)), place)


def _whole(read: Sequence[Block], place: Place) -> Block:
    def column(name: str) -> Any:
        parts = _of_one_type(name, read)
        return pyarrow.chunked_array([chunk for part in parts for chunk in part.chunks])

    length = sum(block.length for block in read)
    return Block(read[0].names, column, length, read[0].source, place)


def _of_one_type(name: str, read: Sequence[Block]) -> list[Any]:
    """Returns a column of several blocks; those of several files may have several types."""
    parts = [block.column(name) for block in read]
    odd = next((place for place, part in enumerate(parts) if part.type != parts[0].type), None)
    if odd is None:
        return parts
    schemas = [pyarrow.schema([(name, part.type)]) for part in parts]
    try:
        schema = pyarrow.unify_schemas(schemas, promote_options="permissive")
        return [part.cast(schema.field(0).type) for part in parts]
    except pyarrow.ArrowException as error:
        raise DataError(
            f"{read[odd].source}: column {name!r} has another type than in {read[0].source}",
            expected=str(parts[0].type),
            found=str(parts[odd].type),
            hint="write the files with the same types, or leave the column out with `data.exclude`",
        ) from error


def below_each_other(read: Sequence[Block], header: str = "") -> Block:
    """Returns the rows of several files as those of one.

    Args:
        read: The rows of each.
        header: Where the names of columns are in a file, for messages: `:1`.

    Raises:
        DataError: One has other columns than the first.
    """
    first, *others = read
    if not others:
        return first
    for block in others:
        odd = set(first.names) ^ set(block.names)
        if odd:
            lacking = [name for name in first.names if name in odd]
            words = {"lacks": lacking, "has besides": odd - set(lacking)}
            told = [
                f"{word} {listing(map(repr, sorted(n)), most=4)}" for word, n in words.items() if n
            ]
            raise DataError(
                f"{block.source}{header}: has other columns than {first.source}",
                expected="the same columns in all files, in any order",
                found=", ".join(told),
            )
    ends = list(itertools.accumulate(block.length for block in read))

    def place(row: int) -> str:
        which = bisect.bisect_right(ends, row)
        return read[which].place(row - ends[which] + read[which].length)

    source = f"{first.source} and {plural(len(others), 'more file')}"
    return replace(_whole(read, place), source=source)


def appended(blocks: Iterable[ReadBlock], place: Place, rows: int | None = None) -> Block:
    """Returns all rows as they lie on the disk, or the first ones, of which only what is used is
    brought into memory.

    Raises:
        DiskError: There is no space for them.
    """
    scratch, writer = ScratchFile(), None
    with scratch.guarded():
        for block in _first(blocks, rows):
            table = pyarrow.table({name: block.column(name) for name in block.names})
            if writer is None:
                sink = pyarrow.PythonFile(scratch.file, "w")
                writer = pyarrow.ipc.new_file(sink, table.schema)
            writer.write_table(table)
        if writer is not None:
            writer.close()
    table = pyarrow.ipc.open_file(pyarrow.py_buffer(scratch.mapped())).read_all()
    return Block(table.column_names, table.column, len(table), block.source, place)


def _first(blocks: Iterable[ReadBlock], rows: int | None) -> Iterator[Block]:
    """Yields blocks, one of them read ahead, until there are so many rows."""
    left = sys.maxsize if rows is None else rows
    for block in ahead(blocks):
        yield block if block.length <= left else block.first(left)
        left -= block.length
        if left <= 0:
            return


def typed_table(block: Block, wanted: Wanted, on_disk: bool = False) -> RawTable:
    """Types the columns of a block, as far as they are wanted.

    Args:
        block: The rows.
        wanted: The columns.
        on_disk: Keep the input columns on the disk, one in memory at a time.

    Raises:
        DataError: A value does not fit; the message has its row.
        DiskError: There is no space for the columns.
    """

    def typed(name: str) -> Column:
        return _typed(block, name, wanted)

    apart = {*wanted.not_inputs, *wanted.kept} - {*(wanted.features or ())}
    inputs = [name for name in block.names if name not in apart]
    columns: Mapping[str, Column]
    if on_disk:
        columns = _stored(inputs, typed, block.length)
    elif block.length < _FEW:
        columns = {name: typed(name) for name in inputs}
    else:
        # Arrow releases Python's lock while it reads texts as numbers or dates.
        with ThreadPoolExecutor() as threads:
            columns = dict(zip(inputs, threads.map(typed, inputs), strict=True))
    return RawTable(
        columns=columns,
        targets={name: typed(name) for name in wanted.targets},
        rows=np.arange(block.length, dtype=np.int64),
        source=block.source,
        place=block.place,
        others={role: _typed(block, name, wanted, role) for role, name in wanted.others.items()},
        kept={name: block.column(name) for name in wanted.kept},
    )


def _stored(names: Sequence[str], typed: Callable[[str], Column], length: int) -> StoredColumns:
    check_space(_RAW_BYTES * length * len(names), f"{length:,} rows of {len(names)} columns")
    scratch = ScratchFile()
    columns = {}
    for name in names:
        column = typed(name)
        columns[name] = (replace(column, values=column.values[:0]), scratch.stored(column.values))
        pyarrow.default_memory_pool().release_unused()
    return StoredColumns(columns)


def _typed(block: Block, name: str, wanted: Wanted, role: Role | None = None) -> Column:
    kind = wanted.kinds.get(name) if role is None else KINDS_OF_ROLES[role]
    use: Use = role or "input"
    if role is None and name in wanted.targets:
        use = "number" if wanted.strict_target else "class"
        if any(map(stands_for_missing, wanted.classes)):
            kind = "categorical"
    named = wanted.missing_in(name)
    cell = Cell(name, block.place, use, named, wanted.trained)
    try:
        values = without_texts(block.column(name), named)
        form = None if kind == "text" else wanted.forms.get(name)
        values = plain_values(values, form, cell)
        if wanted.merged and name in wanted.targets:
            values, kind = merged_values(values, wanted.merged, cell), "categorical"
        column = to_column(values, cell, kind)
        # Texts that are neither dates nor numbers may be months; else the first one is refused.
        unclear = role == "time" and column.kind == "categorical"
        return to_column(values, cell, "date") if unclear else column
    except pyarrow.ArrowInvalid as error:
        raise DataError(
            f"{block.source}: column {name!r} is too large to be read at once",
            found=str(error).split("\n")[0][:120],
            hint="write the rows as a Parquet file whose numbers are not text",
        ) from error
