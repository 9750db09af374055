"""Rows to predict beside those of the training part."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from sklearn import datasets

from dl.data import drift
from dl.data.drift import ColumnSummary, Drift, Heed
from dl.data.types import Column, RawTable
from dl.errors import DataError
from dl.progress import SilentReporter
from dl.rundir.typed import MisfitError, read_as

RANDOM = np.random.default_rng(3)
DAY = np.timedelta64(1, "D")


class Warnings(SilentReporter):
    """Keeps what it is warned of."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def warn(self, message: str) -> None:
        self.told.append(message)


def table(**columns: Any) -> RawTable:
    """Returns a table of numbers, dates and texts; None is missing."""
    made = {}
    for name, values in columns.items():
        series = pd.Series(values)
        if series.dtype.kind in "iuf":
            made[name] = Column("numeric", series.to_numpy(float))
        elif series.dtype.kind == "M":
            made[name] = Column("date", series.to_numpy("datetime64[us]"))
        else:
            texts = series.astype("category")
            categories = tuple(map(str, texts.cat.categories))
            made[name] = Column("categorical", texts.cat.codes.to_numpy(np.int32), categories)
    rows = np.arange(len(series), dtype=np.int64)
    return RawTable(made, {}, rows, "new.csv", lambda row: f"new.csv:{row + 2}")


def found(before: RawTable, *blocks: RawTable, heed: Heed = "warn") -> list[str]:
    """Returns what is told of rows, given in blocks."""
    columns = [drift._summary(name, column) for name, column in before.columns.items()]
    reporter, comparing = Warnings(), Drift(columns, heed)
    for block in blocks:
        comparing.add(block)
    comparing.tell("new.csv", (), reporter)
    return reporter.told


@pytest.mark.parametrize("share", [0.5, 0.2, 0.02])
@pytest.mark.parametrize("name", ["iris", "wine", "breast_cancer", "diabetes", "digits"])
def test_nothing_is_told_of_rows_of_the_same_table(name: str, share: float) -> None:
    frame = getattr(datasets, f"load_{name}")(as_frame=True).frame
    for seed in range(10):
        mixed = frame.sample(frac=1, random_state=seed)
        cut = max(1, int(share * len(mixed)))
        assert found(table(**mixed[cut:]), table(**mixed[:cut])) == []


def test_nothing_is_told_of_skewed_rare_and_missing_values_by_chance() -> None:
    def rows(count: int) -> RawTable:
        words = np.array([f"w{i}" for i in range(400)])
        return table(
            pareto=RANDOM.pareto(2, count),
            rare=RANDOM.binomial(1, 0.003, count),
            gaps=np.where(RANDOM.random(count) < 0.2, np.nan, RANDOM.normal(size=count)),
            word=RANDOM.choice(words, count),
            zipf=RANDOM.zipf(1.5, count).clip(max=60).astype(str),
        )

    for count in (1, 5, 40, 300, 2000):
        for _ in range(10):
            assert found(rows(1500), rows(count)) == []


OLD = table(
    age=[*range(20, 70)] * 20,
    day=[np.datetime64("2020-01-01") + DAY * i for i in range(100)] * 10,
    colour=["red"] * 600 + ["blue"] * 390 + ["grey"] * 10,
)


def new(rows: int = 100, **changed: Sequence[object]) -> RawTable:
    """Returns rows that are spread like those of `OLD`, but for some columns."""
    evenly = np.linspace(0, len(OLD) - 1, rows).astype(int)
    colours = np.array(["red"] * 600 + ["blue"] * 390 + ["grey"] * 10)[evenly]
    days = [np.datetime64("2020-01-01") + DAY * int(i % 100) for i in evenly]
    return table(**{"age": 20 + evenly % 50, "day": days, "colour": colours, **changed})


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        (new(), []),
        (
            new(age=[412, *range(20, 69), *range(20, 70)]),
            ["new.csv:2: column 'age': 1 row is above 69, the largest value of the training part, "
             "such as 412"],
        ),
        (
            new(age=[-5, 3, 7.5, 0, 1, *range(20, 65), *range(20, 70)]),
            ["new.csv:2: column 'age': 5 rows are below 20, the least value of the training part, "
             "such as -5"],
        ),
        (
            new(age=[*range(45, 70)] * 4),
            ["new.csv: column 'age' has shifted: 20% of the rows are above 44, at most 49, 10% in "
             "the training part (population stability index 1.77; 0.25 is large)"],
        ),
        (
            new(age=[np.nan, 1] * 50),
            [
                "new.csv:3: column 'age': 50 rows are below 20, the least value of the training "
                "part, such as 1",
                "new.csv: column 'age' has shifted: 50% of the rows have no value, 0% in the "
                "training part (population stability index 6.36; 0.25 is large)",
            ],
        ),
        (
            new(day=[np.datetime64("2021-03-01T12:30")] * 100),
            [
                "new.csv:2: column 'day': 100 rows are after 2020-04-09, the last date of the "
                "training part, such as 2021-03-01T12:30:00",
                "new.csv: column 'day' has shifted: 100% of the rows are after 2020-03-30, 10% in "
                "the training part (population stability index 4.55; 0.25 is large)",
            ],
        ),
        (
            new(colour=["blue"] * 90 + ["mauve"] * 10),
            ["new.csv: column 'colour' has shifted: 90% of the rows have 'blue', 39% in the "
             "training part (population stability index 3.1; 0.25 is large)"],
        ),
    ],
)  # fmt: skip
def test_what_the_training_part_had_not_is_told(rows: RawTable, told: list[str]) -> None:
    assert found(OLD, rows) == told
    assert found(OLD, rows, heed="ignore") == []


