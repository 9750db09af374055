"""How targets are adapted to the loss."""

from __future__ import annotations

import json
from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dl.data.requirements import requirements_of
from dl.data.target import Target, decode, encode_target, unscale
from dl.data.target_fit import fit_target
from dl.data.target_task import describe_target
from dl.data.target_values import target_values
from dl.errors import DataError, error_text
from dl.rundir.typed import read_as
from dl.vocabulary.spec import Findings
from support.targets import encoded, learn, make_arrays, make_config, make_table

SPARSE = "sparse_categorical_crossentropy"
CATEGORICAL = "categorical_crossentropy"
BINARY = "binary_crossentropy"


def test_sparse_loss_gets_class_numbers() -> None:
    target, y = encoded(make_table(y=["b", "a", "c"]), make_config(3, "softmax", SPARSE))
    assert (target.form, target.classes) == ("labels", ("a", "b", "c"))
    assert y.dtype == np.int32
    assert y.tolist() == [1, 0, 2]


def test_categorical_loss_gets_one_hot_rows() -> None:
    _, y = encoded(make_table(y=["b", "a"]), make_config(2, "softmax", CATEGORICAL))
    assert y.dtype == np.float32
    assert y.tolist() == [[0, 1], [1, 0]]


def test_single_unit_gets_one_column() -> None:
    _, y = encoded(make_arrays([1, 0, 1]), make_config(1, "sigmoid", BINARY))
    assert y.dtype == np.float32
    assert y.tolist() == [[1], [0], [1]]


def test_several_units_under_a_binary_loss_get_one_hot_rows() -> None:
    _, y = encoded(make_arrays([2, 0, 1]), make_config(3, "sigmoid", BINARY))
    assert y.tolist() == [[0, 0, 1], [1, 0, 0], [0, 1, 0]]


def test_one_hot_rows_become_numbers_for_a_sparse_loss() -> None:
    target, y = encoded(make_arrays([[0, 1], [1, 0]]), make_config(2, "softmax", SPARSE))
    assert (target.classes, y.tolist()) == (("0", "1"), [1, 0])


def test_one_hot_columns_of_a_table_name_the_classes() -> None:
    target = learn(make_table(cat=[1, 0], dog=[0, 1]), make_config(2, "softmax", CATEGORICAL))
    assert target.classes == ("cat", "dog")


def test_numbers_are_classes_by_size() -> None:
    target, y = encoded(make_arrays([10, 2, -1]), make_config(3, "softmax", SPARSE))
    assert (target.classes, y.tolist()) == (("-1", "2", "10"), [2, 1, 0])


def test_text_of_arrays_is_classes_by_code_point() -> None:
    target, y = encoded(make_arrays(["é", "Z", "a"]), make_config(3, "softmax", SPARSE))
    assert (target.classes, y.tolist()) == (("Z", "a", "é"), [2, 0, 1])


def test_a_column_of_shape_rows_by_one_is_one_target() -> None:
    _, y = encoded(make_arrays([[3], [4]]), make_config(2, "softmax", SPARSE))
    assert y.tolist() == [0, 1]


def test_classes_of_other_parts_have_an_output_too() -> None:
    config = make_config(3, "softmax", SPARSE)
    target = describe_target([make_arrays([0, 2]), make_arrays([1])], requirements_of(config))
    assert target.classes == ("0", "1", "2")


def test_given_classes_set_the_order() -> None:
    data = {"source": "npz", "path": "a", "classes": ("low", "mid", "high")}
    config = make_config(3, "softmax", SPARSE, data=data)
    assert encoded(make_table(y=["high", "low"]), config)[1].tolist() == [2, 0]


def test_given_classes_name_class_numbers() -> None:
    data = {"source": "npz", "path": "a", "classes": ("shirt", "shoe")}
    target, y = encoded(make_arrays([1, 0]), make_config(2, "softmax", SPARSE, data=data))
    assert (target.classes, target.values, y.tolist()) == (("shirt", "shoe"), ("0", "1"), [1, 0])


