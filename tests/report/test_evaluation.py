"""How right predictions are, as numbers and as charts: against figures made by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import r2_score, roc_auc_score

from dl.report.charts import Chart
from dl.report.evaluation import class_charts, confusion_of, label_confusion, residuals_of
from dl.report.facts import RunFacts
from dl.text import number
from support.pictures import classified, multilabelled, regressed

FEW = RunFacts(
    name="toy/1",
    history=[],
    task="binary",
    classes=("no", "yes"),
    true=np.array([0, 0, 0, 1, 1, 1]),
    predicted=np.array([0, 0, 1, 1, 1, 0]),
    probabilities=np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.4, 0.6], [0, 1], [0.6, 0.4]]),
)


def charts(run: RunFacts) -> dict[str, Chart]:
    return {chart.title: chart for chart in class_charts(run)}


def test_a_confusion_has_counts_fractions_recall_and_precision() -> None:
    found = confusion_of(replace(FEW, predicted=np.array([0, 0, 0, 1, 1, 0])))
    assert found is not None
    assert found.counts.tolist() == [[3, 0], [1, 2]]
    assert found.fractions.tolist() == [[1, 0], pytest.approx([1 / 3, 2 / 3])]
    assert found.recall == [1, pytest.approx(2 / 3)]
    assert found.precision == [0.75, 1]
    assert found.accuracy == pytest.approx(5 / 6)
    assert (found.rows, found.columns, found.left_out) == (["no", "yes"], ["no", "yes"], 0)


def test_a_class_that_nobody_predicts_has_no_precision() -> None:
    found = confusion_of(replace(FEW, predicted=np.zeros(6)))
    assert found is not None
    assert found.precision == [0.5, None]


def test_of_many_classes_the_others_are_one_column() -> None:
    run = classified(40, 400)
    true = np.arange(400) % 40
    found = confusion_of(replace(run, true=true, predicted=np.where(true < 2, 39, true)))
    assert found is not None
    assert (found.counts.shape, found.left_out) == ((30, 31), 10)
    assert found.counts.sum(axis=1).tolist() == found.totals.tolist()
    assert (found.columns[-1], found.right.shape) == ("(others)", (30, 31))


def test_labels_are_counted_by_truth_and_prediction() -> None:
    true = np.array([[1, 0], [1, 1], [0, 0]])
    run = replace(multilabelled(2, 3), true=true, predicted=np.array([[1, 1], [0, 1], [0, 0]]))
    found = label_confusion(run)
    assert found is not None
    assert found.counts.tolist() == [[[1, 0], [1, 1]], [[1, 1], [0, 1]]]


def test_roc_is_that_of_scikit_learn() -> None:
    assert FEW.probabilities is not None
    area = roc_auc_score(FEW.true, FEW.probabilities[:, 1])
    line, chance = charts(FEW)["ROC"].lines
    assert line.label == f"yes, area {area:.3f}"
    assert np.trapezoid(line.y, line.x) <= 1
    assert (line.at(1), chance.dashed) == (1, True)


def test_a_curve_has_one_value_at_each_position() -> None:
    for chart in class_charts(classified(3)):
        for line in chart.lines:
            assert len(set(line.x)) == len(line.x)


def test_each_of_several_classes_has_a_curve() -> None:
    found = charts(classified(3))
    labels = [line.label.partition(",")[0] for line in found["ROC"].lines]
    assert labels == ["class 0", "class 1", "class 2", "chance"]
    assert [line.label for line in found["Calibration"].lines] == ["predicted class", "perfect"]
    assert "Choice of threshold" not in found


def test_of_many_classes_the_worst_have_colours_and_the_rest_is_told() -> None:
    run = classified(40, 400)
    assert run.probabilities is not None
    run.probabilities[:, 5] = run.true != 5

    roc = charts(run)["ROC"]

    assert roc.lines[0].label.startswith("class 5, area ")
    assert [line.colour for line in roc.lines] == [0, 1, 2, *[-1] * 8]
    assert roc.note == "In colour: the 3 classes with the least area; grey: the next 7 of 40."


def test_bins_of_a_calibration_hold_equally_many_rows() -> None:
    given = np.linspace(0, 1, 100) ** 3
    probabilities = np.stack([1 - given, given], axis=1)
    run = replace(classified(2, 100), probabilities=probabilities)

    chart = charts(run)["Calibration"]

    expected = [part.mean() for part in np.split(given, 4)]
    np.testing.assert_allclose(chart.lines[0].x, expected)
    assert chart.note.startswith("A dot stands for about 25 rows. ")


def test_very_many_inputs_that_come_back_have_no_residuals() -> None:
    run = regressed(targets=10)
    assert len(residuals_of(run)) == 9
    assert residuals_of(replace(run, errors=np.zeros(30))) == []


def test_a_class_without_rows_of_both_kinds_has_no_curve() -> None:
    run = replace(FEW, true=np.ones(6))
    assert class_charts(run) == []


def test_without_probabilities_there_are_no_curves() -> None:
    assert class_charts(replace(FEW, probabilities=None)) == []


def test_the_threshold_in_force_is_marked_and_the_best_one_told() -> None:
    chart = charts(replace(FEW, threshold=0.3))["Choice of threshold"]
    [mark] = chart.marks
    assert (mark.x, mark.label) == (0.3, "in force: 0.3")
    precision, recall, _, accuracy = chart.lines
    assert (precision.at(0.5), recall.at(0.5), accuracy.at(0.5)) == pytest.approx(
        (2 / 3, 2 / 3, 4 / 6)
    )
    assert chart.note.startswith("F1 is largest at 0.21.")


def test_figures_of_a_regression_are_those_of_its_residuals() -> None:
    run = regressed(50)
    [found] = residuals_of(run)
    assert run.predicted is not None
    error = run.predicted - run.true
    assert found.figures["mean absolute error"] == f"{np.abs(error).mean():.4g}"
    assert found.figures["RMSE"] == number(float(np.sqrt((error**2).mean())), padded=True)
    assert found.figures["R²"] == number(r2_score(run.true, run.predicted), padded=True)


def test_each_residual_is_in_a_bin_and_each_range_has_a_mean() -> None:
    [found] = residuals_of(regressed(50))
    [bars] = found.distribution().lines
    assert sum(bars.y) == 50
    [ranges] = found.error_by_range().lines
    assert len(ranges.x) == 8
    assert list(ranges.x) == sorted(ranges.x)


def test_a_constant_target_has_charts_and_no_r_squared() -> None:
    run = replace(regressed(), true=np.ones((4, 1)), predicted=np.ones((4, 1)))
    [found] = residuals_of(run)
    assert found.figures["R²"] == ""
    assert sum(found.distribution().lines[0].y) == 4
    assert list(found.error_by_range().lines[0].y) == [0]


def test_at_most_nine_targets_are_shown() -> None:
    assert len(residuals_of(regressed(targets=12))) == 9


@pytest.mark.parametrize("true", [[0.0, 0.0, 0.0, 10.0], [1.0, 1.0, 2.0], [3.0]])
def test_no_range_of_true_values_is_empty(true: list[float]) -> None:
    run = regressed(len(true))
    column = np.array(true)[:, None]
    [found] = residuals_of(replace(run, true=column, predicted=column + 1.0))
    [bars] = found.error_by_range().lines
    assert list(bars.y) == [1.0] * len(bars.y)
