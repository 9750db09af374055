"""`dl.Classifier` and `dl.Regressor` are estimators of scikit-learn."""

from __future__ import annotations

import pickle
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.datasets import load_diabetes
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.utils.estimator_checks import check_estimator

import dl
from dl.errors import error_text

pytestmark = pytest.mark.slow

LAYERS = [{"type": "Dense", "units": 8, "activation": "relu"}, {"type": "Dense", "units": 1}]
REGRESSION = {
    "data": {},
    "preprocess": {"target": "standardize"},
    "model": {"layers": LAYERS},
    "training": {"loss": "mse", "epochs": 20},
}


def features(frame: pd.DataFrame) -> tuple[pd.DataFrame, pd.Series]:
    return frame.drop(columns="kind"), frame["kind"]


def test_a_classifier_learns_a_frame(fruit: pd.DataFrame) -> None:
    x, y = features(fruit)

    found = dl.Classifier("fruit.yaml").fit(x, y)

    assert is_classifier(found)
    assert found.classes_.tolist() == ["apple", "lemon", "plum"]
    assert found.predict_proba(x).shape == (150, 3)
    assert found.score(x, y) == np.mean(found.predict(x) == y) > 0.6
    assert found.n_features_in_ == 3
    assert found.feature_names_in_.tolist() == ["width", "height", "colour"]


@pytest.mark.parametrize("classes", [[3, 7], [False, True], [1.0, 2.0], ["no", "yes"]])
def test_classes_are_returned_as_they_were_given(
    fruit: pd.DataFrame, classes: list[object]
) -> None:
    x = fruit[["width", "height"]].to_numpy()
    y = np.array(classes)[(fruit["kind"] == "plum").astype(int)]
    config = {
        "data": {},
        "model": {"layers": [{"type": "Dense", "units": 1, "activation": "sigmoid"}]},
        "training": {"loss": "binary_crossentropy", "epochs": 60, "optimizer": "rmsprop"},
    }

    found = dl.Classifier(config, {"training.optimizer.learning_rate": 0.05}).fit(x, y)

    assert found.classes_.tolist() == classes
    assert found.score(x, y) > 0.8
    assert np.array_equal(found.predict(x), found.classes_[found.predict_proba(x).argmax(axis=1)])


def test_parameters_are_paths_of_the_config() -> None:
    found = dl.Classifier("fruit.yaml", {"training.epochs": 3})

    copy = clone(found).set_params(**{"training.batch_size": 8, "runs": "elsewhere"})

    assert found.overrides == {"training.epochs": 3}
    assert copy.overrides == {"training.epochs": 3, "training.batch_size": 8}
    assert copy.get_params()["training.batch_size"] == 8
    assert (copy.runs, copy.get_params(deep=False)["config"]) == ("elsewhere", "fruit.yaml")


def test_a_grid_searches_paths_of_the_config(fruit: pd.DataFrame) -> None:
    x, y = features(fruit)
    rates = {"training.optimizer.learning_rate": [1e-6, 0.05]}

    found = GridSearchCV(dl.Classifier("fruit.yaml"), rates, cv=2).fit(x, y)

    assert found.best_params_ == {"training.optimizer.learning_rate": 0.05}
    assert found.best_estimator_.run_.config["training"]["optimizer"]["learning_rate"] == 0.05


def test_cross_validation_is_repeatable(fruit: pd.DataFrame) -> None:
    x, y = features(fruit)
    first, second = (cross_val_score(dl.Classifier("fruit.yaml"), x, y, cv=3) for _ in range(2))
    assert first.tolist() == second.tolist()


def test_a_regressor_learns_an_array() -> None:
    x, y = load_diabetes(return_X_y=True)

    found = dl.Regressor(REGRESSION).fit(x, y)

    assert is_regressor(found)
    assert found.score(x, y) > 0.2
    assert found.predict(x[:3]).shape == (3,)


