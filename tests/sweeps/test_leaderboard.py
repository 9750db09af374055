"""Which settings are worse than the best, in words."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from scipy import stats as scipy_stats

from dl.sweeps.journal import Journal
from dl.sweeps.parameters import Setting
from dl.sweeps.results import EvaluationPlan, Objective, TrialSummary, leaderboard


@pytest.mark.parametrize(
    ("rank", "p_value", "words"),
    [
        (1, None, "best"),
        (2, 0.5, "not distinguishable"),
        (3, 0.01, "worse"),
        (2, None, "not tested: one training each"),
    ],
)
def test_verdicts_are_words(rank: int, p_value: float | None, words: str) -> None:
    setting = Setting({}, {})
    summary = TrialSummary(7, setting, "completed", (0.5,), (1,), rank=rank, p_value=p_value)
    assert summary.verdict == words


def board(folder: Path, scores: list[list[float]], overlap: float = 0.0) -> list[TrialSummary]:
    """Returns the leaderboard of settings with these scores, one for each repeat."""
    lines: list[dict[str, object]] = []
    for trial, each in enumerate(scores, start=1):
        lines.append({"event": "asked", "trial": trial, "setting": {}, "picked": {}})
        lines += [
            {
                "event": "ended",
                "trial": trial,
                "repeat": repeat,
                "status": "completed",
                "values": [score],
            }
            for repeat, score in enumerate(each, start=1)
        ]
    path = folder / "journal.jsonl"
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    goal = Objective("val_accuracy", maximize=True, at_best=True)
    return leaderboard(EvaluationPlan(goal, len(scores[0]), overlap), Journal(path))


def test_two_trainings_cannot_tell_what_lies_far_apart(tmp_path: Path) -> None:
    """The best of 0.97 beside 0.49: no test of two pairs finds it, so it is not called level."""
    best, near, far = board(tmp_path, [[0.9688, 0.97], [0.9665, 0.971], [0.43, 0.55]])
    assert [best.verdict, near.verdict, far.verdict] == [
        "best",
        "not distinguishable",
        "too few trainings to tell",
    ]
    assert (near.enough, far.enough) == (None, 3)


@pytest.mark.parametrize("seed", range(3))
def test_so_many_trainings_as_are_named_would_tell(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    first, other = 0.97 + 0.004 * rng.normal(size=3), 0.955 + 0.008 * rng.normal(size=3)
    _, far = board(tmp_path, [first.tolist(), other.tolist()])
    if far.enough is None:
        assert far.verdict != "too few trainings to tell"
        return
    differences = np.array(first) - np.array(other)
    mean, spread = differences.mean(), differences.std(ddof=1)

    def p_value(count: int) -> float:
        t = mean / spread * np.sqrt(count)
        return float(2 * scipy_stats.t.sf(t, count - 1))

    assert p_value(far.enough) < 0.05 <= p_value(far.enough - 1)


def test_no_number_is_named_where_twenty_trainings_would_not_tell(tmp_path: Path) -> None:
    _, far = board(tmp_path, [[0.97, 0.96], [0.5, 0.9]], overlap=1.0)
    assert (far.unsure, far.enough) == (True, None)
