"""Splitting rows into parts, as a function of the seed and the rows alone.

A fraction is rounded to the nearest whole number of rows. In a stratified split each class gives
its fraction, rounded so that the parts keep their sizes, and every class keeps a row for the
training part. Rows keep their order within a part.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dl.config.data import Split, SyntheticData
from dl.data.requirements import Requirements
from dl.data.sources.builtin import is_whole_truth
from dl.data.target import Target, class_positions
from dl.data.types import Array, RawParts
from dl.errors import DataError
from dl.text import plural

Positions = NDArray[np.intp]


class SplitRows(NamedTuple):
    """0-based positions of the rows of each part, ascending, and whether it was stratified."""

    train: Positions
    validation: Positions
    test: Positions
    stratified: bool


def split_parts(
    needs: Requirements, parts: RawParts, target: Target, split: Split
) -> tuple[RawParts, Split]:
    """Splits what is still to be split; a part that has rows of its own takes none of the others.

    Args:
        needs: What the config asks of the data: the seed.
        parts: All rows.
        target: What the target is; its classes are kept in proportion.
        split: The fractions.

    Returns:
        The rows of each part, and the fractions that were taken for them.

    Raises:
        DataError: A part would be empty, or the rows cannot be stratified as asked.
    """
    whole = isinstance(needs.data, SyntheticData) and is_whole_truth(needs.data)
    own_validation = whole or parts.validation is not None
    fractions = replace(
        split,
        validation=0.0 if own_validation or split.folds else split.validation,
        test=0.0 if whole or parts.test is not None else split.test,
        folds=None if own_validation else split.folds,
    )
    rows = parts.train
    one_class = target.task in ("binary", "multiclass") and not target.places
    labels = class_positions(rows, target) if one_class else None
    found = split_rows(rows.source, len(rows), fractions, needs.seed, labels, target.classes)
    return (
        replace(
            parts,
            train=rows if len(found.train) == len(rows) else rows.take(found.train),
            validation=rows.take(found.validation) if len(found.validation) else parts.validation,
            test=rows.take(found.test) if len(found.test) else parts.test,
        ),
        replace(fractions, stratify=found.stratified),
    )


def split_rows(
    source: str,
    rows: int,
    split: Split,
    seed: int,
    labels: Array | None,
    classes: Sequence[str] = (),
) -> SplitRows:
    """Splits the rows.

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
        if split.folds > rows - test:
            raise DataError(
                f"{source}: the folds are more than the rows",
                expected=f"at most {rows - test}",
                found=f"`data.split.folds: {split.folds}`",
            )
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
    if not any(others) or not _can_stratify(split, labels, train, others, classes):
        labels = None
    part = np.zeros(rows, dtype=np.int8)
    order = _shuffled(rows, seed)
    of_fold = split.folds is not None
    if labels is not None:
        _mark_by_class(part, order, labels, 0 if of_fold else validation, test)
    else:
        part[order[:test]] = 2
        part[order[test : test if of_fold else test + validation]] = 1
    if of_fold:
        rest = order[part[order] == 0]
        if labels is not None:  # every n-th, class after class
            rest = rest[np.argsort(labels[rest], kind="stable")]
        part[rest[split.fold - 1 :: split.folds]] = 1
    train_rows, validation_rows, test_rows = (np.flatnonzero(part == i) for i in range(3))
    return SplitRows(train_rows, validation_rows, test_rows, labels is not None)


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


def _shuffled(rows: int, seed: int) -> Positions:
    """Returns all positions in an order that depends on the seed and the number of rows only.

    It sorts raw random bits, whose stream NumPy guarantees; that of `permutation` may change.
    """
    # A stream of its own: what else is drawn with the seed must not follow from the split.
    source = np.random.Philox(np.random.SeedSequence([seed, zlib.crc32(b"split")]))
    return np.argsort(source.random_raw(rows), kind="stable")


def _can_stratify(
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
