"""The true answer and the prediction of a row in words, and how wrong the prediction is."""

from __future__ import annotations

import numpy as np

from dl.data.types import Array
from dl.report.input import (
    PlotInput,
    as_columns,
    class_indexes,
    class_name,
    class_probabilities,
)
from dl.text import number

_LEAST_PROBABILITY = 1e-12


def words(run: PlotInput, values: Array) -> list[str]:
    """Returns true or predicted values in words: class names, the labels that are set, numbers."""
    if run.task == "regression":
        return [", ".join(number(float(v)) for v in row) for row in as_columns(values)]
    if run.task == "multilabel":
        return [_labels(run, row) for row in as_columns(values) > 0.5]
    return [class_name(run, int(index)) for index in class_indexes(values)]


def predicted_words(run: PlotInput, rows: Array) -> list[str]:
    """Returns the predictions of some rows in words."""
    return words(run, np.asarray(run.predictions)[rows])


def predicted_shares(run: PlotInput, rows: Array) -> list[str]:
    """Returns the probability of the predicted class of some rows: ` (0.98)`, or nothing."""
    probabilities = class_probabilities(run)
    if run.task not in ("binary", "multiclass") or probabilities is None:
        return [""] * len(rows)
    chosen = class_indexes(np.asarray(run.predictions)[rows])
    return [f" ({share:.2f})" for share in probabilities[rows, chosen]]


def worst_rows(run: PlotInput, most: int) -> Array:
    """Returns the positions of wrongly predicted rows, the greatest loss first.

    The loss is the cross-entropy where there are probabilities (so that the confident mistakes come
    first), the squared error for regression; else all mistakes are equal and keep their order.
    """
    loss, wrong = _losses(run)
    order = np.argsort(-loss, kind="stable")
    result: Array = order[wrong[order]][:most]
    return result


def _losses(run: PlotInput) -> tuple[Array, Array]:
    """Returns the loss of each row, and whether it was predicted wrongly."""
    if run.task == "regression":
        return _squared_errors(run)
    if run.task == "multilabel":
        return _label_losses(run)
    true = class_indexes(np.asarray(run.y_true))
    wrong: Array = true != class_indexes(np.asarray(run.predictions))
    probabilities = class_probabilities(run)
    if probabilities is None:
        return np.zeros(len(true)), wrong
    return _surprise(probabilities[np.arange(len(true)), true]), wrong


def _squared_errors(run: PlotInput) -> tuple[Array, Array]:
    true = as_columns(np.asarray(run.y_true))
    errors = as_columns(np.asarray(run.predictions)) - true
    spread = true.std(axis=0)
    loss = np.square(errors / np.where(spread > 0, spread, 1.0)).mean(axis=1)
    return loss, loss > 0


def _label_losses(run: PlotInput) -> tuple[Array, Array]:
    true = as_columns(np.asarray(run.y_true)) > 0.5
    wrong = (true != (as_columns(np.asarray(run.predictions)) > 0.5)).any(axis=1)
    probabilities = class_probabilities(run)
    if probabilities is None:
        return np.zeros(len(true)), wrong
    return _surprise(np.where(true, probabilities, 1 - probabilities)).mean(axis=1), wrong


def _surprise(probabilities: Array) -> Array:
    result: Array = -np.log(np.maximum(probabilities, _LEAST_PROBABILITY))
    return result


def _labels(run: PlotInput, chosen: Array) -> str:
    return ", ".join(class_name(run, int(place)) for place in np.flatnonzero(chosen)) or "none"
