"""`leaderboard.csv`: the settings, the best first, and which differences are real."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

from dl.config.emit import flow
from dl.runs.manifest import publish
from dl.runs.sweeps import SweepDirectory
from dl.stats import LEVEL, holm, resampled_t_test
from dl.sweep.definition.terms import Terms
from dl.sweep.results.journal import Journal
from dl.sweep.results.ranking import Standing, standings

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
    return resampled_t_test([first - second for first, second in pairs], overlap)
