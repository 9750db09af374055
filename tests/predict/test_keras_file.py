"""`.h5` files of plain Keras: measured as Keras measures them, and not trusted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest

from conftest import Dl

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]

X = np.random.default_rng(0).normal(size=(30, 4)).round(3).astype("float32")
Y = np.arange(30) % 3


def saved(folder: Path, *layers: Any, name: str = "sequential_7", **compiled: Any) -> Path:
    """Saves a compiled model, as plain Keras does, after an epoch; returns its file."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((4,)), *layers], name=name)
    model.compile(
        **{"loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"], **compiled}
    )
    model.fit(X, Y, verbose=0)
    path = folder / "model.h5"
    model.save(path)
    return path


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    """A classifier of plain Keras, and beside it `rows.csv` with its rows."""
    lines = [",".join(map(str, [*row, label])) for row, label in zip(X, Y, strict=True)]
    (tmp_path / "rows.csv").write_text("\n".join(["a,b,c,d,label", *lines]) + "\n")
    return saved(
        tmp_path,
        keras.layers.Dense(8, activation="relu"),
        keras.layers.BatchNormalization(),
        keras.layers.Dropout(0.5),
        keras.layers.Dense(3, activation="softmax"),
    )


def test_evaluate_gives_what_keras_gives(dl: Dl, plain: Path) -> None:
    rows = plain.with_name("rows.csv")
    outcome = dl("evaluate", plain, "--data", rows, "--target", "label", "--json", "-q")

    expected = keras.models.load_model(plain).evaluate(X, Y, verbose=0, return_dict=True)
    result = json.loads(outcome.out)
    assert (result["run"], result["split"], result["rows"]) == (str(plain), "rows.csv", 30)
    assert result["metrics"] == pytest.approx(expected, rel=1e-5)


def test_evaluate_takes_arrays_and_another_loss(dl: Dl, tmp_path: Path) -> None:
    path = saved(tmp_path, keras.layers.Dense(1), loss="mse", metrics=[])
    np.savez(tmp_path / "rows.npz", x=X, y=Y.astype("float32"))
    outcome = dl(
        *("evaluate", path, "--data", tmp_path / "rows.npz", "--json", "-q"),
        *("--set", "training.loss=mae", "--set", "training.metrics=[mse]"),
    )

    expected = keras.models.load_model(path, compile=False).predict(X, verbose=0)[:, 0] - Y
    metrics = json.loads(outcome.out)["metrics"]
    assert metrics["loss"] == pytest.approx(np.abs(expected).mean(), rel=1e-5)
    assert metrics["mse"] == pytest.approx((expected**2).mean(), rel=1e-5)


def test_names_of_older_kerases_are_found(dl: Dl, plain: Path) -> None:
    rows = plain.with_name("rows.csv")
    arguments = ("evaluate", plain, "--data", rows, "--target", "label", "--json", "-q")
    expected = dl(*arguments).out
    with h5py.File(plain, "r+") as file:
        for name, layer in file["model_weights"].items():
            if "sequential_7" not in layer:
                continue
            for weight in list(layer[f"sequential_7/{name}"]):
                layer.move(f"sequential_7/{name}/{weight}", f"{name}/{weight}:0")
            del layer["sequential_7"]

    assert dl(*arguments).out == expected


def test_file_of_keras_2_is_measured(dl: Dl, plain: Path) -> None:
    """Its weights are named in another way, its metrics are wrapped, its input has another name."""
    rows = plain.with_name("rows.csv")
    arguments = ("evaluate", plain, "--data", rows, "--target", "label", "--json", "-q")
    expected = dl(*arguments).out
    with h5py.File(plain, "r+") as file:
        settings = json.loads(file.attrs["model_config"])
        first, *layers = settings["config"]["layers"]
        first["config"] = {"batch_input_shape": [None, 4], "name": "dense_input", "ragged": False}
        layers[1]["config"]["axis"] = [1]
        file.attrs["model_config"] = json.dumps(settings)
        function = "sparse_categorical_accuracy"
        metric = {"name": "accuracy", "dtype": "float32", "fn": function}
        wrapped = {"class_name": "MeanMetricWrapper", "config": metric}
        compiled = {"loss": "sparse_categorical_crossentropy", "metrics": [[wrapped]]}
        file.attrs["training_config"] = json.dumps(compiled)
        file.attrs["keras_version"] = "2.15.0"
        for name, layer in file["model_weights"].items():
            for weight in list(layer.get(f"sequential_7/{name}", [])):
                layer.move(f"sequential_7/{name}/{weight}", f"{name}/{weight}:0")
            layer.pop("sequential_7", None)

    assert dl(*arguments).out == expected


