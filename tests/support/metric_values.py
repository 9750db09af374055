"""What each metric is by scikit-learn or NumPy, from the predictions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from sklearn import metrics as sk

from dl.data.types import Array

CUTS = np.arange(200) / 199
"""The probabilities that Keras tries; the curve is exact where each row has another."""


@dataclass(frozen=True)
class Rows:
    """True and predicted values of the same rows, in the target's unit.

    Attributes:
        form: The form of the target.
        true: Numbers of classes; 0 or 1 for each label; or numbers.
        predicted: The same of the predictions.
        probabilities: For each class or label; None where there are none.
        outputs: The outputs of the model.
    """

    form: str
    true: Array
    predicted: Array
    probabilities: Array | None
    outputs: Array

    @property
    def count(self) -> int:
        return 2 if self.form == "one" else self.outputs.shape[1]

    def columns(self, classes: Array) -> Array:
        """0 or 1 for each class or label."""
        return classes if self.form == "labels" else np.eye(self.count)[classes.astype(int)]

    def decided(self) -> tuple[Array, Array]:
        """What is true and what is decided, of the second class or of all classes and labels."""
        if self.form in ("one", "two"):
            return self.true, self.predicted
        decided = self.columns(self.predicted)
        if self.form == "several" and self.probabilities is not None:
            decided = self.probabilities > 0.5
        return self.columns(self.true).ravel(), decided.ravel().astype(int)

    def probable(self) -> tuple[Array, Array]:
        """What is true and its probability, of the second class or of all classes and labels."""
        assert self.probabilities is not None
        if self.form in ("one", "two"):
            return self.true, self.probabilities[:, 1]
        return self.columns(self.true).ravel(), self.probabilities.ravel()

    def compared(self) -> tuple[Array, Array]:
        """What an error compares."""
        if self.form in ("number", "numbers"):
            return self.true, self.predicted
        values = self.outputs if self.probabilities is None else self.probabilities
        if self.form == "one":
            return self.true, values[:, -1]
        return self.columns(self.true), values

    def margins(self) -> tuple[Array, Array]:
        """-1 or 1, and the outputs."""
        true = self.true[:, None] if self.form == "one" else self.columns(self.true)
        return 2 * true - 1, self.outputs


def expected(name: str, rows: Rows) -> float:
    """Returns the value of a metric, with the parameters of `generate_metrics.metric_of`."""
    return float(VALUES[name](rows))


def _positives(truth: bool, decision: bool) -> Callable[[Rows], float]:
    def count(rows: Rows) -> float:
        true, decided = rows.decided()
        return float(((true == truth) & (decided == decision)).sum())

    return count


def _scored(score: Callable[..., float]) -> Callable[[Rows], float]:
    return lambda rows: score(*rows.decided(), zero_division=0)


def _f1(rows: Rows) -> float:
    if rows.form in ("one", "two"):
        return float(sk.f1_score(rows.true, rows.predicted))
    return float(sk.f1_score(rows.true, rows.predicted, average="macro", zero_division=0))


def _auc(rows: Rows) -> float:
    rates = _at_cuts(rows)
    return float(np.trapezoid(rates["recall"][::-1], 1 - rates["specificity"][::-1]))


def _at_cuts(rows: Rows) -> Mapping[str, Array]:
    true, probability = rows.probable()
    cuts = np.concatenate([[-1e-7], CUTS[1:-1], [1 + 1e-7]])
    positive = probability[None, :] > cuts[:, None]
    hits, alarms = (positive & (true == 1)).sum(1), (positive & (true == 0)).sum(1)
    with np.errstate(invalid="ignore"):
        precision = np.nan_to_num(hits / (hits + alarms))
    negative = (true == 0).sum()
    recall = hits / (true == 1).sum()
    return {"recall": recall, "precision": precision, "specificity": 1 - alarms / negative}


def _best(of: str, where: str) -> Callable[[Rows], float]:
    def best(rows: Rows) -> float:
        rates = _at_cuts(rows)
        return float(rates[of][rates[where] >= 0.5].max(initial=0))

    return best


def _log_loss(rows: Rows) -> float:
    true, probability = rows.probable()
    if rows.form == "one":
        return float(sk.log_loss(true, probability))
    return float(-(true * np.log(probability) + (1 - true) * np.log(1 - probability)).mean())


def _cross_entropy(rows: Rows) -> float:
    assert rows.probabilities is not None
    return float(-np.log(rows.probabilities[np.arange(len(rows.true)), rows.true]).mean())


def _jaccard(labels: list[int] | None) -> Callable[[Rows], float]:
    return lambda rows: float(
        sk.jaccard_score(rows.true, rows.predicted, labels=labels, average="macro")
    )


def _binary_jaccard(rows: Rows) -> float:
    return float(sk.jaccard_score(*rows.decided(), average="macro"))


def _error(measure: Callable[[Array, Array], Array]) -> Callable[[Rows], float]:
    def error(rows: Rows) -> float:
        true, predicted = (np.asarray(part, np.float64) for part in rows.compared())
        return float(measure(true, predicted).mean())

    return error


def _hinge(power: int) -> Callable[[Rows], float]:
    def hinge(rows: Rows) -> float:
        signs, outputs = rows.margins()
        return float((np.maximum(0, 1 - signs * outputs) ** power).mean())

    return hinge


def _categorical_hinge(rows: Rows) -> float:
    true = rows.columns(rows.true)
    right, wrong = (true * rows.outputs).sum(1), ((1 - true) * rows.outputs).max(1)
    return float(np.maximum(0, wrong - right + 1).mean())


def _by_target(measure: Callable[[Array, Array], float]) -> Callable[[Rows], float]:
    def mean(rows: Rows) -> float:
        pairs = zip(rows.true.T, rows.predicted.T, strict=True)
        return float(np.mean([measure(true, predicted) for true, predicted in pairs]))

    return mean


def _concordance(true: Array, predicted: Array) -> float:
    covariance = np.cov(true, predicted, bias=True)[0, 1]
    apart = true.var() + predicted.var() + (true.mean() - predicted.mean()) ** 2
    return float(2 * covariance / apart)


def _cosine(rows: Rows) -> float:
    true, predicted = rows.true, rows.predicted
    lengths = np.linalg.norm(true, axis=1) * np.linalg.norm(predicted, axis=1)
    return float(((true * predicted).sum(1) / lengths).mean())


VALUES: Mapping[str, Callable[[Rows], float]] = {
    "AUC": _auc,
    "BinaryAccuracy": lambda rows: (rows.true == rows.predicted).mean(),
    "BinaryCrossentropy": _log_loss,
    "BinaryIoU": _binary_jaccard,
    "CategoricalAccuracy": lambda rows: sk.accuracy_score(rows.true, rows.predicted),
    "CategoricalCrossentropy": _cross_entropy,
    "CategoricalHinge": _categorical_hinge,
    "ConcordanceCorrelation": _by_target(_concordance),
    "CosineSimilarity": _cosine,
    "F1Score": _f1,
    "FBetaScore": _f1,
    "FalseNegatives": _positives(True, False),
    "FalsePositives": _positives(False, True),
    "Hinge": _hinge(1),
    "IoU": _jaccard([1]),
    "KLDivergence": _cross_entropy,
    "LogCoshError": _error(lambda y, p: np.log(np.cosh(p - y))),
    "MeanAbsoluteError": _error(lambda y, p: np.abs(p - y)),
    "MeanAbsolutePercentageError": _error(lambda y, p: 100 * np.abs((p - y) / y)),
    "MeanIoU": _jaccard(None),
    "MeanSquaredError": _error(lambda y, p: (p - y) ** 2),
    "MeanSquaredLogarithmicError": _error(lambda y, p: (np.log1p(p) - np.log1p(y)) ** 2),
    "OneHotIoU": _jaccard([1]),
    "OneHotMeanIoU": _jaccard(None),
    "PearsonCorrelation": _by_target(lambda y, p: np.corrcoef(y, p)[0, 1]),
    "Poisson": _error(lambda y, p: p - y * np.log(p)),
    "Precision": _scored(sk.precision_score),
    "PrecisionAtRecall": _best("precision", "recall"),
    "R2Score": lambda rows: sk.r2_score(rows.true, rows.predicted),
    "Recall": _scored(sk.recall_score),
    "RecallAtPrecision": _best("recall", "precision"),
    "RootMeanSquaredError": lambda rows: np.sqrt(expected("MeanSquaredError", rows)),
    "SensitivityAtSpecificity": _best("recall", "specificity"),
    "SparseCategoricalAccuracy": lambda rows: sk.accuracy_score(rows.true, rows.predicted),
    "SparseCategoricalCrossentropy": _cross_entropy,
    "SparseTopKCategoricalAccuracy": lambda rows: sk.accuracy_score(rows.true, rows.predicted),
    "SpecificityAtSensitivity": _best("specificity", "recall"),
    "SquaredHinge": _hinge(2),
    "TopKCategoricalAccuracy": lambda rows: sk.accuracy_score(rows.true, rows.predicted),
    "TrueNegatives": _positives(False, False),
    "TruePositives": _positives(True, True),
    "accuracy": lambda rows: (rows.true == rows.predicted).mean(),
}
