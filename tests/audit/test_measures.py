"""The measures, held against those of scikit-learn and pandas."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import r2_score

from dl.audit.measures import codes_of, matrix_of, out_of_fold, shuffled, told
from dl.data.types import Array, Column

CHANCE = np.random.default_rng(5)


def numbers(values: Array) -> Column:
    return Column("numeric", np.asarray(values, np.float64))


def test_codes_are_ranges_of_equally_many_rows_and_0_is_missing() -> None:
    values = CHANCE.normal(size=6400)
    values[:64] = np.nan
    codes, size = codes_of(numbers(values))
    assert (codes == 0).sum() == 64
    assert size == 65
    assert pd.Series(codes[codes > 0]).value_counts().between(98, 100).all()
    few, size = codes_of(numbers(np.array([3.0, 1.0, 3.0, np.nan])))
    assert (few.tolist(), size) == ([2, 1, 2, 0], 3)
    texts, size = codes_of(Column("categorical", np.array([1, -1, 0], np.int32), ("a", "b")))
    assert (texts.tolist(), size) == ([2, 0, 1], 3)


def test_a_row_is_told_by_other_rows_only() -> None:
    codes, wanted = CHANCE.integers(0, 4, 300), CHANCE.normal(size=300)
    said, fold = out_of_fold(codes, 4, wanted), shuffled(300) % 5
    for row in (0, 17, 299):
        others = (codes == codes[row]) & (fold != fold[row])
        expected = (wanted[others].sum() + wanted.mean()) / (others.sum() + 1)
        assert said[row] == pytest.approx(expected)


def test_a_column_that_says_nothing_tells_nothing() -> None:
    target = numbers(CHANCE.normal(size=2000))
    noise = Column("categorical", CHANCE.integers(0, 900, 2000).astype(np.int32), ("x",) * 900)
    assert told(noise, target, False) < 0.02
    classes = numbers(CHANCE.integers(0, 3, 2000))
    assert told(noise, classes, True) == pytest.approx(0.5, abs=0.05)


def test_a_column_that_says_all_tells_all() -> None:
    values = CHANCE.normal(size=2000)
    assert told(numbers(values), numbers(values**3), False) > 0.99
    assert told(numbers(values), numbers(np.abs(values) > 1), True) > 0.98
    noisy = values + CHANCE.normal(size=2000)
    best = r2_score(noisy, values)
    assert told(numbers(values), numbers(noisy), False) == pytest.approx(best, abs=0.03)


def test_nothing_can_be_told_of_a_target_that_is_constant() -> None:
    assert np.isnan(told(numbers(np.arange(50)), numbers(np.ones(50)), False))
    assert np.isnan(told(numbers(np.arange(50)), numbers(np.ones(50)), True))


def test_a_missing_value_lies_below_all_others_in_a_matrix() -> None:
    dates = Column("date", np.array(["2020-01-01", "NaT"], "datetime64[us]"))
    matrix = matrix_of({"a": numbers(np.array([2.0, np.nan])), "d": dates}, np.arange(2))
    assert matrix[1, 0] == 1
    assert matrix[1, 1] < matrix[0, 1]
