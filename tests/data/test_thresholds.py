"""ROC, precision and recall, held against those of scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as sk

from dl.data.thresholds import precision_recall, roc
from dl.data.types import Array

CHANCE = np.random.default_rng(5)
TRUTH = CHANCE.random(400) < 0.3
FEW_SCORES = CHANCE.integers(0, 12, 400) / 12  # many are equal
WEIGHTS = np.where(CHANCE.random(400) < 0.1, 0.0, CHANCE.random(400))


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["alike", "weighted"])
@pytest.mark.parametrize("scores", [FEW_SCORES, CHANCE.random(400)], ids=["equal", "different"])
def test_curves_and_areas_are_those_of_scikit_learn(scores: Array, weights: Array | None) -> None:
    rows = {"y_true": TRUTH, "y_score": scores, "sample_weight": weights}

    x, y, area = roc(TRUTH, scores, weights)
    false_rate, true_rate, _ = sk.roc_curve(**rows)
    np.testing.assert_allclose((x, y), (false_rate, true_rate), atol=1e-12)
    assert area == pytest.approx(sk.roc_auc_score(**rows))

    recall, precision, average = precision_recall(TRUTH, scores, weights)
    wanted_precision, wanted_recall, _ = sk.precision_recall_curve(**rows)
    np.testing.assert_allclose((recall, precision), (wanted_recall[::-1], wanted_precision[::-1]))
    assert average == pytest.approx(sk.average_precision_score(**rows))


def test_rows_of_one_kind_have_no_area() -> None:
    assert np.isnan(roc(np.ones(5, np.bool_), np.arange(5.0))[2])
