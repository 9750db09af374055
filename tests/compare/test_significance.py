"""Verdicts on differences, against SciPy's and hand-made figures."""

from __future__ import annotations

import numpy as np
import pytest

from dl.compare.significance import Scores, scores_of, verdict
from dl.data.targets.answers import Answers


def accuracy(*right: int) -> Scores:
    return Scores("accuracy", np.repeat([1.0, 0.0], right))


def test_mcnemar_counts_the_rows_that_only_one_got_right() -> None:
    first = Scores("accuracy", np.array([1.0] * 50 + [0.0] * 12))
    other = Scores("accuracy", np.array([1.0] * 48 + [0.0] * 2 + [1.0] * 10 + [0.0] * 2))
    found = verdict("b/0001", first, other, 1)
    # Exact test: 10 gained, 2 lost; two tails of Binomial(12, 1/2) at 2 or fewer: 2 * 79 / 4096.
    assert found.p == pytest.approx(2 * 79 / 4096)
    assert found.difference == pytest.approx(8 / 62)
    assert found.real


def test_the_level_is_divided_by_the_number_of_comparisons() -> None:
    first = Scores("accuracy", np.array([1.0] * 50 + [0.0] * 12))
    other = Scores("accuracy", np.array([1.0] * 48 + [0.0] * 2 + [1.0] * 10 + [0.0] * 2))
    found = verdict("b/0001", first, other, 2)
    assert found.p == pytest.approx(4 * 79 / 4096)
    assert found.level == 0.975
    assert not found.real


def test_equal_answers_are_not_distinguishable() -> None:
    found = verdict("b/0001", accuracy(5, 1), accuracy(5, 1), 1)
    assert (found.difference, found.low, found.high, found.p, found.real) == (0, 0, 0, 1, False)


def test_a_constant_difference_of_errors_is_real() -> None:
    errors = np.linspace(1, 2, 20)
    found = verdict(
        "b/0001",
        Scores("mean absolute error", errors),
        Scores("mean absolute error", errors - 0.5),
        1,
    )
    assert found.real
    assert (found.low, found.high, found.p) == (pytest.approx(-0.5), pytest.approx(-0.5), None)


def test_errors_around_the_same_mean_are_not_distinguishable() -> None:
    source = np.random.default_rng(0)
    first, other = source.normal(5, 1, (2, 400))
    found = verdict(
        "b/0001", Scores("mean absolute error", first), Scores("mean absolute error", other), 1
    )
    assert not found.real
    assert found.low < found.difference < found.high


def test_scores_of_labels_want_all_of_them_right() -> None:
    said = Answers(np.array([[1, 0], [1, 1]]), np.array([[1, 0], [1, 0]]), None)
    scores = scores_of(said, "multilabel")
    assert scores is not None
    assert scores.values.tolist() == [1.0, 0.0]


def test_scores_of_numbers_are_absolute_errors() -> None:
    said = Answers(np.array([[1.0], [2.0]]), np.array([[1.5], [0.0]]), None)
    scores = scores_of(said, "regression")
    assert scores is not None
    assert scores.values.tolist() == [0.5, 2.0]


def test_outputs_that_name_no_class_have_no_scores() -> None:
    assert scores_of(Answers(np.zeros(2), None, None), "multiclass") is None
