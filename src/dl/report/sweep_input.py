"""What the pictures of a sweep show: plain values, so that they know nothing of sweeps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Trial:
    """A setting and what came of it.

    Attributes:
        number: Its number.
        values: What it sets, by path.
        score: The mean of the objective over its trainings.
        pruned: Whether it was ended early.
        curve: The objective after each epoch of its first training.
    """

    number: int
    values: Mapping[str, object]
    score: float
    pruned: bool
    curve: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class SweepInput:
    """A sweep.

    Attributes:
        name: How users name it.
        metric: The objective.
        maximize: Whether more of it is better.
        trials: The settings that have a score, in the order of their numbers.
        logarithmic: The paths whose numbers are spread by their logarithm.
        importance: How much of the differences each parameter explains alone; may be empty.
    """

    name: str
    metric: str
    maximize: bool
    trials: tuple[Trial, ...]
    logarithmic: frozenset[str] = frozenset()
    importance: Mapping[str, float] | None = None

    @property
    def ranked(self) -> list[Trial]:
        """The settings that were not pruned, the best first."""
        whole = [trial for trial in self.trials if not trial.pruned]
        return sorted(whole, key=lambda trial: -trial.score if self.maximize else trial.score)
