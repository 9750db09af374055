"""A run as it is diagnosed: its history and its layers, and what is measured of them.

Light: the layers are measured elsewhere, with Keras.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dl.config.rules.facts import output_of
from dl.config.schema import Config
from dl.errors import NOT_FINITE, NOT_FINITE_BEFORE
from dl.inspect import LayerStatistics, NetworkStatistics
from dl.rundir.record import RunRecord, Trivial
from dl.vocabulary.traits import BINARY, CROSS_ENTROPIES, PERCEPTRON

LEAST_EPOCHS = 5
"""Fewer say nothing of a course; what looks at late epochs alone needs several times as many."""
_GAP = 0.15
"""Accuracy on the training part above that on the validation part: of 100 validation rows, chance
alone makes a tenth either way."""
_LOSS_GAP = 3.0
"""The same of losses, where no accuracy is measured: a loss has no scale, so only a multiple."""
_GUESSING = 0.95
"""Fraction of the loss of a constant answer that a network must come below to have learned."""
_LEARNED = 0.01
"""A loss below this fraction of the first one has nothing left to fall."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """A run as the checks see it.

    Attributes:
        config: Its config, complete.
        history: A row for each whole epoch.
        diverged: Where the loss became NaN or infinite, in words; empty if it did not.
        network: The statistics of its layers, where they could be measured.
        one_answer: What the network answers always, in words; empty if its answers differ.
        trivial: What it had to beat; None where that is not known.
    """

    config: Config
    history: Sequence[Mapping[str, float]]
    diverged: str = ""
    network: NetworkStatistics | None = None
    one_answer: str = ""
    trivial: Trivial | None = None

    @classmethod
    def of_run(
        cls,
        config: Config,
        record: RunRecord,
        history: Sequence[Mapping[str, float]],
        network: NetworkStatistics | None,
        one_answer: str,
    ) -> Evidence:
        """Returns a run that was kept; where it diverged stands in its error."""
        error = record.error or ""
        left = error.partition(": ")[2] if error.startswith((NOT_FINITE, NOT_FINITE_BEFORE)) else ""
        return cls(config, history, left, network, one_answer, record.trivial)

    def column(self, name: str) -> list[float]:
        """Returns a column of the history; empty if an epoch lacks it or has no finite value."""
        values = [row.get(name, math.nan) for row in self.history]
        return values if all(map(math.isfinite, values)) else []

    @property
    def layers(self) -> tuple[LayerStatistics, ...]:
        """The layers that were measured."""
        return self.network.layers if self.network else ()

    @property
    def ends(self) -> tuple[LayerStatistics, LayerStatistics] | None:
        """The first and the last layer, where there are two and the last one has a gradient."""
        if len(self.layers) < 2 or not 0 < self.layers[-1].slope < math.inf:
            return None
        return self.layers[0], self.layers[-1]

    @property
    def gap(self) -> tuple[str, int, float, float] | None:
        """A measure, the best epoch, and its values there on both parts, if they lie apart."""
        losses, validation = self.column("loss"), self.column("val_loss")
        if len(validation) < LEAST_EPOCHS:
            return None
        best = validation.index(min(validation))
        for name in self.history[0]:
            training, other = self.column(name), self.column(f"val_{name}")
            if "accuracy" in name and training and other:
                apart = training[best] - other[best] >= _GAP
                return (name, best + 1, training[best], other[best]) if apart else None
        if losses[best] > 0 and validation[best] >= _LOSS_GAP * losses[best]:
            return ("the loss", best + 1, losses[best], validation[best])
        return None

    @property
    def guess(self) -> float | None:
        """The training loss of the best constant answer: the entropy of the class shares."""
        config = self.config
        training, output = config.training, output_of(config.model)
        if training.class_weight is not None or training.sampling == "balanced":
            return None
        if self.trivial is not None and "loss" in self.trivial.metrics.get("train", {}):
            return self.trivial.metrics["train"]["loss"]
        standardized = config.preprocess.target in ("standardize", "log1p")
        if training.loss.type == "MeanSquaredError" and standardized:
            return 1.0  # the variance of a standardized target
        if training.loss.type not in CROSS_ENTROPIES or output is None or not output.units:
            return None
        one_of_two = output.units == 1 or training.loss.type in BINARY
        return math.log(2 if one_of_two else output.units)  # of equally frequent classes

    @property
    def beats_guessing(self) -> bool | None:
        """Whether the training loss came below that of a constant answer; None if not known."""
        losses, guess = self.column("loss"), self.guess
        return min(losses) < _GUESSING * guess if losses and guess is not None else None

    @property
    def better_threshold(self) -> float | None:
        """The fraction of the second of two classes, where a network that has learned is cut.

        C. Elkan, "The foundations of cost-sensitive learning", IJCAI (2001), theorem 2:
        probabilities that are cut there decide as those of balanced classes, cut at a half.
        """
        config, trivial = self.config, self.trivial
        if trivial is None or len(trivial.answer) != 2 or not self.beats_guessing:
            return None
        cut = config.training.loss.type in BINARY and output_of(config.model).units == 1
        if not cut or config.evaluation.threshold != 0.5:
            return None
        return float(f"{trivial.answer[1]:.2g}")

    @property
    def is_perceptron(self) -> bool:
        """Whether the rate only sets the scale, so that another one changes nothing."""
        return self.config.training.loss.type == PERCEPTRON


def is_learned(loss: float, losses: list[float]) -> bool:
    """Tells whether a loss has nothing left to fall."""
    return loss <= _LEARNED * max(losses[0], 0.0)
