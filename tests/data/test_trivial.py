"""The trivial answer: its metrics by scikit-learn's dummies, and in a sweep, a run and its page."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.metrics import (
    accuracy_score,
    log_loss,
    mean_absolute_error,
    mean_squared_error,
)

from dl.config.load import Loaded, load_config
from dl.data.dataset import Dataset
from dl.data.load import read_dataset
from dl.data.trivial import elsewhere, trivial_of
from dl.progress import SilentReporter
from dl.rundir.record import Trivial
from dl.text import number

TEXT = """\
data: {source: csv, path: rows.csv, target: TARGET, split: {validation: 0, test: 0.3}}
preprocess: {numeric: standardize, target: SCALING}
model: {layers: [LAYER]}
training: {loss: LOSS, metrics: [METRICS]}
"""


def _read(
    folder: Path, frame: pd.DataFrame, layer: str, loss: str, metrics: str, **changed: str
) -> tuple[Loaded, Dataset, Trivial]:
    frame.to_csv(folder / "rows.csv", index=False)
    text = TEXT.replace("LAYER", layer).replace("LOSS", loss).replace("METRICS", metrics)
    text = text.replace("TARGET", changed.get("target", "y"))
    text = text.replace("SCALING", changed.get("scaling", "none"))
    (folder / "base.yaml").write_text(text)
    loaded = load_config(folder / "base.yaml")
    dataset = read_dataset(loaded, SilentReporter())
    found = trivial_of(loaded.config, dataset)
    assert found is not None
    return loaded, dataset, found


def _frame(rows: int = 200) -> pd.DataFrame:
    random = np.random.default_rng(3)
    return pd.DataFrame(
        {
            "x": random.normal(size=rows),
            "y": random.gamma(2, 10, size=rows).round(2),
            "z": random.normal(50, 3, size=rows).round(2),
            "kind": random.choice(list("aabbbcc"), size=rows),
            "sure": random.choice(["no", "no", "no", "yes"], size=rows),
            "red": random.choice([0, 1, 1], size=rows),
            "blue": random.choice([0, 0, 0, 1], size=rows),
        }
    )


def test_of_classes_it_is_what_a_dummy_of_scikit_learn_says(tmp_path: Path) -> None:
    layer = "{type: Dense, units: 3, activation: softmax}"
    loss, metrics = "sparse_categorical_crossentropy", "accuracy, sparse_categorical_crossentropy"
    _, data, found = _read(tmp_path, _frame(), layer, loss, metrics, target="kind")

    assert data.test is not None
    train, test = data.train.y.reshape(-1), data.test.y.reshape(-1)
    dummy = DummyClassifier(strategy="prior").fit(train.reshape(-1, 1), train)
    said = dummy.predict_proba(test.reshape(-1, 1))
    assert found.metrics["test"] == pytest.approx(
        {
            "loss": log_loss(test, said, labels=[0, 1, 2]),
            "accuracy": accuracy_score(test, said.argmax(axis=1)),
            "sparse_categorical_crossentropy": log_loss(test, said, labels=[0, 1, 2]),
        },
        rel=1e-5,
    )
    assert found.words == f"always {'abc'[int(said[0].argmax())]}"
    assert found.answer == pytest.approx(said[0])


@pytest.mark.parametrize("ending", ["", ", from_logits: true"])
def test_of_two_classes_it_is_the_commonest_one(tmp_path: Path, ending: str) -> None:
    layer = "{type: Dense, units: 1, activation: sigmoid}"
    if ending:
        layer = "{type: Dense, units: 1}"
    loss = f"{{type: binary_crossentropy{ending}}}"
    _, data, found = _read(tmp_path, _frame(), layer, loss, "accuracy, auc", target="sure")

    assert data.test is not None
    share, test = float(data.train.y.mean()), data.test.y.reshape(-1)
    entropy = -np.mean(test * np.log(share) + (1 - test) * np.log(1 - share))
    expected = {"loss": entropy, "accuracy": float(np.mean(test == 0)), "auc": 0.5}
    assert found.metrics["test"] == pytest.approx(expected, rel=1e-5)
    assert found.words == "always no"


def test_of_labels_it_decides_for_each(tmp_path: Path) -> None:
    layer = "{type: Dense, units: 2, activation: sigmoid}"
    target, metrics = "[red, blue]", "binary_accuracy, accuracy"
    _, data, found = _read(tmp_path, _frame(), layer, "binary_crossentropy", metrics, target=target)

    train, test = data.train.y, data.test.y if data.test else data.train.y
    shares = train.mean(axis=0)
    entropy = np.mean([log_loss(test[:, i], np.full(len(test), shares[i])) for i in range(2)])
    accuracy = np.mean(test == (shares >= 0.5))
    expected = {"loss": entropy, "accuracy": accuracy, "binary_accuracy": accuracy}
    assert found.metrics["test"] == pytest.approx(expected, rel=1e-5)
    assert found.words == "always red"


@pytest.mark.parametrize("scaling", ["none", "standardize"])
def test_of_numbers_it_is_the_mean_in_the_unit_of_the_target(tmp_path: Path, scaling: str) -> None:
    layer, metrics = "{type: Dense, units: 1}", "mean_absolute_error, root_mean_squared_error"
    _, data, found = _read(tmp_path, _frame(), layer, "mse", metrics, scaling=scaling)

    rows = pd.read_csv(tmp_path / "rows.csv")["y"].to_numpy()
    assert data.test is not None
    train, test = rows[data.train.rows], rows[data.test.rows]
    said = DummyRegressor().fit(train, train).predict(test)
    unit = 1.0 if scaling == "none" else float(train.var())
    assert found.metrics["test"] == pytest.approx(
        {
            "loss": mean_squared_error(test, said) / unit,
            "mean_absolute_error": mean_absolute_error(test, said),
            "root_mean_squared_error": mean_squared_error(test, said) ** 0.5,
        },
        rel=1e-4,
    )
    assert found.words == f"always {number(float(said[0]))}"


def test_under_the_absolute_error_it_is_the_median(tmp_path: Path) -> None:
    _, data, found = _read(tmp_path, _frame(), "{type: Dense, units: 1}", "mae", "mse")
    rows = pd.read_csv(tmp_path / "rows.csv")["y"].to_numpy()
    assert found.answer == pytest.approx([float(np.median(rows[data.train.rows]))], rel=1e-5)


def test_of_several_numbers_it_is_the_mean_of_each(tmp_path: Path) -> None:
    layer = "{type: Dense, units: 2}"
    _, data, found = _read(
        tmp_path, _frame(), layer, "mse", "mae", target="[y, z]", scaling="standardize"
    )
    rows = pd.read_csv(tmp_path / "rows.csv")[["y", "z"]].to_numpy()
    assert data.test is not None
    train, test = rows[data.train.rows], rows[data.test.rows]
    assert found.metrics["test"]["mae"] == pytest.approx(
        np.abs(test - train.mean(axis=0)).mean(), rel=1e-4
    )
    assert found.words == "always the mean"


def test_a_metric_that_it_does_not_have_is_left_out(tmp_path: Path) -> None:
    layer = "{type: Dense, units: 1, activation: sigmoid}"
    loss = "binary_focal_crossentropy"
    _, _, found = _read(tmp_path, _frame(), layer, loss, "f1_score", target="sure")
    assert found.metrics == {"train": {}, "test": {}}


def test_on_other_rows_it_is_the_answer_of_the_training_part(tmp_path: Path) -> None:
    layer = "{type: Dense, units: 3, activation: softmax}"
    loss = "sparse_categorical_crossentropy"
    loaded, data, found = _read(tmp_path, _frame(), layer, loss, "accuracy", target="kind")
    y = data.train.y
    other = elsewhere(found, "new.csv", data.train, data.target, loaded.config)
    assert other is not None
    assert other.metrics["new.csv"]["accuracy"] == np.mean(y == np.argmax(found.answer))


def test_an_answer_that_was_not_kept_says_nothing_of_other_rows(tmp_path: Path) -> None:
    layer = "{type: Dense, units: 3, activation: softmax}"
    loss = "sparse_categorical_crossentropy"
    loaded, data, _ = _read(tmp_path, _frame(), layer, loss, "accuracy", target="kind")
    lost = Trivial((), "", {})
    assert elsewhere(lost, "new.csv", data.train, data.target, loaded.config) is None
