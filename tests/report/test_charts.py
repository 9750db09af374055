import math

from dl.report.charts import (
    best_epoch,
    compared_charts,
    learning_charts,
    measures,
    rate_chart,
    series,
    time_chart,
    wants_log,
)


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


def test_log_scale_is_for_positive_values_from_a_decade_on() -> None:
    assert wants_log([1.0, 10.0])
    assert not wants_log([1.0, 9.9])
    assert not wants_log([0.0, 1000.0])
    assert not wants_log([])


def test_a_line_knows_its_finite_values_and_the_value_at_a_position() -> None:
    line = series([{"loss": 2.0}, {"loss": math.nan}, {"loss": 1.0}], "loss")
    assert line.finite == [2.0, 1.0]
    assert (line.at(3), line.at(4)) == (1.0, None)


def test_both_parts_of_a_measure_are_lines_of_one_chart() -> None:
    rows = [{"loss": 2.0, "val_loss": 3.0, "mae": -1.0}, {"loss": 1.0, "val_loss": 2.0, "mae": 1.0}]
    loss, error = learning_charts(rows, "MeanSquaredError")
    assert [(line.label, line.dashed) for line in loss.lines] == [
        ("training", False),
        ("validation", True),
    ]
    assert (loss.y_label, loss.log, loss.marks[0].label) == (
        "mean squared error",
        True,
        "best epoch: 2",
    )
    assert (error.y_label, error.log, len(error.lines)) == ("mean absolute error", False, 1)


def test_the_learning_rate_is_a_chart_where_it_changes() -> None:
    assert rate_chart([{"learning_rate": 0.1}, {"learning_rate": 0.1}]) is None
    chart = rate_chart([{"learning_rate": 0.1}, {"learning_rate": 0.01}])
    assert chart is not None
    assert chart.lines[0].y == (0.1, 0.01)


def test_seconds_are_a_chart_where_they_were_measured() -> None:
    assert time_chart([{"loss": 1.0}]) is None
    assert time_chart([{"seconds": 2.0}]) is not None


def test_runs_are_compared_measure_by_measure_in_a_colour_each() -> None:
    first, second = [{"loss": 2.0, "val_loss": 3.0}], [{"loss": 1.0, "mae": 0.5}]
    loss, error = compared_charts({"a/1": first, "b/1": second})
    assert [(line.label, line.colour) for line in loss.lines] == [
        ("a/1", 0),
        ("a/1 validation", 0),
        ("b/1", 1),
    ]
    assert loss.note == "Dashed: validation."
    assert [line.label for line in error.lines] == ["b/1"]
