"""A metric may be asked for by any of its names."""

from __future__ import annotations

import pytest

from dl.vocabulary.names import called_here, nearest_measured
from dl.vocabulary.spec import Kind
from support.vocabulary import check_object

KNOWN = ("epoch", "loss", "mae", "mse", "val_loss", "val_mae", "val_mse", "test.accuracy")


@pytest.mark.parametrize(
    ("name", "here"),
    [
        ("mae", "mae"),
        ("mean_absolute_error", "mae"),
        ("val_mean_absolute_error", "val_mae"),
        ("val_MeanAbsoluteError", "val_mae"),
        ("val_MSE", "val_mse"),
        ("test.acc", "test.accuracy"),
        ("val_f1", "val_f1"),
        ("accuracy", "accuracy"),
        ("val_rmse", "val_rmse"),
        ("loss", "loss"),
        ("training.epochs", "training.epochs"),
    ],
)
def test_names_of_one_metric_are_the_same(name: str, here: str) -> None:
    assert called_here(name, KNOWN) == here


def test_name_of_the_users_own_is_found_by_its_metric() -> None:
    spec, _ = check_object(Kind.METRIC, {"type": "MeanAbsoluteError", "name": "off_by"})
    assert spec is not None
    assert called_here("val_mae", ["val_off_by", "val_mse"], [spec]) == "val_off_by"


def test_two_measures_of_one_metric_are_not_mixed_up() -> None:
    assert called_here("acc", ["accuracy", "Accuracy"]) == "acc"


def test_another_metric_is_no_slip_of_the_fingers() -> None:
    assert nearest_measured("val_mse", ["val_mae"]) is None
    assert nearest_measured("val_rmse", ["val_mse"]) is None
    assert nearest_measured("val_mea", ["val_mae"]) == "val_mae"
