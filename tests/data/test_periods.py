"""Parts in the order of time: what is promised of any times, and scikit-learn beside it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import TimeSeriesSplit

from dl.config.data import Split
from dl.data.periods import Periods, gap_of, periods, time_text
from dl.data.types import Column
from dl.errors import DataError
from support.tables import told


def in_time(values: Sequence[float], gap: float = 0, **keys: object) -> Periods:
    times, counts = np.unique(values, return_counts=True)
    split = Split(by="t", order="time", gap=gap or None, **keys)  # type: ignore[arg-type]
    return periods(times, counts, split, gap, "rows")


@settings(deadline=None)
@given(
    values=st.lists(st.integers(0, 60), min_size=5, max_size=80),
    validation=st.sampled_from([0.0, 0.1, 0.3]),
    test=st.sampled_from([0.0, 0.2, 0.5]),
    gap=st.integers(0, 5),
    folds=st.sampled_from([None, 2, 4]),
)
def test_no_time_of_a_part_comes_before_that_of_an_earlier_one(
    values: list[int], validation: float, test: float, gap: int, folds: int | None
) -> None:
    times = np.unique(values)
    try:
        found = in_time(values, gap, validation=validation, test=test, folds=folds)
    except DataError:
        return
    parts = [times[begin:end] for begin, end in found if end > begin]
    assert len(parts) == 1 + bool(validation or folds) + bool(test)
    for earlier, later in pairwise(parts):
        assert later[0] - earlier[-1] >= max(gap, 1)


@settings(deadline=None)
@given(
    values=st.lists(st.integers(0, 60), min_size=5, max_size=80),
    test=st.floats(0.05, 0.6),
)
def test_the_test_part_is_as_large_as_whole_times_allow(values: list[int], test: float) -> None:
    times, counts = np.unique(values, return_counts=True)
    if len(times) < 2:
        return
    begin, end = in_time(values, validation=0.0, test=test).test
    possible = [counts[place:].sum() for place in range(1, len(times))]
    wanted = test * len(values)
    assert end == len(times)
    assert abs(counts[begin:].sum() - wanted) == min(abs(size - wanted) for size in possible)


@pytest.mark.parametrize("gap", [0, 1, 3])
def test_forward_folds_are_those_of_scikit_learn(gap: int) -> None:
    """A gap of 3 between times 1 apart leaves out 2 rows."""
    rows = np.arange(53)
    theirs = TimeSeriesSplit(n_splits=5, gap=max(gap - 1, 0)).split(rows)
    for fold, (train, validation) in enumerate(theirs, start=1):
        found = in_time(rows.tolist(), gap, test=0.0, folds=5, fold=fold)
        assert np.arange(*found.train).tolist() == train.tolist()
        assert np.arange(*found.validation).tolist() == validation.tolist()


def test_every_fold_leaves_the_same_rows_for_the_test() -> None:
    rows = list(range(50))
    folds = [in_time(rows, 2, test=0.2, folds=4, fold=fold).test for fold in range(1, 5)]
    assert {*folds, in_time(rows, 2, test=0.2).test} == {(40, 50)}


def test_too_few_times() -> None:
    assert told(lambda: in_time([1, 1, 2, 2])) == (
        "rows: column 't' has 2 different times\n"
        "expected: at least 3, one for each part\n"
        "hint: make the parts or folds fewer, or name another column in `data.split.by`"
    )


def test_a_gap_that_takes_all_rows() -> None:
    assert told(lambda: in_time([1, 2, 3, 4, 5], 9.0)) == (
        "rows: the gap of 9 leaves no rows for the train part\n"
        "expected: times in column 't' that are far enough apart\n"
        "hint: make `data.split.gap`, `folds`, `validation` or `test` smaller"
    )


def test_folds_of_times_with_very_many_rows() -> None:
    text = told(lambda: in_time([1] * 90 + [2, 3, 4, 5], folds=4, test=0.0))
    assert text == (
        "rows: the times leave no rows for the train part in fold 1\n"
        "expected: times in column 't' that are far enough apart\n"
        "hint: make `data.split.gap`, `folds`, `validation` or `test` smaller"
    )


DATES = Column("date", np.array(["2024-01-01"], "datetime64[us]"))
NUMBERS = Column("numeric", np.array([1.0]))


@pytest.mark.parametrize(
    ("gap", "seconds"), [("7d", 604_800), ("1.5h", 5_400), ("2w", 1_209_600), ("30m", 1_800)]
)
def test_a_gap_between_dates_has_a_unit(gap: str, seconds: int) -> None:
    found = gap_of(Split(by="t", order="time", gap=gap), DATES, "rows")
    assert found == np.timedelta64(seconds, "s")


@pytest.mark.parametrize(
    ("gap", "column", "text"),
    [
        (
            7.0,
            DATES,
            "rows: column 't' holds dates, but `data.split.gap` is 7\n"
            "expected: a time with its unit, such as 7d or 12h\n"
            "hint: write `gap: 7d`",
        ),
        (
            "7d",
            NUMBERS,
            "rows: column 't' holds numbers, but `data.split.gap` is 7d\n"
            "expected: a number\n"
            "hint: write `gap: 7`",
        ),
    ],
)
def test_a_gap_in_the_wrong_unit(gap: str | float, column: Column, text: str) -> None:
    assert told(lambda: gap_of(Split(by="t", order="time", gap=gap), column, "rows")) == text


def test_times_are_written_without_what_is_nothing() -> None:
    dates = np.array(["2024-01-02", "2024-01-02T03:04:05"], "datetime64[us]")
    assert [time_text(date) for date in dates] == ["2024-01-02", "2024-01-02T03:04:05"]
    assert time_text(np.float64(2019.0)) == "2019"
