"""One training step by hand: every number of the forward pass, the gradients and the update."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf

from dl.config.schema import Config
from dl.data.targets.weights import class_weights
from dl.data.types import Array, Dataset, Part
from dl.engine.fit import batches_of, row_weights
from dl.engine.schedule import RateReader
from dl.engine.targets import shaped_target
from dl.errors import UsageError

_ENDS_WITH_ACTIVATION = (
    keras.layers.Dense,
    keras.layers.EinsumDense,
    keras.layers.Conv1D,
    keras.layers.Conv2D,
    keras.layers.Conv3D,
    keras.layers.Conv1DTranspose,
    keras.layers.Conv2DTranspose,
    keras.layers.Conv3DTranspose,
    keras.layers.DepthwiseConv1D,
    keras.layers.DepthwiseConv2D,
    keras.layers.SeparableConv1D,
    keras.layers.SeparableConv2D,
)
"""Layers that apply their activation last, to what is called their pre-activation."""


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


@dataclass(slots=True)
class _Forward:
    """What a forward pass leaves, as tensors on the tape."""

    outputs: list[Any]
    before: dict[str, Any]


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
    _refuse_solver(config)
    part, weight = _batch(model, dataset, config, rows)
    before = [weight_.numpy() for weight_ in model.trainable_weights]
    target = shaped_target(part.y, model)
    with _recorded(model) as records, tf.GradientTape(persistent=True) as tape:
        forward = _forward(model, tf.constant(part.x), records)
        loss = _loss(model, part.x[:], target, forward.outputs[-1], weight)
    gradients = tape.gradient(loss, model.trainable_weights)
    layers = _layers(model, forward, lambda tensor: _array(tape.gradient(loss, tensor)))
    penalty = float(sum(float(term) for term in model.losses))
    model.optimizer.apply(gradients, model.trainable_weights)
    return Trace(
        rows=part.rows,
        x=part.x[:],
        y=target,
        row_weights=weight,
        layers=layers,
        loss_name=config.training.loss.type,
        loss=float(loss),
        penalty=penalty,
        weights=_weights(model, before, gradients),
        optimizer=config.training.optimizer.type,
        learning_rate=RateReader(model, config).value(),
    )


def _refuse_solver(config: Config) -> None:
    if config.training.solver != "gradient_descent":
        raise UsageError(
            f"training.solver: {config.training.solver} takes no steps that could be traced",
            hint="trace with --set training.solver=gradient_descent",
        )


def _batch(
    model: keras.Sequential, dataset: Dataset, config: Config, rows: int | None
) -> tuple[Part, Array | None]:
    """Returns the rows of the first step, and their weights in the loss."""
    batches = batches_of(model, dataset, config)
    chosen = batches.order(1)[: rows or batches.size]
    train = dataset.train
    part = Part(train.x[chosen], train.y[chosen], train.rows[chosen])
    weights = class_weights(train.y, dataset.learned, config.training.class_weight)
    return part, None if weights is None else row_weights(part.y, weights)


@contextmanager
def _recorded(model: keras.Sequential) -> Iterator[dict[str, Any]]:
    """Notes the pre-activation of each layer while the model is called."""
    records: dict[str, Any] = {}
    own = {
        layer: layer.activation
        for layer in model.layers
        if isinstance(layer, _ENDS_WITH_ACTIVATION) and layer.activation is not None
    }
    for layer, activation in own.items():
        layer.activation = _recorder(layer.name, activation, records)
    try:
        yield records
    finally:
        for layer, activation in own.items():
            layer.activation = activation


def _recorder(
    name: str, activation: Callable[[Any], Any], records: dict[str, Any]
) -> Callable[[Any], Any]:
    def record(before: Any) -> Any:
        records[name] = before
        return activation(before)

    return record


def _forward(model: keras.Sequential, x: Any, records: dict[str, Any]) -> _Forward:
    outputs = []
    value = x
    for layer in model.layers:
        takes_training = "training" in inspect.signature(layer.call).parameters
        value = layer(value, training=True) if takes_training else layer(value)
        outputs.append(value)
    return _Forward(outputs, records)


def _loss(
    model: keras.Sequential, x: Array, y: Array, output: Any, weight: Array | None
) -> tf.Tensor:
    return model.compute_loss(
        x=tf.constant(x), y=tf.constant(y), y_pred=output, sample_weight=weight, training=True
    )


def _layers(
    model: keras.Sequential, forward: _Forward, gradient: Callable[[Any], Array | None]
) -> tuple[LayerTrace, ...]:
    traces = []
    for layer, output in zip(model.layers, forward.outputs, strict=True):
        before = forward.before.get(layer.name)
        activation = getattr(layer, "activation", None)
        traces.append(
            LayerTrace(
                name=layer.name,
                type=type(layer).__name__,
                activation=getattr(activation, "__name__", None),
                before=_array(before),
                output=output.numpy(),
                delta=gradient(output if before is None else before),
            )
        )
    return tuple(traces)


def _weights(
    model: keras.Sequential, before: list[Array], gradients: list[Any]
) -> tuple[WeightTrace, ...]:
    changed = zip(model.trainable_weights, before, gradients, strict=True)
    return tuple(
        WeightTrace(weight.path, old, _array(gradient), weight.numpy())
        for weight, old, gradient in changed
    )


def _array(tensor: Any) -> Array | None:
    if tensor is None:
        return None
    array: Array = tf.convert_to_tensor(tensor).numpy()
    return array
