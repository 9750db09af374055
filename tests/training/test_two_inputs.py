from __future__ import annotations

from dataclasses import replace
from typing import Any

import keras
import numpy as np
import pytest

from dl.data.dataset import Dataset
from dl.data.features import NumericFeature
from dl.data.target import Target
from dl.data.types import Array
from dl.training.two_inputs import MOST_FRAMES, Snapshots, chosen_epochs
from support.training import class_target, dataset, inputs, number_target

SCALED = (
    NumericFeature("a", "standardize", 10.0, 2.0, None),
    NumericFeature("b", "standardize", 10.0, 2.0, None),
)


def planar(target: Target, y: Array) -> Dataset:
    """Returns rows of two columns."""
    made = dataset(inputs(len(y), 2), y, target)
    return replace(made, preprocessing=replace(made.preprocessing, features=SCALED))


def binary(cut: float = 0.5, *, probabilities: bool = True) -> Target:
    names = ("no", "yes")
    return Target("binary", ("y",), "single", names, names, 1, probabilities=probabilities, cut=cut)


def layer(units: int, activation: str | None, *weights: Any) -> keras.Sequential:
    """Returns a model of one layer with these weights."""
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(units, activation)])
    model.set_weights([np.asarray(values, "float32") for values in weights])
    return model


def test_few_epochs_are_all_shown() -> None:
    assert chosen_epochs(3) == {1, 2, 3}


def test_many_epochs_are_shown_denser_at_the_start() -> None:
    chosen = sorted(chosen_epochs(10_000))

    assert len(chosen) <= MOST_FRAMES - 2
    assert (chosen[0], chosen[-1]) == (1, 10_000)
    assert (np.diff(np.diff(chosen)) >= -1).all()


def test_a_boundary_has_the_formula_of_each_epoch() -> None:
    model = layer(1, "sigmoid", [[0], [0]], [0])
    snapshots = Snapshots(model, planar(binary(0.3), np.zeros((9, 1), "float32")), 2)
    model.set_weights([np.array([[1], [-2]], "float32"), np.array([0.5], "float32")])
    snapshots.see(1)

    boundary = snapshots.surface(1)

    assert boundary is not None
    first, second, kept = boundary.frames
    assert [(f.epoch, f.final) for f in boundary.frames] == [(0, False), (1, False), (1, True)]
    assert first.values == pytest.approx(np.full((first.side**2, 2), 0.5))
    for frame in (second, kept):
        points = boundary.plane.grid(frame.side)
        chance = 1 / (1 + np.exp(-(points @ [1, -2] + 0.5)))
        assert frame.values[:, 1] == pytest.approx(chance, abs=1e-6)
        assert frame.values.sum(axis=1) == pytest.approx(np.ones(len(points)))
    assert kept.side > second.side
    assert (boundary.probabilities, boundary.threshold) == (True, 0.3)
    assert boundary.rows == pytest.approx(10 + 2 * inputs(9, 2))


def test_the_model_keeps_its_weights() -> None:
    model = layer(1, "sigmoid", [[1], [2]], [3])
    snapshots = Snapshots(model, planar(binary(), np.zeros((9, 1), "float32")), 1)
    model.set_weights([np.array([[4], [5]], "float32"), np.array([6], "float32")])

    snapshots.surface(1)

    assert [weight.tolist() for weight in model.get_weights()] == [[[4], [5]], [6]]


def test_outputs_that_are_no_probabilities_give_the_predicted_class() -> None:
    model = layer(1, None, [[1], [0]], [0])
    target = binary(0.0, probabilities=False)

    boundary = Snapshots(model, planar(target, np.zeros((9, 1), "float32")), 1).surface(0)

    assert boundary is not None
    kept = boundary.frames[-1]
    right = boundary.plane.grid(kept.side)[:, 0] >= 0
    assert kept.values.tolist() == np.column_stack([~right, right]).tolist()
    assert boundary.threshold == 0.5


def test_numbers_are_in_the_unit_of_the_target() -> None:
    model = layer(1, None, [[0], [0]], [2])
    target = number_target(scaling="standardize", center=(100.0,), spread=(10.0,))

    boundary = Snapshots(model, planar(target, np.ones((9, 1), "float32")), 1).surface(0)

    assert boundary is not None
    assert set(boundary.frames[-1].values.reshape(-1)) == {120.0}
    assert set(boundary.y) == {110.0}


def test_classes_of_one_hot_rows_are_numbers() -> None:
    model = layer(3, "softmax", np.zeros((2, 3)), np.zeros(3))
    y = np.eye(3, dtype="float32")[[0, 2, 1]]

    boundary = Snapshots(model, planar(class_target("one_hot"), y), 1).surface(0)

    assert boundary is not None
    assert boundary.y.tolist() == [0, 2, 1]
    assert boundary.frames[-1].values.shape[1] == 3


def test_other_inputs_have_no_boundary() -> None:
    made = dataset(inputs(9, 3), np.zeros((9, 1), "float32"), binary())
    fitted = replace(made.preprocessing, features=(SCALED[0],) * 3)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    snapshots = Snapshots(model, replace(made, preprocessing=fitted), 1)

    snapshots.see(1)

    assert snapshots.surface(1) is None
