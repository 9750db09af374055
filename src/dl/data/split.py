"""Splitting rows, or whole groups of them, at random: by the seed and the rows alone.

A fraction is rounded to the nearest whole number of rows. In a stratified split each class gives
its fraction, rounded so that the parts keep their sizes, and every class keeps a row for the
training part. Rows keep their order within a part.

Of groups, sizes and classes come as near to what is wanted as the groups allow. What is held
against what is wanted is Pearson's chi-square over parts and classes, the sum of
(rows - wanted rows)² / wanted rows: a class counts by its own size, a part by its own fraction.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dl.config.data import Split
from dl.data.types import Array
from dl.errors import DataError
from dl.text import listing, plural

Positions = NDArray[np.intp]
PARTS = ("train", "validation", "test")
LEFT_OUT = -1


@dataclass(frozen=True, slots=True)
class SplitRows:
    """How rows were split.

    Attributes:
        train: 0-based positions of the rows of the training part, ascending.
        validation: Those of the validation part.
        test: Those of the test part.
        stratified: Whether the classes were heeded.
        about: What else there is to say of each part: its groups, or its first and last time.
        left_out: Rows that are in no part.
        deviation: How far the fraction of a class in a part is from that in all rows, in words.
    """

    train: Positions
    validation: Positions
    test: Positions
    stratified: bool
    about: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    left_out: int = 0
    deviation: str = ""

    @classmethod
    def of(cls, part: Array, stratified: bool = False, **more: Any) -> SplitRows:
        """Returns the rows by the part of each: 0, 1 or 2, or -1 for none."""
        train, validation, test = (np.flatnonzero(part == place) for place in range(len(PARTS)))
        left_out = int((part == LEFT_OUT).sum())
        return cls(train, validation, test, stratified, left_out=left_out, **more)

    @property
    def positions(self) -> dict[str, Positions]:
        """The positions of the rows of each part."""
        return {"train": self.train, "validation": self.validation, "test": self.test}

    @property
    def record(self) -> dict[str, dict[str, Any]]:
        """What `run.json` says of the parts."""
        told = {part: dict(words) for part, words in self.about.items()}
        if self.left_out:
            told.setdefault("train", {})["left_out"] = self.left_out
        return told

    def sentence(self, split: Split) -> str:
        """Returns what was done, in words; empty where chance alone decided."""
        if split.rows_by is None and split.order is None:
            return ""
        told = [
            f"{part} {_words(self.about.get(part, {}), len(rows))}"
            for part, rows in self.positions.items()
            if len(rows)
        ]
        text = f"split by {split.rows_by or split.ordered_by}: {', '.join(told)}"
        if self.left_out:
            why = [f"in the gaps of {split.gap_text}"] if split.gap is not None else []
            why += ["later than the fold"] if split.folds else []
            text += f"; left out: {plural(self.left_out, 'row')} {listing(why)}"
        return f"{text}; {self.deviation}" if self.deviation else text


def _words(about: Mapping[str, Any], rows: int) -> str:
    counted = plural(rows, "row")
    if "groups" in about:
        return f"{plural(about['groups'], 'group')} ({counted})"
    return f"{about['from']} to {about['to']} ({counted})" if "from" in about else counted


def split_rows(
    source: str,
    rows: int,
    split: Split,
    seed: int,
    labels: Array | None,
    classes: Sequence[str] = (),
) -> SplitRows:
    """Splits the rows at random.

    Args:
        source: What is split, for messages.
        rows: Number of rows.
        split: How to split.
        seed: The config's seed.
        labels: Class number of each row, shape (rows,); None if there are no classes.
        classes: Names of the classes, for messages.

    Raises:
        DataError: A part would be empty, or a class has too few rows for a stratified split.
    """
    test = _count("test", split.test, rows, source)
    validation = _count("validation", split.validation, rows, source)
    if split.folds is not None:
        refuse_many_folds(split, rows - test, "rows", source)
        validation = -(-(rows - test) // split.folds)
    train = rows - validation - test
    if train <= 0:
        raise DataError(
            f"{source}: no row is left for training",
            expected=f"fractions of {rows} rows that leave some",
            found=f"{validation} for validation, {test} for the test",
            hint="make `data.split.validation` or `data.split.test` smaller",
        )
    others = (validation, test)
    if not any(others) or not can_stratify(split, labels, train, others, classes):
        labels = None
    part = np.zeros(rows, dtype=np.int8)
    order = shuffled(rows, seed)
    of_fold = split.folds is not None
    if labels is not None:
        _mark_by_class(part, order, labels, 0 if of_fold else validation, test)
    else:
        part[order[:test]] = 2
        part[order[test : test if of_fold else test + validation]] = 1
    if of_fold:
        mark_fold(part, order, labels, split)
    return SplitRows.of(part, labels is not None)


def mark_fold(part: NDArray[np.int8], order: Positions, labels: Array | None, split: Split) -> None:
    """Writes 1 for the rows of the fold that validates, among those that are 0."""
    rest = order[part[order] == 0]
    if labels is not None:  # every n-th, class after class
        rest = rest[np.argsort(labels[rest], kind="stable")]
    part[rest[split.fold - 1 :: split.folds]] = 1


def refuse_many_folds(split: Split, most: int, what: str, source: str) -> None:
    """Refuses more folds than there are rows, or groups, for them; raises `DataError`."""
    if split.folds is not None and split.folds > most:
        raise DataError(
            f"{source}: the folds are more than the {what}",
            expected=f"at most {most}",
            found=f"`data.split.folds: {split.folds}`",
        )


def _count(part: str, fraction: float, rows: int, source: str) -> int:
    count = math.floor(fraction * rows + 0.5)
    if fraction > 0 and count == 0:
        raise DataError(
            f"{source}: the {part} part is empty",
            expected="a fraction that is at least one row, or 0",
            found=f"`data.split.{part}: {fraction:g}` of {plural(rows, 'row')}",
            hint=f"write `data.split.{part}: 0` to do without it",
        )
    return count


def shuffled(rows: int, seed: int) -> Positions:
    """Returns all positions in an order that depends on the seed and the number of rows only.

    It sorts raw random bits, whose stream NumPy guarantees; that of `permutation` may change.
    """
    # A stream of its own: what else is drawn with the seed must not follow from the split.
    source = np.random.Philox(np.random.SeedSequence([seed, zlib.crc32(b"split")]))
    return np.argsort(source.random_raw(rows), kind="stable")


def can_stratify(
    split: Split,
    labels: Array | None,
    train: int,
    others: tuple[int, int],
    classes: Sequence[str],
) -> bool:
    """Decides whether to stratify; refuses if it was asked for and cannot be done."""
    if split.stratify is False or labels is None:
        return False
    numbers, counts = np.unique(labels, return_counts=True)
    needed = 1 + sum(count > 0 for count in others)
    smallest = int(np.argmin(counts))
    number, count = int(numbers[smallest]), int(counts[smallest])
    if count >= needed and len(numbers) <= train:
        return True
    if not split.stratify:
        return False
    name = classes[number] if number < len(classes) else str(number)
    message = f"the class {name!r} has {plural(count, 'row')}"
    if count >= needed:
        message = f"there are {len(numbers)} classes, but {train} rows for training"
    raise DataError(
        f"data.split.stratify: {message}",
        expected=f"at least {needed} rows of each class, one for each part",
        hint="add rows, leave the class out, or write `stratify: false`",
    )


def _mark_by_class(
    part: NDArray[np.int8], order: Positions, labels: Array, validation: int, test: int
) -> None:
    """Writes 1 (validation) and 2 (test) for the rows that each class gives."""
    numbers, codes, counts = np.unique(labels, return_inverse=True, return_counts=True)
    tests = _allotted(counts, test, counts - 1)
    validations = _allotted(counts, validation, counts - 1 - tests)
    by_class = order[np.argsort(codes[order], kind="stable")]
    ends = np.cumsum(counts)
    for number in range(len(numbers)):
        mine = by_class[ends[number] - counts[number] : ends[number]]
        part[mine[: tests[number]]] = 2
        part[mine[tests[number] : tests[number] + validations[number]]] = 1


def _allotted(counts: Array, total: int, most: Array) -> NDArray[np.int64]:
    """Shares `total` among classes by their counts: at most `most`, largest remainder first."""
    quota = counts * total / counts.sum()
    allotted: NDArray[np.int64] = np.minimum(np.floor(quota), most).astype(np.int64)
    while (left := total - int(allotted.sum())) > 0:
        order = np.argsort(-(quota - allotted), kind="stable")
        free = order[allotted[order] < most[order]][:left]
        allotted[free] += 1
    return allotted


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
