"""Metrics in the target's own unit, where the model learns a scaled target."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from dl.data.targets.target import Target


@dataclass(frozen=True, slots=True)
class TargetScaling:
    """What was done to the target: `scaled = (value - center) / spread`, for each output.

    `places` is the shape of a row of the target where it has several axes.
    """

    center: NDArray[np.float32]
    spread: NDArray[np.float32]
    places: tuple[int, ...] = ()

    def undone(self, scaled: Any) -> Any:
        """Returns scaled values in the target's own unit."""
        return tf.cast(scaled, tf.float32) * self.spread + self.center


def target_scaling(target: Target) -> TargetScaling | None:
    """Returns the scaling that was learned for a target, or None if it is not scaled."""
    if target.scaling == "none":
        return None
    center, spread = np.array(target.center, np.float32), np.array(target.spread, np.float32)
    return TargetScaling(center, spread, target.places)


class InTargetUnit(keras.metrics.Metric):  # type: ignore[misc]
    """A metric that sees target and prediction in the target's own unit."""

    def __init__(self, metric: Any, scaling: TargetScaling) -> None:
        super().__init__(name=metric.name, dtype=metric.dtype)
        self.metric = metric
        self._scaling = scaling

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Adds rows, given in the scaled unit."""
        scaling = self._scaling
        if scaling.places:
            y_pred = tf.reshape(y_pred, (-1, *scaling.places))
        y_true = tf.reshape(y_true, tf.shape(y_pred))
        self.metric.update_state(scaling.undone(y_true), scaling.undone(y_pred), sample_weight)

    def result(self) -> Any:
        """Returns the value so far."""
        return self.metric.result()

    def reset_state(self) -> None:
        """Forgets all rows."""
        self.metric.reset_state()

    def get_config(self) -> dict[str, Any]:
        """Returns the metric inside: a saved model knows nothing of the scaling."""
        return {"metric": keras.metrics.serialize(self.metric)}
