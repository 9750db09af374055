"""One training step by hand: every number of the forward pass, the gradients and the update."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras

from dl.config.schema import Config
from dl.data.dataset import Dataset
from dl.data.types import Array
from dl.engine.inside.step import Step, array_of, record_step
from dl.engine.network.checks import loss_targets
from dl.engine.training.fit import RateReader
from dl.engine.training.steps import Batches
from dl.errors import UsageError


@dataclass(frozen=True, slots=True)
class LayerTrace:
    """What a layer did with the batch.

    Attributes:
        name: Its name.
        type: Its class.
        activation: Name of its activation; None if it has none of its own.
        before: The pre-activation, shape (rows, ...); None if the layer has no activation.
        output: Its output, shape (rows, ...).
        delta: Gradient of the loss by the pre-activation, or by the output; None where the loss
            does not depend on it.
    """

    name: str
    type: str
    activation: str | None
    before: Array | None
    output: Array
    delta: Array | None


@dataclass(frozen=True, slots=True)
class WeightTrace:
    """What a step did to a weight; all arrays have its shape.

    Attributes:
        name: `layer/kernel`.
        before: The values before the step.
        gradient: Gradient of the loss; None where the loss does not depend on the weight.
        after: The values after the step.
    """

    name: str
    before: Array
    gradient: Array | None
    after: Array


@dataclass(frozen=True, slots=True)
class Trace:
    """A training step.

    Attributes:
        rows: 0-based position of each row in its source.
        x: Inputs as the first layer gets them, shape (rows, ...).
        y: Targets as the loss gets them.
        row_weights: Weight of each row in the loss; None if all weigh the same.
        layers: The layers from input to output.
        loss_name: Name of the loss.
        loss: What is minimised: the loss of the rows and the penalties.
        penalty: The part of it that regularizers add.
        weights: The trainable weights.
        optimizer: Name of the optimizer.
        learning_rate: The rate of the step.
    """

    rows: Array
    x: Array
    y: Array
    row_weights: Array | None
    layers: tuple[LayerTrace, ...]
    loss_name: str
    loss: float
    penalty: float
    weights: tuple[WeightTrace, ...]
    optimizer: str
    learning_rate: float


def trace(
    model: keras.Sequential, dataset: Dataset, config: Config, rows: int | None = None
) -> Trace:
    """Does the first training step on a compiled model, and tells every number of it.

    The step is the one that `fit` would do first: same rows, same order, dropout active. The model
    has the new weights afterwards.

    Args:
        model: The compiled model.
        dataset: The data.
        config: The config.
        rows: Rows of the mini-batch. Default: the batch size of the config.

    Raises:
        UsageError: The config is solved without steps.
    """
    if config.training.solver != "gradient_descent":
        raise UsageError(
            f"training.solver: {config.training.solver} takes no steps that could be traced",
            hint="trace with --set training.solver=gradient_descent",
        )
    train, batches = dataset.train, Batches.of(config, len(dataset.train))
    chosen = batches.order(1)[: rows or batches.size]
    x = train.x[chosen]
    target, row_weights = loss_targets(model, dataset, config, train.y[chosen])
    before = [weight.numpy() for weight in model.trainable_weights]
    step = record_step(model, x, target, row_weights, training=True)
    gradients = step.gradients(model.trainable_weights)
    layers = _layers(model, step)
    model.optimizer.apply(gradients, model.trainable_weights)
    return Trace(
        rows=train.rows[chosen],
        x=x,
        y=target,
        row_weights=row_weights,
        layers=layers,
        loss_name=config.training.loss.type,
        loss=float(step.loss),
        penalty=step.penalty,
        weights=_weights(model, before, gradients),
        optimizer=config.training.optimizer.type,
        learning_rate=RateReader(model, config).value(),
    )


def _layers(model: keras.Sequential, step: Step) -> tuple[LayerTrace, ...]:
    before = [step.before.get(layer.name) for layer in model.layers]
    sources = [z if z is not None else a for z, a in zip(before, step.outputs, strict=True)]
    deltas = step.gradients(sources)
    return tuple(
        LayerTrace(
            name=layer.name,
            type=type(layer).__name__,
            activation=getattr(getattr(layer, "activation", None), "__name__", None),
            before=array_of(before[place]),
            output=step.outputs[place].numpy(),
            delta=array_of(deltas[place]),
        )
        for place, layer in enumerate(model.layers)
    )


def _weights(
    model: keras.Sequential, before: list[Array], gradients: list[Any]
) -> tuple[WeightTrace, ...]:
    changed = zip(model.trainable_weights, before, gradients, strict=True)
    return tuple(
        WeightTrace(weight.path, old, array_of(gradient), weight.numpy())
        for weight, old, gradient in changed
    )
