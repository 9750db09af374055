"""Classification: confusion matrix, ROC, precision and recall, calibration, choice of threshold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from dl.data.types import Array
from dl.pages.charts import Chart, Line, Mark, line
from dl.pages.context import Context
from dl.report.input import (
    PlotInput,
    class_indexes,
    class_name,
    class_probabilities,
    describe_part,
)
from dl.text import shortened

_MOST_CLASSES = 30
_MOST_CURVES = 10
_THRESHOLDS = np.linspace(0.01, 0.99, 99)

Labels = list[tuple[str, Array, Array]]
"""A name, truth (0 or 1) of each row and its probability, for each class that has a curve."""


def build(context: Context) -> Mapping[str, Any] | None:
    """Returns the matrix and charts; None for other tasks and without the model's answers."""
    judged = context.judged
    if judged is None or judged.predictions is None or judged.task == "regression":
        return None
    matrix = None if judged.task == "multilabel" else _matrix(judged)
    charts = list(_charts(judged, context.cut))
    return {"about": describe_part(judged), "matrix": matrix, "charts": charts}


def _matrix(judged: PlotInput) -> Mapping[str, Any] | None:
    from sklearn.metrics import confusion_matrix

    count = len(judged.classes)
    if not 0 < count <= _MOST_CLASSES:
        return None
    true = class_indexes(np.asarray(judged.y_true))
    guessed = class_indexes(np.asarray(judged.predictions))
    counts = confusion_matrix(true, guessed, labels=np.arange(count))
    totals = counts.sum(axis=1)
    names = [shortened(class_name(judged, place), 24) for place in range(count)]
    rows = [
        {
            "name": names[place],
            "cells": [_cell(row[other], totals[place], other == place) for other in range(count)],
            "recall": _share(row[place], totals[place]),
            "precision": _share(row[place], counts[:, place].sum()),
        }
        for place, row in enumerate(counts)
    ]
    return {"names": names, "rows": rows}


def _cell(count: int, total: int, right: bool) -> Mapping[str, Any]:
    return {"count": int(count), "share": float(count / total) if total else 0.0, "right": right}


def _share(count: int, total: int) -> float | None:
    return float(count / total) if total else None


def _charts(judged: PlotInput, cut: float) -> Iterator[Chart]:
    labels = list(_one_against_rest(judged))
    if not labels:
        return
    yield _roc(labels)
    yield _precision_recall(labels)
    yield _calibration(judged, labels)
    if judged.task == "binary":
        yield _threshold(*labels[0][1:], cut)


def _one_against_rest(judged: PlotInput) -> Iterator[tuple[str, Array, Array]]:
    """Yields a name, truth (0 or 1) and probability for each class that has rows of both kinds."""
    probabilities = class_probabilities(judged)
    if probabilities is None:
        return
    true = np.asarray(judged.y_true)
    chosen = [1] if judged.task == "binary" else range(min(probabilities.shape[1], _MOST_CURVES))
    for place in chosen:
        truth = true[:, place] if judged.task == "multilabel" else class_indexes(true) == place
        if 0 < truth.sum() < len(truth):
            name = shortened(class_name(judged, place), 24)
            yield name, truth.astype(np.int64), probabilities[:, place]


def _roc(labels: Labels) -> Chart:
    lines = [_roc_line(place, *label) for place, label in enumerate(labels)]
    chance = Line("chance", (0.0, 1.0), (0.0, 1.0), dashed=True, colour=9)
    return Chart("ROC", "false positive rate", "true positive rate", (*lines, chance))


def _roc_line(place: int, name: str, truth: Array, probability: Array) -> Line:
    from sklearn.metrics import roc_auc_score, roc_curve

    false_rate, true_rate, _ = roc_curve(truth, probability)
    area = roc_auc_score(truth, probability)
    return line(f"{name}, area {area:.3f}", *_distinct(false_rate, true_rate), colour=place)


def _precision_recall(labels: Labels) -> Chart:
    lines = [_precision_line(place, *label) for place, label in enumerate(labels)]
    return Chart("Precision and recall", "recall", "precision", tuple(lines))


def _precision_line(place: int, name: str, truth: Array, probability: Array) -> Line:
    from sklearn.metrics import average_precision_score, precision_recall_curve

    precision, recall, _ = precision_recall_curve(truth, probability)
    area = average_precision_score(truth, probability)
    return line(
        f"{name}, average {area:.3f}", *_distinct(recall[::-1], precision[::-1]), colour=place
    )


def _distinct(x: Array, y: Array) -> tuple[Array, Array]:
    """Keeps the highest y of each x: one position of a chart has one value in a line."""
    places, first = np.unique(x, return_index=True)
    return places, np.maximum.reduceat(y, first)


def _calibration(judged: PlotInput, labels: Labels) -> Chart:
    from sklearn.calibration import calibration_curve

    lines = []
    for place, (name, truth, probability) in enumerate(_given(judged, labels)):
        observed, predicted = calibration_curve(truth, np.clip(probability, 0, 1), n_bins=10)
        lines.append(line(name, predicted, observed, colour=place))
    perfect = Line("perfect", (0.0, 1.0), (0.0, 1.0), dashed=True, colour=9)
    note = "On the diagonal, of the rows that are given 0.8, eight in ten are so."
    return Chart(
        "Calibration", "mean probability given", "share that is so", (*lines, perfect), note=note
    )


def _given(judged: PlotInput, labels: Labels) -> Labels:
    """Returns what is held against its frequency: of many classes, that of the predicted one."""
    probabilities = class_probabilities(judged)
    if judged.task != "multiclass" or probabilities is None:
        return labels
    right = class_indexes(np.asarray(judged.predictions)) == class_indexes(
        np.asarray(judged.y_true)
    )
    return [("predicted class", right.astype(np.int64), probabilities.max(axis=1))]


def _threshold(truth: Array, probability: Array, cut: float) -> Chart:
    said = probability[None, :] >= _THRESHOLDS[:, None]
    right = (said & (truth == 1)).sum(axis=1)
    precision = right / np.maximum(1, said.sum(axis=1))
    recall = right / truth.sum()
    balance = 2 * precision * recall / np.maximum(1e-12, precision + recall)
    accuracy = (said == (truth == 1)).mean(axis=1)
    measures = {"precision": precision, "recall": recall, "F1": balance, "accuracy": accuracy}
    lines = [
        line(name, _THRESHOLDS, values, colour=place)
        for place, (name, values) in enumerate(measures.items())
    ]
    best = _THRESHOLDS[int(balance.argmax())]
    note = f"F1 is greatest at {best:.2f}. Another threshold: evaluation.threshold, or --threshold."
    marks = (Mark(cut, f"in force: {cut:g}"),)
    return Chart("Choice of threshold", "threshold", "value", tuple(lines), marks, note=note)
