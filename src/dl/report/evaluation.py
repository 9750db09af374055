"""How right the predictions are: confusion, ROC and its kin, residuals; as numbers and charts."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from dl.data.thresholds import precision_recall, roc
from dl.data.types import Array, mean
from dl.report.charts import Chart, Line, Mark
from dl.report.facts import RunFacts
from dl.report.palette import LIGHT
from dl.text import apart, number

MOST_CLASSES = 30
"""More names than these cannot be read beside a matrix."""
# Of more classes than there are colours, so many have one, and so many others are grey.
_COLOURED, _GREY = 3, 7
# Of a calibration: so many bins at most, and rows in each at least, or their fractions are noise.
_BINS, _LEAST_ROWS = 10, 25
# A picture of more panels is larger than a screen.
_MOST_TARGETS = 9
_OTHERS = "(others)"
_RANGES = 8
Curve = Callable[[Array, Array, Array], tuple[Array, Array, float]]
_THRESHOLDS = np.linspace(0.01, 0.99, 99)


@dataclass(frozen=True, slots=True)
class Confusion:
    """How often each class was predicted as which; of very many classes, those most mistaken.

    Attributes:
        counts: Rows are true classes, columns predicted ones, shape (classes, columns); sums of
            weights, to a decimal, where rows have some.
        totals: Rows of data of each true class, shape (classes,).
        predicted: Rows that were predicted as each of these classes, shape (classes,).
        rows: Names of the true classes.
        columns: Names of the predicted classes; the last may stand for all that are not shown.
        left_out: How many classes are not shown.
        accuracy: Share of all rows that are right.
        names: The whole names of the classes that are shown.
    """

    counts: Array
    totals: Array
    predicted: Array
    rows: list[str]
    columns: list[str]
    left_out: int
    accuracy: float
    names: list[str]

    @property
    def fractions(self) -> Array:
        """Each cell's fraction of its true class, shape (classes, columns)."""
        return np.asarray(self.counts / np.maximum(self.totals, 1)[:, None])

    @property
    def right(self) -> Array:
        """Whether a cell counts right predictions, shape (classes, columns)."""
        return np.eye(*self.counts.shape, dtype=np.bool_)

    @property
    def recall(self) -> list[float | None]:
        """The fraction of each true class that was found; None for a class without rows."""
        return _ratios(self.counts.diagonal(), self.totals)

    @property
    def precision(self) -> list[float | None]:
        """The fraction of its predictions that are right; None if a class was never predicted."""
        return _ratios(self.counts.diagonal(), self.predicted)


def _ratios(hits: Array, totals: Array) -> list[float | None]:
    pairs = zip(hits, totals, strict=True)
    return [float(hit / total) if total else None for hit, total in pairs]


def confusion_of(run: RunFacts) -> Confusion | None:
    """Returns the confusion of one class a row; None for other tasks and without predictions."""
    if not run.in_classes or run.predicted is None or not len(run.true):
        return None
    true, predicted = run.true.astype(np.int64), run.predicted.astype(np.int64)
    size = max(len(run.classes), 1 + int(max(true.max(), predicted.max())))
    pairs = true * size + predicted
    counts = np.bincount(pairs, run.weights, minlength=size * size).reshape(size, size)
    totals, guesses = counts.sum(axis=1), counts.sum(axis=0)
    kept = np.arange(size)
    if size > MOST_CLASSES:
        mistakes = totals + guesses - 2 * counts.diagonal()
        kept = np.sort(np.argsort(-mistakes, kind="stable")[:MOST_CLASSES])
    whole = [run.class_name(int(index)) for index in kept]
    rows = columns = apart(whole, 22)
    shown = counts[np.ix_(kept, kept)]
    if len(kept) < size:
        others = totals[kept] - shown.sum(axis=1)
        shown, columns = np.hstack([shown, others[:, None]]), [*rows, _OTHERS]
    accuracy = float(mean(true == predicted, run.weights))
    left_out = size - len(kept)
    sums = totals[kept], guesses[kept]
    return Confusion(_shown(shown), *sums, rows, columns, left_out, accuracy, whole)


def _shown(counts: Array) -> Array:
    return counts if counts.dtype.kind == "i" else counts.round(1)


