"""Building a model: its names, its seeds, and what is said when it cannot be built."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dl.model.build import build_model
from dl.vocabulary.spec import Finding, Findings
from support.training import DENSE, built, config, dataset, inputs, labels, number_target

FLAT = dataset(inputs(4, 6), labels(4))
IMAGES = dataset(inputs(4, 28, 28), labels(4))


def problem(layers: list[Any], data: Any = IMAGES) -> Finding:
    """Returns the only finding of a model that cannot be built."""
    with pytest.raises(Findings) as caught:
        built(config(layers), data)
    (finding,) = caught.value.findings
    return finding


def test_layers_are_named_as_keras_names_them_in_each_model() -> None:
    layers = [{"type": "Dense", "units": 2}, "BatchNormalization", {"type": "Dense", "units": 2}]

    for _ in range(2):
        model = build_model(config([*layers, DENSE]), FLAT.preprocessing.input_shape)
        names = [layer.name for layer in model.layers]
        assert names == ["dense", "batch_normalization", "dense_1", "dense_2"]


def test_given_name_is_left_out_when_others_are_numbered() -> None:
    named = {"type": "Dense", "units": 2, "name": "dense"}

    model = build_model(config([DENSE, named]), FLAT.preprocessing.input_shape)

    assert [layer.name for layer in model.layers] == ["dense_1", "dense"]


def test_weights_depend_on_the_name_and_not_on_the_position() -> None:
    named = {"type": "Dense", "units": 3, "name": "hidden"}

    first = build_model(config([named, DENSE]), FLAT.preprocessing.input_shape)
    second = build_model(config(["ReLU", named, DENSE]), FLAT.preprocessing.input_shape)

    assert np.array_equal(first.get_weights()[0], second.get_weights()[0])


def test_declared_input_serves_without_data() -> None:
    model = build_model(config([{"type": "Input", "shape": [5]}, DENSE]), None)

    assert model.input_shape == (None, 5)


def test_layer_that_misses_the_channels_says_so() -> None:
    finding = problem([{"type": "Conv2D", "filters": 2, "kernel_size": 3}, "Flatten", DENSE])

    assert finding == Finding(
        ("model", "layers", 0),
        "Conv2D cannot take an input of shape (28, 28)",
        expected="an input of shape (height, width, channels)",
        hint="add the last axis before it: {type: Reshape, target_shape: [28, 28, 1]}",
    )


def test_recurrent_layer_on_flat_rows_says_so() -> None:
    finding = problem(["Flatten", {"type": "LSTM", "units": 2}, DENSE])

    assert finding == Finding(
        ("model", "layers", 1),
        "LSTM cannot take an input of shape (784,)",
        expected="an input of shape (steps, features)",
        hint="add the last axis before it: {type: Reshape, target_shape: [784, 1]}",
    )


def test_window_larger_than_the_input_says_so() -> None:
    reshape = {"type": "Reshape", "target_shape": [28, 28, 1]}
    convolution = {"type": "Conv2D", "filters": 1, "kernel_size": 30}
    finding = problem([reshape, convolution, "Flatten", DENSE])

    assert finding.path == ("model", "layers", 1)
    assert finding.message == "Conv2D cannot take an input of shape (28, 28, 1)"
    assert finding.hint == (
        "its window is larger than the input: use padding: same, or fewer pooling layers"
    )


def test_reshape_to_another_size_quotes_keras_in_one_line() -> None:
    finding = problem([{"type": "Reshape", "target_shape": [5, 5]}, "Flatten", DENSE])

    assert finding.message == "Reshape cannot take an input of shape (28, 28)"
    assert finding.found is not None
    assert "\n" not in finding.found


def test_output_with_too_many_axes_asks_for_a_flatten() -> None:
    assert problem([DENSE]) == Finding(
        ("model", "layers", 0),
        "the model gives an output of shape (28, 3) for each row",
        expected="3: one for each class",
        hint="put a Flatten or a global pooling layer before the last Dense layer",
    )


def test_wrong_number_of_outputs_is_said() -> None:
    data = dataset(inputs(4, 6), np.ones((4, 1), np.float32), number_target())

    assert problem([{"type": "Dense", "units": 2}], data) == Finding(
        ("model", "layers", 0),
        "is not the number of outputs that the target needs",
        expected="1, one for the target",
        found="2",
        hint="end with 1 unit",
    )
