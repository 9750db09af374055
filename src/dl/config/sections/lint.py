"""The section `lint`: which pieces of advice are not wanted."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from dl.config.sections.base import Section

OF_DATA = (
    "empty-column",
    "constant-column",
    "identifier",
    "free-text",
    "many-categories",
    "repeated-column",
    "target-leak",
    "months",
    "stand-in",
    "few-validation-rows",
    "missing-class",
    "unscaled-target",
    "unused-threshold",
)
"""The ids of advice on data that was read, of `dl.data.advice`."""
ADVICE = (
    "output-activation",
    "output-units",
    "loss-for-classes",
    "loss-encoding",
    "unscaled-inputs",
    "learning-rate",
    "slow-sgd",
    "linear-hidden",
    "saturating-hidden",
    "frozen-random",
    "dropout-last",
    "unused-mask",
    "too-many-parameters",
    "batch-size",
    "no-validation",
    "no-shuffle",
    "one-epoch",
    "no-metrics",
    "no-accuracy",
    "imbalance",
    "callback-never-fires",
    "keep-best",
    *OF_DATA,
)
"""The ids of the rules of `dl.config.rules`."""


class Lint(Section):
    """What `dl lint` and the notes of `dl train` keep silent about."""

    ignore: tuple[Literal[ADVICE], ...] = Field(  # type: ignore[valid-type]
        default=(), description="Ids of advice that is not given for this config."
    )