def told(dl: Dl, path: Path, *options: str) -> tuple[int, str]:
    """Returns the exit code and the error of a measurement."""
    rows = path.with_name("rows.csv")
    outcome = dl("evaluate", path, "--data", rows, "--target", "label", "-q", *options)
    assert outcome.out == ""
    return outcome.code, outcome.err.replace(f"{path.parent}/", "")


def test_lambda_is_refused_and_not_run(dl: Dl, plain: Path) -> None:
    with h5py.File(plain, "r+") as file:
        settings = json.loads(file.attrs["model_config"])
        settings["config"]["layers"][3]["class_name"] = "Lambda"
        file.attrs["model_config"] = json.dumps(settings)

    assert told(dl, plain) == (
        4,
        "error: model.h5: model.layers.3 names Lambda, which is left out: "
        "a config must not run code\n"
        "expected: the name of a layer, as Keras spells it\n"
        "found: Lambda\n"
        "hint: what to do instead: docs/limits.md\n",
    )


def test_functional_model_is_refused(dl: Dl, plain: Path) -> None:
    row = keras.Input((4,))
    keras.Model(row, keras.layers.Dense(3)(row)).save(plain)

    assert told(dl, plain) == (
        4,
        "error: model.h5: it is a Functional model\nexpected: Sequential\n",
    )


def test_weights_alone_are_refused(dl: Dl, plain: Path) -> None:
    keras.models.load_model(plain).save_weights(plain.with_name("m.weights.h5"))

    assert told(dl, plain.with_name("m.weights.h5")) == (
        4,
        "error: m.weights.h5 does not hold a model: it has no 'model_config'\n"
        "hint: restore the file from a copy, or train again\n",
    )


def test_model_without_loss_asks_for_one(dl: Dl, plain: Path) -> None:
    with h5py.File(plain, "r+") as file:
        del file.attrs["training_config"]

    assert told(dl, plain) == (
        4,
        "error: model.h5 names no loss: it was saved without being compiled\n"
        "hint: name it: --set training.loss=NAME\n",
    )
    rows = plain.with_name("rows.csv")
    options = ("--target", "label", "--set", "training.loss=mse", "-q")
    assert dl("evaluate", plain, "--data", rows, *options).code == 0


def test_other_columns_are_named(dl: Dl, plain: Path) -> None:
    assert told(dl, plain, "--set", "data.features=[a, b]") == (
        3,
        "error: rows.csv: the rows do not fit the model\n"
        "expected: inputs of shape (4,)\n"
        "found: (2,): a, b\n"
        "hint: choose the columns and their order with --set data.features=[...]\n",
    )


def test_words_are_refused(dl: Dl, plain: Path) -> None:
    rows = plain.with_name("rows.csv")
    lines = rows.read_text().splitlines()
    words = [f"red{i % 3},{line.partition(',')[2]}" for i, line in enumerate(lines[1:])]
    rows.write_text("\n".join([lines[0], *words]) + "\n")

    assert told(dl, plain) == (
        3,
        "error: rows.csv: the column 'a' does not hold numbers\n"
        "expected: the numbers that the model was trained on: the file of a model does not say "
        "how words and dates were turned into them\n"
        "hint: leave the column out with --set data.features=[...], or save numbers\n",
    )


def test_target_is_asked_for(dl: Dl, plain: Path) -> None:
    rows = plain.with_name("rows.csv")
    outcome = dl("evaluate", plain, "--data", rows, "-q")

    assert (outcome.code, outcome.err) == (
        2,
        f"error: {rows}: the column of the true values is not named\n"
        "hint: name it: --target COLUMN\n",
    )


def test_data_is_asked_for(dl: Dl, plain: Path) -> None:
    outcome = dl("evaluate", plain, "-q")

    assert (outcome.code, outcome.err) == (
        2,
        f"error: {plain} is a model without its own data\n"
        "expected: --data FILE, and no --split\n"
        f"hint: dl evaluate {plain} --data rows.csv --target COLUMN\n",
    )
