"""The terms of a sweep: what is compared, over how many trainings of each setting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dl.runs.typed import Finite, Positive


@dataclass(frozen=True, slots=True)
class Goal:
    """What is compared: a column of the history, at the best epoch or at the last."""

    metric: str
    maximize: bool
    at_best: bool

    def score(self, values: Sequence[float]) -> tuple[float, int]:
        """Returns the score of a training and its epoch (1-based), from its value of each epoch."""
        if not self.at_best:
            return values[-1], len(values)
        best = max(values) if self.maximize else min(values)
        return best, values.index(best) + 1


@dataclass(frozen=True, slots=True)
class Terms:
    """What the results of a sweep are judged by.

    Attributes:
        goal: What is compared.
        runs: The trainings of each setting.
        overlap: The rows that validate for each row that trains, where they change places from
            one training of a setting to the next; else 0.
    """

    goal: Goal
    runs: Positive
    overlap: Finite