def test_few_rows_tell_nothing_of_a_whole_column() -> None:
    assert found(OLD, new(3, age=[65, 66, 67])) == []


def test_blocks_are_judged_together() -> None:
    rows = new(age=[*range(45, 70)] * 4)
    parts = [rows.take(np.arange(begin, begin + 25)) for begin in range(0, 100, 25)]
    assert found(OLD, *parts) == found(OLD, rows)


def test_large_blocks_are_counted_by_a_sample_but_no_far_value_is_missed() -> None:
    ages = np.tile(np.arange(20, 70), 2000)
    ages[77_777] = 5000
    days = [np.datetime64("2020-01-01")] * len(ages)
    rows = table(age=ages, day=days, colour=["red"] * len(ages))
    assert [message.split(", the")[0] for message in found(OLD, rows)] == [
        "new.csv:77779: column 'age': 1 row is above 69",
        "new.csv: column 'day' has shifted: 100% of the rows are up to 2020-01-10, 10% in the "
        "training part (population stability index 8.67; 0.25 is large)",
        "new.csv: column 'colour' has shifted: 100% of the rows have 'red', 60% in the training "
        "part (population stability index 3.62; 0.25 is large)",
    ]


def test_an_error_has_all_findings_and_what_to_do() -> None:
    columns = [drift._summary(name, column) for name, column in OLD.columns.items()]
    comparing = Drift(columns, "error")
    comparing.add(new(age=[*range(45, 70)] * 4))
    with pytest.raises(DataError) as caught:
        comparing.tell("new.csv", ["a category"], Warnings())
    first, second = caught.value.problems
    assert (first.message, first.hint) == ("a category", None)
    assert second.message.startswith("new.csv: column 'age' has shifted")
    assert second.hint == "train again with rows like these, or predict anyway: --drift warn"


def test_many_findings_are_cut() -> None:
    columns = {f"x{i}": np.arange(100.0) for i in range(14)}
    told = found(table(**columns), table(**{name: [1e6] for name in columns}))
    assert len(told) == 11
    assert told[-1] == "new.csv: 4 more findings of this kind"


@pytest.mark.parametrize("free", [2, 5, 9, 20])
def test_the_quantile_is_that_of_scipy_or_a_little_above(free: int) -> None:
    for probability in (0.999, 0.9999, 0.999999):
        expected = scipy.stats.chi2.ppf(probability, free)
        assert 1 <= drift._chi_square(probability, free) / expected < 1.1


def test_the_chance_of_rows_beyond_the_range_is_that_of_drawing_them() -> None:
    # Of 50 old and 20 new rows, the 3 outmost are new.
    drawn = math.exp(drift._log_choices(20, 3) - drift._log_choices(70, 3))
    assert drawn == pytest.approx(math.comb(20, 3) / math.comb(70, 3))
    draws = np.argsort(RANDOM.random((100_000, 70)), axis=1)[:, :3]
    assert drawn == pytest.approx(np.mean((draws < 20).all(axis=1)), abs=0.002)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"counts": [1]}, "`counts` must be one more than bounds and categories"),
        ({"low": None}, "`low` must be numbers where there are no categories"),
        ({"bounds": [], "counts": [5]}, "`low` must be numbers where there are no categories"),
        ({"kind": "date", "high": 1e300}, "`low` must be microseconds since 1970"),
        ({"kind": "words"}, "`kind` must be numeric or categorical or date"),
        ({"missing": -1}, "`missing` must be a whole number from 0"),
    ],
)
def test_a_summary_that_says_nonsense_is_refused(changed: dict[str, Any], told: str) -> None:
    whole = {"name": "a", "kind": "numeric", "missing": 0, "counts": [5, 5], "bounds": [1.0]}
    whole |= {"low": 0.0, "high": 2.0}
    assert read_as(ColumnSummary, whole).counts == (5, 5)
    with pytest.raises(MisfitError, match=told):
        read_as(ColumnSummary, {**whole, **changed})


def test_a_run_without_summaries_has_none(tmp_path: Path) -> None:
    from dl.rundir.directory import RunDirectory

    assert drift.read_summaries(RunDirectory(tmp_path), {}) is None


def test_a_column_of_a_few_values_among_very_many_rows_has_a_summary() -> None:
    values = np.full(300_001, np.nan)
    values[[1, 5, 100]] = [1, 2, 3]
    found = drift._summary("a", Column("numeric", values))
    assert (found.low, found.high, sum(found.counts), found.missing) == (1, 3, 3, 299_998)
