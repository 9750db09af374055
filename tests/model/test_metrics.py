"""Metrics in the target's own unit, and the parameters of those of classes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.metrics import f1_score, precision_score, r2_score, recall_score

from dl.data.target import Target
from dl.data.types import Array
from dl.predict.evaluate import evaluate, predict
from dl.progress import SilentReporter
from support.training import built, config, dataset, inputs, number_target

X = inputs(200, 3)
TRUE = np.random.default_rng(2).integers(0, 2, 200)
ONE = {"type": "Dense", "units": 1}


def values(target: Target, y: Array, loss: Any, *metrics: Any, units: int = 1) -> Any:
    """Returns the metrics on rows, and the outputs for them, of a model with fixed weights."""
    chosen = config([{"type": "Dense", "units": units}], loss=loss, metrics=metrics)
    data = dataset(X, y, target)
    model = built(chosen, data)
    weights = np.random.default_rng(1).normal(size=(3, units))
    model.layers[-1].set_weights([weights, np.zeros(units)])
    found = evaluate(model, data.train, chosen)
    return list(found.values())[1:], predict(model, X, SilentReporter())


def binary(**changed: Any) -> Target:
    """Returns a target of two classes by the logits of one output."""
    of = {"activation": "sigmoid", "probabilities": True, **changed}
    return Target("binary", ("t",), "single", ("a", "b"), ("a", "b"), 1, **of)


LOGITS = {"type": "binary_crossentropy", "from_logits": True}
SINGLE = TRUE.reshape(-1, 1).astype(np.float32)


@pytest.mark.parametrize(
    ("center", "spread"), [(2000.0, 5.0), (1.7e9, 100.0), (1013.0, 5.0), (250_000.0, 900.0)]
)
def test_large_numbers_keep_their_digits_in_the_target_s_unit(center: float, spread: float) -> None:
    own = np.random.default_rng(3).normal(center, spread, (200, 1))
    y = ((own - center) / spread).astype(np.float32)
    target = number_target(scaling="standardize", center=(center,), spread=(spread,))

    found, outputs = values(target, y, "mse", "mae", "RootMeanSquaredError", "R2Score")

    said = outputs.astype(np.float64) * spread + center
    errors = said - own
    right = [np.abs(errors).mean(), np.sqrt((errors**2).mean()), r2_score(own, said)]
    assert found == pytest.approx(right, rel=1e-6)


def test_score_of_large_numbers_that_are_not_scaled_keeps_its_digits() -> None:
    y = np.random.default_rng(3).normal(2000, 5, (200, 1)).astype(np.float32)

    (score, correlation), outputs = values(
        number_target(), y, "mse", "R2Score", "PearsonCorrelation"
    )

    assert score == pytest.approx(r2_score(y, outputs), rel=1e-6)
    assert correlation == pytest.approx(np.corrcoef(y[:, 0], outputs[:, 0])[0, 1], rel=1e-6)


def test_constant_target_has_no_correlation_and_a_score_of_zero() -> None:
    y = np.full((200, 1), 7, np.float32)

    found, _ = values(number_target(), y, "mse", "R2Score", "PearsonCorrelation")

    assert found == [0, 0]


def test_score_of_several_numbers_can_be_weighted_and_adjusted() -> None:
    y = np.random.default_rng(3).normal(size=(200, 2)).astype(np.float32) * [1, 5]
    target = Target("regression", ("a", "b"), "numbers", units=2)
    weighted = {"type": "R2Score", "class_aggregation": "variance_weighted_average"}
    adjusted = {"type": "R2Score", "num_regressors": 3, "name": "adjusted"}

    found, outputs = values(target, y, "mse", weighted, adjusted, units=2)

    plain = r2_score(y, outputs)
    right = r2_score(y, outputs, multioutput="variance_weighted")
    assert found == pytest.approx([right, 1 - (1 - plain) * 199 / 196], rel=1e-6)


def test_class_id_of_one_output_is_the_class_of_that_number() -> None:
    metrics = [{"type": "Recall", "class_id": i, "name": f"r{i}"} for i in (0, 1)]

    found, outputs = values(binary(), SINGLE, LOGITS, *metrics)

    right = recall_score(TRUE, outputs[:, 0] >= 0, average=None)
    assert found == pytest.approx(right, rel=1e-6)


def test_threshold_of_a_metric_is_a_probability_also_under_logits() -> None:
    metrics = [
        {"type": "Precision", "thresholds": 0.7},
        {"type": "F1Score", "threshold": 0.7},
        {"type": "BinaryAccuracy", "threshold": 0.7},
    ]

    found, outputs = values(binary(), SINGLE, LOGITS, *metrics)

    said = 1 / (1 + np.exp(-outputs[:, 0])) >= 0.7
    right = [precision_score(TRUE, said), f1_score(TRUE, said), (said == TRUE).mean()]
    assert found == pytest.approx(right, rel=1e-6)


@pytest.mark.parametrize("average", ["macro", "weighted", "micro"])
def test_average_of_one_output_is_that_of_both_classes(average: str) -> None:
    found, outputs = values(binary(), SINGLE, LOGITS, {"type": "F1Score", "average": average})

    right = f1_score(TRUE, outputs[:, 0] >= 0, average=average)
    assert found == pytest.approx([right], rel=1e-6)


def test_top_k_counts_the_most_probable_classes() -> None:
    y = np.eye(3, dtype=np.float32)[np.arange(200) % 3]
    target = Target("multiclass", ("t",), "one_hot", ("a", "b", "c"), ("a", "b", "c"), 3,
                    "softmax", True)  # fmt: skip
    loss = {"type": "categorical_crossentropy", "from_logits": True}

    found, outputs = values(target, y, loss, {"type": "Recall", "top_k": 2}, units=3)

    best = np.argsort(outputs, axis=1)[:, 1:]
    assert found == pytest.approx([(best == (np.arange(200) % 3)[:, None]).any(1).mean()])
