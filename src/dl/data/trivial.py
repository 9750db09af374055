"""The answer that looks at no input: what a network must beat to have learned anything.

Of classes it gives their fractions in the training part as probabilities, so it decides for the
commonest; of numbers it says the mean, or under the mean absolute error the median, the constant
that this loss is least for. It needs no Keras: a sweep asks for it before it has any.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from dl.config.rules.training import metric_names
from dl.config.schema import Config
from dl.data.dataset import Dataset
from dl.data.target import Target, class_indexes, unscale
from dl.data.types import Array, Part, mean
from dl.rundir.record import Simple, Trivial
from dl.text import listing, number, shortened
from dl.vocabulary.spec import Spec
from dl.vocabulary.traits import ENTROPIES, FITTING

_MOST_NUMBERS = 1000
"""More are not kept in `run.json`: a mean picture is no answer that a person reads."""
_MOST_WORDS = 20
EPSILON = 1e-7
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
    answer = constant(dataset.train, target, config.training.loss.type)
    metrics = {name: reached(answer, part, target, config) for name, part in dataset.parts.items()}
    kept = answer.reshape(-1).tolist() if answer.size <= _MOST_NUMBERS else []
    forecasts = _forecasts(dataset.parts, target, config)
    return Trivial(tuple(kept), in_words(answer, target), metrics, forecasts, called(target))


def _forecasts(parts: Mapping[str, Part], target: Target, config: Config) -> tuple[Simple, ...]:
    """Returns what the simple forecasts of each part reach; none where rows are no series."""
    names = next(iter(parts.values())).forecasts
    return tuple(
        Simple(
            name,
            {
                part: reached(rows.forecasts[name], rows, target, config)
                for part, rows in parts.items()
            },
            {part: by_step(rows.forecasts[name], rows, target) for part, rows in parts.items()}
            if target.places
            else {},
        )
        for name in names
    )


def by_step(said: Array, part: Part, target: Target) -> tuple[float, ...]:
    """Returns the mean absolute error at each step behind a window, over windows and targets.

    Args:
        said: What is said of each window, in the form of `part.y`.
        part: The windows.
        target: What is predicted.
    """
    y, weights = part.targets()
    errors = np.abs(unscale(said, target) - unscale(y, target))
    errors = errors.reshape(len(y), target.places[0], -1).mean(axis=2)
    return tuple(float(error) for error in mean(errors, weights))


def elsewhere(
    trivial: Trivial, title: str, part: Part, target: Target, config: Config
) -> Trivial | None:
    """Returns what the trivial answer of a run reaches on other rows; None if it was not kept.

    Args:
        trivial: The answer.
        title: What the rows are called.
        part: The rows.
        target: What the network predicts.
        config: The config of the run.
    """
    shape = part.y.shape[1:] if target.form == "numbers" else (len(target.classes),)
    shape = (len(target.quantiles),) if target.quantiles else shape
    if len(trivial.answer) != math.prod(shape):
        return None
    answer = np.array(trivial.answer).reshape(shape)
    return replace(
        trivial,
        metrics={title: reached(answer, part, target, config)},
        forecasts=_forecasts({title: part}, target, config),
    )


def constant(train: Part, target: Target, loss: str) -> Array:
    """Returns the fraction of each class or label, shape (classes,), or what is said of numbers.

    Args:
        train: The training part.
        target: What its targets are.
        loss: Type of the loss.

    Returns:
        Of numbers, in the unit that the network is trained in, shape (*places) or (targets,).
    """
    if not isinstance(train.y, np.ndarray):
        found = [_constant(y, w, target, "") for y, w in train.target_blocks()]
        return np.asarray(_mean_of_blocks(found, train))
    return _constant(*train.targets(), target, loss)


def _constant(y: Array, weights: Array | None, target: Target, loss: str) -> Array:
    if target.quantiles:
        # The least number that so many rows do not exceed: no other has a smaller pinball loss.
        return np.quantile(
            y.reshape(-1).astype(np.float64),
            target.quantiles,
            weights=weights,
            method="inverted_cdf",
        )
    if target.form == "numbers":
        if loss == "MeanAbsoluteError":
            return np.asarray(_median(y, weights), np.float64)
        return np.asarray(mean(y, weights), np.float64)
    if target.form == "multilabel":
        return mean(y.reshape(-1, len(target.classes)).astype(np.float64), weights)
    indexes = class_indexes(y, target).reshape(-1)
    flat = None if weights is None else weights.reshape(-1)
    rows = np.bincount(indexes, flat, minlength=len(target.classes))
    return np.asarray(rows / max(rows.sum(), np.finfo(np.float32).tiny))


def _mean_of_blocks(values: Sequence[Any], part: Part) -> Any:
    """Returns the mean over a part of what was found of each of its blocks of rows."""
    sizes = [len(y) if w is None else w.mean() * len(y) for y, w in part.target_blocks()]
    return np.average(values, axis=0, weights=sizes)


def _median(y: Array, weights: Array | None) -> Array:
    """Returns the median of each column; by weights, the value at which half of them is reached."""
    if weights is None:
        return np.asarray(np.median(y, axis=0))
    order = np.argsort(y, axis=0, kind="stable")
    reached_half = np.cumsum(weights[order], axis=0) >= weights.sum() / 2
    ordered = np.take_along_axis(y, order, 0)
    return np.asarray(np.take_along_axis(ordered, reached_half.argmax(0)[None], 0)[0])


def in_words(answer: Array, target: Target) -> str:
    """Returns what the answer says of every row: `always setosa`."""
    if target.form == "numbers":
        if target.quantiles:
            return f"always {listing([number(q) for q in unscale(answer, target)], 'and')}"
        if answer.size > 1:
            return "always the mean"
        said = float(unscale(answer.reshape(1, -1), target).reshape(-1)[0])
        return f"always {number(said)}"
    chosen = [answer.argmax()] if target.form != "multilabel" else np.flatnonzero(answer >= 0.5)
    names = [target.classes[int(place)] for place in chosen]
    return shortened(f"always {listing(names, 'and', 2) if names else 'no label'}", _MOST_WORDS)


def called(target: Target) -> str:
    """Returns what the answer is called for its loss: of classes, that of their shares."""
    if target.form == "numbers":
        return ""
    return "label shares" if target.form == "multilabel" else "class shares"


def reached(answer: Array, part: Part, target: Target, config: Config) -> dict[str, float]:
    """Returns loss and metrics of an answer on some rows; only those that such an answer has.

    Args:
        answer: The same for all rows, or of numbers one for each, in the form of `part.y`.
        part: The rows.
        target: What is predicted.
        config: The config.
    """
    metrics = config.training.metrics
    kinds: Mapping[str, Spec] = {
        "loss": config.training.loss,
        **dict(zip(metric_names(metrics), metrics, strict=True)),
    }
    measure = _of_numbers if target.form == "numbers" else _of_classes
    several = [
        {n: measure(spec, answer, *some, target, n == "loss") for n, spec in kinds.items()}
        for some in part.target_blocks()
    ]
    found = {
        name: _over_blocks([each[name] for each in several], part, spec.type)
        for name, spec in kinds.items()
        if several[0][name] is not None
    }
    return found


def _over_blocks(values: Sequence[Any], part: Part, kind: str) -> float:
    if len(values) == 1:
        return float(values[0])
    if kind == "RootMeanSquaredError":
        return math.sqrt(_mean_of_blocks([value**2 for value in values], part))
    return float(_mean_of_blocks(values, part))


def _of_classes(
    spec: Spec, answer: Array, y: Array, weights: Array | None, target: Target, is_loss: bool
) -> float | None:
    kind = spec.type
    if target.form == "multilabel":
        labels, truth = None, y.reshape(-1, len(answer))
        if kind in _OF_EACH_OUTPUT:
            return float(mean(truth == (answer >= 0.5), weights, None))
    else:
        labels = class_indexes(y, target).reshape(-1)
        weights = None if weights is None else weights.reshape(-1)
        truth = np.eye(len(answer))[labels] if kind == "BinaryCrossentropy" else y
        if kind in _OF_ONE_CLASS or (kind == "BinaryAccuracy" and target.form == "single"):
            return float(mean(labels == answer.argmax(), weights))
        if kind == "AUC" and target.form == "single" and spec.parameters.get("curve") == "ROC":
            return 0.5  # every pair of rows is a tie
    if spec.parameters.get("label_smoothing") or not target.probabilities:
        return None
    if kind == "BinaryCrossentropy":
        return _binary_entropy(answer, truth, weights)
    if labels is None or kind not in ENTROPIES | FITTING:
        return None
    return float(-mean(np.log(np.maximum(answer[labels], EPSILON)), weights))


def _of_numbers(
    spec: Spec, answer: Array, truth: Array, weights: Array | None, target: Target, is_loss: bool
) -> float | None:
    if target.quantiles:
        return _pinball(spec, answer, truth, weights, target)
    said = answer.reshape(-1, *truth.shape[1:])  # one answer for all rows, or one for each
    if not is_loss:  # metrics are in the unit of the target
        said, truth = unscale(said, target), unscale(truth, target)
    errors = (truth - said).reshape(len(truth), -1)
    match spec.type:
        case "MeanSquaredError":
            return float(mean(errors**2, weights, None))
        case "RootMeanSquaredError":
            return float(np.sqrt(mean(errors**2, weights, None)))
        case "MeanAbsoluteError":
            return float(mean(np.abs(errors), weights, None))
        case "BinaryCrossentropy" if not spec.parameters.get("label_smoothing"):
            return _binary_entropy(said, truth, weights)
    return None


def _pinball(
    spec: Spec, answer: Array, truth: Array, weights: Array | None, target: Target
) -> float | None:
    """Returns the mean pinball loss of the quantiles, or of one number for all of them."""
    if spec.parameters.get("reduction") == "sum":
        return None  # it is no mean over rows
    said = np.atleast_2d(answer) if answer.ndim < 2 else answer.reshape(len(truth), 1)
    errors, shares = truth.reshape(-1, 1) - said, np.array(target.quantiles)
    return float(mean(np.maximum(shares * errors, (shares - 1) * errors), weights, None))


def _binary_entropy(said: Array, truth: Array, weights: Array | None) -> float:
    said = np.clip(said, EPSILON, 1 - EPSILON)
    return float(-mean(truth * np.log(said) + (1 - truth) * np.log(1 - said), weights, None))
