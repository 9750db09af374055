"""The learning rate that a training uses."""

from __future__ import annotations

from typing import Any

import keras

from dl.config.schema import Config
from dl.engine.network.objects import build_object
from dl.vocabulary.spec import Kind, Spec


class RateReader:
    """Reads the learning rate of the last step from an optimizer."""

    def __init__(self, model: keras.Sequential, config: Config) -> None:
        self._optimizer = model.optimizer
        self._schedule: Any = None
        rate = config.training.optimizer.parameters.get("learning_rate")
        if isinstance(rate, Spec) and rate.kind is Kind.SCHEDULE:
            path = ("training", "optimizer", "learning_rate")
            self._schedule = build_object(rate, seed=config.seed, path=path)

    def value(self) -> float:
        """Returns the rate of the last step that was done."""
        if self._schedule is None:
            return float(self._optimizer.learning_rate.numpy())
        last = max(int(self._optimizer.iterations) - 1, 0)
        return float(self._schedule(last))
