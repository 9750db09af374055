"""scikit-learn's data sets."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import datasets

from dl.config.data import BUILTIN
from dl.data.load import load_dataset
from dl.data.sources.named import _rows_of_builtin
from dl.progress import SilentReporter
from support.tables import config_with, told

CLASSES = {
    "iris": ("setosa", "versicolor", "virginica"),
    "wine": ("class_0", "class_1", "class_2"),
    "breast_cancer": ("malignant", "benign"),
    "digits": tuple("0123456789"),
    "diabetes": (),
}
SHAPES = {"iris": 4, "wine": 13, "breast_cancer": 30, "digits": 64, "diabetes": 10}


@pytest.mark.parametrize("name", BUILTIN)
def test_every_data_set(name: str) -> None:
    training = {"loss": "sparse_categorical_crossentropy" if CLASSES[name] else "mse"}
    units = {"units": len(CLASSES[name]) or 1, "activation": "softmax" if CLASSES[name] else None}
    layers = [{"type": "Dense", **units}]
    data: dict[str, object] = {"source": "builtin", "dataset": name}
    config = config_with(data, training=training, model={"layers": layers})
    dataset = load_dataset(config, SilentReporter())
    assert dataset.target.classes == CLASSES[name]
    assert dataset.preprocessing.input_shape == (SHAPES[name],)
    assert dataset.preprocessing.array is None


@pytest.mark.parametrize("name", BUILTIN)
def test_rows_are_those_of_scikit_learn(name: str) -> None:
    bunch = getattr(datasets, f"load_{name}")()
    columns, rows, answers = _rows_of_builtin(name)
    assert list(columns) == list(bunch.feature_names)
    assert (rows.dtype, answers.dtype) == (bunch.data.dtype, bunch.target.dtype)
    assert np.array_equal(rows, bunch.data)
    assert np.array_equal(answers, bunch.target)
    if BUILTIN[name].classes:
        assert BUILTIN[name].classes == tuple(map(str, bunch.target_names))


def test_chosen_columns() -> None:
    config = config_with(
        {
            "source": "builtin",
            "dataset": "diabetes",
            "features": ["bmi", "sex"],
            "columns": {"sex": "categorical"},
        }
    )
    fitted = load_dataset(config, SilentReporter()).preprocessing
    assert fitted.feature_names == ("bmi", "sex=-0.0446416", "sex=0.0506801")


def test_unknown_column() -> None:
    config = config_with({"source": "builtin", "dataset": "diabetes", "features": ["bim"]})
    assert told(lambda: load_dataset(config, SilentReporter())) == (
        "diabetes: there is no column 'bim'\n"
        "expected: one of age, sex, bmi, bp, s1, s2, s3, s4 and 2 more\n"
        "hint: did you mean 'bmi'?"
    )
