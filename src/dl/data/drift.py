"""What rows to predict have that the training part had not: values, and whole columns.

A few numbers of each column of the training part are kept with the run: its range, how many values
were missing, and counts in bins. Rows to predict come in blocks, of which the same is counted, so
that a table of any length takes no memory.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from statistics import NormalDist
from typing import Literal

import numpy as np

from dl.config.data import ColumnKind
from dl.data.features import Feature, feature_names
from dl.data.tokens import texts_of
from dl.data.types import Array, Column, RawTable, step_over
from dl.errors import DataError, Problem
from dl.progress import Reporter
from dl.rundir.directory import RunDirectory
from dl.rundir.manifest import damaged
from dl.rundir.record import read_json
from dl.rundir.typed import Count, Finite, MisfitError
from dl.text import number, percent, plural

Heed = Literal["ignore", "warn", "error"]
"""What is done about rows that are unlike those of the training part."""

SCHEMA = 1
_BINS = 10
_MOST_CATEGORIES = 20
"""The others share a bin: of rare ones, even a large change is chance."""
_SAMPLE, _BLOCK_SAMPLE = 100_000, 1 << 13
"""Rows that are counted in bins, evenly spread, of the training part and of a block to predict: a
tenth is known to a thousandth, or to a third of a percent, and counting takes no time."""
_FEWEST_KNOWN = 1000
"""Values that the sample of a column must have: of one with many gaps, all are taken."""
_LARGE = 0.25
"""Population stability index from which a shift is called large: the rule of thumb of credit
scoring, N. Siddiqi, "Credit Risk Scorecards" (2006)."""
_CHANCE = 1e-4
"""How often rows like those of the training part may give a false alarm, in any column."""
_FAR = 4.0
"""A single value is told that lies so many times as far from the median as the end of the range; or
more where the tail is heavy: as many as that end is further than the outer tenth. Fewer would tell
of ordinary rows: of random halves and fifths of 20 public tables, 3 alarm in 1 %, 4 in none."""
_FAR_FROM_MANY = 10.0
"""The same where the median is also the outer tenth: so many rows are alike that none tells of the
tail."""
_FEWEST = 5.0
"""Rows of a category that must be expected for it to have a bin of its own: below, chi square does
not hold (W. G. Cochran, "Some methods for strengthening the common chi-square tests", 1954)."""
_MOST_TOLD = 10
_MOMENTS = 2.0**63
"""Microseconds that a date can be away from 1970."""
_ENDS = {
    ("numeric", -1): ("below", "least value"),
    ("numeric", 1): ("above", "largest value"),
    ("date", -1): ("before", "first date"),
    ("date", 1): ("after", "last date"),
    ("text", -1): ("of less characters than", "shortest text"),
    ("text", 1): ("of more characters than", "longest text"),
}
"""What a value is beyond an end of the range, by its kind, and what that end is."""


@dataclass(frozen=True, slots=True)
class ColumnSummary:
    """A column of the training part in a few numbers.

    Attributes:
        name: The column.
        kind: How its values are read; dates count microseconds since 1970, texts their characters.
        missing: How many rows have no value.
        counts: Values in each bin; the last one of categories is of all others.
        low: The least value; None for categories.
        high: The greatest value; None for categories.
        bounds: The greatest value of each bin but the last: the deciles, as far as they differ.
        categories: The commonest categories.
    """

    name: str
    kind: ColumnKind
    missing: Count
    counts: tuple[Count, ...]
    low: Finite | None = None
    high: Finite | None = None
    bounds: tuple[Finite, ...] = ()
    categories: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len(self.counts) != len(self.bounds) + len(self.categories) + 1:
            raise MisfitError("must be one more than bounds and categories", ("counts",))
        if self.kind != "categorical":
            if self.low is None or self.high is None or not self.bounds:
                raise MisfitError("must be numbers where there are no categories", ("low",))
            if (
                self.kind == "date"
                and not -_MOMENTS
                < min(self.low, *self.bounds)
                <= max(self.high, *self.bounds)
                < _MOMENTS
            ):
                raise MisfitError("must be microseconds since 1970", ("low",))

    def binned(self, column: Column) -> Array:
        """Returns how many values of a block are in each bin, and last, how many are missing."""
        column = _measured(_evenly(column, _BLOCK_SAMPLE))
        known = column.values[~column.missing()]
        if self.kind == "categorical":
            bins = {category: place for place, category in enumerate(self.categories)}
            of_code = [bins.get(category, len(bins)) for category in column.categories]
            places = np.array(of_code, np.int64)[known]
        else:
            places = np.searchsorted(np.array(self.bounds), _as_numbers(known))
        counts = np.bincount(places, minlength=len(self.counts))
        return np.append(counts, len(column.values) - len(known))

    def words(self, place: int) -> str:
        """Words for the rows of a bin."""
        if place == len(self.counts):
            return "have no value"
        if self.kind == "categorical":
            others = place == len(self.categories)
            return "have a rare or new category" if others else f"have {self.categories[place]!r}"
        above, most = ("after", "up to") if self.kind == "date" else ("above", "at most")
        ends = []
        if place:
            ends.append(f"{above} {self.shown(self.bounds[place - 1])}")
        if place < len(self.bounds):
            ends.append(f"{most} {self.shown(self.bounds[place])}")
        of = " characters long" if self.kind == "text" else ""
        return f"are {', '.join(ends)}{of}" if ends else "have a value"

    def shown(self, value: float) -> str:
        """Words for a value."""
        if self.kind == "date":
            moment = str(np.datetime64(int(value), "us"))
            return moment.removesuffix(".000000").removesuffix("T00:00:00")
        return number(int(value) if value == int(value) and abs(value) < 1e15 else value)


@dataclass(frozen=True, slots=True)
class _File:
    """The content of `columns.json`."""

    columns: tuple[ColumnSummary, ...]
    schema: int = SCHEMA


def summaries(train: RawTable, features: Iterable[Feature]) -> tuple[ColumnSummary, ...]:
    """Returns the columns of the training part that become numbers, each in a few numbers."""
    used = {feature.name for feature in features if feature_names([feature])}
    columns = ((name, train.columns[name]) for name in train.columns if name in used)
    return tuple(_summary(*each) for each in columns if not each[1].missing().all())


def _measured(column: Column) -> Column:
    """Returns a column of texts as numbers, how many characters each has; others as they are."""
    if column.kind != "text":
        return column
    lengths = np.array([len(text) for text in texts_of(column)], np.float64)
    return Column("numeric", np.where(column.missing(), np.nan, lengths), integral=True)


def _summary(name: str, raw: Column) -> ColumnSummary:
    column = _measured(raw)
    sample = _evenly(column, _SAMPLE)
    if (~sample.missing()).sum() < _FEWEST_KNOWN:
        sample = column
    missing, known = int(sample.missing().sum()), sample.values[~sample.missing()]
    if column.kind == "categorical":
        counts = np.bincount(known, minlength=len(column.categories))
        common = [int(place) for place in np.argsort(-counts, kind="stable")[:_MOST_CATEGORIES]]
        rest = len(known) - int(counts[common].sum())
        categories = tuple(column.categories[place] for place in common)
        counted = (*map(int, counts[common]), rest)
        return ColumnSummary(name, column.kind, missing, counted, categories=categories)
    numbers, every = _as_numbers(known), _as_numbers(column.values[~column.missing()])
    tenths = np.arange(1, _BINS) / _BINS
    bounds = np.unique(np.quantile(numbers, tenths, method="inverted_cdf"))
    counts = np.bincount(np.searchsorted(bounds, numbers), minlength=len(bounds) + 1)
    return ColumnSummary(
        *(name, raw.kind, missing, tuple(map(int, counts))),
        *(float(every.min()), float(every.max()), tuple(map(float, bounds))),
    )


def _evenly(column: Column, most: int) -> Column:
    """Returns at most about so many rows, evenly spread over all."""
    return replace(column, values=column.values[:: step_over(len(column.values), most)])


def _as_numbers(values: Array) -> Array:
    dates = values.dtype.kind == "M"
    return (values.astype("datetime64[us]").astype(np.int64) if dates else values).astype(float)


def summaries_text(columns: Sequence[ColumnSummary]) -> str:
    """Returns the content of `columns.json`."""
    return json.dumps(asdict(_File(tuple(columns))), indent=2, ensure_ascii=False) + "\n"


def read_summaries(
    run: RunDirectory, kinds: Mapping[str, ColumnKind]
) -> tuple[ColumnSummary, ...] | None:
    """Reads `columns.json`; None if there is none.

    Raises:
        RunError: The file is damaged, or of other columns than those that were fitted.
    """
    if not run.columns.exists():
        return None
    columns = read_json(run.columns, _File).columns
    if any(kinds.get(column.name) != column.kind for column in columns):
        raise damaged(run.columns, "it must be of the columns in preprocess.json")
    return columns


class _Side:
    """The values beyond one end of the range of a column, and the furthest one."""

    def __init__(self, column: ColumnSummary, end: float, sign: int) -> None:
        self._column, self._end, self._sign = column, end, sign
        self._rows, self._furthest, self._place = 0, end, ""

    def add(self, table: RawTable, values: Array) -> None:
        beyond = self._sign * (values - self._end)
        with np.errstate(invalid="ignore"):
            rows = int((beyond > 0).sum())
        if rows:
            self._rows += rows
            row = int(np.nanargmax(beyond))
            if self._sign * (values[row] - self._furthest) > 0:
                self._furthest, self._place = float(values[row]), table.row_place(row)

    def finding(self, rows: int, chance: float) -> str | None:
        """Words what is beyond, where that is more than chance, or far.

        Of new rows like the old ones, k are beyond the end of all old ones where the k outmost of
        both are new: E. J. Gumbel, H. von Schelling, "The distribution of the number of
        exceedances", Annals of Mathematical Statistics 21 (1950).
        """
        k, column = self._rows, self._column
        if not k:
            return None
        old = sum(column.counts)
        by_chance = math.exp(_log_choices(rows, k) - _log_choices(old + rows, k))
        if by_chance >= chance and not self._is_far():
            return None
        beyond, end = _ENDS[column.kind, self._sign]
        rows_are = "1 row is" if k == 1 else f"{k:,} rows are"
        return (
            f"{self._place}: column {column.name!r}: {rows_are} {beyond} "
            f"{column.shown(self._end)}, the {end} of the training part, such as "
            f"{column.shown(self._furthest)}"
        )

    def _is_far(self) -> bool:
        bounds = self._column.bounds
        # Of deciles that are not all different, the middle one is near the median.
        middle, outer = bounds[len(bounds) // 2], bounds[-1 if self._sign > 0 else 0]
        reach, most = abs(self._end - middle), abs(outer - middle)
        times = max(_FAR, reach / most) if most else _FAR_FROM_MANY
        return 0 < times * reach < abs(self._furthest - middle)


def _log_choices(rows: int, k: int) -> float:
    return math.lgamma(rows + 1) - math.lgamma(k + 1) - math.lgamma(rows - k + 1)


class Drift:
    """Compares rows that come in blocks with those of the training part.

    Args:
        columns: The columns of the training part.
        heed: What is done about rows that are unlike them.
    """

    def __init__(self, columns: Sequence[ColumnSummary], heed: Heed) -> None:
        self._columns, self._heed, self._rows = columns, heed, 0
        self._counts = {
            column.name: np.zeros(len(column.counts) + 1, np.int64) for column in columns
        }
        self._sides = {
            column.name: [_Side(column, column.low, -1), _Side(column, column.high, 1)]
            for column in columns
            if column.low is not None and column.high is not None
        }

    def add(self, table: RawTable) -> None:
        """Counts the rows of a block."""
        self._rows += len(table)
        for column in self._columns if self._heed != "ignore" else ():
            values = _measured(table.columns[column.name])
            self._counts[column.name] += column.binned(values)
            for side in self._sides.get(column.name, ()):
                side.add(table, _of_rows(values))

    def tell(self, title: str, others: Sequence[str], reporter: Reporter) -> None:
        """Warns of what was found, or refuses it.

        Args:
            title: The rows, for messages.
            others: What else is unlike the training part, in words.
            reporter: Is told what happens.

        Raises:
            DataError: Something was found, and that is to be an error.
        """
        if self._heed == "ignore":
            return
        found = [*others, *self._findings(title)]
        told = found[:_MOST_TOLD]
        if len(found) > len(told):
            told.append(f"{title}: {plural(len(found) - len(told), 'more finding')} of this kind")
        if self._heed == "warn":
            for message in told:
                reporter.warn(message)
        elif told:
            hint = "train again with rows like these, or predict anyway: --drift warn"
            raise DataError.of(
                Problem(message, hint=hint if message is told[-1] else None) for message in told
            )

    def _findings(self, title: str) -> Iterator[str]:
        chance = _CHANCE / max(1, len(self._columns))
        for column in self._columns:
            counts = self._counts[column.name]
            for side in self._sides.get(column.name, ()):
                if message := side.finding(self._rows, chance / 2):
                    yield message
            if message := _shift(column, counts, chance):
                yield f"{title}: {message}"


def _of_rows(column: Column) -> Array:
    """Returns numbers, NaN where a value is missing."""
    if column.kind == "date":
        return np.where(column.missing(), np.nan, _as_numbers(column.values))
    return column.values


def _shift(column: ColumnSummary, counts: Array, chance: float) -> str | None:
    """Words how a column has shifted as a whole, where that is large and more than chance.

    The population stability index is the sum over bins of (q - p) log(q / p). Without a shift it is
    (1/n + 1/m) times a value of chi square, of one degree of freedom less than there are bins:
    B. Yurdakul, "Statistical properties of population stability index" (2018).
    """
    before = np.array([*column.counts, column.missing], float)
    n, m = before.sum(), counts.sum()
    rare = np.flatnonzero(before[: len(column.categories)] * m < _FEWEST * n)
    if len(rare):
        counts = counts.copy()
        for bins in (before, counts):
            bins[len(column.categories)] += bins[rare].sum()
            bins[rare] = 0
    used = (before + counts) > 0
    free = int(used.sum()) - 1
    if free < 1 or not n or not m:
        return None
    # Half a row more in each bin, and in the new rows as many like those of before: so an empty
    # bin has a finite logarithm, and few rows look like those of before.
    p = (before[used] + 0.5) / (n + 0.5 * (free + 1))
    prior = 0.5 * (free + 1)
    q = (counts[used] + prior * p) / (m + prior)
    index = float(((q - p) * np.log(q / p)).sum())
    if index < _LARGE or index < _chi_square(1 - chance, free) * (1 / n + 1 / m):
        return None
    place = int(np.flatnonzero(used)[np.argmax(q - p)])
    return (
        f"column {column.name!r} has shifted: {percent(counts[place] / m)} of the rows "
        f"{column.words(place)}, {percent(before[place] / n)} in the training part (population "
        f"stability index {number(index, 3)}; {_LARGE} is large)"
    )


def _chi_square(probability: float, free: int) -> float:
    """Returns a quantile of chi square.

    E. B. Wilson, M. M. Hilferty, "The distribution of chi-square", PNAS 17 (1931): in the tail up
    to a tenth too large, which is the safe side, and without loading SciPy.
    """
    width = 2 / (9 * free)
    cube: float = (1 - width + NormalDist().inv_cdf(probability) * math.sqrt(width)) ** 3
    return free * cube
