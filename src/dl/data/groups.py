"""Whole groups of rows to parts: sizes, and classes, as near to what is wanted as the groups allow.

What is held against what is wanted is Pearson's chi-square over parts and classes, the sum of
(rows - wanted rows)² / wanted rows: a class counts by its own size, a part by its own fraction.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from dl.data.types import Array

_MOST_ROUNDS = 20
"""Of random groups, three to five rounds end with nothing to move."""
_ROUNDING = 1e-9

Parts = NDArray[np.int8]
Counts = list[tuple[int, int]]
"""The classes of a group, each with its number of rows."""


def share_out(
    groups: Array,
    labels: Array | None,
    fractions: Sequence[float],
    least: Sequence[int],
    orders: Iterable[Array],
) -> Parts:
    """Returns the part of each row, from 0; the rows of a group are all in the same part.

    Groups go, in a given order, where they bring the parts nearest to what is wanted; then single
    groups move for as long as that brings the parts nearer. Of several orders, the one that comes
    nearest counts.

    Args:
        groups: Group of each row, from 0, shape (rows,).
        labels: Class number of each row; None where only the number of rows counts.
        fractions: Of all rows, for each part; together 1.
        least: The groups that each part has at least; together no more than there are.
        orders: Orders of all groups, to be tried.
    """
    counts = _counts(groups, np.zeros(len(groups), np.int64) if labels is None else labels)
    tables = [_filled(_Table(counts, fractions, least), order.tolist()) for order in orders]
    best = min(tables, key=_Table.distance)
    return np.array(best.part, np.int8)[groups]


def _filled(table: _Table, order: list[int]) -> _Table:
    for group in order:
        table.put(group, table.nearest(group))
    table.complete(order)
    for _ in range(_MOST_ROUNDS):
        if not sum(table.moved(group) for group in order):
            break
    return table


def _counts(groups: Array, labels: Array) -> list[Counts]:
    """Returns the classes of each group, and the rows of each of them."""
    width = int(labels.max()) + 1
    pairs, rows = np.unique(groups.astype(np.int64) * width + labels, return_counts=True)
    counts: list[Counts] = [[] for _ in range(int(groups.max()) + 1)]
    for pair, count in zip(pairs.tolist(), rows.tolist(), strict=True):
        counts[pair // width].append((pair % width, count))
    return counts


class _Table:
    """The rows of each class in each part, and those that are wanted there."""

    def __init__(
        self, counts: list[Counts], fractions: Sequence[float], least: Sequence[int]
    ) -> None:
        self._counts = counts
        self._least = least
        totals: dict[int, int] = {}
        for group in counts:
            for label, rows in group:
                totals[label] = totals.get(label, 0) + rows
        self._wanted = [{label: f * n for label, n in totals.items()} for f in fractions]
        self._have = [dict.fromkeys(totals, 0) for _ in fractions]
        self._groups = [0] * len(fractions)
        self.part = [-1] * len(counts)

    def put(self, group: int, part: int) -> None:
        """Puts a group into a part, out of the one where it is."""
        for place, sign in ((self.part[group], -1), (part, 1)):
            if place >= 0:
                self._groups[place] += sign
                for label, rows in self._counts[group]:
                    self._have[place][label] += sign * rows
        self.part[group] = part

    def nearest(self, group: int) -> int:
        """Returns the part in which a group, that is in none, is best."""
        return min(range(len(self._groups)), key=lambda part: self._growth(group, part))

    def moved(self, group: int) -> bool:
        """Moves a group if it is better elsewhere, and its part can do without."""
        here = self.part[group]
        if self._groups[here] <= self._least[here]:
            return False
        self.put(group, -1)
        best = self.nearest(group)
        better = self._growth(group, best) < self._growth(group, here) - _ROUNDING
        self.put(group, best if better else here)
        return better

    def distance(self) -> float:
        """Returns the chi-square."""
        pairs = zip(self._have, self._wanted, strict=True)
        return sum((have[i] - wanted[i]) ** 2 / wanted[i] for have, wanted in pairs for i in have)

    def complete(self, order: list[int]) -> None:
        """Gives each part that has too few groups those that do least harm there."""
        for part, least in enumerate(self._least):
            while self._groups[part] < least:
                groups, free = self._groups, self._least
                others = [i for i in order if groups[self.part[i]] > free[self.part[i]]]
                harm = {group: self._growth(group, part) for group in others}
                self.put(min(others, key=harm.__getitem__), part)

    def _growth(self, group: int, part: int) -> float:
        """Returns by how much the chi-square grows if a group comes into a part."""
        have, wanted = self._have[part], self._wanted[part]
        return sum(
            rows * (rows + 2 * (have[label] - wanted[label])) / wanted[label]
            for label, rows in self._counts[group]
        )
