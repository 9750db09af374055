"""How outputs are read back, weighed and counted."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dl.config.schema import Config
from dl.data.rules import refuse_misfits
from dl.data.target import decode, unscale
from dl.data.target_fit import class_weights
from dl.data.types import Part, RawArrays, RawTable
from dl.errors import Problem, UsageError
from dl.vocabulary.spec import Finding, Findings
from support.targets import DATA, encoded, learn, make_arrays, make_config, make_table

SPARSE = "sparse_categorical_crossentropy"
BINARY = "binary_crossentropy"


def plain(columns: dict[str, Any]) -> dict[str, Any]:
    return {name: values.tolist() for name, values in columns.items()}


def test_single_unit_gives_both_probabilities() -> None:
    known = learn(make_table(y=["no", "yes"]), make_config(1, "sigmoid", BINARY))
    assert plain(decode(np.array([[0.25], [0.75]]), known)) == {
        "prediction": ["no", "yes"],
        "probability_no": [0.75, 0.25],
        "probability_yes": [0.25, 0.75],
    }


def test_threshold_moves_the_decision() -> None:
    known = learn(make_table(y=["no", "yes"]), make_config(1, "sigmoid", BINARY))
    columns = decode(np.array([[0.25], [0.15]]), known.with_threshold(0.2, "the run"))
    assert columns["prediction"].tolist() == ["yes", "no"]


@pytest.mark.parametrize(
    ("config", "rows", "found"),
    [
        (
            make_config(3, "softmax", SPARSE),
            make_table(y=["a", "b", "c"]),
            "a model of 3 outputs: the largest one decides",
        ),
        (make_config(1, "linear", "mse"), make_table(y=[1.5, 2]), "a model that predicts numbers"),
        (
            make_config(1, "tanh", "hinge"),
            make_arrays([-1, 1]),
            "a model whose outputs are not probabilities",
        ),
    ],
    ids=["classes", "numbers", "margins"],
)
def test_threshold_is_refused_where_nothing_is_cut(
    config: Config, rows: RawArrays | RawTable, found: str
) -> None:
    with pytest.raises(UsageError) as caught:
        learn(rows, config).with_threshold(0.2, "fruit/0001")
    assert caught.value.problems[0] == Problem(
        "--threshold has no meaning for fruit/0001",
        expected="a model of one probability for two classes, or of a probability for each label",
        found=found,
        hint="leave --threshold out",
    )


def test_softmax_gives_the_likeliest_class() -> None:
    known = learn(make_table(y=["a", "b", "c"]), make_config(3, "softmax", SPARSE))
    columns = decode(np.array([[0.2, 0.5, 0.3]], np.float32), known)
    assert list(columns) == ["prediction", "probability_a", "probability_b", "probability_c"]
    assert columns["prediction"].tolist() == ["b"]
    assert columns["probability_b"].dtype == np.float32


@pytest.mark.parametrize("shift", [0.0, 1000.0])
def test_logits_become_probabilities_by_softmax(shift: float) -> None:
    loss = {"type": SPARSE, "from_logits": True}
    known = learn(make_arrays([0, 1]), make_config(2, "linear", loss))
    columns = decode(np.array([[shift, shift + np.log(3)]]), known)
    np.testing.assert_allclose(columns["probability_1"], [0.75], rtol=1e-12)


def test_logits_of_one_unit_become_probabilities_by_sigmoid() -> None:
    loss = {"type": BINARY, "from_logits": True}
    known = learn(make_arrays([0, 1]), make_config(1, "linear", loss))
    columns = decode(np.array([[np.log(3)], [-1000.0], [1000.0]]), known)
    np.testing.assert_allclose(columns["probability_1"], [0.75, 0, 1], rtol=1e-12)


def test_log_softmax_becomes_probabilities() -> None:
    known = learn(make_arrays([0, 1]), make_config(2, "log_softmax", "mse"))
    assert known.task == "regression"
    known = learn(make_table(y=["a", "b"]), make_config(2, "log_softmax", "mse"))
    columns = decode(np.log([[0.25, 0.75]]), known)
    np.testing.assert_allclose(columns["probability_b"], [0.75])


@pytest.mark.parametrize(("loss", "cut"), [("hinge", 0.0), ("squared_hinge", 0.0)])
def test_margins_give_the_prediction_alone(loss: str, cut: float) -> None:
    known = learn(make_arrays([-1, 1]), make_config(1, "tanh", loss))
    outputs = np.array([[cut - 0.1], [cut + 0.1]])
    assert plain(decode(outputs, known)) == {"prediction": ["-1", "1"]}


def test_linear_output_on_classes_is_cut_at_one_half() -> None:
    known = learn(make_table(y=["a", "b"]), make_config(1, "linear", "mse"))
    assert plain(decode(np.array([[0.4], [0.6]]), known)) == {"prediction": ["a", "b"]}


def test_labels_are_decided_one_by_one() -> None:
    known = learn(make_table(a=[1, 0], b=[1, 1]), make_config(2, "sigmoid", BINARY))
    assert plain(decode(np.array([[0.25, 0.75]]), known)) == {
        "prediction_a": [0],
        "prediction_b": [1],
        "probability_a": [0.25],
        "probability_b": [0.75],
    }


def test_scaling_of_numbers_is_undone() -> None:
    config = make_config(preprocess={"target": "standardize"})
    rows = make_table(y=[1, 2, 6])
    target, y = encoded(rows, config)
    columns = decode(y, target)
    np.testing.assert_allclose(columns["prediction"], [1, 2, 6], rtol=1e-6)


def test_several_numbers_are_named_by_target() -> None:
    config = make_config(2, preprocess={"target": "minmax"})
    known = learn(make_table(a=[0, 10], b=[5, 6]), config)
    columns = decode(np.array([[0.5, 1.0]]), known)
    assert plain(columns) == {"prediction_a": [5.0], "prediction_b": [6.0]}


def test_unscale_keeps_the_shape() -> None:
    config = make_config(preprocess={"target": "minmax"})
    known = learn(make_table(y=[0, 10]), config)
    assert unscale(np.array([[0.5], [1.0]]), known).tolist() == [[5.0], [10.0]]


def test_outputs_of_an_embedding_are_given_as_they_are() -> None:
    known = learn(make_arrays([0, 1]), make_config(2, "linear", "circle"))
    assert plain(decode(np.array([[0.1, 0.9]]), known)) == {"output_0": [0.1], "output_1": [0.9]}


def test_balanced_weights_are_inverse_to_the_counts() -> None:
    target, y = encoded(make_arrays([0, 0, 0, 1]), make_config(1, "sigmoid", BINARY))
    weights = class_weights(Part(y, y, np.arange(len(y))), target, "balanced")
    assert weights == {0: 4 / 6, 1: 2.0}


def test_balanced_weights_of_one_hot_rows() -> None:
    target, y = encoded(
        make_arrays([0, 1, 1, 2]), make_config(3, "softmax", "categorical_crossentropy")
    )
    weights = class_weights(Part(y, y, np.arange(len(y))), target, "balanced")
    assert weights == {0: 4 / 3, 1: 4 / 6, 2: 4 / 3}


def test_given_weights_are_found_by_name() -> None:
    target, y = encoded(make_table(y=["a", "b"]), make_config(1, "sigmoid", BINARY))
    assert class_weights(Part(y, y, np.arange(len(y))), target, {"b": 3.0}) == {0: 1.0, 1: 3.0}


def refused(rows: RawArrays | RawTable, config: Config) -> list[Finding]:
    with pytest.raises(Findings) as raised:
        refuse_misfits(config, learn(rows, config))
    return list(raised.value.findings)


def test_weight_of_an_unknown_class_is_refused() -> None:
    weighted = {"loss": BINARY, "class_weight": {"dgo": 3.0}}
    config = make_config(1, "sigmoid", training=weighted)
    (finding,) = refused(make_table(y=["cat", "dog"]), config)
    assert finding.path == ("training", "class_weight", "dgo")
    assert finding.hint == "did you mean dog?"


@pytest.mark.parametrize(
    ("section", "key", "message"),
    [
        (
            "data",
            ("split", "stratify"),
            "keeps the proportions of classes, but a row has several labels",
        ),
        (
            "preprocess",
            ("target",),
            "scales numbers, but the target holds classes: the task is multilabel",
        ),
    ],
)
def test_what_needs_another_target_is_refused_when_the_data_was_read(
    section: str, key: tuple[str, ...], message: str
) -> None:
    changed: dict[str, Any] = {"data": {**DATA, "split": {"stratify": True}}}
    if section == "preprocess":
        changed = {"preprocess": {"target": "minmax"}}
    config = make_config(2, "sigmoid", "dice", **changed)
    (finding,) = refused(make_arrays([[1, 1], [0, 1]]), config)
    assert (finding.path, finding.message) == ((section, *key), message)


@pytest.mark.parametrize(
    ("rows", "activation", "loss", "reason"),
    [
        (make_table(y=[1.5, 2]), "linear", "mse", "the target is a number (regression)"),
        (make_arrays([[1, 1], [0, 1]]), "sigmoid", BINARY, "a row has several labels"),
    ],
)
def test_weights_of_what_has_no_class_are_refused(
    rows: RawArrays | RawTable, activation: str, loss: str, reason: str
) -> None:
    units = 1 if activation == "linear" else 2
    training = {"loss": loss, "class_weight": "balanced"}
    (finding,) = refused(rows, make_config(units, activation, training=training))
    assert finding.path == ("training", "class_weight")
    assert finding.message == f"weighs classes, but {reason}"


@pytest.mark.parametrize(
    ("y", "units", "activation", "loss", "expected", "hint"),
    [
        (
            [0, 1, 2],
            1,
            "tanh",
            "hinge",
            "3, one for each class of the data (0, 1, 2)",
            "write units: 3 with activation: softmax and loss: sparse_categorical_crossentropy; "
            "to predict the number itself, use loss: mean_squared_error and a linear output",
        ),
        (
            [0, 1, 2],
            10,
            "softmax",
            SPARSE,
            "3, one for each class of the data (0, 1, 2)",
            "write units: 3; if the data lacks some classes, name them all in data.classes",
        ),
        ([0.5, 1.5], 3, "linear", "mse", "1, one for the target", "write units: 1"),
        ([[1.5, 1], [0, 1]], 1, "linear", "mse", "2, one for each of 2 targets", "write units: 2"),
        ([[1, 1], [0, 1]], 3, "sigmoid", BINARY, "2, one for each label (0, 1)", "write units: 2"),
    ],
)
def test_wrong_number_of_outputs_is_refused(
    y: object, units: int, activation: str, loss: str, expected: str, hint: str
) -> None:
    found = refused(make_arrays(y), make_config(units, activation, loss))
    finding = next(each for each in found if each.path[-1] == "units")
    assert finding.path == ("model", "layers", 0, "units")
    assert finding.message == "is not the number of outputs that the target needs"
    assert (finding.expected, finding.found, finding.hint) == (expected, str(units), hint)


def test_outputs_of_two_units_fit_two_classes_under_binary_crossentropy() -> None:
    config = make_config(2, "sigmoid", BINARY)
    target = learn(make_arrays([0, 1]), config)
    refuse_misfits(config, target)
    assert (len(target.classes), target.units) == (2, 2)
