"""Runs many steps of Keras' own `train_step` in one call: on rows in memory, or on the disk.

Keras' `fit` fetches each batch in Python and starts the graph anew for each step; on a small
network that costs far more than the step. Here the rows are tensors, a call is given row numbers,
and a loop inside the graph gathers each batch and calls the model's inherited `train_step`.
Everything that Keras does in a step is done: losses, metrics, gradients, the optimizer, the state
of dropout and batch normalisation.

Rows that lie on the disk are gathered block by block, in the order of the epoch, which runs over
the whole data; a thread gathers the next block while the steps of this one run.

Several devices share each batch by `tf.distribute.MirroredStrategy`: every device has a copy of the
model and of the rows, takes an equal share of each batch, and adds its gradients to those of the
others before all take the same step. The result is that of one device, but for the rounding of
sums, and for layers that look at the whole batch: batch normalisation sees the rows of its device.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dl.config.schema import Config
from dl.data.dataset import Dataset
from dl.data.target import class_indexes
from dl.data.types import Array, Rows
from dl.model import keras, tf
from dl.model.randomness import class_draws, row_draws, row_order
from dl.model.tensors import Tensors, WindowTensor, picked
from dl.progress import Reporter
from dl.vocabulary.spec import Findings

BLOCK_BYTES = 1 << 25
"""The most that the inputs of a block take, unless a single batch takes more: large enough for many
steps of a small network in a call, and nothing beside the memory that TensorFlow itself takes."""

Numbers = NDArray[np.int32]
Mix = Callable[[keras.Sequential, Tensors], Tensors]
"""Changes the rows of a batch before a step of training."""


@dataclass(frozen=True, slots=True)
class Call:
    """Steps of one call: `numbers[begin:end]`, `first` being the 0-based step of the epoch."""

    numbers: Numbers
    begin: int
    end: int
    first: int


@dataclass(frozen=True, slots=True)
class Batches:
    """How the rows of an epoch are ordered and cut.

    Attributes:
        rows: Number of rows.
        size: Rows of a step; the last step takes what is left.
        seed: The config's seed.
        shuffle: Whether each epoch has an order of its own.
        replacement: Whether an epoch draws its rows at random, so that one can come twice.
        labels: Class of each row, where an epoch draws classes equally often, and then their rows.
    """

    rows: int
    size: int
    seed: int
    shuffle: bool
    replacement: bool = False
    labels: Array | None = field(default=None, compare=False, repr=False)

    @classmethod
    def of(cls, config: Config, dataset: Dataset) -> Batches:
        """Returns the batches of a config for its training rows."""
        training, rows = config.training, len(dataset.train)
        size = rows if training.batch_size == "full" else min(training.batch_size, rows)
        drawn = training.sampling == "with_replacement"
        balanced = training.sampling == "balanced"
        y, _ = dataset.train.targets(slice(None) if balanced else slice(0))
        labels = class_indexes(y, dataset.target) if balanced else None
        return cls(rows, size, config.seed, training.shuffle, drawn, labels)

    @property
    def steps(self) -> int:
        """Steps of an epoch."""
        return -(-self.rows // self.size)

    @property
    def shapes(self) -> list[tuple[int, int]]:
        """Shapes that the row numbers of a call can have: (steps, rows of a step)."""
        whole, rest = divmod(self.rows, self.size)
        return [(whole, self.size)] + ([(1, rest)] if rest else [])

    def order(self, epoch: int) -> Numbers:
        """Returns the row numbers in the order of an epoch (1-based), shape (rows,)."""
        if self.labels is not None:
            return class_draws(self.seed, epoch, self.labels)
        if self.replacement:
            return row_draws(self.seed, epoch, self.rows)
        if not self.shuffle or self.size >= self.rows:
            return np.arange(self.rows, dtype=np.int32)
        return row_order(self.seed, epoch, self.rows)

    def calls(self, epoch: int, steps_per_call: int) -> Iterator[Call]:
        """Cuts an epoch (1-based) into calls; a shorter last batch is a call of its own."""
        order = self.order(epoch)
        whole = self.rows // self.size
        numbers = order[: whole * self.size].reshape(whole, self.size)
        for begin in range(0, whole, steps_per_call):
            yield Call(numbers, begin, min(begin + steps_per_call, whole), begin)
        if whole < self.steps:
            yield Call(order[whole * self.size :][np.newaxis], 0, 1, whole)


class Trainer:
    """Trains a compiled model on rows that are tensors, a number of steps in each call.

    Args:
        model: The model. Where it was built for several devices, they share each batch.
        rows: The rows; they may be variables.
        compiled: Whether to compile the steps with XLA.
        mix: Changes the rows of a batch; None leaves them as they are.

    Attributes:
        compiled: Whether the steps are compiled with XLA.
    """

    def __init__(
        self, model: keras.Sequential, rows: Tensors, *, compiled: bool, mix: Mix | None = None
    ) -> None:
        self._devices = devices_of(model)
        steps = (_step,) if self._devices == 1 else (_shared_step, _whole_step)
        self._loops = [_loop(model, step(model, rows, mix)) for step in steps]
        self._trace(compiled)

    def _trace(self, compiled: bool) -> None:
        self.compiled = compiled
        self._run = [_traceable(loop, compiled) for loop in self._loops]

    def _call(self, numbers: Numbers, begin: int, end: int) -> Any:
        # The first loop shares batches among the devices; the second takes those without shares.
        run = self._run[1 if numbers.shape[1] % self._devices else 0]
        return run()(tf.constant(numbers), tf.constant(begin), tf.constant(end))

    def prepare(self, shapes: Iterable[tuple[int, int]]) -> None:
        """Traces and compiles for row numbers of these shapes, without training a step.

        What XLA cannot compile runs uncompiled.
        """
        empty = [np.zeros(shape, np.int32) for shape in shapes]
        try:
            for numbers in empty:
                self._call(numbers, 0, 0)
        except tf.errors.OpError:
            if not self.compiled:
                raise
            self._trace(compiled=False)

    def steps(self, numbers: Numbers, begin: int, end: int) -> tuple[int, dict[str, float]]:
        """Trains on rows `numbers[begin:end]`, one row of the array a step.

        Stops before `end` where the loss is NaN or infinite.

        Returns:
            The number of the step after the last one done, and the means since the last reset.
        """
        done, logs = self._call(numbers, begin, end)
        return int(done), {name: float(value) for name, value in logs.items()}


class ReplacedTrainer(Trainer):
    """Trains on rows in memory, in whose place those of another training of their shapes can come.

    So trainings that differ in their data share what is traced and compiled. Where the steps are
    not compiled, the others may be more or fewer rows.
    """

    def __init__(self, model: keras.Sequential, rows: Tensors, *, compiled: bool) -> None:
        def held_for(array: tf.Tensor) -> tf.Variable:
            rows = array.shape[0] if compiled else None
            return tf.Variable(array, trainable=False, shape=(rows, *array.shape[1:]))

        held = {id(array): held_for(array) for array in rows}
        self._rows = tuple(held[id(array)] for array in rows)
        super().__init__(model, self._rows, compiled=compiled)

    def replace(self, rows: Tensors) -> None:
        """Takes other rows, of the same shape of each and the same types."""
        for variable, array in zip(self._rows, rows, strict=True):
            variable.assign(array)


class StreamedTrainer(Trainer):
    """Trains on rows that are gathered by their numbers into blocks of memory.

    Args:
        model: The model.
        rows: Inputs, on the disk, then targets and weights.
        batches: How they are cut.
        steps: The most steps in a call, no more than `block_steps`.
        compiled: Whether to compile the steps with XLA.
        mix: Changes the rows of a batch; None leaves them as they are.
    """

    def __init__(
        self,
        model: keras.Sequential,
        rows: tuple[Rows, ...],
        batches: Batches,
        steps: int,
        *,
        compiled: bool,
        mix: Mix | None = None,
    ) -> None:
        self._rows = rows
        self._steps, self._size = min(steps, batches.steps), batches.size
        with model.distribute_strategy.scope():
            self._block = tuple(
                _variable(np.zeros((self._steps * self._size, *array.shape[1:]), array.dtype))
                for array in rows
            )
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="rows")
        self._ahead: tuple[Numbers, int, Future[list[Array]]] | None = None
        super().__init__(model, self._block, compiled=compiled, mix=mix)

    def prepare(self, shapes: Iterable[tuple[int, int]]) -> None:
        """Traces and compiles for batches of these shapes, without training a step."""
        super().prepare((self._steps_of(size), size) for _, size in shapes)

    def steps(self, numbers: Numbers, begin: int, end: int) -> tuple[int, dict[str, float]]:
        """Trains on the rows `numbers[begin:end]`; see `Trainer.steps`."""
        ahead, self._ahead = self._ahead, None
        if ahead is not None and ahead[0] is numbers and ahead[1] == begin:
            self._fill(ahead[2].result())
        else:
            self._fill(self._take(numbers[begin:end].reshape(-1)))
        following = numbers[end : end + self._steps].reshape(-1)
        if len(following):
            self._ahead = (numbers, end, self._reader.submit(self._take, following))
        size = numbers.shape[1]
        steps = self._steps_of(size)
        places = np.arange(steps * size, dtype=np.int32).reshape(steps, size)
        done, logs = super().steps(places, 0, end - begin)
        return begin + done, logs

    def _steps_of(self, size: int) -> int:
        """A shorter last batch is a call of its own."""
        return self._steps if size == self._size else 1

    def _take(self, numbers: Numbers) -> list[Array]:
        taken = {id(array): array[numbers] for array in self._rows}  # inputs may be the target
        return [taken[id(array)] for array in self._rows]

    def _fill(self, gathered: list[Array]) -> None:
        """Copies rows to the start of the block; what lies behind them is not used."""
        for variable, rows in zip(self._block, gathered, strict=True):
            missing = variable.shape[0] - len(rows)
            block = np.pad(rows, [(0, missing)] + [(0, 0)] * (rows.ndim - 1)) if missing else rows
            variable.assign(block.astype(variable.dtype.as_numpy_dtype, copy=False))


def block_steps(batches: Batches, x: Rows) -> int:
    """Returns the steps of a call that a block of inputs from the disk holds."""
    row_bytes = int(np.prod(x.shape[1:], dtype=np.int64)) * x.dtype.itemsize
    return max(1, BLOCK_BYTES // max(1, batches.size * row_bytes))


def trainer_in_memory(
    model: keras.Sequential, rows: Tensors, *, compiled: bool, mix: Mix | None = None
) -> Trainer:
    """Returns what trains on rows in memory, with a copy of them on each device of the model."""
    if devices_of(model) > 1:
        with model.distribute_strategy.scope():
            rows = tuple(_held(array) for array in rows)
    return Trainer(model, rows, compiled=compiled, mix=mix)


def _held(rows: Any) -> Any:
    if isinstance(rows, WindowTensor):
        return WindowTensor(*map(_variable, rows))
    return _variable(rows)


def _variable(values: Array | tf.Tensor) -> tf.Variable:
    # TensorFlow keeps variables of int32 in the memory of the processor, and an operation on an
    # accelerator cannot take them from there; those of int64 it keeps on the accelerator.
    wide = tf.cast(values, tf.int64) if tf.as_dtype(values.dtype) == tf.int32 else values
    return tf.Variable(wide, trainable=False)


def _traceable(loop: Callable[..., Any], compiled: bool) -> Any:
    """Returns what traces a loop once, whatever the number of rows and steps.

    What is traced is called itself: to find it by its arguments takes as long as a step.
    """
    number = tf.TensorSpec([], tf.int32)
    signature = [tf.TensorSpec([None, None], tf.int32), number, number]
    made = tf.function(loop, input_signature=signature, jit_compile=compiled, autograph=False)
    return functools.cache(made.get_concrete_function)


def _loop(model: keras.Sequential, step: Callable[[tf.Tensor], tf.Tensor]) -> Callable[..., Any]:
    """Returns what runs steps, each for a row of row numbers, as long as the loss is finite.

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


