"""Which settings are worse than the best, in words."""

from __future__ import annotations

import pytest

from dl.sweeps.parameters import Setting
from dl.sweeps.results import TrialSummary


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