def test_given_classes_reorder_those_that_the_source_names() -> None:
    data = {"source": "npz", "path": "a", "classes": ("b", "a")}
    config = make_config(2, "softmax", SPARSE, data=data)
    rows = make_arrays([0, 1])
    target = describe_target([rows], requirements_of(config), ("a", "b"))
    assert encode_target(rows, target).tolist() == [1, 0]


def test_value_outside_the_given_classes_is_refused() -> None:
    data = {"source": "npz", "path": "a", "classes": ("cat", "dog")}
    with pytest.raises(DataError) as raised:
        learn(make_table(y=["cat", "dog", "dgo"]), make_config(2, "softmax", SPARSE, data=data))
    (problem,) = raised.value.problems
    assert problem.message == "rows.csv:4: the target `y` has a value that is not a known class"
    assert problem.expected == "one of 'cat', 'dog'"
    assert problem.found == "'dgo'"
    assert problem.hint == (
        "did you mean 'dog'? Otherwise correct the value, or name all classes in `data.classes`"
    )


def test_unknown_label_at_evaluation_names_row_and_value() -> None:
    target = learn(make_table(y=["a", "b"]), make_config(2, "softmax", SPARSE))
    with pytest.raises(DataError) as raised:
        encode_target(make_table(y=["a", "x"]), target)
    assert str(raised.value) == "rows.csv:3: the target `y` has a value that is not a known class"


def test_class_numbers_read_as_text_are_the_same_classes() -> None:
    target = learn(make_arrays([1, 2]), make_config(2, "softmax", SPARSE))
    assert encode_target(make_table(target=["2", "1"]), target).tolist() == [1, 0]


def test_test_part_may_be_one_hot_where_the_training_part_is_not() -> None:
    config = make_config(3, "softmax", SPARSE)
    rows, other = make_arrays([0, 1, 2]), make_arrays([[0, 1, 0]])
    target = describe_target([rows, other], requirements_of(config))
    assert encode_target(other, target).tolist() == [1]


def test_target_of_another_shape_at_evaluation_is_refused() -> None:
    target = learn(make_arrays([0, 1, 2]), make_config(3, "softmax", SPARSE))
    with pytest.raises(DataError) as raised:
        encode_target(make_arrays([[0, 1]]), target)
    (problem,) = raised.value.problems
    assert problem.expected == "one class for each row, or 3 columns with a single 1"
    assert problem.found == "the shape (1, 2)"


def test_classes_of_several_axes_are_places() -> None:
    data = {"source": "npz", "path": "a", "task": "multiclass"}
    numbers = np.arange(15).reshape(3, 1, 5) % 3
    target, y = encoded(make_arrays(numbers), make_config(3, "softmax", SPARSE, data=data))
    assert (target.task, target.form, target.places) == ("multiclass", "labels", (1, 5))
    assert y.tolist() == numbers.tolist()


@example([-1, 8.574882123192681e-166])  # a difference that rounds to a whole number
@given(st.lists(st.one_of(st.integers(-9, 9), st.floats(-1e300, 1e300)), min_size=1))
def test_distinct_numbers_are_sorted_and_found(numbers: list[float]) -> None:
    positions, texts = target_values(make_table(y=numbers)).distinct()
    assert [float(text) for text in texts] == sorted(set(map(float, numbers)))
    assert [float(texts[position]) for position in positions] == list(map(float, numbers))


def test_multilabel_rows_are_kept() -> None:
    _, y = encoded(make_arrays([[1, 0], [1, 1]]), make_config(2, "sigmoid", BINARY))
    assert y.dtype == np.float32
    assert y.tolist() == [[1, 0], [1, 1]]


@pytest.mark.parametrize(
    ("scaling", "expected"),
    [
        ("none", [1, 3, 5]),
        ("minmax", [0, 0.5, 1]),
        ("standardize", [-1.2247449, 0, 1.2247449]),
        ("log1p", [-1.31668597, 0.21140502, 1.10528095]),
    ],
)
def test_numbers_are_scaled_by_the_training_rows(scaling: str, expected: list[float]) -> None:
    config = make_config(preprocess={"target": scaling})
    target, y = encoded(make_table(y=[1, 3, 5]), config)
    assert y.dtype == np.float32
    assert y.shape == (3, 1)
    np.testing.assert_allclose(y[:, 0], expected, rtol=1e-6)
    assert target.scaling == scaling


