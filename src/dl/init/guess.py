"""Guesses which column a user wants to predict, from the names alone."""

from __future__ import annotations

from collections.abc import Sequence

_USUAL = (
    "target",
    "label",
    "class",
    "y",
    "outcome",
    "response",
    "species",
    "survived",
    "diagnosis",
    "churn",
    "quality",
    "category",
    "price",
    "score",
)


def likely_target(names: Sequence[str]) -> str:
    """Returns the column with the most usual name of a target, else the last one."""
    by_folded = {name.lower().strip(): name for name in reversed(names)}
    for usual in _USUAL:
        if usual in by_folded:
            return by_folded[usual]
    return names[-1]
