"""Whether one run is better than another on the same rows, or only luckier.

Both models answered the same rows, so their answers are compared row by row. Right and wrong
answers: McNemar's exact test on the rows that only one of them got right (Q. McNemar, "Note on
the sampling error of the difference between correlated proportions or percentages", 1947).
Sizes of errors: paired bootstrap of their mean difference (B. Efron, R. Tibshirani, "An
Introduction to the Bootstrap", 1993). The level of 5% is divided by the number of comparisons
(Bonferroni).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dl.config.sections.data import Task
from dl.data.targets.answers import Answers
from dl.data.types import Array

LEVEL = 0.05
_DRAWS = 2000
_BATCH = 50


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the rows say of a run against the first one.

    Attributes:
        run: The run.
        measure: `accuracy`, `share of places right` or `mean absolute error`.
        rows: Number of rows.
        difference: The run's measure minus the first run's.
        low: Lower end of the interval of the difference.
        high: Its upper end.
        level: Share of such intervals that hold the true difference.
        p: McNemar's p-value, multiplied by the number of comparisons; None for errors.
        real: Whether the difference is more than chance at a level of 5% over all comparisons.
    """

    run: str
    measure: str
    rows: int
    difference: float
    low: float
    high: float
    level: float
    p: float | None
    real: bool


@dataclass(frozen=True, slots=True)
class Scores:
    """A number for each row: 1 for a right answer and 0 for a wrong one, or the absolute error.

    Of a row of several places, the share of them that is right, or the mean of the errors.
    """

    measure: str
    values: Array


def scores_of(said: Answers, task: Task) -> Scores | None:
    """Returns what each row counts; None where the model's outputs name no class.

    A row of several labels is right if all of them are. Errors are in the target's unit, summed
    over the targets.
    """
    if said.predicted is None:
        return None
    true = said.true.reshape(len(said.true), -1)
    predicted = said.predicted.reshape(len(true), -1)
    if task == "regression":
        return Scores("mean absolute error", _by_row(np.abs(predicted - true).sum(axis=1), said))
    measure = "accuracy" if said.places == 1 else "share of places right"
    return Scores(measure, _by_row((predicted == true).all(axis=1).astype(np.float64), said))


def _by_row(values: Array, said: Answers) -> Array:
    """Returns the mean over the places of each row: they are not independent of each other."""
    return values.reshape(-1, said.places).mean(axis=1) if said.places > 1 else values


def verdict(run: str, first: Scores, other: Scores, comparisons: int) -> Verdict:
    """Compares a run with the first one, row by row.

    Args:
        run: The run's label.
        first: Scores of the first run.
        other: Scores of the run, of the same rows.
        comparisons: Runs that are compared with the first one, for the correction.
    """
    change = other.values - first.values
    level = 1 - LEVEL / comparisons
    low, high = _interval(change, level)
    p = _mcnemar(change) * comparisons if first.measure == "accuracy" else None
    real = p < LEVEL if p is not None else not low <= 0 <= high
    mean = float(change.mean())
    corrected = None if p is None else min(1.0, p)
    return Verdict(run, first.measure, len(change), mean, low, high, level, corrected, real)


def _mcnemar(change: Array) -> float:
    gained, lost = int((change > 0).sum()), int((change < 0).sum())
    from scipy.stats import binomtest  # half a second to import, so only where it is needed

    return float(binomtest(gained, gained + lost, 0.5).pvalue) if gained + lost else 1.0


def _interval(change: Array, level: float) -> tuple[float, float]:
    if len(change) < 2 or not np.ptp(change):
        return float(change.mean()), float(change.mean())
    from scipy.stats import bootstrap

    found = bootstrap(
        (change,),
        np.mean,
        n_resamples=_DRAWS,
        batch=_BATCH,
        confidence_level=level,
        method="percentile",
        rng=0,
    ).confidence_interval
    return float(found.low), float(found.high)
