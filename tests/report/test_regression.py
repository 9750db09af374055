from dataclasses import replace

import numpy as np
from matplotlib.collections import PathCollection, PolyCollection

from dl.report.plots import predicted_true, residuals
from support.pictures import classified, regressed


def test_predicted_against_true_has_names_and_quality() -> None:
    run = replace(
        regressed(),
        targets=("load",),
        true=np.array([[0.0], [1.0], [2.0]]),
        predicted=np.array([[0.0], [1.0], [3.0]]),
    )

    figure = predicted_true(run)

    assert figure is not None
    [axes] = figure.axes
    assert axes.get_title(loc="left") == "load"
    assert axes.get_title(loc="right") == "R² 0.5000, MAE 0.3333"
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("true", "predicted")
    assert axes.get_xlim() == axes.get_ylim()


def test_each_target_has_a_panel() -> None:
    figure = predicted_true(regressed(targets=4))

    assert figure is not None
    assert [axes.get_title(loc="left") for axes in figure.axes] == [
        "target 0",
        "target 1",
        "target 2",
        "target 3",
    ]


def test_few_rows_are_points_and_many_are_hexagons() -> None:
    few = predicted_true(regressed(100))
    many = predicted_true(regressed(4000))

    assert few is not None
    assert many is not None
    assert isinstance(few.axes[0].collections[0], PathCollection)
    assert isinstance(many.axes[0].collections[0], PolyCollection)


def test_residuals_have_two_panels_for_each_target() -> None:
    figure = residuals(regressed(targets=2))

    assert figure is not None
    assert [axes.get_title(loc="left") for axes in figure.axes] == [
        "target 0",
        "distribution",
        "target 1",
        "distribution",
    ]
    assert figure.axes[0].get_ylabel() == "residual"


def test_rows_without_a_finite_value_are_left_out_and_told() -> None:
    run = regressed(5)
    assert run.predicted is not None
    run.predicted[0] = np.nan

    figure = residuals(run)

    assert figure is not None
    assert figure.texts[2].get_text() == (
        "Residual: predicted minus true. Left out: 1 row without a finite value."
    )


def test_a_constant_target_has_no_r2() -> None:
    run = replace(regressed(), true=np.ones((4, 1)), predicted=np.ones((4, 1)))

    figure = predicted_true(run)

    assert figure is not None
    assert figure.axes[0].get_title(loc="right") == "MAE 0"


def test_a_classification_has_no_residuals() -> None:
    assert residuals(classified(2)) is None
    assert predicted_true(classified(2)) is None