def _step(
    model: keras.Sequential, rows: Tensors, mix: Mix | None
) -> Callable[[tf.Tensor], tf.Tensor]:
    def step(numbers: tf.Tensor) -> tf.Tensor:
        batch = picked(rows, numbers)
        return model.train_step(batch if mix is None else mix(model, batch))["loss"]

    return step


def _shared_step(
    model: keras.Sequential, rows: Tensors, mix: Mix | None
) -> Callable[[tf.Tensor], tf.Tensor]:
    """Returns a step in which each device trains on an equal share of the rows."""
    strategy, devices, train = model.distribute_strategy, devices_of(model), _step(model, rows, mix)

    def step(numbers: tf.Tensor) -> tf.Tensor:
        size = tf.shape(numbers)[0] // devices

        def share(device: Any) -> tf.Tensor:
            begin = device.replica_id_in_sync_group * size
            return numbers[begin : begin + size]

        shares = strategy.experimental_distribute_values_from_function(share)
        return strategy.reduce("MEAN", strategy.run(train, (shares,)), axis=None)

    return step


def _whole_step(
    model: keras.Sequential, rows: Tensors, mix: Mix | None
) -> Callable[[tf.Tensor], tf.Tensor]:
    """Returns a step in which each device trains on all rows, which have no equal shares.

    The mean of equal gradients is the gradient; the metrics count it on the first device alone.
    """
    strategy, train_rows = model.distribute_strategy, _step(model, rows, mix)

    def train(numbers: tf.Tensor) -> tf.Tensor:
        before = [tf.identity(variable.value) for variable in model.metrics_variables]
        loss = train_rows(numbers)
        first = tf.equal(tf.distribute.get_replica_context().replica_id_in_sync_group, 0)
        for variable, old in zip(model.metrics_variables, before, strict=True):
            variable.assign(tf.where(first, variable.value, old))
        return loss

    def step(numbers: tf.Tensor) -> tf.Tensor:
        return strategy.reduce("MEAN", strategy.run(train, (numbers,)), axis=None)

    return step


