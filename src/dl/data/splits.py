"""Splitting rows into parts, as a function of the seed and the rows alone.

A share is rounded to the nearest whole number of rows. In a stratified split each class gives its
share, rounded so that the parts keep their sizes, and every class keeps a row for the training
part. Rows keep their order within a part.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from dl.data.types import Array
from dl.errors import DataError
from dl.runs.typed import Positive, Range
from dl.text import plural

Positions = NDArray[np.intp]
Fraction = Annotated[float, Range(lambda value: 0 <= value < 1, "must be from 0 to below 1")]


@dataclass(frozen=True, slots=True)
class Shares:
    """How rows are to be split.

    Attributes:
        validation: Share of the rows for validation; 0 if that part has rows of its own.
        test: Share of the rows for the test; 0 if that part has rows of its own.
        stratify: Whether to keep the shares of the classes; None: if every class has enough rows.
        folds: Into how many folds the rows that are not for the test are cut; None: into none.
        fold: The fold that is the validation part, from 1.
    """

    validation: Fraction = 0.0
    test: Fraction = 0.0
    stratify: bool | None = None
    folds: Annotated[int, Range(lambda value: value >= 2, "must be 2 or more")] | None = None
    fold: Positive = 1

    @property
    def validates(self) -> bool:
        """Whether some of the rows become the validation part."""
        return self.validation > 0 or self.folds is not None


@dataclass(frozen=True, slots=True)
class Division:
    """0-based positions of the rows of each part, ascending, and whether it was stratified."""

    train: Positions
    validation: Positions
    test: Positions
    stratified: bool


def divide(
    source: str,
    rows: int,
    shares: Shares,
    seed: int,
    labels: Array | None,
    classes: Sequence[str] = (),
) -> Division:
    """Splits the rows.

    Args:
        source: What is split, for messages.
        rows: Number of rows.
        shares: How to split.
        seed: The config's seed.
        labels: Class number of each row; None if there are no classes.
        classes: Names of the classes, for messages.

    Raises:
        DataError: A part would be empty, or a class has too few rows for a stratified split.
    """
    test = _count("test", shares.test, rows, source)
    if shares.folds is None:
        validation = _count("validation", shares.validation, rows, source)
    else:
        validation = _largest_fold(shares.folds, rows - test, source)
    if validation + test >= rows:
        raise DataError(
            f"{source}: no row is left for training",
            expected=f"shares of {rows} rows that leave some",
            found=f"{validation} for validation, {test} for the test",
            hint="make `data.split.validation` or `data.split.test` smaller",
        )
    stratified = _stratified(shares, labels, rows - validation - test, (validation, test), classes)
    part = np.zeros(rows, dtype=np.int8)
    order = _shuffled(rows, seed)
    if shares.folds is not None:
        _mark_fold(part, order, labels if stratified else None, test, shares)
    elif stratified and labels is not None:
        _mark_by_class(part, order, labels, validation, test)
    else:
        part[order[:test]] = 2
        part[order[test : test + validation]] = 1
    train_rows, validation_rows, test_rows = (np.flatnonzero(part == i) for i in range(3))
    return Division(train_rows, validation_rows, test_rows, stratified)


def _largest_fold(folds: int, rows: int, source: str) -> int:
    if folds > rows:
        raise DataError(
            f"{source}: the folds are more than the rows",
            expected=f"at most {rows}",
            found=f"`data.split.folds: {folds}`",
        )
    return -(-rows // folds)


def _count(part: str, share: float, rows: int, source: str) -> int:
    count = math.floor(share * rows + 0.5)
    if share > 0 and count == 0:
        raise DataError(
            f"{source}: the {part} part is empty",
            expected="a share that is at least one row, or 0",
            found=f"`data.split.{part}: {share:g}` of {plural(rows, 'row')}",
            hint=f"write `data.split.{part}: 0` to do without it",
        )
    return count


def _shuffled(rows: int, seed: int) -> Positions:
    """Returns all positions in an order that depends on the seed and the number of rows only.

    It sorts raw random bits, whose stream NumPy guarantees; that of `permutation` may change.
    """
    source = np.random.Philox(np.random.SeedSequence([seed, zlib.crc32(b"split")]))
    return np.argsort(source.random_raw(rows), kind="stable")


def _stratified(
    shares: Shares,
    labels: Array | None,
    train_rows: int,
    parts: tuple[int, int],
    classes: Sequence[str],
) -> bool:
    """Decides whether to stratify; refuses if it was asked for and cannot be done."""
    if shares.stratify is False or labels is None or not any(parts):
        return False
    numbers, counts = np.unique(labels, return_counts=True)
    needed = 1 + sum(count > 0 for count in parts)
    enough = bool(counts.min() >= needed) and len(numbers) <= train_rows
    if shares.stratify and not enough:
        raise _too_few(numbers, counts, needed, train_rows, classes)
    return enough


def _too_few(
    numbers: Array, counts: Array, needed: int, train_rows: int, classes: Sequence[str]
) -> DataError:
    smallest = int(np.argmin(counts))
    number, count = int(numbers[smallest]), int(counts[smallest])
    name = classes[number] if number < len(classes) else str(number)
    if count >= needed:
        message = f"there are {len(numbers)} classes, but {train_rows} rows for training"
    else:
        message = f"the class {name!r} has {plural(count, 'row')}"
    return DataError(
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


def _mark_fold(
    part: NDArray[np.int8], order: Positions, labels: Array | None, test: int, shares: Shares
) -> None:
    """Writes 2 for the test rows, and 1 for every n-th of the others, class after class."""
    if labels is None:
        part[order[:test]] = 2
    else:
        _mark_by_class(part, order, labels, 0, test)
    rest = order[part[order] == 0]
    if labels is not None:
        rest = rest[np.argsort(labels[rest], kind="stable")]
    part[rest[shares.fold - 1 :: shares.folds]] = 1


def _allotted(counts: Array, total: int, most: Array) -> NDArray[np.int64]:
    """Shares `total` among classes by their counts: at most `most`, largest remainder first."""
    quota = counts * total / counts.sum()
    allotted: NDArray[np.int64] = np.minimum(np.floor(quota), most).astype(np.int64)
    while (left := total - int(allotted.sum())) > 0:
        order = np.argsort(-(quota - allotted), kind="stable")
        free = order[allotted[order] < most[order]][:left]
        allotted[free] += 1
    return allotted
