"""Where a table leaks: what the network learns from, or is judged by, that it should not see.

Each check yields advice with its numbers and the line to write; it is silent unless they are far
from what chance does. The texts stand in `config/rules/texts.toml`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from dl.audit.measures import known_by_heart, labels_of, matrix_of, separated, shuffled, told
from dl.audit.table import Table
from dl.config.data import BuiltinData, Data, Split, TableFile, window_of
from dl.config.nodes import flow
from dl.config.rules import Note, placed
from dl.config.rules.facts import Advice, advice
from dl.config.rules.probe import has_own
from dl.data.doubts import without
from dl.data.thresholds import roc
from dl.data.types import Array, Column
from dl.text import listing, number, percent, plural

FEWEST_ROWS = 50
"""In fewer rows everything may be chance."""
_MANY = 0.01
"""Fraction of the rows of a part from which copies move what it measures by a percent."""
_NO_CHANCE = 0.8
"""Fraction of the pairs of equal rows that must be copies, not alike by chance."""
_TELLS_ALL = 0.99
"""AUC or R² of a single column from which the target is in it: of clean tables, the best column
known is at 0.97 (iris) and 0.93 (diamonds)."""
_FILLED_IN = 0.95
"""AUC of the mere presence of a value, from which it is there since the target is known."""
_RARE = 0.05
"""Fraction of rows that must lack a value, and that must have one, for their presence to tell."""
_GROUP, _FEWEST_GROUPS = 1.5, 10
"""Rows of a group on average, and groups: below, a random split hardly parts any."""
_SPREAD = 0.05
"""Groups for each row from which a column may name groups whatever it is called."""
_MOST_SIZE = 4000
"""Rows on which it is tried out what a group is worth; whole groups of them."""
_MOST_TRIED = 3
_WORTH = {True: 0.05, False: 0.1}
"""Accuracy (classes), R² (numbers) that rows of the same group must be worth."""
_SURE = 4.0
"""Standard errors: of 168 columns of groups by chance, three went beyond 3, none beyond 4."""
_ALIKE_IN_TIME = 0.3
"""Correlation of the targets of neighbours in time, from which each tells the next one."""
_APART = 0.65
"""AUC of a guess at the part of a row from which the parts are not of one kind."""
_ENTITY = re.compile(
    r"(?i:(?:.*[_ .-])?(?:id|ids|uuid|guid|key|nr|no|code|name|patient|subject|person|customer"
    r"|client|user|member|household|family|group|session|visit|device|machine|sensor|unit|speaker"
    r"|writer|author|student|school|class|store|shop|site|plot|batch|lot|sample|animal|mother))"
    r"|.*[a-z]I[Dd]"
)
"""Names of what has several rows."""

Check = Callable[[Table, Data], Iterator[Advice]]


def audit(table: Table) -> list[Note]:
    """Returns what leaks, with its place in the config; without what the config says to ignore."""
    if table.loaded is None:
        return []
    data = table.loaded.config.data
    checks = CHECKS if len(table) >= FEWEST_ROWS and window_of(data) is None else ()
    found = (each for check in checks for each in check(table, data))
    return placed(table.loaded, [*table.advice, *found])


def _copies(table: Table, data: Data) -> Iterator[Advice]:
    """Rows that are there several times, within a part or in several parts."""
    # A column that tells each row from all others would tell a copy, too.
    others = [labels_of(column) for column in table.others.values()]
    labels = [each for each in others if each.max() < (each > 0).sum()]
    inputs = (*table.texts.values(), *table.columns.values())
    labels += [labels_of(column) for column in (*inputs, *table.targets.values())]
    if len(labels) < 2:
        return
    # A row is the sum of a random number for each of its values: equal rows have equal sums.
    chance = np.random.default_rng(0)
    keys = [chance.integers(0, 2**64, each.max() + 1, np.uint64)[each] for each in labels]
    whole = np.asarray(np.sum(keys, axis=0, dtype=np.uint64))
    _, of_row, counts = np.unique(whole, return_inverse=True, return_counts=True)
    if min(_copied(whole, key) for key in keys) < _NO_CHANCE * max(1, _pairs(whole)):
        return
    in_training = np.zeros(len(counts), np.bool_)
    in_training[of_row[table.part == 0]] = True
    across = []
    for place, name in list(enumerate(table.sizes))[1:]:
        copied = in_training[of_row[table.part == place]]
        if copied.sum() >= max(1, _MANY * len(copied)):
            across.append(f"{copied.sum():,} of {len(copied):,} {name} rows")
    extra = len(table) - len(counts)
    if across and data.duplicates.across_parts == "allow":
        rows = listing(across, "and")
        yield advice(("data", "duplicates"), "duplicate_rows.across", rows=rows)
    elif not across and extra >= _MANY * len(table):
        rows = plural(extra, "row")
        yield advice(("lint", "ignore"), "duplicate_rows.within", rows=rows, whole=len(table))


def _pairs(keys: Array) -> int:
    """Returns how many pairs of rows are equal."""
    _, counts = np.unique(keys, return_counts=True)
    return int((counts * (counts - 1)).sum()) // 2


def _copied(whole: Array, key: Array) -> float:
    """Estimates by a column how many pairs of equal rows are copies.

    Of the pairs that are alike by chance without the column, a fraction is alike in it, too: that
    of two rows drawn from all. What is more are copies.
    """
    pairs, alike = _pairs(whole), 2 * _pairs(key) / (len(key) * (len(key) - 1))
    return pairs - (_pairs(whole - key) - pairs) * alike / (1 - alike) if alike < 1 else pairs


def _groups(table: Table, data: Data) -> Iterator[Advice]:
    """Columns whose values name groups of rows that lie in several parts, and know each other."""
    # What is asked about later times may be known from earlier ones.
    if table.target is None or not table.columns or data.split.order:
        return
    tried = sorted(_candidates(table), key=lambda found: not _ENTITY.fullmatch(found[0]))
    for name, groups in tried[:_MOST_TRIED]:
        parts = np.zeros(groups.max() + 1, np.int64)
        np.bitwise_or.at(parts, groups, 1 << table.part)
        crossing = int(((parts & (parts - 1)) > 0)[1:].sum())
        if not crossing:
            continue
        mixed, apart, sure = _worth(table, table.target, groups)
        if mixed - apart >= _WORTH[table.in_classes] and sure >= _SURE:
            yield advice(
                ("data", "split"),
                "groups_across_parts",
                write=_split(data.split, by=name),
                name=name,
                crossing=crossing,
                groups=groups.max(),
                measure="accuracy" if table.in_classes else "R²",
                mixed=number(mixed, 2),
                apart=number(apart, 2),
            )


def _candidates(table: Table) -> Iterator[tuple[str, Array]]:
    """Yields columns that may name groups, with the number of each row's group; 0 for none."""
    for name, column in {**table.columns, **table.others}.items():
        if column.kind == "date" or (column.kind == "numeric" and not column.integral):
            continue
        groups = labels_of(column)
        count, rows = groups.max(), (groups > 0).sum()
        if count < _FEWEST_GROUPS or rows < _GROUP * count:
            continue
        # A number that is an input is an amount, unless its name says that it is not.
        unnamed = column.kind == "categorical" or name in table.others
        if _ENTITY.fullmatch(name) or (unnamed and count >= _SPREAD * rows):
            yield name, groups


