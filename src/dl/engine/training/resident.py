"""Runs many steps of Keras' own `train_step` in one call, on rows that stay in memory.

Keras' `fit` fetches each batch in Python and starts the graph anew for each step; on a small
network that costs far more than the step. Here all rows are tensors, a call is given row
numbers, and a loop inside the graph gathers each batch and calls the model's inherited
`train_step`. Everything that Keras does in a step is done: losses, metrics, gradients, the
optimizer, the state of dropout and batch normalisation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from dl.data.types import Array


@dataclass(frozen=True, slots=True)
class ResidentRows:
    """Rows as tensors.

    Attributes:
        x: Inputs.
        y: Targets.
        weight: Weight of each row in the loss, or None.
    """

    x: tf.Tensor
    y: tf.Tensor
    weight: tf.Tensor | None = None

    def batch(self, numbers: tf.Tensor) -> tuple[tf.Tensor, ...]:
        """Gathers the rows with these numbers, as Keras' steps take them."""
        held = (self.x, self.y) if self.weight is None else (self.x, self.y, self.weight)
        return tuple(tf.gather(tensor, numbers) for tensor in held)


def resident(x: Array, y: Array, weight: Array | None = None) -> ResidentRows:
    """Copies rows into tensors, on the accelerator if there is one."""
    held = None if weight is None else tf.constant(weight, tf.float32)
    return ResidentRows(tf.constant(x), tf.constant(y), held)


class ResidentTrainer:
    """Trains a compiled model on resident rows, a number of steps in each call.

    Attributes:
        compiled: Whether the steps are compiled with XLA.
    """

    def __init__(self, model: keras.Sequential, rows: ResidentRows, *, compiled: bool) -> None:
        self._loop = train_loop(model, _step(model, rows))
        self.compiled = compiled
        self._run = traceable(self._loop, compiled)

    def prepare(self, shapes: Iterable[tuple[int, ...]]) -> None:
        """Traces and compiles for row numbers of these shapes, without training a step.

        What XLA cannot compile runs uncompiled.
        """
        empty = [np.zeros(shape, np.int32) for shape in shapes]
        try:
            for numbers in empty:
                self._run(numbers, 0, 0)
        except tf.errors.OpError:
            if not self.compiled:
                raise
            self.compiled = False
            self._run = traceable(self._loop, compiled=False)

    def steps(
        self, numbers: NDArray[np.int32], begin: int, end: int
    ) -> tuple[int, dict[str, float]]:
        """Trains on rows `numbers[begin:end]`, one row of the array a step.

        Stops before `end` where the loss is no number.

        Returns:
            The number of the step after the last one done, and the means since the last reset.
        """
        done, logs = self._run(numbers, begin, end)
        return int(done), {name: float(value) for name, value in logs.items()}


def traceable(loop: Callable[..., Any], compiled: bool) -> Any:
    """Returns a loop as a function that is traced once, whatever the number of rows and steps."""
    return tf.function(
        loop,
        input_signature=[
            tf.TensorSpec([None, None], tf.int32),
            tf.TensorSpec([], tf.int32),
            tf.TensorSpec([], tf.int32),
        ],
        jit_compile=compiled,
        autograph=False,
    )


def _step(model: keras.Sequential, rows: ResidentRows) -> Callable[[tf.Tensor], tf.Tensor]:
    def step(numbers: tf.Tensor) -> tf.Tensor:
        return model.train_step(rows.batch(numbers))["loss"]

    return step


def train_loop(
    model: keras.Sequential, step: Callable[[tf.Tensor], tf.Tensor]
) -> Callable[..., Any]:
    """Returns what runs steps, each for a row of row numbers, as long as the loss is a number.

    Args:
        model: The model whose metrics are returned.
        step: Trains on rows of these numbers, and returns the mean loss since the last reset.
    """

    def run(numbers: tf.Tensor, begin: tf.Tensor, end: tf.Tensor) -> Any:
        def more(position: tf.Tensor, loss: tf.Tensor) -> tf.Tensor:
            return tf.logical_and(position < end, tf.math.is_finite(loss))

        def train(position: tf.Tensor, loss: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            return position + 1, tf.cast(step(numbers[position]), tf.float32)

        done, _ = tf.while_loop(more, train, (begin, tf.constant(0.0)))
        return done, model.get_metrics_result()

    return run
