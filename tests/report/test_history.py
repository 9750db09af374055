import math

from dl.report.charts import best_epoch, measures, series, wants_log


def test_measures_leave_out_what_is_no_measure() -> None:
    row = {"epoch": 1.0, "loss": 1.0, "mae": 1.0, "val_loss": 1.0, "learning_rate": 0.1}

    assert measures([row, {**row, "seconds": 1.0}]) == ["loss", "mae"]


def test_series_skips_epochs_without_a_measurement() -> None:
    history = [{"epoch": 1, "loss": 1.0}, {"epoch": 2, "loss": None}, {"epoch": 3, "loss": 3.0}]

    assert series(history, "loss").x == (1, 3)


def test_best_epoch_is_the_first_with_the_lowest_validation_loss() -> None:
    history = [{"loss": 3.0, "val_loss": v} for v in (2.0, math.nan, 1.0, 1.0)]

    assert best_epoch(history) == 3


def test_best_epoch_is_by_the_training_loss_without_validation() -> None:
    assert best_epoch([{"loss": 3.0}, {"loss": 2.0}]) == 2


def test_no_epoch_is_best_where_no_loss_is_finite() -> None:
    assert best_epoch([{"loss": math.nan}, {"loss": math.inf}]) is None


def test_log_scale_is_for_positive_values_over_two_decades() -> None:
    assert wants_log([1.0, 101.0])
    assert not wants_log([1.0, 100.0])
    assert not wants_log([0.0, 1000.0])
    assert not wants_log([])
