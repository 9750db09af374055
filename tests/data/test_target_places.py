"""Targets of several axes: a class, labels or a number at each step or pixel of a row."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
import pytest

from dl.data.arrays import fit_arrays, transform_arrays
from dl.data.predictions import answers
from dl.data.requirements import requirements_of
from dl.data.target import Target, decode, encode_target
from dl.data.target_fit import class_weights, fit_target, row_weights
from dl.data.target_task import describe_target
from dl.data.types import Part
from dl.errors import DataError
from dl.progress import SilentReporter
from dl.rundir.typed import read_as
from support.targets import encoded, learn, make_arrays, make_config, make_table

SPARSE = "sparse_categorical_crossentropy"
ONE_HOT = "categorical_crossentropy"
BINARY = "binary_crossentropy"
STEPS = [{"type": "LSTM", "units": 4, "return_sequences": True}]
CLASSES = np.arange(24).reshape(2, 4, 3) % 3
MASKS = np.arange(24).reshape(2, 4, 3) % 2


def _told(error: DataError) -> str:
    (problem,) = error.problems
    lines = {"expected": problem.expected, "found": problem.found, "hint": problem.hint}
    return "\n".join([problem.message, *(f"{name}: {text}" for name, text in lines.items())])


@pytest.mark.parametrize(
    ("y", "output", "loss", "expected"),
    [
        (CLASSES, (3, "softmax"), SPARSE, ("multiclass", "labels", (4, 3))),
        (CLASSES[..., None], (3, "softmax"), SPARSE, ("multiclass", "labels", (4, 3))),
        (np.eye(3)[CLASSES], (3, "softmax"), ONE_HOT, ("multiclass", "one_hot", (4, 3))),
        (np.eye(3)[CLASSES], (3, "softmax"), SPARSE, ("multiclass", "labels", (4, 3))),
        (np.eye(3)[CLASSES], (3, "softmax"), "kl_divergence", ("multiclass", "one_hot", (4, 3))),
        (np.eye(3)[CLASSES], (3, "softmax"), "mse", ("multiclass", "one_hot", (4, 3))),
        (CLASSES, (3, "softmax"), ONE_HOT, ("multiclass", "one_hot", (4, 3))),
        (CLASSES, (3, "softmax"), "crossentropy", ("multiclass", "one_hot", (4, 3))),
        (MASKS, (1, "sigmoid"), BINARY, ("binary", "single", (4, 3))),
        (MASKS[..., None], (1, "sigmoid"), BINARY, ("binary", "single", (4, 3))),
        (255 * MASKS.astype(np.uint8), (1, "sigmoid"), BINARY, ("binary", "single", (4, 3))),
        (MASKS == 1, (1, "sigmoid"), "dice", ("binary", "single", (4, 3))),
        (2 * MASKS - 1, (1, "tanh"), "hinge", ("binary", "single", (4, 3))),
        (MASKS, (2, "softmax"), SPARSE, ("binary", "labels", (4, 3))),
        (MASKS, (3, "sigmoid"), BINARY, ("multilabel", "multilabel", (4,))),
        (MASKS / 2, (3, "sigmoid"), BINARY, ("regression", "numbers", (4, 3))),
        (MASKS / 2, (3, "linear"), "mse", ("regression", "numbers", (4, 3))),
        (np.array([["a", "b"], ["b", "b"]]), (2, "softmax"), SPARSE, ("binary", "labels", (2,))),
        (CLASSES[0], (3, "softmax"), SPARSE, ("multiclass", "labels", (3,))),
        (MASKS[0], (1, "sigmoid"), BINARY, ("binary", "single", (3,))),
        (CLASSES[0] / 4, (1, "linear"), "mse", ("regression", "numbers", (3,))),
    ],
)
def test_each_place_has_what_values_loss_and_output_say(
    y: Any, output: tuple[int, str], loss: str, expected: tuple[str, str, tuple[int, ...]]
) -> None:
    target, encoding = encoded(make_arrays(y), make_config(*output, loss, STEPS))
    assert (target.task, target.form, target.places) == expected
    last = {"labels": (), "numbers": (), "single": (1,)}.get(target.form, output[:1])
    assert encoding.shape == (len(y), *target.places, *last)


def test_one_hot_and_class_numbers_make_the_same_targets() -> None:
    config = make_config(3, "softmax", SPARSE, STEPS)
    _, sparse = encoded(make_arrays(CLASSES), config)
    _, one_hot = encoded(make_arrays(np.eye(3)[CLASSES]), config)
    assert sparse.tolist() == one_hot.tolist() == CLASSES.tolist()


def test_columns_without_steps_in_the_network_stay_columns() -> None:
    target = learn(make_arrays(MASKS[0]), make_config(3, "sigmoid", BINARY))
    assert (target.task, target.places) == ("multilabel", ())


def test_columns_of_a_table_keep_their_names_as_steps() -> None:
    rows = make_table(today=[1.0, 2.0], tomorrow=[3.0, 5.0])
    config = make_config(1, "linear", "mse", STEPS, preprocess={"target": "standardize"})
    target, y = encoded(rows, config)
    assert (target.places, target.names, target.center) == ((2,), ("today", "tomorrow"), (1.5, 4))
    assert y.tolist() == [[-1, -1], [1, 1]]
    columns = decode(y[..., None], target)
    assert {name: values.tolist() for name, values in columns.items()} == {
        "prediction_today": [1, 2],
        "prediction_tomorrow": [3, 5],
    }


def test_a_place_without_a_single_one_is_refused() -> None:
    y = np.eye(3)[CLASSES]
    y[1, 2, 0] = 0
    with pytest.raises(DataError) as raised:
        learn(make_arrays(y), make_config(3, "softmax", ONE_HOT, STEPS))
    assert _told(raised.value) == (
        "rows.npz: row 1 (the first is row 0): the target at the place [2, 0] is not a class\n"
        "expected: a single 1 among 3 numbers: the loss is one for classes\n"
        "found: 0, 0, 0\n"
        "hint: give each place one class; what fills up short rows can have a class of its own"
    )


def test_bytes_under_a_binary_loss_are_refused_unless_they_are_the_input() -> None:
    y = 10 * CLASSES.astype(np.uint8)
    with pytest.raises(DataError) as raised:
        learn(make_arrays(y), make_config(1, "sigmoid", BINARY, STEPS))
    assert _told(raised.value) == (
        "rows.npz: row 0 (the first is row 0): the target at the place [0, 1] "
        "has a value that is not between 0 and 1\n"
        "expected: numbers from 0 to 1: the loss is a binary one\n"
        "found: 10\n"
        "hint: save the target as numbers from 0 to 1 (bytes divided by 255), write `data.task: "
        "regression` and `preprocess.target: minmax`, or choose a loss such as "
        "`mean_squared_error`"
    )


@pytest.mark.parametrize(
    ("x", "preprocess"),
    [
        (np.arange(96, dtype=np.uint8).reshape(2, 6, 8), {}),
        (np.arange(96, dtype=np.uint8).reshape(2, 48), {}),
        (np.arange(24.0).reshape(2, 4, 3), {"numeric": "standardize"}),
        (np.arange(24.0).reshape(4, 6), {"numeric": "minmax", "scale": 4}),
    ],
)
def test_the_input_as_target_is_scaled_as_the_input(x: Any, preprocess: Any) -> None:
    config = make_config(3, "sigmoid", "mse", preprocess=preprocess)
    rows = make_arrays(x.copy(), x)
    feature = fit_arrays(rows, requirements_of(config), False, SilentReporter())
    target = fit_target(
        describe_target([rows], requirements_of(config)),
        rows,
        requirements_of(config),
        [feature],
    )
    y = encode_target(rows, target)
    assert (target.task, target.scaling) == ("regression", "input")
    np.testing.assert_allclose(y, transform_arrays(rows, feature), rtol=1e-6, atol=1e-6)
    columns = decode(y, target)
    np.testing.assert_allclose(
        np.stack(list(columns.values()), 1), x.reshape(len(x), -1), atol=1e-4
    )


def test_predictions_have_a_column_for_each_place() -> None:
    config = make_config(2, "softmax", SPARSE, STEPS)
    target = learn(make_arrays(MASKS[0]), config)
    outputs = np.array([[[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]]], np.float32)
    columns = decode(outputs, target)
    assert list(columns) == [
        *("prediction_0", "prediction_1", "prediction_2"),
        *("probability_0_0", "probability_0_1", "probability_0_2"),
        *("probability_1_0", "probability_1_1", "probability_1_2"),
    ]
    assert [columns[f"prediction_{step}"][0] for step in range(3)] == ["0", "1", "0"]
    assert columns["probability_1_1"].tolist() == pytest.approx([0.8])


def test_pixels_are_named_by_row_and_column_and_too_many_probabilities_left_out() -> None:
    masks = np.arange(2 * 80 * 80).reshape(2, 80, 80) % 2
    target = learn(make_arrays(masks), make_config(1, "sigmoid", BINARY, STEPS))
    columns = decode(masks[..., None].astype(np.float32), target)
    assert len(columns) == 80 * 80
    assert columns["prediction_79_78"].tolist() == ["0", "0"]
    assert columns["prediction_79_79"].tolist() == ["1", "1"]


def test_answers_have_a_row_for_each_place() -> None:
    target, y = encoded(make_arrays(CLASSES), make_config(3, "softmax", SPARSE, STEPS))
    said = answers(y, np.eye(3)[(CLASSES + 1) % 3], target)
    assert said.places == 12
    assert said.true.tolist() == CLASSES.reshape(-1).tolist()
    assert said.predicted is not None
    assert said.predicted.tolist() == ((CLASSES + 1) % 3).reshape(-1).tolist()
    assert said.probabilities is not None
    assert said.probabilities.shape == (24, 3)


@pytest.mark.parametrize("loss", [SPARSE, ONE_HOT])
def test_class_weights_weigh_places(loss: str) -> None:
    numbers = np.array([[[0, 0], [0, 1]], [[0, 0], [1, 2]]])
    target, y = encoded(make_arrays(numbers), make_config(3, "softmax", loss, STEPS))
    weights = class_weights(Part(y, y, np.arange(2)), target, "balanced")
    assert weights == pytest.approx({0: 8 / 15, 1: 8 / 6, 2: 8 / 3})
    of_rows = row_weights(y, target, weights)
    assert of_rows is not None
    assert of_rows[1] == pytest.approx(np.array([[8 / 15, 8 / 15], [8 / 6, 8 / 3]]))


def test_another_shape_of_places_is_refused() -> None:
    target = learn(make_arrays(CLASSES), make_config(3, "softmax", SPARSE, STEPS))
    with pytest.raises(DataError) as raised:
        encode_target(make_arrays(CLASSES[:, :2]), target)
    (problem,) = raised.value.problems
    assert (problem.expected, problem.found) == ("rows of the shape (4, 3)", "the shape (2, 2, 3)")


def test_places_are_kept_in_the_document() -> None:
    target = learn(make_arrays(CLASSES), make_config(3, "softmax", SPARSE, STEPS))
    assert read_as(Target, asdict(target)) == target


def test_columns_of_classes_are_steps_where_the_network_keeps_them() -> None:
    rows = make_table(first=[0, 1, 2], second=[1, 1, 0])
    target, y = encoded(rows, make_config(3, "softmax", SPARSE, STEPS))
    assert (target.task, target.places) == ("multiclass", (2,))
    assert y.tolist() == [[0, 1], [1, 1], [2, 0]]
    columns = decode(np.eye(3)[y], target)
    assert list(columns)[:3] == ["prediction_first", "prediction_second", "probability_0_first"]


def test_large_targets_are_looked_up_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dl.data.target_values._BLOCK", 24)
    numbers = np.arange(60).reshape(5, 4, 3) % 3
    target, y = encoded(make_arrays(numbers), make_config(3, "softmax", SPARSE, STEPS))
    assert y.tolist() == numbers.tolist()
    numbers[3, 1, 2] = 7
    with pytest.raises(DataError) as raised:
        encode_target(make_arrays(numbers), target)
    assert raised.value.problems[0].message.startswith("rows.npz: row 3 (the first is row 0)")


def test_class_numbers_of_places_are_those_of_the_outputs() -> None:
    rows = make_arrays(np.where(CLASSES == 1, 4, CLASSES))
    target, y = encoded(rows, make_config(6, "softmax", SPARSE, STEPS))
    assert target.classes == ("0", "1", "2", "3", "4", "5")
    assert y.tolist() == np.where(CLASSES == 1, 4, CLASSES).tolist()
