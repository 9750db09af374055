"""One row through a network, and the smallest change that turns its answer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from conftest import Dl
from dl.cli.texts import row_text
from dl.data.dataset import Dataset
from dl.data.target import Target
from dl.data.types import Array
from dl.errors import UsageError, error_text
from dl.inspect.row import RowTrace, find_row, trace_row
from dl.predict.evaluate import Forward
from support.training import (
    SPARSE,
    built,
    class_target,
    config,
    dataset,
    inputs,
    labels,
    number_target,
    part,
)

BINARY = Target("binary", ("label",), "single", ("no", "yes"), ("no", "yes"), 1, probabilities=True)
CROSS = "binary_crossentropy"


def with_weights(
    layers: list[Any], loss: str, target: Target, y: Array, weights: list[Array]
) -> tuple[Any, Dataset]:
    """Returns a compiled model with these weights, and the data that it is of."""
    data = dataset(inputs(len(y), 3), y, target)
    model = built(config(layers, loss=loss), data)
    model.set_weights(weights)
    return model, data


def ways(model: Any, data: Dataset, rows: int = 6) -> list[RowTrace]:
    return [
        trace_row(model, data, "train", data.train.take(np.array([place]))) for place in range(rows)
    ]


@pytest.mark.parametrize("activation", ["sigmoid", "heaviside"])
def test_of_a_line_it_is_the_perpendicular(activation: str) -> None:
    kernel, bias = np.array([[2.0], [-1.0], [0.5]], "float32"), np.array([0.25], "float32")
    layers = [{"type": "Dense", "units": 1, "activation": activation}]
    loss = CROSS if activation == "sigmoid" else "perceptron"
    model, data = with_weights(layers, loss, BINARY, labels(40) % 2, [kernel, bias])
    for place, found in enumerate(ways(model, data)):
        score = float(data.train.x[place] @ kernel[:, 0] + bias[0])
        assert found.distance == pytest.approx(abs(score) / np.linalg.norm(kernel), rel=1e-3)
        assert {found.said, found.turned} == {"no", "yes"}
        assert "input  network gets  to turn it" in row_text(found)
        moved = np.array([[each.changed for each in found.inputs]], "float32")
        said = "yes" if Forward(model)(moved)[0, 0] >= 0.5 else "no"
        assert said == found.turned
        assert found.layers[0].pre_activation == pytest.approx(np.array([[score]]), abs=1e-5)


def test_of_curved_borders_no_random_way_is_much_nearer() -> None:
    random = np.random.default_rng(1)
    layers = [
        {"type": "Dense", "units": 8, "activation": "tanh"},
        {"type": "Dense", "units": 3, "activation": "softmax"},
    ]
    shapes = [(3, 8), (8,), (8, 3), (3,)]
    weights = [random.normal(size=shape).astype("float32") * 2 for shape in shapes]
    model, data = with_weights(layers, SPARSE, class_target(), labels(40), weights)
    for place, found in enumerate(ways(model, data)):
        assert found.distance is not None
        directions = random.normal(size=(4000, 3))
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        row = data.train.x[place] + 0.9 * found.distance * directions
        said = Forward(model)(row.astype("float32")).argmax(axis=1)
        names = {data.target.classes[each] for each in said}
        assert names == {found.said}
        assert found.turned != found.said


def test_of_a_regression_the_slope_is_the_weight_in_both_units() -> None:
    kernel, bias = np.array([[2.0], [-1.0], [0.5]], "float32"), np.array([0.25], "float32")
    target = number_target(scaling="standardize", center=(10.0,), spread=(4.0,))
    layers = [{"type": "Dense", "units": 1}]
    y = inputs(40, 1)
    model, data = with_weights(layers, "mean_squared_error", target, y, [kernel, bias])
    [found] = ways(model, data, 1)
    assert [each.slope for each in found.inputs] == pytest.approx([8, -4, 2], rel=1e-4)
    assert [each.tried for each in found.inputs] == pytest.approx([8, -4, 2], rel=1e-2)
    assert (found.turned, found.why_not) == (None, "")


def test_a_network_that_says_the_same_everywhere_is_told() -> None:
    layers = [{"type": "Dense", "units": 1, "activation": "sigmoid"}]
    zeros = [np.zeros((3, 1), "float32"), np.ones(1, "float32")]
    model, data = with_weights(layers, CROSS, BINARY, labels(40) % 2, zeros)
    [found] = ways(model, data, 1)
    assert found.why_not == "no change was found that turns the answer"


def test_a_row_that_is_not_there_is_refused() -> None:
    parts = {"train": part(inputs(4, 3), labels(4))}
    assert find_row(parts, 3, None)[0] == "train"
    with pytest.raises(UsageError) as caught:
        find_row(parts, 4, "train")
    assert error_text(caught.value) == (
        "error: there is no row 4 in the train part\n"
        "expected: a position in the source, from 0 (train: 0 to 3)\n"
        "hint: dl trace RUN names the rows of a mini-batch"
    )


def test_row_is_for_a_run(dl: Dl) -> None:
    assert dl("trace", "x.yaml", "--row", "1", "--rows", "2").err == (
        "error: --row and --rows exclude each other\nhint: leave one of them out\n"
    )
    assert dl("trace", "x.yaml", "--split", "test").err == (
        "error: --split goes with --row\nhint: leave it out\n"
    )
