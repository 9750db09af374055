"""Which rows are in which part: at random, or by a column of the table.

The column keeps whole groups of rows together (`groups`), puts the parts in the order of time
(`periods`), or says the part of each row. What is not to be decided by it is left to chance and the
seed (`split`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from dl.config.data import Split, SyntheticData, window_of
from dl.data import series
from dl.data.periods import gap_of, periods, time_text
from dl.data.requirements import Requirements
from dl.data.sources.named import is_whole_truth
from dl.data.split import (
    LEFT_OUT,
    PARTS,
    SplitRows,
    can_stratify,
    mark_fold,
    refuse_many_folds,
    share_out,
    shuffled,
    split_rows,
)
from dl.data.target import Target, class_positions
from dl.data.types import Array, Column, Raw, RawParts, RawTable
from dl.errors import DataError, closest
from dl.text import cut, listing, number, percent, plural

_TRIES, _FEW_GROUPS = 10, 1000
"""Of few groups, ten random orders halve the distance from what is wanted (the chi-square, over 300
made-up tables of 6 to 60 groups); of many groups, a single order comes near."""


def split_parts(
    needs: Requirements, parts: RawParts, target: Target, split: Split
) -> tuple[RawParts, Split, SplitRows]:
    """Splits what is still to be split; a part that has rows of its own takes none of the others.

    Args:
        needs: What the config asks of the data: the seed.
        parts: All rows.
        target: What the target is; its classes are kept in proportion.
        split: The fractions, and the column that decides.

    Returns:
        The rows of each part, the fractions that were taken for them, and what was done.

    Raises:
        DataError: A part would be empty, the rows cannot be stratified as asked, or the column
            does not say in which part a row is.
    """
    fractions, rows = _fractions(needs, parts, split), parts.train
    for raw in parts.named.values():
        if (column := _deciding(raw)) is not None:
            why = "it decides in which part the row is"
            other = "name another column in `data.split`"
            series.refuse_missing(raw, column, split.rows_by or "", why, other)
    one_class = target.task in ("binary", "multiclass") and not target.places
    labels = class_positions(rows, target) if one_class else None
    column = _deciding(rows)
    if split.order == "rows":
        found = _in_time(rows.source, Column("numeric", rows.rows.astype(np.float64)), fractions)
    elif column is None:
        found = split_rows(rows.source, len(rows), fractions, needs.seed, labels, target.classes)
    elif split.column:
        found = _as_written(rows, column, fractions, needs.seed, labels, target.classes)
    elif split.order:
        found = _in_time(rows.source, column, fractions)
    else:
        found = _in_groups(rows.source, column, fractions, needs.seed, labels, target.classes)
    divided = replace(
        parts,
        train=rows if len(found.train) == len(rows) else rows.take(found.train),
        validation=rows.take(found.validation) if len(found.validation) else parts.validation,
        test=rows.take(found.test) if len(found.test) else parts.test,
    )
    _refuse_mixed(divided, fractions)
    window = window_of(needs.data)
    if window is not None and isinstance(rows, RawTable):
        divided = series.divided(parts, rows, found, window)
    return divided, replace(fractions, stratify=found.stratified), found


def _fractions(needs: Requirements, parts: RawParts, split: Split) -> Split:
    """Returns the split without the fractions of parts that need no rows of others."""
    whole = isinstance(needs.data, SyntheticData) and is_whole_truth(needs.data)
    own_validation = whole or parts.validation is not None
    by_chance = split.rows_by is None and not split.order
    return replace(
        split,
        validation=0.0 if own_validation or (split.folds and by_chance) else split.validation,
        test=0.0 if whole or parts.test is not None else split.test,
        folds=None if own_validation else split.folds,
    )


def _deciding(rows: Raw) -> Column | None:
    """Returns the column that decides in which part a row is."""
    others = rows.others
    return others.get("group") or others.get("time") or others.get("part")


def _in_groups(
    source: str,
    column: Column,
    split: Split,
    seed: int,
    labels: Array | None,
    classes: Sequence[str],
) -> SplitRows:
    """Splits whole groups; the test part is the same whatever the validation part or fold is."""
    present, groups = np.unique(column.values, return_inverse=True)
    needed = 1 + bool(split.validation) + bool(split.test)
    if split.folds is not None:
        refuse_many_folds(split, len(present) - bool(split.test), "groups", source)
    elif len(present) < needed:
        raise DataError(
            f"{source}: column {split.by!r} has {plural(len(present), 'group')}",
            expected=f"at least {needed}, one for each part",
            hint="set `data.split.validation` or `test` to 0, or name another column",
        )
    needed -= bool(split.test)
    if split.stratify is False or not (split.test or split.validation or split.folds):
        labels = None
    part = np.zeros(len(groups), np.int8)
    if split.test:
        least = [split.folds or needed, 1]
        part[_drawn(groups, labels, [1 - split.test, split.test], least, seed) == 1] = 2
    rest = part == 0
    some = None if labels is None else labels[rest]
    if split.folds is not None:
        even = [1 / split.folds] * split.folds
        drawn = _drawn(groups[rest], some, even, [1] * split.folds, seed)
        part[rest] = drawn == split.fold - 1
    elif split.validation:
        fraction = split.validation / (1 - split.test)
        part[rest] = _drawn(groups[rest], some, [1 - fraction, fraction], [1, 1], seed)
    about = {
        name: {"groups": len(np.unique(groups[part == place]))}
        for place, name in enumerate(PARTS)
        if (part == place).any()
    }
    deviation = "" if labels is None else _deviation(part, labels, classes)
    return SplitRows.of(part, labels is not None, about=about, deviation=deviation)


def _drawn(
    groups: Array,
    labels: Array | None,
    fractions: Sequence[float],
    least: Sequence[int],
    seed: int,
) -> NDArray[np.int8]:
    """Returns the part of each row, by its group, of any numbers that are not negative."""
    numbers, groups = np.unique(groups, return_inverse=True)
    count, tries = len(numbers), _TRIES if len(numbers) <= _FEW_GROUPS else 1
    order = shuffled(count * tries, seed)
    orders = (order[order // count == attempt] % count for attempt in range(tries))
    return share_out(groups, labels, fractions, least, orders)


def _deviation(part: Array, labels: Array, classes: Sequence[str]) -> str:
    """Words for the class whose fraction in a part is furthest from that in all rows."""
    width = len(classes)
    whole = np.bincount(labels, minlength=width) / len(labels)
    numbers = np.unique(part)
    shares = [np.bincount(labels[part == i], minlength=width) / (part == i).sum() for i in numbers]
    apart = np.abs(np.array(shares) - whole)
    place, label = (int(i) for i in np.unravel_index(int(apart.argmax()), apart.shape))
    if not apart.any():
        return "each class has the same share of every part"
    return (
        f"the shares of the classes differ from those of all rows by at most "
        f"{number(100 * float(apart.max()), 2)} percentage points ({cut(classes[label])!r}: "
        f"{percent(float(whole[label]))} of all rows, {percent(float(shares[place][label]))} of "
        f"the {PARTS[int(numbers[place])]} part)"
    )


def _in_time(source: str, column: Column, split: Split) -> SplitRows:
    times, numbers, counts = np.unique(column.values, return_inverse=True, return_counts=True)
    found = periods(times, counts, split, gap_of(split, column, source), source)
    part = np.full(len(numbers), LEFT_OUT, np.int8)
    for place, (begin, end) in enumerate(found):
        part[(numbers >= begin) & (numbers < end)] = place
    about = {
        name: {"from": time_text(times[begin]), "to": time_text(times[end - 1])}
        for name, (begin, end) in found._asdict().items()
        if end > begin
    }
    return SplitRows.of(part, about=about)


def _as_written(
    rows: Raw,
    column: Column,
    split: Split,
    seed: int,
    labels: Array | None,
    classes: Sequence[str],
) -> SplitRows:
    """Takes the part of each row from a column; folds cut what is not written to be a test row."""
    known = np.array([PARTS.index(name) if name in PARTS else 9 for name in column.categories])
    part = known[column.values].astype(np.int8)
    if (part == 9).any():
        row = int(np.argmax(part == 9))
        word = column.categories[int(column.values[row])]
        near = closest(word, PARTS)
        raise DataError(
            f"{rows.row_place(row)}: column {split.column!r} names no part",
            expected=listing(PARTS),
            found=repr(cut(word)),
            hint=f"did you mean {near}?" if near else "name another column in `data.split.column`",
        )
    _compare_with_fractions(rows.source, part, split)
    if split.folds is None:
        return SplitRows.of(part)
    part[part == 1] = 0
    count = int((part == 0).sum())
    refuse_many_folds(split, count, "rows", rows.source)
    size = -(-count // split.folds)
    rest = None if labels is None else labels[part == 0]
    stratified = can_stratify(split, rest, count - size, (size, 0), classes)
    mark_fold(part, shuffled(len(part), seed), labels if stratified else None, split)
    return SplitRows.of(part, stratified)


def _compare_with_fractions(source: str, part: NDArray[np.int8], split: Split) -> None:
    """Refuses a part without rows, unless the config says that it has none; and the other way."""
    wanted = {"train": True, "validation": split.validation > 0, "test": split.test > 0}
    for place, (name, is_wanted) in enumerate(wanted.items()):
        rows = int((part == place).sum())
        if bool(rows) == is_wanted or (name == "validation" and split.folds):
            continue
        if name == "train":
            rows, hint = 0, f"write the word train in column {split.column!r} of some rows"
        elif rows:
            hint = f"remove `data.split.{name}: 0`, or leave these rows out"
        else:
            hint = f"write `data.split.{name}: 0` to do without it"
        raise DataError(
            f"{source}: column {split.column!r} names {plural(rows, 'row')} for the {name} part",
            expected="rows for it" if is_wanted else f"none: `data.split.{name}: 0`",
            hint=hint,
        )


# Parts with files of their own


def _refuse_mixed(parts: RawParts, split: Split) -> None:
    """Refuses a part with a file of its own that shares groups, or times, with another one."""
    for (first, left), (second, right) in combinations(parts.named.items(), 2):
        if split.by is None or left.source == right.source:
            continue
        if split.order:
            _refuse_earlier(split, first, left, second, right)
            continue
        known, others = _named_groups(left), _named_groups(right)
        if both := sorted(known.keys() & others.keys()):
            raise DataError(
                f"{right.row_place(others[both[0]])}: the group {both[0]!r} of column {split.by!r} "
                f"is in the {second} part and, in {left.source}, in the {first} part",
                expected="all rows of a group in one part",
                found=f"{plural(len(both), 'group')} in both",
                hint="leave the rows of these groups out of one of the files",
            )


def _named_groups(table: Raw) -> dict[str, int]:
    """Returns the groups by name, each with the position of its first row."""
    column = table.others["group"]
    codes, first = np.unique(column.values, return_index=True)
    names = (column.categories[code] for code in codes.tolist())
    return dict(zip(names, first.tolist(), strict=True))


def _refuse_earlier(split: Split, first: str, left: Raw, second: str, right: Raw) -> None:
    before, after = left.others["time"], right.others["time"]
    if before.kind != after.kind:
        raise DataError(
            f"{right.source}: column {split.by!r} holds {after.kind} values, in {left.source} "
            f"{before.kind} ones",
            expected="dates in both, or numbers in both",
        )
    row, last = int(np.argmin(after.values)), before.values.max()
    apart = after.values[row] - last
    if apart <= np.zeros_like(apart) or apart < gap_of(split, after, right.source):
        gap = f", the gap of {split.gap_text} between them" if split.gap is not None else ""
        raise DataError(
            f"{right.row_place(row)}: the {second} part begins at {time_text(after.values[row])}, "
            f"but the {first} part, of {left.source}, goes on to {time_text(last)}",
            expected=f"later times in column {split.by!r} of the {second} part{gap}",
            hint="leave these rows out of one of the files",
        )
