"""What happened in a training, from its history and its weights, and what to try.

Light: the layers are measured by `dl.engine.inside.signals`; here the numbers are judged. What can
be said of a config before it is trained is advice of `dl.config.rules`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from dl.diagnose import history, layers
from dl.diagnose.case import Case, Diagnosis, LayerSignals, Signals

__all__ = ["CHECKS", "Case", "Check", "Diagnosis", "LayerSignals", "Signals", "diagnose"]


@dataclass(frozen=True, slots=True)
class Check:
    """A check; its id names what it finds."""

    id: str
    check: Callable[[Case], Iterable[Diagnosis]]


CHECKS: tuple[Check, ...] = (
    Check("diverged", history.diverged),
    Check("exploding-gradients", layers.exploding_gradients),
    Check("vanishing-gradients", layers.vanishing_gradients),
    Check("dead-units", layers.dead_units),
    Check("saturated-units", layers.saturated_units),
    Check("rising-loss", history.rising_loss),
    Check("jumping-loss", history.jumping_loss),
    Check("one-answer", history.one_answer),
    Check("no-better-than-guessing", history.no_better_than_guessing),
    Check("unfinished", history.unfinished),
    Check("plateau", history.plateau),
    Check("overfitting", history.overfitting),
    Check("generalization-gap", history.generalization_gap),
)
"""Causes before their effects."""


def diagnose(case: Case) -> list[tuple[str, Diagnosis]]:
    """Returns what was found, each with the id of its check, in the order of `CHECKS`."""
    return [(check.id, found) for check in CHECKS for found in check.check(case)]
