"""The network of `data.window.difference`: its layers say a change, its outputs are values.

The last value that is known is added to what the layers say: the residual wrapper of TensorFlow's
tutorial on time series. Loss and metrics see values, so nothing outside knows of the change; a loss
of the difference of target and output is that of the change and what the layers say of it.
"""

from __future__ import annotations

import math
from typing import Any

import keras

from dl.data.target import Target


class Differences(keras.Sequential):  # type: ignore[misc]
    """A `Sequential` that adds what its layers say to the last known values among its inputs."""

    def __init__(self, layers: list[Any], target: Target, name: str) -> None:
        super().__init__(layers, name=name)
        self.target = target

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Returns values as the loss takes them, in the shape of the outputs."""
        return onto_last(inputs, super().call(inputs, training=training, mask=mask), self.target)


def values_of(model: keras.Sequential, inputs: Any, outputs: Any) -> Any:
    """Returns what a model answers where its layers say `outputs`."""
    return onto_last(inputs, outputs, model.target) if isinstance(model, Differences) else outputs


def onto_last(inputs: Any, outputs: Any, target: Target) -> Any:
    """Returns outputs on top of the last known values, in their shape.

    Args:
        inputs: Windows, shape (rows, steps, columns).
        outputs: Changes, shape (rows, units) or (rows, *places, units).
        target: Says where the values stand in the inputs, and what the targets' unit is.
    """
    last, shape = target.last, tuple(outputs.shape[1:])
    if last is None:
        return outputs
    steps = inputs if last.each else inputs[:, -1:]
    columns = zip(last.columns, last.factors, last.offsets, strict=True)
    known = [steps[:, :, column] * factor + offset for column, factor, offset in columns]
    values = known[0]  # (rows, steps), of one target
    if len(known) > 1:
        values = keras.ops.stack(known, axis=-1)
        values = values if target.places else values[:, 0]
    said = keras.ops.reshape(outputs, (-1, *(target.places or (math.prod(shape),))))
    mask = getattr(outputs, "_keras_mask", None)
    found = keras.ops.reshape(said + values, (-1, *shape))
    if mask is not None:  # the loss leaves out the steps that the layers mask
        found._keras_mask = mask
    return found