def device_scope(config: Config, reporter: Reporter) -> AbstractContextManager[Any]:
    """Returns the context in which a model is built and compiled, by `engine.distribute`.

    Raises:
        Findings: A batch has no equal shares for the devices.
    """
    if config.engine.distribute == "none":
        return nullcontext()
    kind = "GPU" if tf.config.list_logical_devices("GPU") else "CPU"
    names = tuple(device.name for device in tf.config.list_logical_devices(kind))
    count, size = len(names), config.training.batch_size
    if count == 1:
        reporter.note(f"engine.distribute: there is a single {kind}, so no batch is shared")
        return nullcontext()
    if size != "full" and size % count:
        raise Findings.one(
            ("training", "batch_size"),
            "cannot be divided equally among all devices",
            expected=f"a multiple of {count}: so many devices share each batch",
            found=str(size),
            hint=f"write {size + count - size % count}, or engine.distribute: none",
        )
    reporter.note(f"each batch is shared among {count} {kind}s")
    scope: AbstractContextManager[Any] = _mirrored(names).scope()
    return scope


@functools.cache
def _mirrored(names: tuple[str, ...]) -> Any:
    # One for the process: TensorFlow would take what two of them sum for each other's.
    return tf.distribute.MirroredStrategy(names)


def devices_of(model: keras.Sequential) -> int:
    """Returns the number of devices that a model was built for."""
    return int(model.distribute_strategy.num_replicas_in_sync)