@dataclass(frozen=True, slots=True)
class LabelConfusion:
    """For each label of rows with several, how often no and yes were predicted as no and yes.

    Attributes:
        names: The labels that are shown: of very many, those with most mistakes.
        counts: True values in rows, predicted ones in columns, shape (labels, 2, 2).
        labels: How many labels there are.
    """

    names: list[str]
    counts: Array
    labels: int


def label_confusion(run: RunFacts) -> LabelConfusion | None:
    """Returns the confusion of each label; None for other tasks and without predictions."""
    if run.task != "multilabel" or run.predicted is None or not len(run.true):
        return None
    true, predicted = run.true > 0.5, run.predicted > 0.5
    mistakes = (true != predicted).sum(axis=0)
    shown = np.sort(np.argsort(-mistakes, kind="stable")[:MOST_CLASSES])
    pairs = 2 * true[:, shown].astype(np.int64) + predicted[:, shown]
    rows = [pairs == pair for pair in range(4)]
    if run.weights is None:
        counts = np.stack([cell.sum(axis=0) for cell in rows], axis=1)
    else:
        counts = np.stack([run.weights @ cell for cell in rows], axis=1)
    names = apart([run.class_name(int(label)) for label in shown], 20)
    return LabelConfusion(names, _shown(counts.reshape(-1, 2, 2)), len(mistakes))


@dataclass(frozen=True, slots=True)
class _Label:
    """A class that has a curve: truth (0 or 1), probability and weight of each row, (rows,)."""

    name: str
    truth: Array
    probability: Array
    weights: Array


def class_charts(run: RunFacts) -> list[Chart]:
    """Returns ROC, precision and recall, calibration and the choice of a threshold.

    Each class that has rows of both kinds is held against the rest; without probabilities there
    are no charts.
    """
    labels = _one_against_rest(run)
    if not labels:
        return []
    lines, note = _curves(labels, roc, "area")
    precisions, of_precisions = _curves(labels, precision_recall, "average")
    chance = (*lines, _diagonal("chance"))
    charts = [
        Chart("ROC", "false positive rate", "true positive rate", chance, note=note, square=True),
        Chart("Precision and recall", "recall", "precision", precisions, note=of_precisions),
        _calibration(run, labels),
    ]
    return [*charts, _threshold(labels[0], run.threshold)] if run.task == "binary" else charts


def _one_against_rest(run: RunFacts) -> list[_Label]:
    given, labels = run.probabilities, []
    if given is None:
        return []
    chosen = [1] if run.task == "binary" else range(given.shape[1])
    names = apart([run.class_name(place) for place in chosen], 24)
    weights = np.ones(len(run.true)) if run.weights is None else run.weights
    for name, place in zip(names, chosen, strict=True):
        truth = run.true[:, place] if run.task == "multilabel" else run.true == place
        if 0 < weights @ truth < weights.sum():
            labels.append(_Label(name, truth.astype(np.int64), given[:, place], weights))
    return labels


def _curves(labels: list[_Label], curve: Curve, area_name: str) -> tuple[tuple[Line, ...], str]:
    """Returns the curve of each class, and which are shown where there are too many."""
    found = [
        (label.name, *curve(label.truth, label.probability, label.weights)) for label in labels
    ]
    colours, note = list(range(len(found))), ""
    if len(found) > len(LIGHT.series):
        shown = sorted(found, key=lambda one: one[3])[: _COLOURED + _GREY]
        note = f"In colour: the {_COLOURED} classes with the least {area_name}; grey: "
        note += "the others" if len(shown) == len(found) else f"the next {_GREY} of {len(found)}"
        colours, found = [*range(_COLOURED), *[-1] * (len(shown) - _COLOURED)], shown
    lines = []
    for colour, (label, x, y, area) in zip(colours, found, strict=True):
        # The highest y of each x: one position of a chart has one value in a line.
        places, first = np.unique(x, return_index=True)
        name = f"{label}, {area_name} {area:.3f}"
        lines.append(Line(name, places, np.maximum.reduceat(y, first), colour=colour))
    return tuple(lines), note and f"{note}."


