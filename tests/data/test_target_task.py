"""Which task a target makes."""

from __future__ import annotations

import pytest

from dl.data.requirements import requirements_of
from dl.data.target_task import describe_target
from dl.errors import DataError
from support.targets import learn, make_arrays, make_config, make_table

DIGITS = list(range(10)) * 2
ONE_HOT = [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
LABELS = [[1, 1, 0], [0, 1, 0], [0, 0, 0]]


@pytest.mark.parametrize(
    ("y", "units", "activation", "loss", "task"),
    [
        ([0, 1, 1, 0], 1, "sigmoid", "mse", "binary"),
        ([0, 1, 1, 0], 1, "hard_sigmoid", "mae", "binary"),
        ([0, 1, 1, 0], 2, "softmax", "mse", "binary"),
        ([0.0, 1.0, 1.0], 1, "sigmoid", "binary_crossentropy", "binary"),
        ([-1, 1, 1, -1], 1, "tanh", "hinge", "binary"),
        ([-1, 1, 1, -1], 1, "tanh", "mse", "regression"),
        (DIGITS, 10, "softmax", "sparse_categorical_crossentropy", "multiclass"),
        (DIGITS, 10, "sigmoid", "binary_crossentropy", "multiclass"),
        (DIGITS, 10, "softmax", "mse", "multiclass"),
        (DIGITS, 1, "sigmoid", "mse", "regression"),
        (DIGITS, 1, "linear", "mse", "regression"),
        ([0.5, 1.5, 2.5], 1, "sigmoid", "mse", "regression"),
        (["a", "b", "c"], 3, "linear", "mse", "multiclass"),
        ([True, False, True], 1, "linear", "mse", "binary"),
        (ONE_HOT, 3, "softmax", "categorical_crossentropy", "multiclass"),
        (ONE_HOT, 3, "softmax", "kl_divergence", "multiclass"),
        (ONE_HOT, 3, "sigmoid", "binary_crossentropy", "multilabel"),
        (LABELS, 3, "sigmoid", "binary_crossentropy", "multilabel"),
        (LABELS, 3, "sigmoid", "mse", "multilabel"),
        (LABELS, 3, "linear", "mse", "regression"),
        ([[1.5, 2], [3, 4]], 2, "linear", "mse", "regression"),
        ([[[1, 2], [3, 4]]], 2, "softmax", "mse", "regression"),
    ],
)
def test_task_follows_from_values_loss_and_output(
    y: object, units: int, activation: str, loss: str, task: str
) -> None:
    rows = make_arrays(y)
    assert (
        describe_target([rows], requirements_of(make_config(units, activation, loss))).task == task
    )


def test_values_with_names_are_classes_under_any_loss() -> None:
    target = describe_target(
        [make_arrays([0, 1, 2])], requirements_of(make_config(3)), ("a", "b", "c")
    )
    assert (target.task, target.classes, target.form) == ("multiclass", ("a", "b", "c"), "one_hot")


def test_given_task_is_taken() -> None:
    config = make_config(
        1, "sigmoid", "mse", data={"source": "npz", "path": "a", "task": "regression"}
    )
    assert learn(make_arrays([0, 1]), config).task == "regression"


def test_several_columns_of_a_table_are_labels_under_sigmoid() -> None:
    target = learn(
        make_table(red=[1, 0], round=[1, 1]), make_config(2, "sigmoid", "binary_crossentropy")
    )
    assert (target.task, target.classes) == ("multilabel", ("red", "round"))


def test_fraction_under_a_loss_for_classes_is_refused() -> None:
    with pytest.raises(DataError) as raised:
        learn(make_table(y=[0, 0.25]), make_config(1, "sigmoid", "binary_crossentropy"))
    (problem,) = raised.value.problems
    assert problem.message == "rows.csv:3: the target `y` is not a class"
    assert problem.expected == "whole numbers or text: the loss is one for classes"
    assert problem.found == "0.25"
    assert problem.hint == "to predict numbers, choose a loss such as `mean_squared_error`"


def test_rows_that_are_not_one_hot_are_refused() -> None:
    with pytest.raises(DataError) as raised:
        learn(make_arrays(LABELS), make_config(3, "softmax", "categorical_crossentropy"))
    (problem,) = raised.value.problems
    assert problem.message == "rows.npz: row 0 (the first is row 0): the target is not a class"
    assert problem.expected == ("a single 1 among 3 numbers: the loss is one for classes")
    assert problem.found == "1, 1, 0"


def test_labels_other_than_zero_and_one_are_refused() -> None:
    with pytest.raises(DataError) as raised:
        learn(make_arrays([[1, 0], [2, 1]]), make_config(2, "sigmoid", "binary_crossentropy"))
    (problem,) = raised.value.problems
    assert problem.message == (
        "rows.npz: row 1 (the first is row 0): the target `0` is neither 0 nor 1"
    )
    assert problem.found == "2"


def test_text_for_regression_is_refused() -> None:
    data = {"source": "npz", "path": "rows.npz", "task": "regression"}
    with pytest.raises(DataError) as raised:
        learn(make_table(y=["high", "low"]), make_config(data=data))
    (problem,) = raised.value.problems
    assert problem.message == "rows.csv:2: the target `y` is not a number"
    assert problem.expected == "numbers: `data.task` is `regression`"
    assert problem.found == "'high'"


def test_three_classes_for_binary_are_refused() -> None:
    data = {"source": "npz", "path": "rows.npz", "task": "binary"}
    with pytest.raises(DataError) as raised:
        learn(make_arrays([0, 1, 2]), make_config(1, "sigmoid", "mse", data=data))
    (problem,) = raised.value.problems
    assert problem.message == "rows.npz: the target `target` has more than two classes"
    assert problem.found == "3: '0', '1', '2'"
