"""The answer that looks at no input: what a network must beat to have learned anything.

Of classes it gives their fractions in the training part as probabilities, so it decides for the
commonest; of numbers it says the mean, or under the mean absolute error the median, the constant
that this loss is least for. It needs no Keras: a sweep asks for it before it has any.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from dl.config.rules.training import metric_names
from dl.config.schema import Config
from dl.data.dataset import Dataset
from dl.data.target import Target, class_indexes, unscale
from dl.data.types import Array
from dl.rundir.record import Trivial
from dl.text import listing, number, shortened
from dl.vocabulary.spec import Spec
from dl.vocabulary.traits import ENTROPIES, FITTING

_MOST_NUMBERS = 1000
"""More are not kept in `run.json`: a mean picture is no answer that a person reads."""
_MOST_WORDS = 20
_EPSILON = 1e-7
"""What Keras takes a probability of 0 for in an entropy."""
_OF_ONE_CLASS = ("accuracy", "CategoricalAccuracy", "SparseCategoricalAccuracy")
_OF_EACH_OUTPUT = ("accuracy", "BinaryAccuracy")


def trivial_of(config: Config, dataset: Dataset) -> Trivial | None:
    """Returns the trivial answer and what it reaches on each part; None where there is none.

    Args:
        config: The config.
        dataset: The data; the answer is that of its training part.
    """
    target = dataset.target
    if target.units is None:  # the outputs of such a network are no answer
        return None
    answer = constant(dataset.train.y, target, config.training.loss.type)
    metrics = {
        name: reached(answer, part.y, target, config) for name, part in dataset.parts.items()
    }
    kept = answer.reshape(-1).tolist() if answer.size <= _MOST_NUMBERS else []
    return Trivial(tuple(kept), in_words(answer, target), metrics)


def elsewhere(
    trivial: Trivial, title: str, y: Array, target: Target, config: Config
) -> Trivial | None:
    """Returns what the trivial answer of a run reaches on other rows; None if it was not kept.

    Args:
        trivial: The answer.
        title: What the rows are called.
        y: Targets as the network takes them.
        target: What the network predicts.
        config: The config of the run.
    """
    shape = y.shape[1:] if target.form == "numbers" else (len(target.classes),)
    if len(trivial.answer) != math.prod(shape):
        return None
    answer = np.array(trivial.answer).reshape(shape)
    return replace(trivial, metrics={title: reached(answer, y, target, config)})


def constant(y: Array, target: Target, loss: str) -> Array:
    """Returns the fraction of each class or label, shape (classes,), or what is said of numbers.

    Args:
        y: Targets of the training part, as the network takes them.
        target: What they are.
        loss: Type of the loss.

    Returns:
        Of numbers, in the unit that the network is trained in, shape (*places) or (targets,).
    """
    if target.form == "numbers":
        middle = np.median if loss == "MeanAbsoluteError" else np.mean
        return np.asarray(middle(y, axis=0), np.float64)
    if target.form == "multilabel":
        return np.asarray(y.reshape(-1, len(target.classes)).mean(axis=0, dtype=np.float64))
    indexes = class_indexes(y, target).reshape(-1)
    return np.asarray(np.bincount(indexes, minlength=len(target.classes)) / len(indexes))


def in_words(answer: Array, target: Target) -> str:
    """Returns what the answer says of every row: `always setosa`."""
    if target.form == "numbers":
        if answer.size > 1:
            return "always the mean"
        said = float(unscale(answer.reshape(1, -1), target).reshape(-1)[0])
        return f"always {number(said)}"
    chosen = [answer.argmax()] if target.form != "multilabel" else np.flatnonzero(answer >= 0.5)
    names = [target.classes[int(place)] for place in chosen]
    return shortened(f"always {listing(names, 'and', 2) if names else 'no label'}", _MOST_WORDS)


def reached(answer: Array, y: Array, target: Target, config: Config) -> dict[str, float]:
    """Returns loss and metrics of an answer on some rows; only those that such an answer has."""
    metrics = config.training.metrics
    kinds: Mapping[str, Spec] = {
        "loss": config.training.loss,
        **dict(zip(metric_names(metrics), metrics, strict=True)),
    }
    measure = _of_numbers if target.form == "numbers" else _of_classes
    found = {name: measure(spec, answer, y, target, name == "loss") for name, spec in kinds.items()}
    return {name: value for name, value in found.items() if value is not None}


def _of_classes(spec: Spec, answer: Array, y: Array, target: Target, is_loss: bool) -> float | None:
    kind = spec.type
    if target.form == "multilabel":
        labels, truth = None, y.reshape(-1, len(answer))
        if kind in _OF_EACH_OUTPUT:
            return float(np.mean(truth == (answer >= 0.5)))
    else:
        labels = class_indexes(y, target).reshape(-1)
        truth = np.eye(len(answer))[labels] if kind == "BinaryCrossentropy" else y
        if kind in _OF_ONE_CLASS or (kind == "BinaryAccuracy" and target.form == "single"):
            return float(np.mean(labels == answer.argmax()))
        if kind == "AUC" and target.form == "single" and spec.parameters.get("curve") == "ROC":
            return 0.5  # every pair of rows is a tie
    if spec.parameters.get("label_smoothing") or not target.probabilities:
        return None
    if kind == "BinaryCrossentropy":
        return _binary_entropy(answer, truth)
    if labels is None or kind not in ENTROPIES | FITTING:
        return None
    return float(-np.mean(np.log(np.maximum(answer[labels], _EPSILON))))


def _of_numbers(spec: Spec, answer: Array, y: Array, target: Target, is_loss: bool) -> float | None:
    said, truth = answer.reshape(1, *y.shape[1:]), y
    if not is_loss:  # metrics are in the unit of the target
        said, truth = unscale(said, target), unscale(truth, target)
    errors = (truth - said).reshape(len(y), -1)
    match spec.type:
        case "MeanSquaredError":
            return float(np.mean(errors**2))
        case "RootMeanSquaredError":
            return float(np.sqrt(np.mean(errors**2)))
        case "MeanAbsoluteError":
            return float(np.mean(np.abs(errors)))
        case "BinaryCrossentropy" if not spec.parameters.get("label_smoothing"):
            return _binary_entropy(said, truth)
    return None


def _binary_entropy(said: Array, truth: Array) -> float:
    said = np.clip(said, _EPSILON, 1 - _EPSILON)
    return float(-np.mean(truth * np.log(said) + (1 - truth) * np.log(1 - said)))
