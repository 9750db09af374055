"""Inputs that are the target: what an autoencoder is trained on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import yaml

from dl.config.load import Loaded, load_config, load_text
from dl.config.schema import resolved_text
from dl.data.load import load_part, read_dataset
from dl.data.target import decode
from dl.errors import ConfigError, Problem
from dl.predict.evaluate import evaluate, predict
from dl.progress import SilentReporter
from dl.training.fit import fit
from dl.training.setup import prepare
from dl.training.steps import Batches
from support.streaming import assert_same, both

TABLE = "a,b,kind,c\n" + "".join(
    f"{row},{row * row % 7 or ''},{'xyz'[row % 3]},{row % 5}\n" for row in range(40)
)
PICTURES = np.random.default_rng(2).integers(0, 256, (30, 6, 6)).astype(np.uint8)
DENSE = {"type": "Dense", "units": 6}


def loaded(folder: Path, data: dict[str, Any], layers: list[Any], *overrides: str) -> Loaded:
    (folder / "rows.csv").write_text(TABLE)
    np.savez(folder / "rows.npz", x_train=PICTURES)
    split = {"validation": 0, "test": 0.25}
    document = {
        "data": {"split": split, "target": "inputs", **data},
        "model": {"layers": layers},
        "training": {"loss": "mse", "optimizer": "sgd", "epochs": 2, "batch_size": 8},
    }
    (folder / "case.yaml").write_text(yaml.safe_dump(document))
    return load_config(folder / "case.yaml", overrides)


def made(one: Loaded) -> Any:
    return prepare(one, read_dataset(one, SilentReporter()), SilentReporter())


def problem(one: Loaded) -> Problem:
    with pytest.raises(ConfigError) as raised:
        made(one)
    (found,) = raised.value.problems
    return found


CSV = {"source": "csv", "path": "rows.csv"}
NPZ = {"source": "npz", "path": "rows.npz"}
BUILTIN = {"source": "builtin", "dataset": "iris"}


def test_columns_are_given_back_as_they_are_prepared(tmp_path: Path) -> None:
    missing = "preprocess.missing=median"
    logarithm = "preprocess.columns={a: {scale: log1p}}"
    prepared = made(loaded(tmp_path, CSV, [DENSE], missing, logarithm))
    train, target = prepared.dataset.train, prepared.dataset.target
    assert train.y is train.x
    assert target.names == prepared.dataset.preprocessing.feature_names
    assert target.names == ("a", "b", "kind=x", "kind=y", "kind=z", "c")
    test = prepared.dataset.parts["test"]
    outputs = predict(prepared.model, test.x, SilentReporter())
    columns = decode(outputs, target)
    assert list(columns) == [f"prediction_{name}" for name in target.names]
    np.testing.assert_array_equal(np.column_stack(list(columns.values())), outputs)
    measured = evaluate(prepared.model, test, prepared.config)
    assert measured["loss"] == pytest.approx(((outputs - test.x) ** 2).mean(), rel=1e-5)


def test_training_is_that_of_plain_keras(tmp_path: Path) -> None:
    prepared = made(loaded(tmp_path, BUILTIN, [{**DENSE, "units": 4}]))
    plain = keras.Sequential([keras.Input((4,)), keras.layers.Dense(4)])
    plain.compile(keras.optimizers.SGD(), "mse")
    plain.set_weights(prepared.model.get_weights())
    x = prepared.dataset.train.x
    batches = Batches.of(prepared.config, prepared.dataset)
    for epoch in (1, 2):
        order = batches.order(epoch)
        for begin in range(0, len(order), 8):
            rows = x[order[begin : begin + 8]]
            plain.train_on_batch(rows, rows)
    fit(prepared, SilentReporter(), lambda row: None)
    for mine, theirs in zip(prepared.model.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-4, atol=1e-6)


def test_noise_is_on_the_input_alone(tmp_path: Path) -> None:
    """A network that could hand its input on without a loss has one that is the noise."""
    noise = [{"type": "GaussianNoise", "stddev": 0.5}]
    one = loaded(tmp_path, BUILTIN, noise, "training.epochs=1", "data.split.test=0")
    history = fit(made(one), SilentReporter(), lambda row: None)
    assert history[0]["loss"] == pytest.approx(0.25, rel=0.1)


def test_pictures_come_back_in_their_own_unit(tmp_path: Path) -> None:
    layers = [
        "Flatten",
        {"type": "Dense", "units": 36},
        {"type": "Reshape", "target_shape": [6, 6]},
    ]
    prepared = made(loaded(tmp_path, NPZ, layers, "training.metrics=[mae]"))
    test = prepared.dataset.parts["test"]
    outputs = predict(prepared.model, test.x, SilentReporter())
    measured = evaluate(prepared.model, test, prepared.config)
    error = np.abs(outputs - PICTURES[test.rows] / 255)
    assert measured["loss"] == pytest.approx((error**2).mean(), rel=1e-4)
    assert measured["mae"] == pytest.approx(255 * error.mean(), rel=1e-4)


def test_streamed_inputs_are_the_target_too(tmp_path: Path) -> None:
    one = loaded(tmp_path, CSV, [DENSE], "preprocess.missing=median")
    in_memory, on_disk, *_ = both(one.config)
    assert_same(in_memory, on_disk)
    assert on_disk.train.y is on_disk.train.x
    assert not isinstance(on_disk.train.y, np.ndarray)


def test_a_binary_loss_takes_inputs_between_0_and_1(tmp_path: Path) -> None:
    layers = [{**DENSE, "units": 4, "activation": "sigmoid"}]
    overrides = ("training.loss=binary_crossentropy",)
    found = problem(loaded(tmp_path, BUILTIN, layers, *overrides))
    assert found.message == (
        "preprocess.numeric gives inputs that the loss cannot take as the target"
    )
    assert found.expected == "inputs from 0 to 1: the loss is a binary one"
    assert found.hint == "write preprocess: {numeric: minmax}, or use loss: mean_squared_error"
    made(loaded(tmp_path, BUILTIN, layers, *overrides, "preprocess.numeric=minmax"))
    pixels = ["Flatten", {"type": "Dense", "units": 36, "activation": "sigmoid"}]
    pixels.append({"type": "Reshape", "target_shape": [6, 6]})
    made(loaded(tmp_path, NPZ, pixels, *overrides))
    rescaled = [{"type": "Rescaling", "scale": 1 / 255}, *pixels]
    hint = problem(loaded(tmp_path, NPZ, rescaled, *overrides)).hint
    assert hint == "remove the Rescaling layer: without it, pixels are divided by 255 before"


def test_other_outputs_than_the_inputs_are_refused(tmp_path: Path) -> None:
    found = problem(loaded(tmp_path, BUILTIN, [{**DENSE, "units": 3}]))
    assert found.message == (
        "model.layers.0.units is not the number of the inputs, which are the target"
    )
    assert found.expected == "4, one for each number that the network gets of a row"
    found = problem(loaded(tmp_path, NPZ, ["Flatten", {"type": "Dense", "units": 36}]))
    assert found.message == "model.layers.1 the model gives an output of shape (36,) for each row"
    assert found.expected == "(6, 6): the shape of the inputs, which are the target"


def test_the_trivial_answer_is_the_mean_input(tmp_path: Path) -> None:
    from dl.data.trivial import trivial_of

    prepared = made(loaded(tmp_path, BUILTIN, [{**DENSE, "units": 4}], "training.metrics=[mae]"))
    found = trivial_of(prepared.config, prepared.dataset)
    x, test = prepared.dataset.train.x[:], prepared.dataset.parts["test"].x[:]
    assert found is not None
    assert found.words == "always the mean"
    assert found.answer == pytest.approx(x.mean(axis=0), abs=1e-6)
    error = test - x.mean(axis=0)
    assert found.metrics["test"]["loss"] == pytest.approx((error**2).mean(), rel=1e-5)
    assert found.metrics["test"]["mae"] == pytest.approx(np.abs(error).mean(), rel=1e-5)


def test_other_rows_need_no_target(tmp_path: Path) -> None:
    prepared = made(loaded(tmp_path, CSV, [DENSE], "preprocess.missing=median"))
    part = load_part(
        prepared.config, prepared.dataset.preprocessing, tmp_path / "rows.csv", SilentReporter()
    )
    assert part.y is part.x
    assert len(part) == 40


def test_a_column_may_have_the_name(tmp_path: Path) -> None:
    one = loaded(tmp_path, {**CSV, "path": "other.csv"}, [{"type": "Dense", "units": 2}])
    (tmp_path / "other.csv").write_text("a,inputs\n1,2\n2,3\n3,5\n4,4\n")
    found = problem(one)
    assert found.message == (
        f"data.target can be the inputs, or the column 'inputs' of {tmp_path / 'other.csv'}"
    )
    assert found.hint == "write target: [inputs] for the column; for the inputs, rename the column"
    overrides = ("data.target=[inputs]", "model.layers=[{type: Dense, units: 1}]")
    data = {**CSV, "path": "other.csv"}
    assert made(loaded(tmp_path, data, [], *overrides)).dataset.target.names == ("inputs",)


def test_what_is_written_out_is_trained_again(tmp_path: Path) -> None:
    layers = [{**DENSE, "units": 4, "activation": "sigmoid"}]
    overrides = ("training.loss=binary_crossentropy", "preprocess.numeric=minmax")
    first = made(loaded(tmp_path, BUILTIN, layers, *overrides))
    text = resolved_text(first.config)
    assert "task: regression" in text
    again = made(load_text(tmp_path / "resolved.yaml", text.encode(), (), trained=True))
    assert again.config == first.config


def test_windows_are_given_back(tmp_path: Path) -> None:
    layers = [{"type": "Conv1D", "filters": 2, "kernel_size": 3, "padding": "same"}]
    series = {"exclude": ["kind", "b"], "split": {"order": "rows", "test": 0.2}}
    data = {**CSV, **series, "window": {"length": 4, "stride": 2}}
    ready = made(loaded(tmp_path, data, layers))
    train, columns = ready.dataset.train, ready.dataset.train.x.table
    assert train.y is train.x
    assert train.x.shape == (len(train), 4, 2)
    np.testing.assert_array_equal(train.x[:2], np.stack([columns[0:4], columns[2:6]]))
    assert ready.dataset.target.places == (4, 2)
    fit(ready, SilentReporter(), lambda row: None)
    out = predict(ready.model, ready.dataset.test.x, SilentReporter())
    error = ((out - ready.dataset.test.x[:]) ** 2).mean()
    assert evaluate(ready.model, ready.dataset.test, ready.config)["loss"] == pytest.approx(error)
    resident, streamed, *_ = both(ready.config)
    np.testing.assert_array_equal(streamed.train.y[:], resident.train.y[:])
