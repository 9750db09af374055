"""One training step by hand: every number of the forward pass, the gradients and the update."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from dl.config.schema import Config
from dl.data.dataset import Dataset
from dl.data.types import Array
from dl.errors import UsageError
from dl.model import keras, tf
from dl.model.build import inner_optimizer
from dl.model.checks import computing, loss_targets, outputs_of_layers
from dl.model.differences import values_of
from dl.training.fit import RateReader
from dl.training.steps import Batches
from dl.vocabulary.traits import ENDS_WITH_ACTIVATION


@dataclass(frozen=True, slots=True)
class RecordedStep:
    """A forward pass of which everything is kept, so that the loss can be derived by any of it.

    Attributes:
        outputs: The output of each layer, shape (rows, ...).
        before: The pre-activation of each layer that has one, by the layer's name.
        loss: What is minimised.
        penalty: The part of the loss that regularizers add.
        tape: What was recorded.
    """

    outputs: tuple[Any, ...]
    before: Mapping[str, Any]
    loss: Any
    penalty: float
    tape: tf.GradientTape

    def gradients(self, sources: list[Any]) -> list[Any]:
        """Returns the gradient of the loss by each source; None where it does not depend on it."""
        return list(self.tape.gradient(self.loss, sources))


@dataclass(frozen=True, slots=True)
class LayerTrace:
    """What a layer did with the batch.

    Attributes:
        name: Its name.
        type: Its class.
        activation: Name of its activation; None if it has none of its own.
        pre_activation: What the activation gets, shape (rows, ...); None if there is none.
        output: Its output, shape (rows, ...).
        delta: Gradient of the loss by the pre-activation, or by the output; None where the loss
            does not depend on it.
    """

    name: str
    type: str
    activation: str | None
    pre_activation: Array | None
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
    train, batches = dataset.train, Batches.of(config, dataset)
    chosen = batches.order(1)[: rows or batches.size]
    taken = train.take(chosen)
    x = taken.x[:]
    y, counting = loss_targets(model, dataset, config, taken)
    target, row_weights = y[:], None if counting is None else counting[:]
    before = [weight.numpy() for weight in model.trainable_weights]
    step = record_step(model, x, target, row_weights, training=True)
    gradients = step.gradients(model.trainable_weights)
    layers = tuple(layer_traces(model, step))
    inner_optimizer(model).apply(gradients, model.trainable_weights)
    changed = zip(model.trainable_weights, before, gradients, strict=True)
    return Trace(
        rows=train.rows[chosen],
        x=x,
        y=target,
        row_weights=row_weights,
        layers=layers,
        loss_name=config.training.loss.type,
        loss=float(step.loss),
        penalty=step.penalty,
        weights=tuple(
            WeightTrace(weight.path, old, array_of(gradient), weight.numpy())
            for weight, old, gradient in changed
        ),
        optimizer=config.training.optimizer.type,
        learning_rate=RateReader(model, config).value(),
    )


def layer_traces(model: keras.Sequential, step: RecordedStep) -> Iterator[LayerTrace]:
    """Yields what each layer did in a recorded step."""
    befores = [step.before.get(layer.name) for layer in model.layers]
    sources = [z if z is not None else a for z, a in zip(befores, step.outputs, strict=True)]
    deltas = step.gradients(sources)
    for layer, before, output, delta in zip(
        model.layers, befores, step.outputs, deltas, strict=True
    ):
        yield LayerTrace(
            name=layer.name,
            type=type(layer).__name__,
            activation=activation_of(layer),
            pre_activation=array_of(before),
            output=whole_array(output),
            delta=array_of(delta),
        )


def array_of(tensor: Any) -> Array | None:
    """Returns a tensor as an array; the gradient by a table of words is sparse. None for None."""
    return None if tensor is None else whole_array(tensor)


def whole_array(tensor: Any) -> Array:
    """Returns a tensor as an array, one of 16 bits in float32."""
    dense = tf.convert_to_tensor(tensor)
    if dense.dtype in (tf.float16, tf.bfloat16):  # sums of these leave their range
        dense = tf.cast(dense, tf.float32)
    array: Array = dense.numpy()
    return array


def activation_of(layer: Any) -> str | None:
    """Returns the name of a layer's activation; None if it has none of its own."""
    return getattr(getattr(layer, "activation", None), "__name__", None)


def record_step(
    model: keras.Sequential, x: Array, y: Array, weight: Array | None, *, training: bool
) -> RecordedStep:
    """Passes rows through a compiled model, layer by layer, and measures the loss.

    Args:
        model: The model.
        x: Inputs, shape (rows, ...).
        y: Targets as the loss takes them, shape (rows, ...).
        weight: Weight of each row in the loss, shape (rows, *places), or None.
        training: Whether dropout and its like are active.
    """
    with (
        computing(model),
        noting_activations(model) as before,
        tf.GradientTape(persistent=True) as tape,
    ):
        outputs = tuple(outputs_of_layers(model, tf.constant(x), training))
        loss = model.compute_loss(
            x=tf.constant(x),
            y=tf.constant(y),
            y_pred=values_of(model, tf.constant(x), outputs[-1]),
            sample_weight=weight,
            training=training,
        )
    penalty = float(sum(float(term) for term in model.losses))
    return RecordedStep(outputs, before, loss, penalty, tape)


@contextmanager
def noting_activations(model: keras.Sequential) -> Iterator[dict[str, Any]]:
    """Notes the pre-activation of each layer while the model is called.

    Keras' layers apply their activation inside of `call`, and give its result alone: in its place
    stands, for the time, one that notes what it is given.
    """
    records: dict[str, Any] = {}

    def recorder(name: str, activation: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def record(before: Any) -> Any:
            records[name] = before
            return activation(before)

        return record

    own = {
        layer: layer.activation
        for layer in model.layers
        if type(layer).__name__ in ENDS_WITH_ACTIVATION and layer.activation is not None
    }
    for layer, activation in own.items():
        layer.activation = recorder(layer.name, activation)
    try:
        yield records
    finally:
        for layer, activation in own.items():
            layer.activation = activation
