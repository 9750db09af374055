"""Simple models of scikit-learn, fitted on the rows and the preparation of a network.

Each answers in the form of the network's outputs, so that losses, metrics and decisions are those
of what measures the network. Their settings are scikit-learn's own, but for what makes them repeat.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsRegressor
from threadpoolctl import threadpool_limits

from dl.config.schema import Config
from dl.data.requirements import tokens_of
from dl.data.target import Target, class_indexes
from dl.data.trivial import EPSILON
from dl.data.types import Array, Part
from dl.text import plural
from dl.vocabulary.traits import TAKES_SHARES

# A fit takes some seconds on two cores: numbers that are read, times what is done with each.
_MOST_NUMBERS = 5e7
_MOST_LINEAR, _MOST_DISTANCES, _MOST_SPLITS = 2e8, 5e10, 5e7
_MOST_ANSWERED = 5e8
"""Numbers of the rows to answer: those of texts are made whole for it."""
_OF_LEAVES = 8_000
"""What a boosted tree costs for each column without any row: bins of 31 leaves."""
_LONGEST_ROW = 4096
"""Numbers of a row from which on distances and single splits say little, and trees take minutes."""
_FEWEST_ROWS = 100
"""A model of fewer rows would say nothing of one of all."""
_ITERATIONS = 200
_NEIGHBOURS = 5
_LEAST_WEIGHT = 1e-12
"""Where none of the nearest rows counts, all of them do."""

Values = Callable[[Array, Array, Array, Target, Array | None], Array]
"""Returns for other rows what was learned: probabilities of the classes or labels, or numbers."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a simple model said of the rows of a part.

    Attributes:
        name: What it is called.
        outputs: As the network gives them, shape (rows, *outputs).
        rows: Training rows that it was fitted on.
        seconds: What that, and to answer, took.
    """

    name: str
    outputs: Array
    rows: int
    seconds: float


def fitted(
    train: Part, part: Part, target: Target, config: Config, left_out: dict[str, str]
) -> Iterator[Answer]:
    """Yields what each model says of a part; in `left_out` it says why one is not there.

    Args:
        train: The training part.
        part: The rows to answer.
        target: What is to be predicted.
        config: The config of the network.
        left_out: Filled with the reason for each model that makes no sense here, by name.
    """
    width = int(np.prod(train.x.shape[1:]))
    outputs = 1 if target.task == "binary" else len(target.classes) or len(target.names)
    tokens = tokens_of(config.model.layers)
    for name, (most, values) in _models(target, width, outputs, len(part)).items():
        rows = min(len(train), max(0, int(most)))
        if train.y is train.x:
            left_out[name] = "it would copy the inputs, which are the target"
        elif target.places:
            left_out[name] = "a row has a target at each of several places"
        elif tokens is not None:
            left_out[name] = f"{tokens.layer} looks up numbers that stand for words or categories"
        elif width > _LONGEST_ROW and name in ("k nearest", "boosted trees"):
            left_out[name] = f"a row has {width:,} numbers, more than {_LONGEST_ROW:,}"
        elif len(part) * width > _MOST_ANSWERED:
            left_out[name] = f"{len(part):,} rows of {width:,} numbers take too much memory"
        elif rows < min(len(train), _FEWEST_ROWS):
            each = plural(outputs, "output")
            left_out[name] = f"{width:,} numbers in a row for {each} would take minutes"
        else:
            begin, sample = time.perf_counter(), train.sample(rows)
            y, weights = sample.targets()
            said = values(_flat(sample), y, _flat(part), target, weights)
            shaped = outputs_of(_possible(said, train.targets()[0], target, config), target)
            yield Answer(name, shaped, rows, time.perf_counter() - begin)


def outputs_of(values: Array, target: Target) -> Array:
    """Returns probabilities, or numbers as the network is trained on them, as outputs of a network.

    Args:
        values: Shape (rows, classes), (rows, labels) or (rows, *numbers).
        target: What is predicted.
    """
    if target.form == "single":
        values = values[:, 1:]
    if target.activation == "softmax":
        return np.asarray(np.log(np.maximum(values, EPSILON)), np.float32)
    if target.activation == "sigmoid":
        inner = np.clip(values, EPSILON, 1 - EPSILON)
        return np.asarray(np.log(inner / (1 - inner)), np.float32)
    if target.form != "numbers" and not target.probabilities and target.cut == 0:
        values = 2 * values - 1  # the sides of a hinge loss
    return np.asarray(values, np.float32)


def _models(
    target: Target, width: int, outputs: int, answered: int
) -> dict[str, tuple[float, Values]]:
    """Returns the models by name: how many rows they can take, and what they learn."""
    linear, size = "linear" if target.form == "numbers" else "logistic", width * outputs
    return {
        linear: (min(_MOST_NUMBERS / width, _MOST_LINEAR / size), _linear),
        "k nearest": (min(_MOST_NUMBERS / width, _MOST_DISTANCES / (width * answered)), _nearest),
        "boosted trees": ((_MOST_SPLITS / size - _OF_LEAVES) / 5, _trees),
    }


def _linear(x: Array, y: Array, rows: Array, target: Target, weights: Array | None) -> Array:
    """Logistic or ridge regression of columns that are standardized, so that it converges."""
    center, spread = x.mean(axis=0), x.std(axis=0)
    x, rows = ((each - center) / np.where(spread > 0, spread, 1) for each in (x, rows))
    if target.form == "numbers":
        return np.asarray(Ridge().fit(x, y, weights).predict(rows)).reshape(len(rows), -1)
    make = partial(LogisticRegression, max_iter=_ITERATIONS)
    return _probabilities(make, x, y, rows, target, weights)


def _nearest(x: Array, y: Array, rows: Array, target: Target, weights: Array | None) -> Array:
    """The mean of the nearest rows, by their weights; of classes, their fractions."""
    if target.form not in ("numbers", "multilabel"):
        y = np.eye(len(target.classes), dtype=np.float32)[class_indexes(y, target)]
    model = KNeighborsRegressor(min(_NEIGHBOURS, len(x)), algorithm="brute")
    model.fit(x, y)
    if weights is None:
        return np.asarray(model.predict(rows)).reshape(len(rows), -1)
    near = model.kneighbors(rows, return_distance=False)
    counts = np.maximum(weights, _LEAST_WEIGHT)[near][..., np.newaxis]
    return np.asarray((y.reshape(len(y), -1)[near] * counts).sum(axis=1) / counts.sum(axis=1))


def _trees(x: Array, y: Array, rows: Array, target: Target, weights: Array | None) -> Array:
    settings: dict[str, Any] = {"early_stopping": False, "random_state": 0}
    # Threads of so many short steps wait for each other: beside other work ten times as long.
    with threadpool_limits(1, user_api="openmp"):
        if target.form != "numbers":
            make = partial(HistGradientBoostingClassifier, **settings)
            return _probabilities(make, x, y, rows, target, weights)
        model = HistGradientBoostingRegressor(**settings)
        columns = y.reshape(len(y), -1).T
        said = [model.fit(x, column, sample_weight=weights).predict(rows) for column in columns]
        return np.stack(said, axis=1)


def _probabilities(
    make: Callable[[], Any],
    x: Array,
    y: Array,
    rows: Array,
    target: Target,
    weights: Array | None,
) -> Array:
    """Returns the probability of each class, or of each label, shape (rows, classes)."""
    if target.form == "multilabel":
        said = [_of_one(make(), x, each, rows, 2, weights)[:, 1] for each in y.T]
        return np.stack(said, axis=1)
    return _of_one(make(), x, class_indexes(y, target), rows, len(target.classes), weights)


def _of_one(
    model: Any, x: Array, classes: Array, rows: Array, count: int, weights: Array | None
) -> Array:
    """Fits a classifier; a class without training rows has the probability 0."""
    found, present = np.zeros((len(rows), count)), np.unique(classes.astype(np.intp))
    if len(present) == 1:
        found[:, present] = 1
        return found
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it could go on for longer
        found[:, present] = model.fit(x, classes.astype(np.intp), weights).predict_proba(rows)
    return found


def _flat(part: Part) -> Array:
    return np.asarray(part.x[:], np.float32).reshape(len(part), -1)


def _possible(values: Array, y: Array, target: Target, config: Config) -> Array:
    """Returns numbers that the loss can take: a line may leave the range of the targets."""
    if target.form == "numbers" and config.training.loss.type in TAKES_SHARES | {"Poisson"}:
        return np.clip(values, y.min(axis=0), y.max(axis=0))
    return values