def test_a_fitted_estimator_can_be_pickled(fruit: pd.DataFrame) -> None:
    x, y = features(fruit)
    found = dl.Classifier("fruit.yaml").fit(x, y)
    expected = found.predict_proba(x)

    copy = pickle.loads(pickle.dumps(found))
    del found

    np.testing.assert_array_equal(copy.predict_proba(x), expected)


def test_scikit_learn_finds_nothing_wrong() -> None:
    config = {
        "data": {"split": {"validation": 0, "test": 0}},
        "model": {"layers": [{"type": "Dense", "units": 1}]},
        "training": {"loss": "mse", "epochs": 1},
    }
    exceptions = {
        "check_regressors_train": "one epoch is too short to learn anything",
        "check_dtype_object": "a dict in a cell is an error of dl, not a TypeError",
        "check_sample_weight_equivalence_on_dense_data": "two rows are in other batches than one "
        "that counts twice",
    }

    with warnings.catch_warnings(action="ignore"):
        found = check_estimator(
            dl.Regressor(config), expected_failed_checks=exceptions, on_fail=None
        )

    failed = [check["check_name"] for check in found if check["status"] == "failed"]
    assert not failed
    assert len(found) > 40


def test_rows_that_no_file_can_hold_are_refused() -> None:
    with pytest.raises(dl.DataError, match="these rows cannot be kept as Parquet"):
        dl.train({"data": {"target": "y"}}, data=pd.DataFrame({"a": [1, {}], "y": [0, 1]}))


def test_runs_can_be_kept(fruit: pd.DataFrame, folder: Path) -> None:
    x, y = features(fruit)
    found = dl.Classifier("fruit.yaml", runs="kept").fit(x, y)
    assert found.run_.path == Path("kept/fruit/0001")
    assert found.run_.report.is_file()


def test_an_estimator_that_is_not_fitted_says_so(fruit: pd.DataFrame) -> None:
    with pytest.raises(NotFittedError):
        dl.Classifier("fruit.yaml").predict(fruit)


def test_the_target_must_not_be_among_the_features(fruit: pd.DataFrame) -> None:
    with pytest.raises(dl.UsageError, match="X has the column kind, which is the target"):
        dl.Classifier("fruit.yaml").fit(fruit, fruit["kind"])


def test_a_sample_weight_is_the_weight_of_the_config(fruit: pd.DataFrame) -> None:
    x, y = features(fruit)
    weight = np.linspace(0.5, 2, len(x))
    found = dl.Classifier("fruit.yaml").fit(x, y, sample_weight=weight.tolist())
    assert found.run_.config["data"]["weight"] == "sample_weight"
    weighted = dl.Classifier("fruit.yaml", {"data.weight": "w"}).fit(x.assign(w=weight), y)
    np.testing.assert_array_equal(found.predict_proba(x), weighted.predict_proba(x.assign(w=0)))
    plain = dl.Classifier("fruit.yaml").fit(x, y)
    assert not np.array_equal(found.predict_proba(x), plain.predict_proba(x))


def test_a_sample_weight_beside_that_of_the_config_is_refused(fruit: pd.DataFrame) -> None:
    x, y = features(fruit)
    found = dl.Classifier("fruit.yaml", {"data.weight": "width"})
    with pytest.raises(dl.UsageError) as caught:
        found.fit(x, y, sample_weight=np.ones(len(x)))
    assert error_text(caught.value) == (
        "error: sample_weight cannot be used beside data.weight: width\n"
        "hint: leave one of the two out"
    )


def test_windows_are_refused() -> None:
    document = {"data": {"window": {"length": 3}}, "model": {"layers": []}, "training": {}}
    with pytest.raises(dl.UsageError) as caught:
        dl.Regressor(document).fit([[1.0], [2.0]], [1.0, 2.0])
    assert error_text(caught.value) == (
        "error: an estimator answers for each row, but data.window asks for what follows rows\n"
        "hint: dl.train(config, data=frame), then run.predict(frame)"
    )
