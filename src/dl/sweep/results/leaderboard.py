"""`leaderboard.csv`: the settings, the best first, and which differences are real."""

from __future__ import annotations

import csv
import io
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from dl.config.emit import flow
from dl.runs.manifest import publish
from dl.runs.sweeps import SweepDirectory
from dl.sweep.definition.terms import Terms
from dl.sweep.results.journal import Journal
from dl.sweep.results.ranking import Standing, standings

LEVEL = 0.05
"""A difference counts as real where chance alone gives one as large less often than this."""
METHOD = "corrected resampled t-test of the pairs of trainings, Holm's correction"


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the leaderboard.

    Attributes:
        rank: The place, from 1; None for what is not ranked.
        standing: What came of the setting.
        p_value: How often chance alone would give such a difference to the best; None where it
            cannot be tested.
        verdict: The same in words; empty for what is not ranked.
    """

    rank: int | None
    standing: Standing
    p_value: float | None
    verdict: str


def leaderboard(terms: Terms, journal: Journal) -> list[Line]:
    """Returns the lines: ranked ones, then what was pruned, failed or not finished."""
    found = standings(journal, terms)
    ranked = [standing for standing in found if standing.status == "completed"]
    p_values = holm([_p_value(ranked[0], other, terms.overlap) for other in ranked[1:]])
    lines = [
        Line(rank, standing, p_value, verdict(rank, p_value))
        for rank, (standing, p_value) in enumerate(
            zip(ranked, [None, *p_values], strict=bool(ranked)), start=1
        )
    ]
    return [*lines, *(Line(None, standing, None, "") for standing in found[len(ranked) :])]


def verdict(rank: int, p_value: float | None) -> str:
    """Says in words how a ranked setting compares with the best."""
    if rank == 1:
        return "best"
    if p_value is None:
        return "not tested: one training each"
    return "worse" if p_value < LEVEL else "not distinguishable"


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Corrects p-values for their number, by Holm's method; None stays None."""
    known = sorted((p, index) for index, p in enumerate(p_values) if p is not None)
    corrected: list[float | None] = [None] * len(p_values)
    largest = 0.0
    for position, (p_value, index) in enumerate(known):
        largest = max(largest, min(1.0, p_value * (len(known) - position)))
        corrected[index] = largest
    return corrected


def paired_p_value(differences: Sequence[float], overlap: float) -> float | None:
    """Returns the two-sided p-value of paired differences whose mean should be 0.

    The test is that of C. Nadeau and Y. Bengio, "Inference for the generalization error", Machine
    Learning 52 (2003): trainings on parts of the same rows are not independent, so the variance of
    the mean is larger by `overlap`, the rows that validate for each row that trains.

    Returns:
        The p-value; None where there is one difference only.
    """
    count = len(differences)
    if count < 2:
        return None
    mean = statistics.fmean(differences)
    if mean == 0:
        return 1.0
    variance = statistics.variance(differences)
    if variance == 0:
        return 2.0 ** (1 - count)  # all the same sign: what a test of signs says
    t = abs(mean) / math.sqrt((1 / count + overlap) * variance)
    from scipy.special import stdtr  # half a second, which the board and a sweep need not wait for

    return float(2 * stdtr(count - 1, -t))


def write_leaderboard(directory: SweepDirectory, terms: Terms, lines: Sequence[Line]) -> None:
    """Writes `leaderboard.csv` durably; raises `DiskError`."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    paths = paths_of(lines)
    writer.writerow(["rank", "trial", "status", terms.goal.metric, "spread", *paths, *_LAST])
    writer.writerows(_cells(line, paths) for line in lines)
    publish(directory.leaderboard, text.getvalue().encode())


_LAST = ("trainings", "p_value", "verdict", "error")


def paths_of(lines: Sequence[Line]) -> list[str]:
    """Returns the paths that some of the settings set, in their order."""
    return list(dict.fromkeys(path for line in lines for path in line.standing.setting.values))


def _cells(line: Line, paths: Sequence[str]) -> list[object]:
    standing = line.standing
    values = standing.setting.values
    score = repr(standing.mean) if standing.scores else ""
    settings = [flow(values[path]) if path in values else "" for path in paths]
    p_value = "" if line.p_value is None else f"{line.p_value:.4g}"
    spread = "" if standing.spread is None else f"{standing.spread:.6g}"
    start = [line.rank or "", standing.trial, standing.status, score, spread]
    end = [len(standing.scores), p_value, line.verdict, standing.error or ""]
    return [*start, *settings, *end]


def _p_value(best: Standing, other: Standing, overlap: float) -> float | None:
    pairs = zip(best.scores, other.scores, strict=True)
    return paired_p_value([first - second for first, second in pairs], overlap)
