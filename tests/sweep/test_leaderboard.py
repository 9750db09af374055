"""The test of differences, and its correction for many comparisons."""

from __future__ import annotations

import pytest
from scipy import stats

from dl.sweep.results.leaderboard import holm, paired_p_value, verdict


def test_without_overlap_it_is_the_paired_t_test() -> None:
    first, second = [0.91, 0.93, 0.94, 0.92], [0.90, 0.91, 0.94, 0.89]
    differences = [a - b for a, b in zip(first, second, strict=True)]
    assert paired_p_value(differences, 0) == pytest.approx(stats.ttest_rel(first, second).pvalue)


def test_an_overlap_makes_it_more_careful() -> None:
    differences = [0.01, 0.02, 0.015, 0.01]
    careful, plain = paired_p_value(differences, 0.25), paired_p_value(differences, 0)
    assert careful is not None
    assert plain is not None
    assert careful > plain


def test_equal_scores_differ_by_chance_only() -> None:
    assert paired_p_value([0.0, 0.0, 0.0], 0.1) == 1


def test_three_equal_differences_prove_no_more_than_their_signs() -> None:
    assert paired_p_value([0.1, 0.1, 0.1], 0.1) == 0.25


def test_one_pair_cannot_be_tested() -> None:
    assert paired_p_value([0.1], 0.1) is None


def test_holm_multiplies_by_the_comparisons_that_are_left() -> None:
    assert holm([0.04, 0.01, None, 0.03]) == pytest.approx([0.06, 0.03, None, 0.06])


@pytest.mark.parametrize(
    ("rank", "p_value", "words"),
    [
        (1, None, "best"),
        (2, 0.5, "not distinguishable"),
        (3, 0.01, "worse"),
        (2, None, "not tested: one training each"),
    ],
)
def test_verdicts_are_words(rank: int, p_value: float | None, words: str) -> None:
    assert verdict(rank, p_value) == words
