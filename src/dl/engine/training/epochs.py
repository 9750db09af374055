"""One epoch: its batches in their order, in calls of several steps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dl.engine.seeds import row_draws, row_order


@dataclass(frozen=True, slots=True)
class Call:
    """Steps of one call: `numbers[begin:end]`, `first` being the 0-based step of the epoch."""

    numbers: NDArray[np.int32]
    begin: int
    end: int
    first: int


@dataclass(frozen=True, slots=True)
class Batches:
    """How the rows of an epoch are cut.

    Attributes:
        rows: Number of rows.
        size: Rows of a step; the last step takes what is left.
        steps_per_call: The most steps in a call.
        seed: The config's seed.
        shuffle: Whether each epoch has an order of its own.
        replacement: Whether an epoch draws its rows at random, so that one can come twice.
    """

    rows: int
    size: int
    steps_per_call: int
    seed: int
    shuffle: bool
    replacement: bool = False

    @property
    def steps(self) -> int:
        """Steps of an epoch."""
        return -(-self.rows // self.size)

    @property
    def shapes(self) -> list[tuple[int, int]]:
        """Shapes that the row numbers of a call can have."""
        whole, rest = divmod(self.rows, self.size)
        return [(whole, self.size)] + ([(1, rest)] if rest else [])

    def order(self, epoch: int) -> NDArray[np.int32]:
        """Returns the row numbers in the order of an epoch (1-based)."""
        if self.replacement:
            return row_draws(self.seed, epoch, self.rows)
        if not self.shuffle or self.size >= self.rows:
            return np.arange(self.rows, dtype=np.int32)
        return row_order(self.seed, epoch, self.rows)

    def calls(self, epoch: int) -> Iterator[Call]:
        """Cuts an epoch (1-based) into calls; a shorter last batch is a call of its own."""
        order = self.order(epoch)
        whole = self.rows // self.size
        numbers = order[: whole * self.size].reshape(whole, self.size)
        for begin in range(0, whole, self.steps_per_call):
            yield Call(numbers, begin, min(begin + self.steps_per_call, whole), begin)
        if whole < self.steps:
            yield Call(order[whole * self.size :][np.newaxis], 0, 1, whole)
