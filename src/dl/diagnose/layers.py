"""Checks on the layers: units that never speak, and gradients that fade or explode on the way."""

from __future__ import annotations

import math
from collections.abc import Iterator

from dl.diagnose import changes
from dl.diagnose.case import Case, Diagnosis, LayerSignals
from dl.text import number, percent
from dl.vocabulary.traits import SATURATING

_DEAD = 0.4
_ALL_DEAD = 0.9
_SATURATED = 0.5
_FADES = 1e-3
_EXPLODES = 1e3


def dead_units(case: Case) -> Iterator[Diagnosis]:
    """Units with ReLU that give 0 for every row."""
    dead = [layer for layer in case.layers if (layer.dead or 0.0) >= _DEAD]
    if not dead or case.signals is None:
        return
    shares = ", ".join(
        f"{round(share * layer.units)} of {layer.units} in {layer.name} ({percent(share)})"
        for layer in dead
        if (share := layer.dead) is not None
    )
    yield Diagnosis(
        f"units that give 0 for each of {case.signals.rows} training rows: {shares}",
        "Where ReLU gives 0 its slope is 0, so these units learn nothing any more. Steps that are "
        "too large push them there; LeakyReLU lets a little through.",
        changes.together(
            changes.with_activation(
                case.config, (layer.activated_by for layer in dead), "leaky_relu"
            ),
            changes.slower(case.config, 0.3),
            changes.scaled_inputs(case.config),
        ),
    )


def saturated_units(case: Case) -> Iterator[Diagnosis]:
    """Hidden units whose activation is flat for most rows."""
    flat = [layer for layer in case.layers[:-1] if (layer.saturated or 0.0) >= _SATURATED]
    if not flat:
        return
    shares = ", ".join(
        f"{percent(layer.saturated or 0.0)} in {layer.name} ({layer.activation})" for layer in flat
    )
    yield Diagnosis(
        f"outputs where the slope is below a twentieth of its greatest: {shares}",
        "The weights or inputs are so large that the activation hardly changes with them, and the "
        "gradient of what comes before is close to 0.",
        changes.together(
            changes.with_activation(case.config, (layer.activated_by for layer in flat), "relu"),
            changes.scaled_inputs(case.config),
        ),
    )


def vanishing_gradients(case: Case) -> Iterator[Diagnosis]:
    """The gradient fades on its way from the output to the first layer."""
    ends = _ends(case)
    if ends is None or any((layer.dead or 0.0) >= _ALL_DEAD for layer in case.layers):
        return
    first, last = ends
    if not first.slope < _FADES * last.slope:
        return
    saturating = [layer for layer in case.layers[:-1] if layer.activation in SATURATING]
    if saturating:
        names = (layer.activated_by for layer in saturating)
        change = changes.with_activation(case.config, names, "relu")
    else:
        change = changes.with_normalization(case.config)
    yield Diagnosis(
        _compared(first, last),
        "Each layer multiplies the gradient by its weights and the slope of its activation. Where "
        "these are small, the first layers hardly learn.",
        change,
    )


def exploding_gradients(case: Case) -> Iterator[Diagnosis]:
    """The gradient grows on its way to the first layer, or is out of all proportion."""
    broken = [layer for layer in case.layers if not math.isfinite(layer.gradient)]
    large = [layer for layer in case.layers if layer.gradient > _EXPLODES * max(layer.weights, 1)]
    ends = _ends(case)
    if broken:
        message = f"the gradient by the weights of {broken[0].name} is infinite or no number"
    elif large:
        message = (
            f"the gradient by the weights of {large[0].name} has the norm "
            f"{number(large[0].gradient)}, the weights themselves {number(large[0].weights)}"
        )
    elif ends is not None and ends[0].slope > _EXPLODES * ends[1].slope:
        message = _compared(*ends)
    else:
        return
    yield Diagnosis(
        message,
        "A step along such a gradient throws away what was learned. A limit on its norm, smaller "
        "initial weights, or inputs and targets close to 0 keep the steps small.",
        changes.together(
            changes.clipped(case.config),
            changes.scaled_inputs(case.config),
        ),
    )


def _ends(case: Case) -> tuple[LayerSignals, LayerSignals] | None:
    """Returns the first and the last layer, where there are two and the last one has a gradient."""
    if len(case.layers) < 2 or not 0 < case.layers[-1].slope < math.inf:
        return None
    return case.layers[0], case.layers[-1]


def _compared(first: LayerSignals, last: LayerSignals) -> str:
    times = number(first.slope / last.slope)
    return (
        f"the typical gradient by a weight is {number(first.slope)} in {first.name}, the first "
        f"layer, and {number(last.slope)} in {last.name}, the last one: {times} times as large"
    )
