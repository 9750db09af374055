"""Verdicts on differences between runs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binomtest

from dl.data.predictions import Answers
from dl.report.compare import Comparison, MetricRow, Scores, Verdict, judge, scores_of


def scores(values: object, measure: str = "accuracy") -> Scores:
    numbers = np.asarray(values, np.float64)
    return Scores(measure, numbers, np.zeros(len(numbers)))


FIRST = scores([1] * 50 + [0] * 12)
GAINED = scores([1] * 48 + [0] * 2 + [1] * 10 + [0] * 2)
"""Right in ten rows that the first was wrong in, wrong in two that it was right in."""
P = 2 * 79 / 4096


def test_right_answers_are_compared_by_mcnemars_test() -> None:
    [found] = judge(FIRST, {"b/0001": GAINED})
    assert found.p == pytest.approx(P)
    assert found.difference == pytest.approx(8 / 62)
    assert found.level == 0.95
    assert found.low < 8 / 62 < found.high
    assert found.real


def test_two_equal_differences_are_corrected_for_their_number() -> None:
    found = judge(FIRST, {"b/0001": GAINED, "c/0001": GAINED})
    assert [verdict.p for verdict in found] == pytest.approx([2 * P, 2 * P])
    assert [verdict.level for verdict in found] == [0.975, 0.975]  # it ends at its first step
    assert not any(verdict.real for verdict in found)


def test_an_interval_leaves_0_out_exactly_where_the_difference_is_real() -> None:
    random = np.random.default_rng(3)
    seen = set()
    for _ in range(60):
        rows, runs = int(random.integers(15, 80)), int(random.integers(1, 5))
        first = random.random(rows) < 0.6
        others = [first ^ (random.random(rows) < share) for share in random.random(runs) / 2]
        others = [other | (random.random(rows) < 0.3) for other in others]
        raw = []
        for other in others:
            changed = int((other != first).sum())
            gained = int((other & ~first).sum())
            raw.append(binomtest(gained, changed).pvalue if changed else 1.0)
        rejected, order = set(), np.argsort(raw, kind="stable")
        for step, place in enumerate(order):
            if raw[place] * (runs - step) >= 0.05:
                break
            rejected.add(int(place))
        found = judge(scores(first), {str(n): scores(other) for n, other in enumerate(others)})
        assert {place for place, verdict in enumerate(found) if verdict.real} == rejected
        for verdict in found:
            assert (verdict.low > 0 or verdict.high < 0) == verdict.real
            assert verdict.low <= verdict.difference <= verdict.high
        seen |= {verdict.real for verdict in found}
    assert seen == {True, False}


def test_an_interval_of_errors_leaves_0_out_exactly_where_the_difference_is_real() -> None:
    random = np.random.default_rng(4)
    first = scores(random.normal(5, 1, 60), "mean absolute error")
    shifts = np.linspace(0, 0.6, 7)
    others = {
        str(n): scores(first.values + random.normal(by, 1, 60)) for n, by in enumerate(shifts)
    }
    found = judge(first, others)
    assert {verdict.real for verdict in found} == {True, False}
    assert all((v.low > 0 or v.high < 0) == v.real for v in found)


def test_the_same_answers_are_told_as_such() -> None:
    said = np.array([0, 1, 1])
    first = Scores("accuracy", np.array([1.0, 0.0, 1.0]), np.zeros(3), said=said)
    [same, other] = judge(first, {"b": first, "c": replace(first, said=np.array([0, 2, 1]))})
    assert (same.judgement, same.numbers) == ("the same answers on every row", "")
    assert other.judgement == "not distinguishable"


def test_a_clear_difference_leaves_the_level_to_the_next_one() -> None:
    clear = scores([1] * 50 + [0] * 12), scores([0] * 62)
    found = judge(FIRST, {"b/0001": GAINED, "c/0001": clear[1]})
    assert [verdict.real for verdict in found] == [True, True]
    assert found[0].p == pytest.approx(P)


def test_equal_answers_are_not_distinguishable() -> None:
    [found] = judge(FIRST, {"b/0001": FIRST})
    assert (found.difference, found.low, found.high, found.p, found.real) == (0, 0, 0, 1, False)


def test_a_constant_difference_of_errors_is_real() -> None:
    errors = np.linspace(1, 2, 20)
    first, other = scores(errors, "mean absolute error"), scores(errors - 0.5)
    [found] = judge(first, {"b/0001": other})
    assert found.real
    assert (found.low, found.high, found.p) == (pytest.approx(-0.5), pytest.approx(-0.5), 0)


def test_errors_around_the_same_mean_are_not_distinguishable() -> None:
    first, other = np.random.default_rng(0).normal(5, 1, (2, 400))
    [found] = judge(scores(first, "mean absolute error"), {"b/0001": scores(other)})
    assert not found.real
    assert found.low < found.difference < found.high


@pytest.mark.parametrize(
    ("measure", "difference", "word"),
    [
        ("accuracy", 0.1, "better"),
        ("fraction of places right", 0.1, "better"),
        ("mean absolute error", 0.1, "worse"),
        ("mean absolute error", -0.1, "better"),
    ],
)
def test_more_of_a_measure_is_better_but_of_errors(
    measure: str, difference: float, word: str
) -> None:
    verdict = Verdict("b/1", measure, 9, difference, 0, 1, 0.95, 0.01, True)
    assert verdict.judgement == word
    assert verdict.numbers.startswith(f"{measure} ")


def test_the_numbers_have_the_interval_and_the_p_value() -> None:
    verdict = Verdict("b/1", "accuracy", 9, -0.475, -0.625, 0.0, 0.975, 3.81e-6, False)
    assert verdict.judgement == "not distinguishable"
    assert verdict.numbers == ("accuracy -0.475 (97.5% interval -0.625 to 0), McNemar's p 3.8e-06")


def test_scores_of_labels_want_all_of_them_right() -> None:
    found = scores_of(
        Answers(np.array([[1, 0], [1, 1]]), np.array([[1, 0], [1, 0]]), None), "multilabel"
    )
    assert found is not None
    assert found.values.tolist() == [1.0, 0.0]


def test_scores_of_numbers_are_absolute_errors() -> None:
    said = Answers(np.array([[1.0], [2.0]]), np.array([[1.5], [0.0]]), None)
    found = scores_of(said, "regression")
    assert found is not None
    assert found.values.tolist() == [0.5, 2.0]


def test_scores_of_rows_of_places_are_shares_of_them() -> None:
    said = Answers(np.array([0, 1, 1, 1]), np.array([0, 0, 1, 1]), None, places=2)
    found = scores_of(said, "multiclass")
    assert found is not None
    assert (found.measure, found.values.tolist()) == ("fraction of places right", [0.5, 1.0])


def test_outputs_that_name_no_class_have_no_scores() -> None:
    assert scores_of(Answers(np.zeros(2), None, None), "multiclass") is None


def test_a_metric_has_its_difference_to_the_first_run_beside_it() -> None:
    row = MetricRow("test", "loss", (0.5, 0.25, None))
    assert row.cells == ["test loss", "0.5000", "0.2500 (-0.2500)", "-"]


def test_settings_that_only_some_runs_have_are_folded() -> None:
    columns = {f"data.columns.pixel_{place}": ("numeric", None) for place in range(64)}
    callback = {
        "training.callbacks": (None, []),
        "training.callbacks.0.type": ("EarlyStopping", None),
        "training.callbacks.0.monitor": ("val_loss", None),
        "training.callbacks.0.patience": (15, None),
    }
    settings = {
        "seed": (1, 2),
        **columns,
        "data.columns.day": (None, "numeric"),
        "training.batch_size": (32, 32),
        **callback,
    }
    compared = Comparison(
        runs=("a", "b"),
        settings=settings,
        chosen=frozenset(settings) - {"training.callbacks.0.monitor"},
        metrics=(),
        seconds=(1.0, 1.0),
        epochs=(1, 1),
        verdicts=(),
        not_compared={},
        histories=([], []),
        baselines={},
    )
    assert compared.folded_settings() == {
        "seed": (1, 2),
        "data.columns": ("64 settings", "day numeric"),
        "training.callbacks.0": ("EarlyStopping, patience 15", None),
    }


def test_settings_that_follow_from_others_are_left_out() -> None:
    settings = {
        "data.dataset": ("iris", "digits"),
        "data.features": (["a"], ["b"]),
        "data.columns.a": ("numeric", None),
        "model.input_shape": ([4], [64]),
        "training.loss.type": ("MeanSquaredError", "Huber"),
        "training.loss.name": ("mean_squared_error", "huber"),
        "training.loss.delta": (None, 1.0),
        "training.optimizer.momentum": (None, 0.9),
        "training.optimizer.learning_rate": (0.001, 0.01),
    }
    one = Comparison(
        ("a", "b"),
        settings,
        frozenset({"training.optimizer.momentum"}),
        (),
        (1.0, 1.0),
        (1, 1),
        (),
        {},
        ([], []),
        {},
    )
    assert list(one.folded_settings()) == [
        "data.dataset",
        "training.loss.type",
        "training.optimizer.momentum",
        "training.optimizer.learning_rate",
    ]
    assert one.shown_settings() == settings
