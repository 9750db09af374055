"""Checks that what the model gives for a row is what the target of a row needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import keras

from dl.config.schema import Config
from dl.data.targets.target import Target
from dl.data.targets.values import without_ones
from dl.engine.network.build_errors import BUILD_ERRORS, shape_text
from dl.engine.network.metrics import build_metrics
from dl.errors import first_line
from dl.vocabulary.spec import Finding, Findings


def check_outputs(model: keras.Sequential, config: Config, target: Target) -> None:
    """Compares the output of the last layer with the target, where the target says what it needs.

    Raises:
        Findings: The output has more axes than the target, or another number of values.
    """
    shape = tuple(model.output_shape[1:])
    if target.units is None or _fits(shape, (*target.places, target.units)):
        return
    last = ("model", "layers", len(config.model.layers) - 1)
    if target.places:
        message = f"the model gives an output of shape {shape_text(shape)} for each row"
        several = target.units > 1 and _fits(shape[:-1], target.places)
        hint = f"end with {target.units} {_CLASSES_HINT}" if several else _PLACES_HINT
        raise Findings.one(last, message, _of_places(target), hint=hint)
    if len(shape) != 1:
        message = f"the model gives an output of shape {shape_text(shape)} for each row"
        raise Findings.one(last, message, _expected(target), hint=_AXES_HINT)
    message = f"the model gives {shape[0]} numbers for each row"
    hint = f"end with {target.units} unit{'s' if target.units > 1 else ''}"
    raise Findings.one(last, message, _expected(target), str(shape[0]), hint)


def _fits(shape: tuple[int | None, ...], needed: tuple[int, ...]) -> bool:
    """Whether shapes are the same, but for axes of length 1 at their ends."""
    left, right = without_ones(shape), without_ones(needed)
    return len(left) == len(right) and all(
        size in (None, other) for size, other in zip(left, right, strict=True)
    )


_PLACES_HINT = (
    "the target has several axes: let the last layers keep them (return_sequences: true, "
    "RepeatVector, convolutions with padding: same, Reshape)"
)
_CLASSES_HINT = (
    "outputs at each place; if the data lacks some classes, name them all in data.classes"
)
_AXES_HINT = "put a Flatten or a global pooling layer before the last Dense layer"


def _of_places(target: Target) -> str:
    shape = shape_text((*target.places, target.units) if target.classes else target.places)
    what = {"regression": "a number", "multilabel": "a number for each label"}
    each = "a number for each class" if target.form in ("labels", "one_hot") else "a number"
    return (
        f"{shape}: {what.get(target.task, each)} at each of the places {shape_text(target.places)}"
    )


def _expected(target: Target) -> str:
    if target.task == "regression":
        return f"{target.units}: one for each target"
    if target.form == "single":
        return "1: a single number tells two classes apart"
    return f"{target.units}: one for each class"


def unmeasurable(
    model: keras.Sequential,
    config: Config,
    target: Target,
    x: Any,
    y: Any,
    error: Exception,
) -> Finding:
    """Says what does not take the outputs for these rows: the loss, or else the first metric."""
    outputs = model(x, training=False)
    shape, needed = tuple(model.output_shape[1:]), tuple(y.shape[1:])
    found = Finding(
        ("training", "loss"),
        f"does not take outputs of shape {shape_text(shape)}",
        expected=f"outputs that fit a target of shape {shape_text(needed)} for each row",
        found=first_line(error),
        hint=f"choose another loss than {config.training.loss.type}, or another last layer",
    )
    if not _takes(model.compute_loss, x, y, outputs):
        return found
    for index, metric in enumerate(build_metrics(config, target)):
        if not _takes(metric.update_state, y, outputs):
            return replace(found, path=("training", "metrics", index), hint="remove it")
    return found


def _takes(measure: Callable[..., object], *values: Any) -> bool:
    try:
        measure(*values)
    except BUILD_ERRORS:
        return False
    return True
