"""The tests of differences, against SciPy's and hand-made figures."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from dl.stats import binomial_tail, bootstrap, holm, mcnemar, resampled_t_test, wilson


def test_without_overlap_it_is_the_paired_t_test() -> None:
    first, second = [0.91, 0.93, 0.94, 0.92], [0.90, 0.91, 0.94, 0.89]
    differences = [a - b for a, b in zip(first, second, strict=True)]
    assert resampled_t_test(differences, 0) == pytest.approx(stats.ttest_rel(first, second).pvalue)


def test_an_overlap_makes_it_more_careful() -> None:
    differences = [0.01, 0.02, 0.015, 0.01]
    careful, plain = resampled_t_test(differences, 0.25), resampled_t_test(differences, 0)
    assert careful is not None
    assert plain is not None
    assert careful > plain


def test_equal_scores_differ_by_chance_only() -> None:
    assert resampled_t_test([0.0, 0.0, 0.0], 0.1) == 1


def test_three_equal_differences_prove_no_more_than_their_signs() -> None:
    assert resampled_t_test([0.1, 0.1, 0.1], 0.1) == 0.25


def test_one_pair_cannot_be_tested() -> None:
    assert resampled_t_test([0.1], 0.1) is None


def test_holm_multiplies_by_the_comparisons_that_are_left() -> None:
    assert holm([0.04, 0.01, None, 0.03]) == pytest.approx([0.06, 0.03, None, 0.06])


def test_mcnemar_is_the_exact_test_of_a_fair_coin() -> None:
    # Two tails of Binomial(12, 1/2) at 2 or fewer: 1 + 12 + 66 = 79 of 4096 on each side.
    assert mcnemar(10, 2) == pytest.approx(2 * 79 / 4096)
    assert mcnemar(0, 0) == 1


def test_the_bootstrap_agrees_with_its_own_interval() -> None:
    source = np.random.default_rng(1)
    for shift in (0.0, 0.1, 0.2, 0.5):
        found = bootstrap(source.normal(shift, 1, 300))
        low, high = found.interval(0.95)
        assert (found.p_value < 0.05) == (not low <= 0 <= high)


def test_the_bootstrap_is_near_the_t_test_for_many_rows() -> None:
    differences = np.random.default_rng(2).normal(0.12, 1, 400)
    expected = stats.ttest_1samp(differences, 0).pvalue
    assert bootstrap(differences).p_value == pytest.approx(expected, abs=0.01)


def test_the_bootstrap_draws_the_same_each_time() -> None:
    differences = np.random.default_rng(3).normal(0, 1, 50)
    assert bootstrap(differences).interval(0.9) == bootstrap(differences).interval(0.9)


def test_equal_differences_are_certain_and_none_is_no_difference() -> None:
    assert bootstrap(np.full(20, -0.5)).p_value == 0
    assert bootstrap(np.full(20, -0.5)).interval(0.95) == (-0.5, -0.5)
    assert bootstrap(np.zeros(20)).p_value == 1


def test_wilsons_interval_is_that_of_the_score_test() -> None:
    for right, rows in ((29, 30), (0, 8), (8, 8), (352, 359)):
        expected = stats.binomtest(right, rows).proportion_ci(0.95, method="wilson")
        assert wilson(right / rows, rows) == pytest.approx((expected.low, expected.high))


def test_the_binomial_tail_is_scipys() -> None:
    for times, of, share in [(1, 1, 0.5), (7, 16, 1 / 6), (5, 7, 1 / 90), (900, 1000, 0.8)]:
        expected = stats.binomtest(times, of, share, alternative="greater").pvalue
        assert binomial_tail(times, of, share) == pytest.approx(expected, rel=1e-9)
    assert binomial_tail(2, 8, 0.5) == 1
