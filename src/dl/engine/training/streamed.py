"""Trains on rows that lie on the disk, in the same steps and the same order as on resident rows.

The rows of a call are gathered into a block of memory, in the order of the epoch, which runs over
the whole data; a thread gathers the next block while the steps of this one run. The loop that runs
the steps is that of `dl.engine.training.resident`.
"""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from dl.data.types import Array, Rows
from dl.engine.training.epochs import Batches
from dl.engine.training.mirrored import MirroredTrainer, devices_of
from dl.engine.training.resident import ResidentRows, ResidentTrainer

BLOCK_BYTES = 1 << 25
"""The most that the inputs of a block take, unless a single batch takes more."""

Numbers = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class StoredRows:
    """Rows that are gathered by their numbers.

    Attributes:
        x: Inputs, on the disk.
        y: Targets.
        weight: Weight of each row in the loss, or None.
    """

    x: Rows
    y: Array
    weight: Array | None = None

    def arrays(self) -> tuple[Rows, ...]:
        """Returns what a step takes of each row."""
        return (self.x, self.y) if self.weight is None else (self.x, self.y, self.weight)

    def take(self, numbers: Numbers) -> tuple[Array, ...]:
        """Gathers rows, in this order."""
        return tuple(array[numbers] for array in self.arrays())


def in_blocks(batches: Batches, x: Rows) -> Batches:
    """Returns the batches, with no more steps in a call than a block holds."""
    steps = BLOCK_BYTES // max(1, batches.size * row_bytes(x))
    return replace(batches, steps_per_call=max(1, min(batches.steps_per_call, steps)))


def row_bytes(x: Rows) -> int:
    """Returns the bytes of a row."""
    return int(np.prod(x.shape[1:], dtype=np.int64)) * x.dtype.itemsize


class StreamedTrainer:
    """Trains a compiled model on stored rows; takes calls as `ResidentTrainer` does."""

    def __init__(
        self, model: keras.Sequential, rows: StoredRows, batches: Batches, *, compiled: bool
    ) -> None:
        self._rows = rows
        self._size = batches.size
        self._steps = min(batches.steps_per_call, batches.steps)
        with model.distribute_strategy.scope():
            self._variables = [
                _variable(array, self._steps * self._size) for array in rows.arrays()
            ]
        block = ResidentRows(*self._variables)
        self._trainer: ResidentTrainer | MirroredTrainer = (
            MirroredTrainer(model, block)
            if devices_of(model) > 1
            else ResidentTrainer(model, block, compiled=compiled)
        )
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="rows")
        self._ahead: tuple[Numbers, int, Future[tuple[Array, ...]]] | None = None

    @property
    def compiled(self) -> bool:
        """Whether the steps are compiled with XLA."""
        return self._trainer.compiled

    def prepare(self, shapes: Iterable[tuple[int, int]]) -> None:
        """Traces and compiles for batches of these shapes, without training a step."""
        self._trainer.prepare(
            [(self._steps if size == self._size else 1, size) for _, size in shapes]
        )

    def steps(self, numbers: Numbers, begin: int, end: int) -> tuple[int, dict[str, float]]:
        """Trains on the rows `numbers[begin:end]`; see `ResidentTrainer.steps`."""
        self._fill(self._gathered(numbers, begin, end))
        self._look_ahead(numbers, end)
        size = numbers.shape[1]
        steps = self._steps if size == self._size else 1
        places = np.arange(steps * size, dtype=np.int32).reshape(steps, size)
        done, logs = self._trainer.steps(places, 0, end - begin)
        return begin + done, logs

    def _gathered(self, numbers: Numbers, begin: int, end: int) -> tuple[Array, ...]:
        ahead, self._ahead = self._ahead, None
        if ahead is not None and ahead[0] is numbers and ahead[1] == begin:
            return ahead[2].result()
        return self._rows.take(numbers[begin:end].reshape(-1))

    def _look_ahead(self, numbers: Numbers, begin: int) -> None:
        following = numbers[begin : begin + self._steps].reshape(-1)
        if len(following):
            self._ahead = (numbers, begin, self._reader.submit(self._rows.take, following))

    def _fill(self, gathered: tuple[Array, ...]) -> None:
        """Copies rows to the start of the block; what lies behind them is not used."""
        for variable, rows in zip(self._variables, gathered, strict=True):
            length = variable.shape[0]
            block = rows if len(rows) == length else _padded(rows, length)
            variable.assign(block.astype(variable.dtype.as_numpy_dtype, copy=False))


def _variable(array: Rows, rows: int) -> tf.Variable:
    # An accelerator has no variables of int32.
    dtype = np.int64 if array.dtype == np.int32 else array.dtype
    return tf.Variable(np.zeros((rows, *array.shape[1:]), dtype), trainable=False)


def _padded(rows: Array, length: int) -> Array:
    return np.pad(rows, [(0, length - len(rows))] + [(0, 0)] * (rows.ndim - 1))
