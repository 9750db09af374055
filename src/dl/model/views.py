"""Target and outputs of rows in the forms that metrics take."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from dl.data.target import Target
from dl.vocabulary.spec import Spec

View = Callable[[Any], Any]


def same(tensor: Any) -> Any:
    """Returns what it is given."""
    return tensor


def just_below(threshold: float) -> float:
    """Returns the threshold that makes Keras' `output > threshold` mean `>=` in float32."""
    limit = np.float32(threshold)
    if limit == 0:
        return -float(np.finfo(np.float32).tiny)  # numbers nearer to 0 may count as 0
    return float(np.nextafter(limit, np.float32(-np.inf)))


class Views:
    """The views of a target of classes or numbers, and of the outputs for it.

    A view `…_of_class` has a column for each class or label. `columns`, `decided` and
    `flat_probabilities` have the second of two classes alone, as scikit-learn measures them.
    """

    def __init__(self, target: Target) -> None:
        self._target = target
        self._exclusive = target.form in ("labels", "one_hot")
        self._classes = len(target.classes)
        self._second = self._exclusive and self._classes == 2

    @property
    def output_threshold(self) -> float:
        """The output above which a row is of the second class or has a label."""
        cut = self._target.cut
        of_output = math.log(cut / (1 - cut)) if self._target.activation == "sigmoid" else cut
        return just_below(of_output)

    @property
    def probability_threshold(self) -> float:
        """The probability above which Keras' metrics decide as predictions do."""
        return just_below(self._target.cut) if self._target.has_threshold else 0.5

    @property
    def like_keras(self) -> bool:
        """Whether Keras' metrics are right about target and outputs as they are."""
        plain = self._target.probabilities and self._target.activation == "none"
        return plain and self._target.form != "labels" and not self._second

    @property
    def several_probabilities(self) -> bool:
        """Whether there are probabilities of more than two classes."""
        return self._exclusive and not self._second and self._target.probabilities

    @property
    def natural(self) -> View:
        """The view of the target with a column for each output."""
        return self.columns_of_class if self._target.form == "labels" else same

    @property
    def numbered(self) -> View:
        """The view of the target as class numbers."""
        return same if self._target.form == "labels" else self.index

    def numbers(self, values: Any) -> Any:
        """Returns numbers of the target in their own unit, in float64 where they are scaled."""
        own = self.from_center(values)
        if self._target.scaling in ("none", "log1p"):
            return own
        center = np.array(self._target.center)
        return own + (center.mean() if self._target.places else center)

    def from_center(self, values: Any) -> Any:
        """Returns numbers of the target in their own unit, but counted from the center.

        The numbers at all places of a row are measured together, so they have one center.
        """
        places = self._target.places
        values = tf.reshape(values, (-1, *places)) if places else values
        if self._target.scaling == "none":
            return values
        own = tf.cast(values, tf.float64) * np.array(self._target.spread)
        center = np.array(self._target.center)
        if self._target.scaling == "log1p":  # what is counted from a center bends with it
            return tf.math.expm1(own + center)
        return own + (center - center.mean()) if places else own

    def predicted_numbers(self, outputs: Any) -> Any:
        """Returns outputs as numbers of the target in their own unit."""
        return self.numbers(self.probabilities(outputs))

    def predicted_from_center(self, outputs: Any) -> Any:
        """Returns outputs as numbers of the target, counted from the center."""
        return self.from_center(self.probabilities(outputs))

    def most(self, y: Any) -> Any:
        """Returns mixed targets as the class, or label, of the greater share; numbers as they are.

        Targets that are not mixed stay what they are.
        """
        if self._target.form == "one_hot":
            return tf.one_hot(tf.argmax(y, axis=-1), self._classes, dtype=y.dtype)
        return y if self._target.form == "numbers" else tf.cast(y > 0.5, y.dtype)

    def index(self, y: Any) -> Any:
        """Returns the number of each row's class, of the target."""
        if self._target.form == "one_hot":
            return tf.argmax(y, axis=-1)
        return tf.cast(tf.reshape(y, [-1]) if self._target.form == "single" else y, tf.int64)

    def columns_of_class(self, y: Any) -> Any:
        """Returns 0 or 1 for each class or label, of the target."""
        one_hot = self._target.form != "labels"
        return y if one_hot else tf.one_hot(tf.cast(y, tf.int32), self._classes)

    def flat_columns_of_class(self, y: Any) -> Any:
        """Returns 0 or 1 for each class or label, of the target, shape (rows, columns)."""
        return self._both(y if self._target.form == "single" else self.columns_of_class(y))

    def columns(self, y: Any) -> Any:
        """Returns 0 or 1 for the second class or each label, shape (rows, columns)."""
        return self._flat(y if self._target.form == "single" else self.columns_of_class(y))

    def probabilities(self, outputs: Any) -> Any:
        """Returns the outputs as probabilities, where they are any."""
        outputs = tf.cast(outputs, tf.float32)
        if self._target.activation == "softmax":
            return tf.nn.softmax(outputs)
        return tf.sigmoid(outputs) if self._target.activation == "sigmoid" else outputs

    def flat_probabilities(self, outputs: Any) -> Any:
        """Returns the probability of the second class or each label, shape (rows, columns)."""
        return self._flat(self.probabilities(outputs))

    def probabilities_of_class(self, outputs: Any) -> Any:
        """Returns the probability of each class or label, shape (rows, columns)."""
        return self._both(self.probabilities(outputs))

    def decided(self, outputs: Any) -> Any:
        """Returns 1 for the second class, or each label, where it is predicted, else 0."""
        return self._flat(self._decided(outputs))

    def decided_of_class(self, outputs: Any) -> Any:
        """Returns 1 for each class or label that is predicted, else 0."""
        return self._both(self._decided(outputs))

    def predicted(self, outputs: Any) -> Any:
        """Returns the number of the class that is predicted."""
        if self._exclusive:
            return tf.argmax(outputs, axis=-1)
        return tf.cast(tf.reshape(self._decided(outputs), [-1]), tf.int64)

    def _decided(self, outputs: Any) -> Any:
        if self._exclusive:
            return tf.one_hot(tf.argmax(outputs, axis=-1), self._classes)
        return tf.cast(tf.cast(outputs, tf.float32) > self.output_threshold, tf.float32)

    def _flat(self, columns: Any) -> Any:
        flat = tf.reshape(columns, (-1, 1 if self._target.form == "single" else self._classes))
        return flat[:, 1:] if self._second else flat

    def _both(self, columns: Any) -> Any:
        if self._target.form != "single":
            return tf.reshape(columns, (-1, self._classes))
        second = tf.reshape(columns, (-1, 1))
        return tf.concat([1 - second, second], axis=-1)


