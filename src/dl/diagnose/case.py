"""The values of this package: what a check sees of a run, and what it finds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dl.config.schema import Config

Change = Mapping[str, object]
"""What to write into the config: sections, as plain data, on top of those of the run."""


@dataclass(frozen=True, slots=True)
class LayerSignals:
    """What a layer with weights says about a few training rows, in one number each.

    Attributes:
        name: Its name.
        activation: Name of its activation.
        activated_by: Name of the layer that applies it: itself, or one that follows.
        units: Outputs of the layer for one row; channels where it has positions.
        dead: Share of its units that give 0 for every row; None where the activation cannot.
        saturated: Share of its outputs where the activation is flat; None where it never is.
        gradient: Norm of the gradient of the loss by its weights.
        weights: Norm of its weights.
        parameters: Number of its weights.
    """

    name: str
    activation: str
    activated_by: str
    units: int
    dead: float | None
    saturated: float | None
    gradient: float
    weights: float
    parameters: int

    @property
    def slope(self) -> float:
        """The typical size of the gradient by a single weight, whatever the size of the layer."""
        return self.gradient / math.sqrt(self.parameters)


@dataclass(frozen=True, slots=True)
class Signals:
    """What the layers of a run say.

    Attributes:
        rows: Number of training rows that were looked at.
        trained: Whether these are the weights of the run; else its initial ones.
        layers: The layers with weights, from input to output.
    """

    rows: int
    trained: bool
    layers: tuple[LayerSignals, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """A run as the checks see it.

    Attributes:
        config: Its config, complete.
        history: A row for each whole epoch.
        left_numbers: Where the loss became no number, in words; empty if it did not.
        signals: What the layers say, where they could be measured.
        one_answer: What the network answers always, in words; empty if its answers differ.
    """

    config: Config
    history: Sequence[Mapping[str, float]]
    left_numbers: str = ""
    signals: Signals | None = None
    one_answer: str = ""

    def column(self, name: str) -> list[float]:
        """Returns a column of the history; empty if an epoch lacks it or has no finite value."""
        values = [row.get(name, math.nan) for row in self.history]
        return values if all(map(math.isfinite, values)) else []

    @property
    def layers(self) -> tuple[LayerSignals, ...]:
        """The layers that were measured."""
        return self.signals.layers if self.signals else ()


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Something that went wrong in a run.

    Attributes:
        message: What happened, with its numbers, in words that follow the id.
        why: What it means, as whole sentences.
        change: What to try.
    """

    message: str
    why: str
    change: Change