def _worth(table: Table, target: Column, groups: Array) -> tuple[float, float, float]:
    """Tries on some whole groups what rows of the same group are worth; see `known_by_heart`."""
    order = shuffled(groups.max() + 1)[groups]
    rows = np.flatnonzero((groups > 0) & ~target.missing())
    rows = rows[np.argsort(order[rows], kind="stable")]
    if len(rows) > _MOST_SIZE:
        rows = rows[order[rows] < order[rows[_MOST_SIZE]]]
    wanted = labels_of(target) if table.in_classes else target.values
    matrix, chosen = matrix_of(table.columns, rows), np.unique(groups[rows], return_inverse=True)[1]
    return known_by_heart(matrix, wanted[rows], chosen, table.in_classes)


def _time(table: Table, data: Data) -> Iterator[Advice]:
    """Rows in time, of which those before and after a row to judge are learned from."""
    target = table.target
    if target is None or data.split.by:  # in time, or in groups, which go before
        return
    for name, column in {**table.columns, **table.others}.items():
        known = ~(column.missing() | target.missing())
        if column.kind != "date" or known.sum() < FEWEST_ROWS:
            continue
        dates, judged = column.values[known], table.part[known] > 0
        if judged.all() or not judged.any():
            continue
        first, last = dates[~judged].min(), dates[~judged].max()
        inside = int((judged & (dates > first) & (dates < last)).sum())
        # Rows of the same time are in no order.
        order = np.flatnonzero(known)[np.lexsort((shuffled(len(dates)), dates))]
        alike = _alike(target.take(order), table.in_classes)
        enough = max(_ALIKE_IN_TIME, _SURE / np.sqrt(len(dates)))
        if inside >= _MANY * judged.sum() and alike >= enough:
            yield advice(
                ("data", "split"),
                "order_in_time",
                write=_split(data.split, by=name, order="time"),
                name=name,
                inside=inside,
                judged=judged.sum(),
                alike=number(alike, 2),
            )
            return


