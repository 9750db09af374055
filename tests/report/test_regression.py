from dataclasses import replace

import numpy as np
from matplotlib.collections import PathCollection, PolyCollection

from dl.report import regression
from support.pictures import classified, regressed


def test_predicted_against_true_has_names_units_and_quality() -> None:
    run = replace(
        regressed(),
        targets=("load",),
        y_true=np.array([0.0, 1.0, 2.0]),
        predictions=np.array([0.0, 1.0, 3.0]),
    )

    figure = regression.build_predicted_true(run)

    assert figure is not None
    [axes] = figure.axes
    assert axes.get_title(loc="left") == "load"
    assert axes.get_title(loc="right") == "R² 0.500, MAE 0.3333"
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("true (kW)", "predicted (kW)")
    assert axes.get_xlim() == axes.get_ylim()


def test_each_target_has_a_panel() -> None:
    figure = regression.build_predicted_true(regressed(targets=4))

    assert figure is not None
    assert [axes.get_title(loc="left") for axes in figure.axes] == [
        "target 0",
        "target 1",
        "target 2",
        "target 3",
    ]


def test_few_rows_are_points_and_many_are_hexagons() -> None:
    few = regression.build_predicted_true(regressed(100))
    many = regression.build_predicted_true(regressed(4000))

    assert few is not None
    assert many is not None
    assert isinstance(few.axes[0].collections[0], PathCollection)
    assert isinstance(many.axes[0].collections[0], PolyCollection)


def test_residuals_have_two_panels_for_each_target() -> None:
    figure = regression.build_residuals(regressed(targets=2))

    assert figure is not None
    assert [axes.get_title(loc="left") for axes in figure.axes] == [
        "target 0",
        "distribution",
        "target 1",
        "distribution",
    ]
    assert figure.axes[0].get_ylabel() == "residual (kW)"


def test_rows_without_a_finite_value_are_left_out_and_told() -> None:
    run = regressed(5)
    assert run.predictions is not None
    run.predictions[0] = np.nan

    figure = regression.build_residuals(run)

    assert figure is not None
    assert figure.texts[2].get_text() == (
        "Residual: predicted minus true. 1 rows without a finite value are left out."
    )


def test_a_constant_target_has_no_r2() -> None:
    run = replace(regressed(), y_true=np.ones(4), predictions=np.ones(4))

    figure = regression.build_predicted_true(run)

    assert figure is not None
    assert figure.axes[0].get_title(loc="right") == "MAE 0"


def test_a_classification_has_no_residuals() -> None:
    assert regression.build_residuals(classified(2)) is None
    assert regression.build_predicted_true(classified(2)) is None
