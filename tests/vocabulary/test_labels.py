"""How people read the names of metrics and losses."""

from __future__ import annotations

import pytest

from dl.vocabulary.catalog import entries
from dl.vocabulary.labels import column_label, metric_label
from dl.vocabulary.spec import Kind


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("loss", "loss"),
        ("val_loss", "loss"),
        ("accuracy", "accuracy"),
        ("test.accuracy", "accuracy"),
        ("acc", "accuracy"),
        ("auc", "AUC"),
        ("val_auc_1", "AUC 1"),
        ("mae", "mean absolute error"),
        ("val_mean_absolute_error", "mean absolute error"),
        ("MeanSquaredError", "mean squared error"),
        ("mse", "mean squared error"),
        ("root_mean_squared_error", "RMSE"),
        ("r2_score", "R²"),
        ("f1_score", "F1 score"),
        ("fbeta_score", "F-beta score"),
        ("mean_io_u", "mean IoU"),
        ("one_hot_mean_io_u", "one hot mean IoU"),
        ("kl_divergence", "KL divergence"),
        ("SparseCategoricalCrossentropy", "sparse categorical cross-entropy"),
        ("CategoricalGeneralizedCrossEntropy", "categorical generalized cross-entropy"),
        ("sparse_top_k_categorical_accuracy", "sparse top-k categorical accuracy"),
        ("huber", "Huber loss"),
        ("top_5", "top 5"),
        ("my_own", "my own"),
        ("Große Fehler", "Große Fehler"),
        ("_", "_"),
    ],
)
def test_a_metric_has_one_spelling(name: str, label: str) -> None:
    assert metric_label(name) == label


def test_the_name_and_the_class_of_each_metric_and_loss_have_the_same_label() -> None:
    found = [*entries(Kind.METRIC).values(), *entries(Kind.LOSS).values()]
    assert not [
        entry.name
        for entry in found
        if metric_label(entry.name) != metric_label(entry.default_name or entry.name)
    ]


def test_no_two_metrics_have_the_same_label() -> None:
    labels = [metric_label(name) for name in entries(Kind.METRIC)]
    assert len(set(labels)) == len(labels)


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("val_loss", "validation loss"),
        ("loss", "loss"),
        ("train.mae", "training mean absolute error"),
        ("test.auc", "test AUC"),
    ],
)
def test_a_column_is_said_with_its_part(name: str, label: str) -> None:
    assert column_label(name) == label