def _diagonal(label: str) -> Line:
    return Line(label, (0.0, 1.0), (0.0, 1.0), dashed=True, colour=-1)


def _calibration(run: RunFacts, labels: list[_Label]) -> Chart:
    if run.task == "multiclass" and run.probabilities is not None:
        # Of many classes, the probability of the predicted one is held against its frequency.
        right = (run.true == run.predicted).astype(np.int64)
        given = run.probabilities.max(axis=1)
        labels = [_Label("predicted class", right, given, labels[0].weights)]
    rows = len(labels[0].truth)
    count = max(1, min(_BINS, rows // _LEAST_ROWS))
    lines = []
    for colour, label in enumerate(labels[: len(LIGHT.series)]):
        given = np.clip(label.probability, 0, 1)  # a sum of rounded numbers may be above 1
        # Of bins that hold equally many; equal values share one.
        edges = np.unique(np.quantile(given, np.linspace(0, 1, count + 1)[1:-1]))
        place = np.searchsorted(edges, given, side="right")
        whole = np.bincount(place, label.weights)
        sums = [np.bincount(place, label.weights * v) for v in (label.truth, given)]
        observed, predicted = (total[whole > 0] / whole[whole > 0] for total in sums)
        lines.append(Line(label.name, predicted, observed, colour=colour))
    note = f"A dot stands for {'about ' * (count > 1)}{rows / count:.0f} rows. "
    note += "On the diagonal, of those that are given 0.8, eight in ten are so."
    if len(labels) > len(lines):
        note += f" Shown are the first {len(lines)} of {len(labels)} labels."
    shown = (*lines, _diagonal("perfect"))
    return Chart("Calibration", "mean probability given", "fraction that is so", shown, note=note)


def _threshold(label: _Label, threshold: float) -> Chart:
    truth = label.truth == 1
    chosen = label.probability[None, :] >= _THRESHOLDS[:, None]
    right, found = (chosen & truth) @ label.weights, chosen @ label.weights
    precision = np.divide(right, found, out=np.zeros_like(right), where=found > 0)
    recall = right / (truth @ label.weights)
    balance = 2 * precision * recall / np.maximum(1e-12, precision + recall)
    accuracy = (chosen == truth) @ label.weights / label.weights.sum()
    measures = {"precision": precision, "recall": recall, "F1": balance, "accuracy": accuracy}
    best = _THRESHOLDS[int(balance.argmax())]
    return Chart(
        "Choice of threshold",
        "threshold",
        "value",
        tuple(
            Line(name, _THRESHOLDS, values, colour=colour)
            for colour, (name, values) in enumerate(measures.items())
        ),
        (Mark(threshold, f"in force: {threshold:g}"),),
        note=f"F1 is largest at {best:.2f}. Another threshold: evaluation.threshold, or "
        "--threshold.",
    )


@dataclass(frozen=True, slots=True)
class Residuals:
    """One target of a regression: the rows in which both values are finite.

    Attributes:
        name: The target.
        true: True values, shape (rows,).
        predicted: Predicted values, shape (rows,).
        counted: What there is one value of: rows, or places of rows.
        weights: How much each counts, shape (rows,); None where all count the same.
    """

    name: str
    true: Array
    predicted: Array
    counted: str
    weights: Array | None = None

    @property
    def values(self) -> Array:
        """Predicted minus true, shape (rows,)."""
        return np.asarray(self.predicted - self.true)

    @property
    def figures(self) -> dict[str, str]:
        """What sums them up, by what it is called."""
        residuals = self.values
        total = self._mean(np.square(self.true - self._mean(self.true)))
        squares = self._mean(np.square(residuals))
        explained = 1 - squares / total if total else math.nan
        return {
            "mean absolute error": number(self._mean(np.abs(residuals)), padded=True),
            "RMSE": number(math.sqrt(squares), padded=True),
            "mean residual": number(self._mean(residuals), padded=True),
            "R²": "" if math.isnan(explained) else number(explained, padded=True),
        }

    def _mean(self, values: Array) -> float:
        return float(mean(values, self.weights))

    def _error_of(self, rows: Array) -> float:
        """Returns the mean absolute error of some rows; 0 where none of them counts."""
        weights = None if self.weights is None else self.weights[rows]
        if not rows.any() or (weights is not None and not weights.any()):
            return 0.0
        return float(mean(np.abs(self.values[rows]), weights))

    def predicted_true(self) -> Chart:
        """Returns predicted against true values, with the line of perfect predictions."""
        low = float(min(self.true.min(), self.predicted.min()))
        high = float(max(self.true.max(), self.predicted.max()))
        points = Line(self.counted, self.true, self.predicted, kind="points")
        perfect = Line("perfect", (low, high), (low, high), dashed=True, colour=-1)
        figures = self.figures
        quality = f"R² {figures['R²']}, " if figures["R²"] else ""
        return Chart(
            f"{self.name}: predicted against true",
            "true",
            "predicted",
            (points, perfect),
            aside=f"{quality}MAE {figures['mean absolute error']}",
            square=True,
        )

    def by_prediction(self) -> Chart:
        """Returns the residual of each prediction."""
        points = Line(self.counted, self.predicted, self.values, kind="points")
        ends = float(self.predicted.min()), float(self.predicted.max())
        zero = Line("perfect", ends, (0.0, 0.0), dashed=True, colour=-1)
        middle = self._mean(self.values)
        deviation = number(math.sqrt(self._mean(np.square(self.values - middle))))
        return Chart(
            f"{self.name}: residuals by prediction",
            "predicted",
            "residual",
            (points, zero),
            aside=f"mean {number(middle)}, standard deviation {deviation}",
        )

    def distribution(self) -> Chart:
        """Returns how often a residual is in each of equal bins: more of them for more rows."""
        bins = int(min(40, max(8, math.sqrt(len(self.true)))))
        counts, edges = np.histogram(self.values, bins=bins, weights=self.weights)
        bars = Line(self.counted, (edges[1:] + edges[:-1]) / 2, counts, kind="bars")
        note = "Right of 0: predicted too high."
        title = f"{self.name}: residuals"
        marks = (Mark(0.0, ""),)
        ends = tuple(edges.tolist())
        return Chart(title, "predicted - true", self.counted, (bars,), marks, note=note, edges=ends)

    def error_by_range(self) -> Chart:
        """Returns the mean absolute error in ranges of the true value that hold equally many."""
        # Edges are true values, so that no range is empty, however few rows there are.
        shares = np.linspace(0, 1, _RANGES + 1)
        edges = np.unique(np.quantile(self.true, shares, method="inverted_cdf"))
        place = np.searchsorted(edges, self.true, side="right") - 1
        place = np.clip(place, 0, max(0, len(edges) - 2))
        ranges = range(max(1, len(edges) - 1))
        errors = [self._error_of(place == each) for each in ranges]
        ends = [number(float(edge), 3) for edge in edges]
        return Chart(
            f"{self.name}: error by range",
            f"true {self.name}, as many rows in each range",
            "mean absolute error",
            (Line("mean absolute error", ranges, errors, kind="bars", colour=1),),
            edges=tuple(edges.tolist()),
            ticks=tuple(f"{a}\N{EN DASH}{b}" for a, b in pairwise(ends)) or tuple(ends),
        )


def residuals_of(run: RunFacts) -> list[Residuals]:
    """Returns the residuals of each target, or of the first nine.

    None for other tasks and without predictions; nor for inputs that are to come back, if they are
    many: a pixel alone tells nothing, and the errors of whole rows are shown.
    """
    if run.task != "regression" or run.predicted is None or not len(run.true):
        return []
    if run.errors is not None and run.true.shape[1] > _MOST_TARGETS:
        return []
    found = []
    count = min(run.true.shape[1], _MOST_TARGETS)
    names = [*run.targets[:count], *(f"target {n + 1}" for n in range(len(run.targets), count))]
    for place, name in enumerate(apart(names, 32)):
        true, predicted = run.true[:, place], run.predicted[:, place]
        finite = np.isfinite(true) & np.isfinite(predicted)
        if finite.any():
            values = true[finite], predicted[finite]
            weights = None if run.weights is None else run.weights[finite]
            found.append(Residuals(name, *values, run.counted, weights))
    return found
