"""Windows over the rows of a table: gathered when they are asked for, never all at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dl.config.data import Window

if TYPE_CHECKING:
    from dl.data.types import Array, Rows

Positions = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Windows:
    """Where windows lie in a table whose rows are in the order of their series.

    Attributes:
        form: Their length, and what is asked.
        ends: 0-based position of the last input row of each window, shape (windows,).
        past: Numbers of the target in the whole series, which reaches back further than the table,
            shape (rows, targets); None where the target is not one of numbers.
        steps: The place of each of these rows in its series: see `RawTable.steps`.
        at: The position in `past` of the last input row of each window, shape (windows,).
    """

    form: Window
    ends: Positions
    past: Array | None
    steps: Positions
    at: Positions

    def __len__(self) -> int:
        return len(self.ends)

    @property
    def targets(self) -> Positions:
        """Positions of the rows to predict, shape (windows, steps)."""
        return np.asarray(self.ends[:, np.newaxis] + np.array(self.form.target_rows))

    @property
    def first_targets(self) -> Positions:
        """Position of the row that a window is named by: `ahead` rows after its last one."""
        return self.ends + self.form.ahead


@dataclass(frozen=True, slots=True)
class WindowRows:
    """Inputs of windows: an index copies those that it names out of the table.

    Attributes:
        table: Rows as numbers, in memory or on the disk, shape (rows, columns).
        ends: Position of the last row of each window, shape (windows,).
        offsets: The rows of a window, counted from its last one, shape (steps,).
    """

    table: Rows
    ends: Positions
    offsets: Positions

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of all windows: (windows, steps, columns)."""
        return (len(self.ends), len(self.offsets), *self.table.shape[1:])

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the numbers."""
        return self.table.dtype

    def __len__(self) -> int:
        return len(self.ends)

    def __getitem__(self, rows: slice | Array) -> Array:
        at = self.ends[rows][:, np.newaxis] + self.offsets
        if isinstance(self.table, np.ndarray):
            return np.take(self.table, at, axis=0)
        needed, places = np.unique(at, return_inverse=True)  # each is read once from the disk
        return np.asarray(self.table[needed][places.reshape(at.shape)])


def squeezed(values: Array) -> Array:
    """Returns values of shape (windows, steps, ...) as targets have them.

    Without the axis of steps where there is one, else without that of targets where there is one.
    """
    if values.shape[1] == 1:
        return values[:, 0]
    return values[..., 0] if values.ndim > 2 and values.shape[2] == 1 else values