def test_the_logarithm_of_numbers_is_undone() -> None:
    numbers = [0.0, 3.5, 120.0, 80000.0]
    target, y = encoded(make_table(y=numbers), make_config(preprocess={"target": "log1p"}))
    logarithms = np.log1p(numbers)
    assert y[:, 0] == pytest.approx((logarithms - logarithms.mean()) / logarithms.std())
    assert unscale(y, target)[:, 0] == pytest.approx(numbers, rel=1e-5, abs=1e-5)
    assert decode(y, target)["prediction"] == pytest.approx(numbers, rel=1e-5, abs=1e-5)


def test_a_target_without_logarithm_is_an_error_with_its_line() -> None:
    config = make_config(preprocess={"target": "log1p"})
    with pytest.raises(DataError) as raised:
        learn(make_table(y=[1, -1.5, 2]), config)
    assert error_text(raised.value) == (
        "error: rows.csv:3: the target `y` has a value that has no logarithm\n"
        "expected: numbers above -1: `preprocess.target` is `log1p`, the logarithm of 1 + the "
        "number\n"
        "found: -1.5\n"
        "hint: correct the value, or write `preprocess.target: standardize`"
    )
    target = learn(make_table(y=[1, 2]), config)
    with pytest.raises(DataError, match="has no logarithm"):
        encode_target(make_table(y=[1, -2]), target)


def test_constant_target_is_divided_by_one() -> None:
    target = learn(make_table(y=[7, 7]), make_config(preprocess={"target": "standardize"}))
    assert (target.center, target.spread) == ((7.0,), (1.0,))


def test_one_class_only_is_refused() -> None:
    config = make_config(1, "sigmoid", BINARY)
    target = describe_target([make_arrays([0, 1])], requirements_of(config))
    with pytest.raises(DataError) as raised:
        fit_target(target, make_arrays([1, 1]), requirements_of(config))
    (problem,) = raised.value.problems
    assert problem.message == (
        "rows.npz: the target `target` has one class only in the training part"
    )
    assert problem.expected == "two classes or more"
    assert problem.found == "only '1' in 2 rows"


@pytest.mark.parametrize(
    ("values", "found"),
    [([1, None], "a missing value"), ([1, float("inf")], "inf"), (["a", None], "nothing")],
)
def test_target_without_value_names_the_row(values: list[object], found: str) -> None:
    with pytest.raises(DataError) as raised:
        learn(make_table(y=values), make_config())
    (problem,) = raised.value.problems
    assert problem.message == "rows.csv:3: the target `y` has no value"
    assert problem.found == found


def test_missing_value_of_several_targets_names_the_column() -> None:
    with pytest.raises(DataError, match=r"^rows\.csv:2: the target `b` has no value$"):
        learn(make_table(a=[1, 2], b=[None, 2]), make_config(2))


def test_objects_as_targets_are_refused() -> None:
    with pytest.raises(DataError, match="neither numbers nor names of classes"):
        learn(make_arrays(np.array([1 + 2j, 3])), make_config())


@given(st.lists(st.sampled_from("abcd"), min_size=2, max_size=20).filter(lambda y: len(set(y)) > 1))
def test_what_is_learned_alone_encodes_alike(values: list[str]) -> None:
    rows = make_table(y=values)
    target, y = encoded(rows, make_config(3, "softmax", CATEGORICAL))
    again = read_as(Target, json.loads(json.dumps(asdict(target))))
    assert again == target
    np.testing.assert_array_equal(encode_target(rows, again), y)
    assert [target.classes[i] for i in y.argmax(axis=1)] == values


def test_numbers_that_float32_would_round_to_a_few_are_refused_without_scaling() -> None:
    table = make_table(y=[1.7e9 + row for row in range(50)])
    with pytest.raises(Findings) as caught:
        encoded(table, make_config(1, "linear", "mse"))
    (finding,) = caught.value.findings
    assert finding.path == ("preprocess", "target")
    assert finding.found == "numbers from 1700000000 to 1700000049, in steps of 128 as float32"
    assert finding.hint == "write preprocess: {target: standardize}"
