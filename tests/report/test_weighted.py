"""What is shown of rows that count differently, and how their runs are compared."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn import metrics as sk

from dl.data.predictions import Answers
from dl.report.compare import Scores, judge, scores_of
from dl.report.evaluation import class_charts, confusion_of, label_confusion, residuals_of
from support.pictures import classified, multilabelled, regressed

RANDOM = np.random.default_rng(0)


def test_the_confusion_counts_weights() -> None:
    run = classified(3, 200)
    weights = RANDOM.integers(0, 30, 200) / 10
    found = confusion_of(replace(run, weights=weights))
    assert found is not None
    right = sk.confusion_matrix(run.true, run.predicted, sample_weight=weights)
    np.testing.assert_allclose(found.counts, right)
    assert found.accuracy == pytest.approx(
        sk.accuracy_score(run.true, run.predicted, sample_weight=weights)
    )
    recall = sk.recall_score(run.true, run.predicted, average=None, sample_weight=weights)
    assert found.recall == pytest.approx(recall.tolist())


def test_weights_of_one_show_what_is_shown_without() -> None:
    for run in (classified(2), classified(4), multilabelled()):
        plain, weighted = run, replace(run, weights=np.ones(len(run.true)))
        assert str(class_charts(plain)) == str(class_charts(weighted))
    run = multilabelled()
    one, other = label_confusion(run), label_confusion(replace(run, weights=np.ones(len(run.true))))
    assert one is not None
    assert other is not None
    np.testing.assert_array_equal(one.counts, other.counts)


def test_the_area_under_the_curve_is_weighted() -> None:
    run = classified(2, 100)
    assert run.probabilities is not None
    weights = RANDOM.random(100)
    area = sk.roc_auc_score(run.true, run.probabilities[:, 1], sample_weight=weights)
    assert f"area {area:.3f}" in class_charts(replace(run, weights=weights))[0].lines[0].label


def test_errors_are_means_by_weight() -> None:
    run = regressed()
    weights = RANDOM.random(len(run.true))
    (found, *_) = residuals_of(replace(run, weights=weights))
    rows = {"y_true": found.true, "y_pred": found.predicted, "sample_weight": weights}
    figures = found.figures
    assert float(figures["mean absolute error"]) == pytest.approx(
        sk.mean_absolute_error(**rows), rel=1e-3
    )
    assert float(figures["R²"]) == pytest.approx(sk.r2_score(**rows), rel=1e-3)
    assert run.about in replace(run, weights=weights).about
    assert replace(run, weights=weights).about.endswith(", weighted")


def test_runs_are_compared_by_their_weighted_measure() -> None:
    true = RANDOM.integers(0, 2, 300)
    weights = RANDOM.random(300) * 3
    said = [np.where(RANDOM.random(300) < right, true, 1 - true) for right in (0.6, 0.9)]
    first, other = (
        scores_of(Answers(true, each, None, weights=weights), "binary") for each in said
    )
    assert first is not None
    assert other is not None
    [verdict] = judge(first, {"b/0001": other})
    wanted = [sk.accuracy_score(true, each, sample_weight=weights) for each in said]
    assert verdict.difference == pytest.approx(wanted[1] - wanted[0])
    assert verdict.low < verdict.difference < verdict.high
    assert verdict.real
    assert verdict.judgement == "better"
    assert verdict.numbers.startswith("weighted accuracy +")
    assert "McNemar" not in verdict.numbers


def test_the_interval_is_that_of_the_ratio_over_samples_of_rows() -> None:
    values, weights = RANDOM.normal(0.2, 1, 400), RANDOM.exponential(size=400)
    first = Scores("accuracy", np.zeros(400), np.zeros(400), weights=weights)
    [verdict] = judge(first, {"b/0001": replace(first, values=values)})
    draws = RANDOM.integers(0, 400, (4000, 400))
    ratios = (values * weights)[draws].sum(axis=1) / weights[draws].sum(axis=1)
    low, high = np.quantile(ratios, [0.025, 0.975])
    assert (verdict.low, verdict.high) == pytest.approx((low, high), abs=0.02)
