"""Which settings are worse than the best, in words."""

from __future__ import annotations

import pytest

from dl.sweep.results.leaderboard import verdict


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
    assert verdict(rank, p_value) == words
