"""Shares each batch among the devices of this machine, by `tf.distribute.MirroredStrategy`.

Every device has a copy of the model and of the rows, takes an equal share of each batch, and adds
its gradients to those of the others before all take the same step. The result is that of one
device, but for the rounding of sums, and for layers that look at the whole batch: batch
normalisation sees the rows of its device.

A last batch that has no equal shares is computed whole by every device: the mean of equal
gradients is the gradient, and the metrics count it on the first device alone.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import keras
import tensorflow as tf
from numpy.typing import NDArray

from dl.config.schema import Config
from dl.engine.training.resident import ResidentRows, traceable, train_loop
from dl.progress import Reporter
from dl.vocabulary.spec import Findings


def device_scope(config: Config, reporter: Reporter) -> AbstractContextManager[Any]:
    """Returns the context in which a model is built and compiled, by `engine.distribute`.

    Raises:
        Findings: A batch has no equal shares for the devices.
    """
    if config.engine.distribute == "none":
        return nullcontext()
    kind = "GPU" if tf.config.list_logical_devices("GPU") else "CPU"
    names = tuple(device.name for device in tf.config.list_logical_devices(kind))
    if len(names) == 1:
        reporter.note(f"engine.distribute: there is a single {kind}, so no batch is shared")
        return nullcontext()
    _check_batch(config, len(names))
    reporter.note(f"each batch is shared among {len(names)} {kind}s")
    scope: AbstractContextManager[Any] = _strategy(names).scope()
    return scope


@functools.cache
def _strategy(names: tuple[str, ...]) -> Any:
    """Returns the strategy of a process: what two of them sum would be taken for each other's."""
    return tf.distribute.MirroredStrategy(names)


def devices_of(model: keras.Sequential) -> int:
    """Returns the number of devices that a model was built for."""
    return int(model.distribute_strategy.num_replicas_in_sync)


def on_devices(model: keras.Sequential, rows: ResidentRows) -> ResidentRows:
    """Copies rows to every device of a model."""
    held = (rows.x, rows.y) if rows.weight is None else (rows.x, rows.y, rows.weight)
    with model.distribute_strategy.scope():
        return ResidentRows(*(_variable(tensor) for tensor in held))


def _variable(tensor: tf.Tensor) -> tf.Variable:
    # An accelerator has no variables of int32.
    value = tf.cast(tensor, tf.int64) if tensor.dtype == tf.int32 else tensor
    return tf.Variable(value, trainable=False)


class MirroredTrainer:
    """Trains a model on several devices; takes calls as `ResidentTrainer` does.

    Attributes:
        compiled: Never: a compiled step cannot wait for other devices.
    """

    compiled = False

    def __init__(self, model: keras.Sequential, rows: ResidentRows) -> None:
        self._devices = devices_of(model)
        self._shared = traceable(train_loop(model, _shared_step(model, rows)), compiled=False)
        self._whole = traceable(train_loop(model, _whole_step(model, rows)), compiled=False)

    def prepare(self, shapes: Iterable[tuple[int, ...]]) -> None:
        """Traces for row numbers of these shapes, without training a step."""
        for shape in shapes:
            self._chosen(shape)(tf.zeros(shape, tf.int32), 0, 0)

    def steps(self, numbers: NDArray[Any], begin: int, end: int) -> tuple[int, dict[str, float]]:
        """Trains on rows `numbers[begin:end]`; see `ResidentTrainer.steps`."""
        done, logs = self._chosen(numbers.shape)(numbers, begin, end)
        return int(done), {name: float(value) for name, value in logs.items()}

    def _chosen(self, shape: tuple[int, ...]) -> Any:
        return self._whole if shape[1] % self._devices else self._shared


def _shared_step(model: keras.Sequential, rows: ResidentRows) -> Callable[[tf.Tensor], tf.Tensor]:
    strategy, devices = model.distribute_strategy, devices_of(model)

    def step(numbers: tf.Tensor) -> tf.Tensor:
        size = tf.shape(numbers)[0] // devices

        def share(device: Any) -> tf.Tensor:
            begin = device.replica_id_in_sync_group * size
            return numbers[begin : begin + size]

        def train(own: tf.Tensor) -> tf.Tensor:
            return model.train_step(rows.batch(own))["loss"]

        shares = strategy.experimental_distribute_values_from_function(share)
        return strategy.reduce("MEAN", strategy.run(train, (shares,)), axis=None)

    return step


def _whole_step(model: keras.Sequential, rows: ResidentRows) -> Callable[[tf.Tensor], tf.Tensor]:
    strategy = model.distribute_strategy

    def train(numbers: tf.Tensor) -> tf.Tensor:
        before = [tf.identity(variable.value) for variable in model.metrics_variables]
        loss = model.train_step(rows.batch(numbers))["loss"]
        first = tf.equal(tf.distribute.get_replica_context().replica_id_in_sync_group, 0)
        for variable, old in zip(model.metrics_variables, before, strict=True):
            variable.assign(tf.where(first, variable.value, old))
        return loss

    def step(numbers: tf.Tensor) -> tf.Tensor:
        return strategy.reduce("MEAN", strategy.run(train, (numbers,)), axis=None)

    return step


def _check_batch(config: Config, devices: int) -> None:
    size = config.training.batch_size
    if size == "full" or size % devices == 0:
        return
    raise Findings.one(
        ("training", "batch_size"),
        "has no equal shares for all devices",
        expected=f"a multiple of {devices}: so many devices share each batch",
        found=str(size),
        hint=f"write {size + devices - size % devices}, or engine.distribute: none",
    )
