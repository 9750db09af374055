"""What the data package hands on: parts of rows as arrays, and what is known about them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


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
        y: Targets as the loss wants them, float32 or int32, shape (rows,) or (rows, outputs).
        rows: 0-based position of each row in its source, shape (rows,).
    """

    x: Rows
    y: Array
    rows: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.x)

    def sample(self, most: int) -> Part:
        """Returns at most so many of the rows, evenly spread over all, in their order."""
        if len(self) <= most:
            return self
        chosen = np.linspace(0, len(self) - 1, most).astype(np.int64)
        return Part(self.x[chosen], self.y[chosen], self.rows[chosen])


@dataclass(frozen=True, slots=True)
class Inputs:
    """Rows to predict, ready for Keras.

    Attributes:
        x: As in `Part`.
        files: The file of each row; empty unless the rows are image files.
    """

    x: Rows
    files: tuple[str, ...] = ()

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


IN_MEMORY = Storage(False, "rows are held in memory")
