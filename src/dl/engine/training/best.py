"""Keeps the weights of the best epoch, for a training that ends in no number."""

from __future__ import annotations

import math
from collections.abc import Mapping

import keras

from dl.data.types import Array
from dl.engine.training.state import State
from dl.errors import NO_NUMBER, NumericError


class Diverged(NumericError):
    """The loss left the numbers.

    Attributes:
        epoch: The 1-based epoch in which it did.
        step: The 1-based step of that epoch.
        kept: The 1-based epoch whose weights the model has now; None if there was no whole one.
    """

    def __init__(self, epoch: int, step: int, kept: int | None) -> None:
        lower = "a tenth of training.optimizer.learning_rate"
        super().__init__(
            f"{NO_NUMBER}: epoch {epoch}, step {step}",
            expected="a finite loss",
            found="NaN or infinity",
            hint=f"try {lower}; check that the inputs are scaled (preprocess.numeric, scale)",
        )
        self.epoch = epoch
        self.step = step
        self.kept = kept


class BestWeights:
    """Remembers the weights of the epoch with the least validation loss, or training loss."""

    def __init__(self, model: keras.Sequential) -> None:
        self._model = model
        self._least = math.inf
        self._epoch: int | None = None
        self._weights: list[Array] = []

    def see(self, epoch: int, logs: Mapping[str, float]) -> None:
        """Is shown each whole epoch."""
        loss = logs.get("val_loss", logs["loss"])
        if loss < self._least:
            self._least, self._epoch = loss, epoch
            self._weights = self._model.get_weights()

    def state(self) -> State:
        """Returns what is remembered."""
        return State({"least": self._least, "epoch": self._epoch}, self._weights)

    def set_state(self, state: State) -> None:
        """Remembers it again."""
        self._least, self._epoch = state.values["least"], state.values["epoch"]
        self._weights = list(state.arrays)

    def restore(self) -> int | None:
        """Gives the model the best weights and returns their epoch, if there is one."""
        if self._epoch is not None:
            self._model.set_weights(self._weights)
        return self._epoch
