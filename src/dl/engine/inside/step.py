"""A forward pass of which everything is kept, so that the loss can be derived by any of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf

from dl.data.types import Array
from dl.engine.network.checks import computing, outputs_of_layers
from dl.vocabulary.traits import ENDS_WITH_ACTIVATION


@dataclass(frozen=True, slots=True)
class Step:
    """A forward pass.

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


def record_step(
    model: keras.Sequential, x: Array, y: Array, weight: Array | None, *, training: bool
) -> Step:
    """Passes rows through a compiled model, layer by layer, and measures the loss.

    Args:
        model: The model.
        x: Inputs.
        y: Targets as the loss takes them.
        weight: Weight of each row in the loss, or None.
        training: Whether dropout and its like are active.
    """
    with computing(model), _recorded(model) as before, tf.GradientTape(persistent=True) as tape:
        outputs = tuple(outputs_of_layers(model, tf.constant(x), training))
        loss = model.compute_loss(
            x=tf.constant(x),
            y=tf.constant(y),
            y_pred=outputs[-1],
            sample_weight=weight,
            training=training,
        )
    penalty = float(sum(float(term) for term in model.losses))
    return Step(outputs, before, loss, penalty, tape)


def array_of(tensor: Any) -> Array | None:
    """Returns a gradient, which may be sparse, as an array; None for None."""
    if tensor is None:
        return None
    array: Array = tf.convert_to_tensor(tensor).numpy()
    return array


@contextmanager
def _recorded(model: keras.Sequential) -> Iterator[dict[str, Any]]:
    """Notes the pre-activation of each layer while the model is called."""
    records: dict[str, Any] = {}
    own = {
        layer: layer.activation
        for layer in model.layers
        if type(layer).__name__ in ENDS_WITH_ACTIVATION and layer.activation is not None
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
