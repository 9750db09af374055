from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from dl.config.schema import Config
from dl.inspect.changes import Change
from dl.inspect.diagnose import diagnose
from dl.inspect.evidence import Evidence
from support.diagnosis import HIDDEN, SIGMOID, config_of, layer, measured, on_top, only

BENT = {**HIDDEN, "activation": "tanh"}


def activations(config: Config, change: Change, folder: Path) -> list[str]:
    """Returns the names of the activations that a change leads to."""
    layers: Any = on_top(config, change, folder).model.layers
    return [layer.parameters["activation"].type for layer in layers]


def test_healthy_layers_have_no_findings() -> None:
    assert diagnose(measured(layer(dead=0.1), layer("second", "tanh", saturated=0.1))) == []


def test_layers_that_were_not_measured_have_no_findings() -> None:
    assert diagnose(Evidence(config_of(), [])) == []


def test_dead_units_are_counted(tmp_path: Path) -> None:
    case = measured(layer(dead=0.75))

    found = only("dead-units", case)

    assert found is not None
    assert found.message == "units that give 0 for each of 50 training rows: 6 of 8 in hidden (75%)"
    assert found.why == (
        "Where ReLU gives 0 its slope is 0, so these units no longer learn. Steps that are "
        "too large push them there; LeakyReLU lets a little through."
    )
    mended = on_top(case.config, found.change, tmp_path)
    assert activations(case.config, found.change, tmp_path) == ["leaky_relu", "sigmoid"]
    assert mended.training.optimizer.parameters["learning_rate"] == 0.03


def test_an_activation_in_a_layer_of_its_own_is_replaced(tmp_path: Path) -> None:
    layers = [{**HIDDEN, "activation": None}, {"type": "ReLU", "name": "act"}, SIGMOID]
    case = measured(layer(dead=1.0, activated_by="act"), config=config_of(layers))

    found = only("dead-units", case)

    assert found is not None
    mended = on_top(case.config, found.change, tmp_path).model.layers
    assert [layer.type for layer in mended] == ["Dense", "Activation", "Dense"]


def test_saturated_units_get_another_activation(tmp_path: Path) -> None:
    config = config_of([BENT, SIGMOID], preprocess={"numeric": "none"})
    case = measured(layer(activation="tanh", saturated=0.8), config=config)

    found = only("saturated-units", case)

    assert found is not None
    assert found.message == (
        "outputs where the slope is below a twentieth of its maximum: 80% in hidden (tanh)"
    )
    mended = on_top(config, found.change, tmp_path)
    assert mended.preprocess.numeric == "standardize"
    assert activations(config, found.change, tmp_path) == ["relu", "sigmoid"]


def test_units_that_are_seldom_saturated_are_well() -> None:
    assert only("saturated-units", measured(layer(activation="tanh", saturated=0.2))) is None


def test_vanishing_gradients_compare_both_ends(tmp_path: Path) -> None:
    config = config_of([BENT, SIGMOID])
    case = measured(layer(activation="tanh", gradient=1e-5), config=config)

    found = only("vanishing-gradients", case)

    assert found is not None
    assert found.message == (
        "the typical gradient by a weight is 1e-06 in hidden, the first layer, and 0.03333 in "
        "out, the last one: 3e-05 times as large"
    )
    assert activations(config, found.change, tmp_path) == ["relu", "sigmoid"]


def test_vanishing_gradients_of_relu_layers_are_normalized(tmp_path: Path) -> None:
    case = measured(layer(gradient=1e-5))

    found = only("vanishing-gradients", case)

    assert found is not None
    layers = on_top(case.config, found.change, tmp_path).model.layers
    assert [layer.type for layer in layers] == ["Dense", "BatchNormalization", "Dense"]


def test_a_dead_layer_explains_a_gradient_of_zero() -> None:
    case = measured(layer(gradient=0.0), layer("second", dead=1.0, gradient=0.0))

    assert [name for name, _ in diagnose(case)] == ["dead-units"]


@pytest.mark.parametrize(
    ("hidden", "message"),
    [
        (
            layer(gradient=math.nan),
            "the gradient by the weights of hidden is NaN or infinite",
        ),
        (
            layer(gradient=5e4),
            "the gradient by the weights of hidden has the norm 50,000, the weights themselves 2",
        ),
        (
            layer(gradient=1e3, weights=2.0, parameters=1),
            "the typical gradient by a weight is 1000 in hidden, the first layer, and 0.03333 in "
            "out, the last one: 30,000 times as large",
        ),
    ],
    ids=["no number", "out of proportion", "growing"],
)
def test_exploding_gradients_are_clipped(hidden: Any, message: str, tmp_path: Path) -> None:
    case = measured(hidden)

    found = only("exploding-gradients", case)

    assert found is not None
    assert found.message == message
    optimizer = on_top(case.config, found.change, tmp_path).training.optimizer
    assert optimizer.parameters["clipnorm"] == 1.0
