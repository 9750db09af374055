"""Simple models on the data of a config: their numbers by scikit-learn, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import accuracy_score, mean_absolute_error
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from dl import app
from dl.config.load import load_config
from dl.data.load import read_dataset
from dl.errors import DataError, UsageError
from dl.progress import SilentReporter
from dl.report.ranking import Ranking, ranking_text

CONFIG = """\
data: {source: csv, path: rows.csv, features: [a, b, word], target: TARGET, split: {SPLIT}}
preprocess: {target: SCALING}
model: {layers: [{type: Dense, units: UNITS, activation: LAST}]}
training: {loss: LOSS, metrics: [METRIC]}
"""
OF_CLASSES = {
    "TARGET": "kind",
    "SCALING": "none",
    "UNITS": "3",
    "LAST": "softmax",
    "LOSS": "sparse_categorical_crossentropy",
    "METRIC": "accuracy",
    "SPLIT": "validation: 0.1, test: 0.3",
}
OF_NUMBERS = {
    **OF_CLASSES,
    "TARGET": "[y, z]",
    "SCALING": "standardize",
    "UNITS": "2",
    "LAST": "linear",
    "LOSS": "mean_squared_error",
    "METRIC": "mean_absolute_error",
}


def _config(folder: Path, words: dict[str, str]) -> Path:
    random = np.random.default_rng(2)
    a, b = random.normal(size=(2, 240)).round(4)
    kind = np.select([a > 0.5, b > 0.3], ["one", "two"], "three")
    frame = pd.DataFrame({"a": a, "b": b, "word": random.choice(["x", "y"], 240), "kind": kind})
    frame["y"], frame["z"] = (5 + 3 * a).round(4), (b**2).round(4)
    frame["red"], frame["never"] = (a > 0).astype(int), 0
    frame.to_csv(folder / "rows.csv", index=False)
    text = CONFIG
    for key, value in words.items():
        text = text.replace(key, value)
    (folder / "case.yaml").write_text(text)
    return folder / "case.yaml"


def _ranking(folder: Path, words: dict[str, str]) -> Ranking:
    return app.baseline(load_config(_config(folder, words)), SilentReporter())


def test_models_of_classes_are_those_of_scikit_learn_on_the_same_rows(tmp_path: Path) -> None:
    ranking = _ranking(tmp_path, OF_CLASSES)

    data = read_dataset(load_config(tmp_path / "case.yaml"), SilentReporter())
    assert data.test is not None
    x, y = np.asarray(data.train.x[:]), data.train.y
    rows, true = np.asarray(data.test.x[:]), data.test.y
    models = {
        "class shares": DummyClassifier(strategy="prior"),
        "logistic": make_pipeline(StandardScaler(), LogisticRegression(max_iter=200)),
        "k nearest": KNeighborsClassifier(5),
        "boosted trees": HistGradientBoostingClassifier(early_stopping=False, random_state=0),
    }
    expected = {}
    for name, model in models.items():
        said = np.clip(model.fit(x, y).predict_proba(rows), 1e-7, 1)
        loss = -np.log(said[np.arange(len(true)), true]).mean()
        expected[name] = (loss, accuracy_score(true, said.argmax(axis=1)))
    found = {each.name: (each.metrics["loss"], each.metrics["accuracy"]) for each in ranking.models}
    assert set(found) == set(expected)
    for name, values in found.items():
        assert values == pytest.approx(expected[name], rel=2e-2, abs=2e-3), name
    accuracies = [accuracy for _, accuracy in found.values()]
    assert accuracies == sorted(accuracies, reverse=True)
    assert (ranking.part, ranking.rows, ranking.ranked_by) == ("test", len(true), "accuracy")
    assert ranking.network is None
    assert ranking.verdicts == ()


def test_numbers_are_measured_in_their_own_unit(tmp_path: Path) -> None:
    ranking = _ranking(tmp_path, OF_NUMBERS)

    data = read_dataset(load_config(tmp_path / "case.yaml"), SilentReporter())
    rows = pd.read_csv(tmp_path / "rows.csv")[["y", "z"]].to_numpy()
    assert data.test is not None
    true = rows[data.test.rows]
    x, test = np.asarray(data.train.x[:]), np.asarray(data.test.x[:])
    line = make_pipeline(StandardScaler(), Ridge()).fit(x, data.train.y).predict(test)
    train = rows[data.train.rows]
    said = line * train.std(axis=0) + train.mean(axis=0)
    found = {each.name: each.metrics["mean_absolute_error"] for each in ranking.models}
    assert found["linear"] == pytest.approx(mean_absolute_error(true, said), rel=1e-3)
    always = np.broadcast_to(train.mean(axis=0), true.shape)
    assert found["always the mean"] == pytest.approx(mean_absolute_error(true, always), rel=1e-3)
    assert [each.name for each in ranking.models][-1] == "always the mean"


def test_a_label_that_no_training_row_has_is_never_given(tmp_path: Path) -> None:
    words = {**OF_CLASSES, "TARGET": "[red, never]", "UNITS": "2", "LAST": "sigmoid"}
    words |= {"LOSS": "binary_crossentropy", "METRIC": "binary_accuracy"}
    best = _ranking(tmp_path, words).models[0]
    assert best.metrics["binary_accuracy"] > 0.97


def test_a_fold_is_compared_on_its_validation_part(tmp_path: Path) -> None:
    words = {**OF_CLASSES, "SPLIT": "folds: 3, fold: 2, test: 0"}
    ranking = _ranking(tmp_path, words)
    assert (ranking.part, ranking.rows) == ("validation", 80)


def test_without_other_rows_than_training_rows_there_is_nothing_to_compare(tmp_path: Path) -> None:
    with pytest.raises(DataError) as error:
        _ranking(tmp_path, {**OF_CLASSES, "SPLIT": "validation: 0, test: 0"})
    (problem,) = error.value.problems
    assert problem.message == "there are no rows to compare models on: all of them train"
    assert problem.expected == "a test or validation part"
    assert problem.hint == "give it rows: data.split.test above 0"


def test_outputs_that_are_no_answer_are_refused(tmp_path: Path) -> None:
    words = {**OF_CLASSES, "LOSS": "circle", "METRIC": "", "LAST": "linear"}
    with pytest.raises(UsageError) as error:
        _ranking(tmp_path, words)
    assert error.value.problems[0].message == (
        "no simple model answers as this network does: the outputs of the loss Circle name no class"
        " or number of a row"
    )


def _arrays(folder: Path, x: np.ndarray, y: np.ndarray, layers: str) -> Ranking:
    np.savez(folder / "rows.npz", x_train=x, y_train=y)
    (folder / "case.yaml").write_text(
        f"data: {{source: npz, path: rows.npz}}\nmodel: {{layers: [{layers}]}}\n"
        "training: {loss: sparse_categorical_crossentropy, metrics: [accuracy]}\n"
    )
    return app.baseline(load_config(folder / "case.yaml"), SilentReporter())


@pytest.mark.parametrize(
    ("case", "line"),
    [
        (
            "places",
            "left out: logistic, k nearest and boosted trees: a row has a target at each of "
            "several places",
        ),
        (
            "words",
            "left out: logistic, k nearest and boosted trees: Embedding looks up numbers that "
            "stand for words or categories",
        ),
        (
            "wide",
            "left out: k nearest and boosted trees: a row has 4,800 numbers, more than 4,096",
        ),
    ],
)
def test_models_that_make_no_sense_are_left_out_with_the_reason(
    tmp_path: Path, case: str, line: str
) -> None:
    random, last = np.random.default_rng(0), "{type: Dense, units: 3, activation: softmax}"
    if case == "places":
        x, y = random.normal(size=(60, 4, 4, 1)), random.integers(0, 3, (60, 4, 4))
        layers = "{type: Conv2D, filters: 3, kernel_size: 1, activation: softmax}"
    elif case == "words":
        x, y = random.integers(0, 9, (60, 5)), random.integers(0, 3, 60)
        layers = "{type: Embedding, input_dim: 9, output_dim: 2}, Flatten, " + last
    else:
        x, y = random.normal(size=(60, 40, 40, 3)), random.integers(0, 3, 60)
        layers = "Flatten, " + last
    ranking = _arrays(tmp_path, x.astype(np.float32), y, layers)
    assert ranking.left_out_lines == [line]
    assert line in ranking_text(ranking).splitlines()
    assert ranking.models[-1].metrics["accuracy"] <= 1


def test_many_rows_are_cut_and_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dl.baselines.models._MOST_NUMBERS", 400)
    ranking = _ranking(tmp_path, OF_CLASSES)
    rows = {each.name: each.rows for each in ranking.models}
    assert (rows["logistic"], rows["k nearest"], rows["boosted trees"]) == (100, 100, 144)
    assert "100 of 144 rows" in ranking_text(ranking)