def _alike(target: Column, in_classes: bool) -> float:
    """Returns the correlation of each value with the next one; of classes, the largest."""
    series = (
        [target.values.astype(np.float64)]
        if not in_classes
        else [
            (labels == place).astype(np.float64)
            for labels in [labels_of(target)]
            for place in range(1, labels.max() + 1)
        ]
    )
    found = [
        float(np.corrcoef(values[:-1], values[1:])[0, 1])
        for values in series
        if values[:-1].std() and values[1:].std()
    ]
    return max(found, default=0.0)


def _tells_all(table: Table, data: Data) -> Iterator[Advice]:
    """Inputs of which one alone tells the target, or is there since the target is known."""
    title, target = next(iter(table.targets), ""), table.target
    if target is None or len(table.columns) < 2 or not isinstance(data, TableFile | BuiltinData):
        return
    measure = "an AUC" if table.in_classes else "an R²"
    known = [each.message for each in table.advice if each.rule == "target-leak"]
    for name, column in table.columns.items():
        if since := _since(table, column, title):
            yield without(data, name, "future_column", since)
            continue
        # A date tells of its neighbours in time, which `_time` looks at.
        lint = any(f"`{name}`, which" in message for message in known)
        alone = 0.0 if lint or column.kind == "date" else told(column, target, table.in_classes)
        if alone >= _TELLS_ALL:
            reason = (
                f"tells the target `{title}` alone: {measure} of {number(alone, 3)} on rows that "
                "were not learned from"
            )
            yield without(data, name, "target_leak", reason)


def _since(table: Table, column: Column, title: str) -> str:
    """Says in which class a value is there, where its presence alone tells the class."""
    present = ~column.missing()
    if not table.in_classes or not _RARE <= present.mean() <= 1 - _RARE:
        return ""
    names, codes = table.classes()
    for place in np.unique(codes[codes >= 0]):
        own = codes == place
        if roc(own, present.astype(np.float64))[2] >= _FILLED_IN:
            here, elsewhere = (percent(float(present[rows].mean())) for rows in (own, ~own))
            return (
                f"has a value in {here} of the rows with `{title}` {names[place]}, and in "
                f"{elsewhere} of the others"
            )
    return ""


def _parts(table: Table, data: Data) -> Iterator[Advice]:
    """Parts that were chosen, not drawn, and hold other rows than the training part."""
    if not isinstance(data, TableFile):
        return
    columns = {name: c for name, c in table.columns.items() if c.kind != "date"}
    for part in ("validation", "test"):
        if part not in table.sizes or not columns or not has_own(data, part):
            continue
        rows, flags = _two_parts(table, list(table.sizes).index(part))
        if min(flags.sum(), (~flags).sum()) < FEWEST_ROWS:
            continue
        area = separated(matrix_of(columns, rows), flags)
        error = np.sqrt((len(flags) + 1) / (12.0 * flags.sum() * (~flags).sum()))
        if area < max(_APART, 0.5 + _SURE * error):
            continue
        flag = Column("numeric", flags.astype(np.float64), integral=True)
        alone = {name: told(column.take(rows), flag, True) for name, column in columns.items()}
        name = max(alone, key=lambda each: alone[each])
        by_column = data.split.column is not None
        path = ("data", "split", "column") if by_column else ("data", f"{part}_path")
        words = {"part": part, "area": number(area, 2), "alone": number(alone[name], 2)}
        yield advice(path, "parts_differ", name=name, **words)


def _two_parts(table: Table, place: int) -> tuple[Array, Array]:
    """Returns some training rows and some of another part, and which are of that."""
    chosen = []
    for each in (0, place):
        rows = np.flatnonzero(table.part == each)
        chosen.append(rows[np.sort(shuffled(len(rows))[:_MOST_SIZE])])
    flags = np.repeat([False, True], [len(rows) for rows in chosen])
    return np.concatenate(chosen), flags


def _split(split: Split, **keys: object) -> str:
    """Returns `data.split` with these keys, beside the fractions that the config has changed."""
    known = {key: getattr(split, key) for key in ("validation", "test")}
    changed = {key: value for key, value in known.items() if value != getattr(Split(), key)}
    return str(flow({**changed, **keys}))


CHECKS: Sequence[Check] = (_copies, _groups, _time, _tells_all, _parts)
"""All checks, in the order in which they are told where they have no place."""
