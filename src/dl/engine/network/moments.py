"""R2 and correlations over all rows, from sums in double precision.

Keras' `R2Score` sums squares in float32, of which nothing is left where the numbers are large
beside their spread; its correlations run along the outputs of a row, not along the rows. Products
of float32 numbers are exact in float64, and their sums add up over steps and devices.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf

from dl.vocabulary.spec import Spec

_ROUNDING = 1e-13
"""A variance below this share of the mean square is the rounding of a constant."""


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
        """Adds rows."""
        columns = self._columns or y_pred.shape[-1]
        y = tf.reshape(tf.cast(y_true, tf.float64), (-1, columns))
        p = tf.reshape(tf.cast(y_pred, tf.float64), (-1, columns))
        terms = (tf.ones_like(y), y, p, y * y, p * p, y * p, (y - p) ** 2)
        if not self._sums:
            self._sums = [self.add_variable((columns,), "zeros", dtype="float64") for _ in terms]
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
    share = tf.math.divide_no_nan(moments.squared_error, variance)
    scores = tf.where(variance > 0, 1 - share, constant)
    weights = tf.ones_like(variance)
    if parameters["class_aggregation"] == "variance_weighted_average":
        weights = variance
    score = tf.math.divide_no_nan(tf.reduce_sum(weights * scores), tf.reduce_sum(weights))
    free = moments.rows[0] - parameters["num_regressors"] - 1
    adjusted = 1 - tf.math.divide_no_nan((1 - score) * (moments.rows[0] - 1), free)
    return tf.where(free > 0, adjusted, score) if parameters["num_regressors"] else score


def _pearson(moments: Moments, parameters: Mapping[str, Any]) -> Any:
    """Returns the mean correlation; of a constant target or constant outputs it is 0."""
    spreads = tf.sqrt(moments.y_variance * moments.p_variance)
    return tf.reduce_mean(tf.math.divide_no_nan(moments.covariance, spreads))


def _concordance(moments: Moments, parameters: Mapping[str, Any]) -> Any:
    apart = moments.y_variance + moments.p_variance + (moments.y - moments.p) ** 2
    return tf.reduce_mean(tf.math.divide_no_nan(2 * moments.covariance, apart))


_VALUES: Mapping[str, Callable[[Moments, Mapping[str, Any]], Any]] = {
    "R2Score": _r2,
    "PearsonCorrelation": _pearson,
    "ConcordanceCorrelation": _concordance,
}
