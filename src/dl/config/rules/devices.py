"""Rules on `engine.distribute: mirrored`: what several devices cannot share."""

from __future__ import annotations

from collections.abc import Iterator

from dl.config.rules.partial import Facts
from dl.config.rules.words import place
from dl.config.sections.training import Training
from dl.vocabulary.spec import Finding

_MEANS = frozenset({None, "sum_over_batch_size", "mean"})
_ALONE = "or remove distribute"


def devices_share_a_batch(facts: Facts) -> Iterator[Finding]:
    """Devices share batches of a loss that is a mean over rows, in steps that are not compiled."""
    if facts.engine is None or facts.engine.distribute == "none":
        return
    if facts.engine.compile is True:
        yield Finding(
            ("engine", "compile"),
            "cannot be had with distribute: mirrored: a compiled step cannot wait for other "
            "devices",
            expected="auto or false",
            found="true",
            hint=f"remove compile, {_ALONE}",
        )
    if facts.training is not None:
        yield from _no_mean(facts.training)
        yield from _no_steps(facts.training)


def _no_mean(training: Training) -> Iterator[Finding]:
    reduction = training.loss.parameters.get("reduction")
    if reduction not in _MEANS:
        yield Finding(
            place(("training", "loss"), training.loss, "reduction"),
            "is not a mean over the rows of a batch, so devices cannot share it",
            expected="sum_over_batch_size with distribute: mirrored",
            found=str(reduction),
            hint=f"remove reduction, {_ALONE}",
        )


def _no_steps(training: Training) -> Iterator[Finding]:
    if training.solver == "normal_equation":
        yield Finding(
            ("training", "solver"),
            "takes no steps that devices could share",
            expected="gradient_descent with distribute: mirrored",
            found=training.solver,
            hint=f"remove solver, {_ALONE}",
        )
