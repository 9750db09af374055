"""A table of nothing but times and numbers: a series, whose past is the only input there is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dl.config.data import Window
from dl.config.nodes import flow
from dl.data.columns import Cell, to_column
from dl.data.series import every_window, season_of
from dl.data.tables import Block
from dl.data.types import Array, Column, RawTable
from dl.errors import DataError
from dl.init.plan import STANDARDIZED, Plan, Target, comment_lines, commented, scalar, shown
from dl.text import plural

_FEWEST_ROWS = 50
"""Fewer hold no parts to train and to test on."""
_LEAST_STEPS, _USUAL_STEPS = 8, 24
"""Steps of a window: at least so many, and so many where there is no season."""
_MOST_STEPS = 500
"""Inputs of a network of dense layers, beyond which a longer season is left to its baseline."""
_REGULAR, _USUAL = 1.5, 0.95
"""Steps in time of which so many differ by less than this factor are those of a series, also
months; the others are gaps."""
_GROWING = 1.5
"""Where the last third of the rows is larger by this factor, its changes are, too: logarithms make
them alike. Monthly passengers: a test RMSE of 23 in the place of 34."""
_LOGARITHMS = (
    commented("  numeric: log1p", "it grows, and its changes with it: their logarithms are alike"),
    commented("  target: log1p", "metrics are in its own unit again"),
)


@dataclass(frozen=True, slots=True)
class Series:
    """A series.

    Attributes:
        time: The column that orders its rows.
        season: Rows of its season; None without one.
        grows: Whether its numbers, all from 0 on, grow by far.
    """

    time: str
    season: int | None
    grows: bool

    @property
    def steps(self) -> int:
        """Steps of the window to begin with: a season."""
        steps = self.season if self.season and self.season <= _MOST_STEPS else _USUAL_STEPS
        return steps * -(-_LEAST_STEPS // steps)


def series_of(block: Block, target: Target) -> Series | None:
    """Returns the series that a table is; None if it has other columns, or is in no order.

    Args:
        block: The rows, with plain values.
        target: What is to be predicted.
    """
    others = [name for name in block.names if name not in target.names]
    if len(others) != 1 or target.task != "regression" or target.missing:
        return None
    if block.length < _FEWEST_ROWS or len(target.names) > 1:
        return None
    try:
        time = _ordering(block, others[0])
        values = to_column(block.column(target.names[0]), Cell(target.names[0], block.place), None)
    except DataError:
        return None
    passed = np.diff(time.values).astype(np.float64)
    if time.missing().any() or passed.min() <= 0:
        return None
    if time.kind == "numeric" and (passed != 1).any():
        return None  # the numbers of the rows order them; others may be what the target follows
    if np.quantile(passed, _USUAL) > _REGULAR * passed.min():
        return None
    third = block.length // 3
    first, last = values.values[:third].mean(), values.values[-third:].mean()
    grows = target.span[0] >= 0 and last > _GROWING * first
    return Series(others[0], _season(values.values[: 2 * third]), bool(grows))


def rises(block: Block, name: str) -> bool:
    """Tells whether the rows follow each other in time, each later than the one before."""
    try:
        time = _ordering(block, name)
    except DataError:
        return False
    return not time.missing().any() and bool((np.diff(time.values).astype(np.float64) > 0).all())


def _ordering(block: Block, name: str) -> Column:
    """Returns a column as numbers or dates; raises `DataError` where it is neither."""
    cell = Cell(name, block.place, "time")
    column = to_column(block.column(name), cell, None)
    return column if column.kind != "categorical" else to_column(block.column(name), cell, "date")


def _season(values: Array) -> int | None:
    column, rows = Column("numeric", values), np.arange(len(values))
    raw = RawTable({}, {"y": column}, rows, "", str, steps=rows)
    return season_of(every_window(raw, Window(length=1)))


def data_lines(series: Series, chosen: Plan) -> list[str]:
    """Returns the parts in order, and the windows."""
    split = {"by": series.time, "order": "time"}
    parts = {**split, "validation": chosen.validation, "test": chosen.test}
    steps = plural(series.steps, "row")
    told = f"{steps} in, the next one out"
    if series.season:
        told += f"; a season has {series.season}"
    return [
        *comment_lines("Trained on the past, tested on what came later"),
        f"  split: {flow(parts)}",
        commented(f"  window: {{length: {series.steps}}}", told),
    ]


def about(series: Series, target: Target) -> str:
    """Words for what the network sees."""
    return f"a series of {shown(target.names[0])} by {shown(series.time)}"


def prepared(series: Series, text: str) -> str:
    """Returns a draft with logarithms, where the series grows."""
    if not series.grows:
        return text
    standardized = next(line for line in text.split("\n") if line.startswith("  numeric:"))
    numeric, target = _LOGARITHMS
    return text.replace(standardized, numeric).replace(STANDARDIZED, target)


def flat_layer(target: Target) -> str:
    """Returns the layer that gives a window to dense layers."""
    name = scalar(target.names[0])
    return commented("    - Flatten", f"the past of {name}, one input for each step")