_ROUNDING = 1e-13
"""A variance below this fraction of the mean square is the rounding of a constant."""


@dataclass(frozen=True, slots=True)
class Moments:
    """Means over all rows, one for each output."""

    rows: Any
    y: Any
    p: Any
    yy: Any
    pp: Any
    yp: Any
    squared_error: Any

    @property
    def y_variance(self) -> Any:
        """Variance of the target."""
        return _variance(self.yy, self.y)

    @property
    def p_variance(self) -> Any:
        """Variance of the outputs."""
        return _variance(self.pp, self.p)

    @property
    def covariance(self) -> Any:
        """Covariance of target and outputs."""
        return self.yp - self.y * self.p


class OverRows(keras.metrics.Metric):  # type: ignore[misc]
    """A metric of the moments of all rows: those of each output, or of each of so many columns."""

    def __init__(self, spec: Spec, columns: int | None = None) -> None:
        super().__init__(name=spec.parameters["name"], dtype="float64")
        self._value = _VALUES[spec.type]
        self._parameters = dict(spec.parameters)
        self._columns = columns
        self._sums: list[Any] = []

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Adds rows; each counts by its weight, shape (rows,)."""
        columns = self._columns or y_pred.shape[-1]
        y = tf.reshape(tf.cast(y_true, tf.float64), (-1, columns))
        p = tf.reshape(tf.cast(y_pred, tf.float64), (-1, columns))
        terms = (tf.ones_like(y), y, p, y * y, p * p, y * p, (y - p) ** 2)
        if not self._sums:
            self._sums = [self.add_variable((columns,), "zeros", dtype="float64") for _ in terms]
        if sample_weight is not None:
            weights = tf.reshape(tf.cast(sample_weight, tf.float64), (-1, 1))
            terms = tuple(weights * term for term in terms)
        for total, term in zip(self._sums, terms, strict=True):
            total.assign(total + tf.reduce_sum(term, axis=0))

    def result(self) -> Any:
        """Returns the value so far."""
        rows, *sums = (tf.convert_to_tensor(total) for total in self._sums)
        return self._value(Moments(rows, *(total / rows for total in sums)), self._parameters)


def _variance(mean_square: Any, mean: Any) -> Any:
    variance = mean_square - mean * mean
    return tf.where(variance > _ROUNDING * mean_square, variance, tf.zeros_like(variance))


def _r2(moments: Moments, parameters: Mapping[str, Any]) -> Any:
    """Returns 1 - squared error / variance; of a constant target 0, or 1 where all is right."""
    variance = moments.y_variance
    constant = tf.cast(moments.squared_error == 0, tf.float64)
    fraction = tf.math.divide_no_nan(moments.squared_error, variance)
    scores = tf.where(variance > 0, 1 - fraction, constant)
    weights = tf.ones_like(variance)
    if parameters["class_aggregation"] == "variance_weighted_average":
        weights = variance
    score = tf.math.divide_no_nan(tf.reduce_sum(weights * scores), tf.reduce_sum(weights))
    free = moments.rows[0] - parameters["num_regressors"] - 1
    adjusted = 1 - tf.math.divide_no_nan((1 - score) * (moments.rows[0] - 1), free)
    return tf.where(free > 0, adjusted, score) if parameters["num_regressors"] else score


def _pearson(moments: Moments, parameters: Mapping[str, Any]) -> Any:
    """Returns the mean correlation; of a constant target or constant outputs it is 0."""
    scales = tf.sqrt(moments.y_variance * moments.p_variance)
    return tf.reduce_mean(tf.math.divide_no_nan(moments.covariance, scales))


def _concordance(moments: Moments, parameters: Mapping[str, Any]) -> Any:
    apart = moments.y_variance + moments.p_variance + (moments.y - moments.p) ** 2
    return tf.reduce_mean(tf.math.divide_no_nan(2 * moments.covariance, apart))


_VALUES: Mapping[str, Callable[[Moments, Mapping[str, Any]], Any]] = {
    "R2Score": _r2,
    "PearsonCorrelation": _pearson,
    "ConcordanceCorrelation": _concordance,
}
