"""Trains a model: epochs, validation, callbacks, display and history."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np

from dl.config.schema import Config
from dl.data.dataset import Dataset
from dl.data.targets.weights import class_weights, row_weights
from dl.engine.inference.evaluate import evaluate, evaluate_rows, evaluation_batch
from dl.engine.inference.traced import traced
from dl.engine.network.build_errors import (
    BUILD_ERRORS,
    computing,
    first_failing,
    shape_text,
)
from dl.engine.network.outputs import unmeasurable
from dl.engine.network.targets import shaped_target
from dl.engine.seeds import seeded_python
from dl.engine.training.best import BestWeights, Diverged
from dl.engine.training.callbacks import build_callbacks, check_packages
from dl.engine.training.checkpoint import Checkpoints
from dl.engine.training.display import Display
from dl.engine.training.epochs import Batches
from dl.engine.training.mirrored import MirroredTrainer, devices_of, on_devices
from dl.engine.training.resident import ResidentRows, ResidentTrainer, resident
from dl.engine.training.schedule import RateReader
from dl.engine.training.state import training_state
from dl.engine.training.strategy import choose_strategy
from dl.engine.training.streamed import StoredRows, StreamedTrainer, in_blocks
from dl.progress import Reporter
from dl.quiet import quiet_deprecations
from dl.vocabulary.spec import Finding, Findings

History = list[dict[str, float]]
OnEpoch = Callable[[Mapping[str, float]], None]

_CHECKED_ROWS = 5
"""More than one: a single row fits any shape by broadcasting."""


def never() -> bool:
    """Says that nobody wants to stop."""
    return False


def check_training(model: keras.Sequential, dataset: Dataset, config: Config) -> None:
    """Measures the loss and the metrics of a few rows, so that what does not fit shows early.

    Raises:
        Findings: The loss or a metric does not take the model's output and the target; or the
            class weights do not fit the target; or a callback needs a package that is missing.
    """
    check_packages(config)
    train = dataset.train
    weights = class_weights(train.y, dataset.target, config.training.class_weight)
    places = dataset.target.places
    if weights is not None and places and len(model.output_shape) < len(places) + 2:
        raise Findings([_unweighable(model, places)])
    target = shaped_target(train.y[:_CHECKED_ROWS], model)
    rows = resident(train.x[:_CHECKED_ROWS], target)
    state = [variable for variable in model.variables if not variable.trainable]
    before = [np.array(variable.numpy()) for variable in state]
    try:
        model.test_step((rows.x, rows.y))
    except BUILD_ERRORS as error:
        finding = first_failing(model, config, rows.x, error, training=False)
        finding = finding or unmeasurable(model, config, dataset.target, rows.x, rows.y, error)
        raise Findings([finding]) from error
    for variable, value in zip(state, before, strict=True):
        variable.assign(value)  # Keras' recurrent layers draw a dropout mask at inference, too
    model.optimizer.build(model.trainable_variables)
    model.reset_metrics()


def fit(  # noqa: PLR0913 - the contract of the package
    model: keras.Sequential,
    dataset: Dataset,
    config: Config,
    reporter: Reporter,
    on_epoch: OnEpoch,
    *,
    folder: Path | None = None,
    should_stop: Callable[[], bool] = never,
    watchers: Sequence[Any] = (),
    checkpoints: Checkpoints | None = None,
) -> History:
    """Trains a compiled model on the training part, as Keras' `fit` does with the same batches.

    Args:
        model: The model; it has its final weights afterwards.
        dataset: The data.
        config: The config.
        reporter: Is told about steps and epochs.
        on_epoch: Is given each row of the history.
        folder: The directory of the run, for callbacks that write files.
        should_stop: Is asked after each call of several steps; True ends the training there, and
            the epoch that was cut off is in no history.
        watchers: Keras callbacks beside those of the config.
        checkpoints: Where the training goes on from, and what keeps its state at each epoch's end.

    Returns:
        A row for each whole epoch: epoch (1-based), loss, metrics, the same of the validation part
        with `val_`, learning_rate (of the epoch's last step), seconds.

    Raises:
        Diverged: The loss left the numbers; the model has the weights of its best epoch.
        DataError: A layer cannot compute with a row.
        Findings: What `check_training` raises; or a layer takes no step of training.
    """
    callbacks = [*build_callbacks(config, folder), *watchers]
    scope = model.distribute_strategy.scope()
    with quiet_deprecations(), seeded_python(config.seed, "traced"), scope, computing(model):
        check_training(model, dataset, config)
        training = Training(model, dataset, config, reporter, callbacks, should_stop)
        history = training.run(on_epoch, checkpoints)
    for outcome in filter(None, (getattr(callback, "outcome", "") for callback in callbacks)):
        reporter.note(outcome)
    return history


class Training:
    """A training in progress."""

    def __init__(
        self,
        model: keras.Sequential,
        dataset: Dataset,
        config: Config,
        reporter: Reporter,
        callbacks: Sequence[Any],
        should_stop: Callable[[], bool],
    ) -> None:
        self._model = model
        self._epochs = config.training.epochs
        self._should_stop = should_stop
        self._batches = batches_of(model, dataset, config)
        strategy = choose_strategy(model, config, len(dataset.train))
        self._trainer = _trainer(model, dataset, config, self._batches, strategy.compiled)
        with reporter.stage("Preparing the training"):
            self._prepare(dataset, config)
        if strategy.compiled and not self._trainer.compiled:
            reporter.note("XLA cannot compile this network: its steps run uncompiled")
        self._validation = _validation(model, dataset, config)
        self._callbacks = keras.callbacks.CallbackList(
            list(callbacks),
            model=model,
            epochs=self._epochs,
            steps=self._batches.steps,
            verbose=0,
        )
        self._best = BestWeights(model)
        self._rate = RateReader(model, config)
        self._display = Display(reporter, self._epochs, self._batches.steps)

    def _prepare(self, dataset: Dataset, config: Config) -> None:
        try:
            self._trainer.prepare(self._batches.shapes)
        except BUILD_ERRORS as error:
            x, y = dataset.train.x[:_CHECKED_ROWS], dataset.train.y[:_CHECKED_ROWS]
            finding = first_failing(self._model, config, x, error, training=True)
            y = shaped_target(y, self._model)
            finding = finding or unmeasurable(self._model, config, dataset.target, x, y, error)
            raise Findings([finding]) from error

    def run(self, on_epoch: OnEpoch, checkpoints: Checkpoints | None) -> History:
        """Trains until the last epoch, a callback or the caller ends it."""
        self._display.begin()
        try:
            history = self._begin(checkpoints)
            for epoch in range(len(history) + 1, self._epochs + 1):
                if self._model.stop_training or self._should_stop():
                    break
                row = self._epoch(epoch)
                if row is None:
                    break
                history.append(row)
                on_epoch(row)
                self._display.epoch(epoch, row)
                if checkpoints is not None:
                    checkpoints.keep(last=self._is_last(epoch))
            self._model.optimizer.finalize_variable_values(self._model.trainable_variables)
            self._callbacks.on_train_end(history[-1] if history else None)
        finally:
            self._display.end()
        return history

    def _begin(self, checkpoints: Checkpoints | None) -> History:
        """Begins, or goes on: after Keras' callbacks began, which forget what they knew."""
        self._model.stop_training = False
        self._callbacks.on_train_begin()
        if checkpoints is None:
            return []
        parts = training_state(self._model, self._callbacks.callbacks)
        return checkpoints.begin({**parts, "best": self._best})

    def _is_last(self, epoch: int) -> bool:
        return self._model.stop_training or self._should_stop() or epoch == self._epochs

    def _epoch(self, epoch: int) -> dict[str, float] | None:
        """Trains an epoch; returns its row of the history, or None if it was cut off."""
        started = time.perf_counter()
        self._callbacks.on_epoch_begin(epoch - 1)
        logs = self._train(epoch)
        if logs is None:
            return None
        logs |= self._validate()
        rate = self._rate.value()
        self._best.see(epoch, logs)
        self._callbacks.on_epoch_end(epoch - 1, dict(logs))
        seconds = time.perf_counter() - started
        return {"epoch": epoch, **logs, "learning_rate": rate, "seconds": round(seconds, 4)}

    def _train(self, epoch: int) -> dict[str, float] | None:
        logs: dict[str, float] = {}
        self._model.reset_metrics()
        for call in self._batches.calls(epoch):
            self._callbacks.on_train_batch_begin(call.first)
            done, logs = self._trainer.steps(call.numbers, call.begin, call.end)
            step = call.first + done - call.begin
            if not np.isfinite(logs["loss"]):
                raise self._diverged(epoch, step)
            self._callbacks.on_train_batch_end(step - 1, dict(logs))
            self._display.step(epoch, step, logs)
            if self._should_stop():
                return None if step < self._batches.steps else logs
            if self._model.stop_training:
                break
        return logs

    def _validate(self) -> dict[str, float]:
        if self._validation is None:
            return {}
        self._callbacks.on_test_begin()
        logs = self._validation()
        self._callbacks.on_test_end(dict(logs))
        return {f"val_{name}": value for name, value in logs.items()}

    def _diverged(self, epoch: int, step: int) -> Diverged:
        kept = self._best.restore()
        return Diverged(epoch, step, kept)


def batches_of(model: keras.Sequential, dataset: Dataset, config: Config) -> Batches:
    """Returns how the rows of each epoch are ordered and cut."""
    rows, size = len(dataset.train), config.training.batch_size
    batches = Batches(
        rows=rows,
        size=rows if size == "full" else min(size, rows),
        steps_per_call=choose_strategy(model, config, rows).steps_per_call,
        seed=config.seed,
        shuffle=config.training.shuffle,
        replacement=config.training.sampling == "with_replacement",
    )
    return in_blocks(batches, dataset.train.x) if dataset.storage.streamed else batches


def _trainer(
    model: keras.Sequential, dataset: Dataset, config: Config, batches: Batches, compiled: bool
) -> ResidentTrainer | StreamedTrainer | MirroredTrainer:
    train = dataset.train
    weights = class_weights(train.y, dataset.target, config.training.class_weight)
    of_rows = row_weights(train.y, dataset.target, weights)
    y = shaped_target(train.y, model)
    if dataset.storage.streamed:
        rows = StoredRows(train.x, y, of_rows)
        return StreamedTrainer(model, rows, batches, compiled=compiled)
    return traced(
        model,
        ("train", id(train), compiled),
        lambda: _resident_trainer(model, resident(train.x[:], y, of_rows), compiled),
    )


def _resident_trainer(
    model: keras.Sequential, rows: ResidentRows, compiled: bool
) -> ResidentTrainer | MirroredTrainer:
    if devices_of(model) > 1:
        return MirroredTrainer(model, on_devices(model, rows))
    return ResidentTrainer(model, rows, compiled=compiled)


def _validation(
    model: keras.Sequential, dataset: Dataset, config: Config
) -> Callable[[], dict[str, float]] | None:
    """Returns what measures the validation part; rows that are in memory stay tensors."""
    part = dataset.validation
    if part is None:
        return None
    if dataset.storage.streamed:
        return partial(evaluate, model, part, config)
    rows = resident(part.x[:], shaped_target(part.y, model))
    return partial(evaluate_rows, model, rows, evaluation_batch(model, config))


def _unweighable(model: Any, places: tuple[int, ...]) -> Finding:
    return Finding(
        ("training", "class_weight"),
        "weighs the class of each place, but the outputs of a place have no axis of their own",
        expected=f"outputs of the shape {shape_text((*places, 1))}",
        found=shape_text(tuple(model.output_shape[1:])),
        hint="end with a Reshape to that shape, or remove class_weight",
        at_key=True,
    )
