"""How a history is read for charts: its measures, their values by epoch and the best epoch.

Light: also the terminal's charts use it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

History = Sequence[Mapping[str, float | None]]
"""Rows of `history.csv`; a key that is missing or None was not measured in that epoch."""

VALIDATION = "val_"
_NOT_MEASURES = frozenset({"epoch", "learning_rate", "seconds"})
_LOG_SPAN = 100.0


@dataclass(frozen=True, slots=True)
class Series:
    """The values of one column, with the 1-based epochs in which it was measured."""

    epochs: tuple[int, ...]
    values: tuple[float, ...]

    @property
    def finite(self) -> list[float]:
        """The values that are neither NaN nor infinite."""
        return [value for value in self.values if math.isfinite(value)]


def measures(history: History) -> list[str]:
    """Returns the names of the loss and the metrics, in the order of the columns."""
    names = dict.fromkeys(name for row in history for name in row)
    return [n for n in names if n not in _NOT_MEASURES and not n.startswith(VALIDATION)]


def series(history: History, name: str) -> Series:
    """Returns the values of a column where it was measured; empty if there is no such column."""
    measured = [
        (_epoch(row, position), float(value))
        for position, row in enumerate(history, start=1)
        if (value := row.get(name)) is not None
    ]
    return Series(tuple(epoch for epoch, _ in measured), tuple(value for _, value in measured))


def best_epoch(history: History) -> int | None:
    """Returns the first epoch of the lowest validation loss (training loss, if there is no other).

    Returns None where no loss is finite.
    """
    column = series(history, VALIDATION + "loss")
    if not column.finite:
        column = series(history, "loss")
    if not column.finite:
        return None
    return column.epochs[column.values.index(min(column.finite))]


def value_at(column: Series, epoch: int | None) -> float | None:
    """Returns the value in that epoch, or None if it was not measured then."""
    if epoch is None or epoch not in column.epochs:
        return None
    return column.values[column.epochs.index(epoch)]


def wants_log(values: Sequence[float]) -> bool:
    """Tells whether finite values are all positive and span more than two decades."""
    return bool(values) and min(values) > 0 and max(values) / min(values) > _LOG_SPAN


def _epoch(row: Mapping[str, float | None], position: int) -> int:
    epoch = row.get("epoch")
    return position if epoch is None else int(epoch)
