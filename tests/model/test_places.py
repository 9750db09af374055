"""Targets of several axes are trained and measured as plain Keras does on the same batches."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import yaml

from dl.config.load import load_config
from dl.data.load import read_dataset
from dl.data.predictions import answers
from dl.data.target import decode
from dl.data.types import Array
from dl.errors import ConfigError
from dl.predict.evaluate import evaluate, predict
from dl.progress import SilentReporter
from dl.training.fit import fit, solve
from dl.training.setup import prepare
from dl.training.steps import Batches

RANDOM = np.random.default_rng(5)
SEQUENCE = RANDOM.normal(size=(40, 4, 3)).astype(np.float32)
TAGS = (SEQUENCE[..., 0] > 0).astype(int) + (SEQUENCE[..., 1] > 0)
PIXELS = RANDOM.integers(0, 256, (40, 5, 5)).astype(np.uint8)
MASKS = (PIXELS > 128).astype(np.uint8)
STEPS = [
    {"type": "Conv1D", "filters": 4, "kernel_size": 2, "padding": "same"},
    {"type": "Dense", "units": 3, "activation": "softmax"},
]
PICTURE = [
    "Flatten",
    {"type": "Dense", "units": 25, "activation": "sigmoid"},
    {"type": "Reshape", "target_shape": [5, 5]},
]
CONVOLUTION = [{"type": "Conv2D", "filters": 1, "kernel_size": 3, "padding": "same"}]
SIGMOID = [{**CONVOLUTION[0], "activation": "sigmoid"}]


def _steps() -> list[Any]:
    return [keras.layers.Conv1D(4, 2, padding="same"), keras.layers.Dense(3, "softmax")]


def _picture() -> list[Any]:
    dense = keras.layers.Dense(25, "sigmoid")
    return [keras.layers.Flatten(), dense, keras.layers.Reshape((5, 5))]


def _convolution() -> list[Any]:
    return [keras.layers.Conv2D(1, 3, padding="same", activation="sigmoid")]


def _plain(layers: list[Any], shape: tuple[int, ...], loss: str, metrics: list[str]) -> Any:
    model = keras.Sequential([keras.Input(shape), *layers])
    model.compile(keras.optimizers.SGD(0.1), loss=loss, metrics=metrics)
    return model


CASES: dict[str, tuple[Any, Any, Any, list[Any], Any, str, list[str]]] = {
    # stored x and y, what Keras gets, the layers twice, the loss, Keras' metrics
    "class numbers": (
        *(SEQUENCE, TAGS, (SEQUENCE, TAGS), STEPS, _steps),
        *("sparse_categorical_crossentropy", ["sparse_categorical_accuracy"]),
    ),
    "one-hot": (
        *(SEQUENCE, np.eye(3)[TAGS], (SEQUENCE, np.eye(3)[TAGS]), STEPS, _steps),
        *("categorical_crossentropy", ["categorical_accuracy"]),
    ),
    "masks": (
        *(PIXELS, MASKS, (PIXELS[..., None] / 255, MASKS[..., None]), SIGMOID, _convolution),
        *("binary_crossentropy", ["binary_accuracy"]),
    ),
    "bytes as target": (
        *(PIXELS, PIXELS, (PIXELS / 255, PIXELS / 255), PICTURE, _picture),
        *("binary_crossentropy", []),
    ),
}


def _prepared(folder: Path, x: Array, y: Array, **sections: Any) -> Any:
    np.savez(folder / "rows.npz", x_train=x[:30], y_train=y[:30], x_test=x[30:], y_test=y[30:])
    document = {
        "data": {"source": "npz", "path": "rows.npz", "split": {"validation": 0}},
        "engine": {"compile": False},
        **sections,
    }
    path = folder / "case.yaml"
    path.write_text(yaml.safe_dump(document))
    loaded = load_config(path)
    return prepare(loaded, read_dataset(loaded, SilentReporter()), SilentReporter())


def _training(loss: str, **more: Any) -> dict[str, Any]:
    optimizer = {"type": "SGD", "learning_rate": 0.1}
    return {"loss": loss, "optimizer": optimizer, "epochs": 2, "batch_size": 8, **more}


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_figures_are_those_of_plain_keras(case: str, tmp_path: Path) -> None:
    x, y, seen, layers, plain_layers, loss, names = CASES[case]
    training = _training(loss, metrics=["accuracy"] if names else [])
    made = _prepared(tmp_path, x, y, model={"layers": layers}, training=training)
    plain = _plain(plain_layers(), seen[0].shape[1:], loss, names)
    plain.set_weights(made.model.get_weights())

    batches = Batches.of(made.config, made.dataset)
    for epoch in (1, 2):
        order = batches.order(epoch)
        for begin in range(0, 30, 8):
            numbers = order[begin : begin + 8]
            plain.train_on_batch(seen[0][numbers], seen[1][numbers])
    fit(made, SilentReporter(), lambda row: None)

    for mine, theirs in zip(made.model.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-4, atol=1e-6)
    expected = plain.evaluate(seen[0][30:], seen[1][30:], verbose=0, return_dict=True)
    measured = evaluate(made.model, made.dataset.parts["test"], made.config)
    assert measured["loss"] == pytest.approx(expected["loss"], rel=1e-5)
    if names:
        assert measured["accuracy"] == pytest.approx(expected[names[0]], rel=1e-6)


@pytest.mark.parametrize(
    ("y", "loss"),
    [
        (TAGS, "sparse_categorical_crossentropy"),
        (np.eye(3)[TAGS], "sparse_categorical_crossentropy"),
        (np.eye(3)[TAGS], "categorical_crossentropy"),
        (np.array(["lo", "mid", "top"])[TAGS], "categorical_crossentropy"),
    ],
)
def test_accuracy_is_over_all_steps_whatever_the_form(y: Array, loss: str, tmp_path: Path) -> None:
    training = _training(loss, metrics=["accuracy"])
    made = _prepared(tmp_path, SEQUENCE, y, model={"layers": STEPS}, training=training)
    test = made.dataset.parts["test"]
    guessed = predict(made.model, test.x, SilentReporter()).argmax(axis=-1)
    measured = evaluate(made.model, test, made.config)["accuracy"]
    assert measured == pytest.approx(np.mean(guessed == TAGS[30:]), abs=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("y", [TAGS, np.eye(3)[TAGS]])
def test_class_weights_weigh_the_loss_of_each_step(y: Array, tmp_path: Path) -> None:
    loss = "sparse_categorical_crossentropy"
    weights = {"0": 1.0, "1": 2.0, "2": 5.0}
    training = _training(loss, class_weight=weights)
    made = _prepared(tmp_path, SEQUENCE, y, model={"layers": STEPS}, training=training)
    plain = _plain(_steps(), (4, 3), loss, [])
    plain.set_weights(made.model.get_weights())

    order = Batches.of(made.config, made.dataset).order(1)
    losses = []
    for begin in range(0, 30, 8):
        numbers = order[begin : begin + 8]
        share = np.array([1.0, 2.0, 5.0], np.float32)[TAGS[numbers]]
        probability = np.take_along_axis(
            plain.predict(SEQUENCE[numbers], verbose=0), TAGS[numbers][..., None], axis=-1
        )[..., 0]
        losses.append(float((-np.log(probability) * share).mean()))
        plain.train_on_batch(SEQUENCE[numbers], TAGS[numbers], sample_weight=share)
    history = fit(made, SilentReporter(), lambda row: None)

    mean = np.average(losses, weights=[8, 8, 8, 6])
    assert history[0]["loss"] == pytest.approx(mean, rel=1e-4)


def test_class_weights_without_an_axis_of_outputs_are_refused(tmp_path: Path) -> None:
    training = _training("binary_crossentropy", class_weight="balanced")
    with pytest.raises(ConfigError) as raised:
        _prepared(tmp_path, PIXELS, MASKS, model={"layers": PICTURE}, training=training)
    (problem,) = raised.value.problems
    assert problem.message == (
        "training.class_weight weighs the class of each place, but the outputs of a place have no "
        "axis of their own"
    )
    assert (problem.expected, problem.found) == ("outputs of the shape (5, 5, 1)", "(5, 5)")


def test_outputs_of_another_shape_than_the_places_are_refused(tmp_path: Path) -> None:
    layers = ["Flatten", STEPS[-1]]
    training = _training("sparse_categorical_crossentropy")
    with pytest.raises(ConfigError) as raised:
        _prepared(tmp_path, SEQUENCE, TAGS[..., None], model={"layers": layers}, training=training)
    (problem,) = raised.value.problems
    assert problem.message == "model.layers.1 the model gives an output of shape (3,) for each row"
    assert problem.expected == "(4, 3): a number for each class at each of the places (4,)"


def test_predictions_of_bytes_come_back_as_bytes(tmp_path: Path) -> None:
    made = _prepared(tmp_path, PIXELS, PIXELS, model={"layers": PICTURE}, training=_training("mse"))
    test = made.dataset.parts["test"]
    outputs = predict(made.model, test.x, SilentReporter())
    columns = decode(outputs, made.dataset.target)
    assert list(columns)[:3] == ["prediction_0_0", "prediction_0_1", "prediction_0_2"]
    predicted = np.stack(list(columns.values()), axis=1)
    np.testing.assert_allclose(predicted, 255 * outputs.reshape(10, 25), rtol=1e-6)


def test_what_a_run_would_keep_is_checked_before_there_is_one(tmp_path: Path) -> None:
    labels = (SEQUENCE[:, 0] > 0).astype(int)
    layers = ["Flatten", {"type": "Dense", "units": 3, "activation": "sigmoid"}]
    with pytest.raises(ConfigError) as raised:
        _prepared(
            tmp_path, SEQUENCE, labels, model={"layers": layers}, training=_training("crossentropy")
        )
    (problem,) = raised.value.problems
    assert problem.message == "training.loss does not fit data.task: multilabel"
    assert problem.expected == "a loss for multilabel, such as binary_crossentropy"
    assert problem.mark is not None
    assert problem.mark.source == str(tmp_path / "case.yaml")
    assert problem.mark.line is not None
    line = (tmp_path / "case.yaml").read_text().splitlines()[problem.mark.line - 1]
    assert line == "  loss: crossentropy"


def test_the_normal_equation_solves_all_steps_at_once(tmp_path: Path) -> None:
    true = SEQUENCE @ np.array([1.0, -2.0, 3.0]) + 4
    training = {"loss": "mse", "solver": "normal_equation"}
    layers = [{"type": "Dense", "units": 1}]
    made = _prepared(tmp_path, SEQUENCE, true, model={"layers": layers}, training=training)
    solve(made, SilentReporter(), lambda row: None)
    kernel, bias = made.model.get_weights()
    np.testing.assert_allclose(kernel[:, 0], [1, -2, 3], atol=1e-5)
    assert bias == pytest.approx([4], abs=1e-5)


@pytest.mark.parametrize("y", [SEQUENCE[..., 0] * 50 + 7, SEQUENCE * 50 + 7])
def test_metrics_of_steps_are_in_the_unit_of_the_target(y: Array, tmp_path: Path) -> None:
    layers = [{"type": "Dense", "units": y[0, 0].size}]
    training = _training("mse", metrics=["mae"])
    sections = {"model": {"layers": layers}, "preprocess": {"target": "standardize"}}
    made = _prepared(tmp_path, SEQUENCE, y, training=training, **sections)
    test = made.dataset.parts["test"]
    said = answers(test.y, predict(made.model, test.x, SilentReporter()), made.dataset.target)
    assert said.predicted is not None
    measured = evaluate(made.model, test, made.config)
    mean = np.abs(said.predicted.reshape(-1) - y[30:].reshape(-1)).mean()
    assert measured["mae"] == pytest.approx(mean, rel=1e-4)
