"""Trains a model: epochs, validation, callbacks, display and history; or by the normal equation."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dl.config.phases import PhasePlan
from dl.config.schema import RATE, Config, schedule_of
from dl.config.summary import phase_words
from dl.data.types import Array
from dl.errors import NOT_FINITE, NumericError
from dl.imports import quiet_warnings
from dl.model import keras
from dl.model.build import inner_optimizer, reset_metrics, traced
from dl.model.checks import BUILD_ERRORS, computing, loss_targets, shaped_target, unfit
from dl.model.objects import build_object
from dl.model.randomness import seeded_python
from dl.model.tensors import tensors_of
from dl.predict.evaluate import evaluate, evaluate_blocks, evaluation_batch
from dl.progress import Reporter
from dl.rundir.record import Ending
from dl.training.checkpoint import History, Keeping, State, training_state
from dl.training.ending import ending_of
from dl.training.front import learner_of
from dl.training.mixing import Mixer
from dl.training.setup import Prepared, build_callbacks, enter
from dl.training.steps import (
    Batches,
    ReplacedTrainer,
    StreamedTrainer,
    Trainer,
    block_steps,
    trainer_in_memory,
)

OnEpoch = Callable[[Mapping[str, float]], None]

_SHOWN_SECONDS = 0.1
"""Steps are shown ten times a second at most: more nobody can read."""


class Diverged(NumericError):
    """The loss became NaN or infinite.

    Attributes:
        epoch: The 1-based epoch in which it did.
        step: The 1-based step of that epoch.
        kept: The 1-based epoch whose weights the model has now; None if there was no whole one.
    """

    def __init__(self, epoch: int, step: int, kept: int | None) -> None:
        lower = "a tenth of training.optimizer.learning_rate"
        super().__init__(
            f"{NOT_FINITE}: epoch {epoch}, step {step}",
            expected="a finite loss",
            found="NaN or infinity",
            hint=f"try {lower}; check that the inputs are scaled (preprocess.numeric, scale)",
        )
        self.epoch, self.step, self.kept = epoch, step, kept


class BestWeights:
    """Keeps the weights of the epoch with the least validation loss, or training loss.

    They are what is left of a training whose loss becomes NaN or infinite.
    """

    def __init__(self, model: keras.Sequential) -> None:
        self._model = model
        self._least = math.inf
        self._epoch: int | None = None
        self._weights: list[Array] = []

    def see(self, epoch: int, logs: Mapping[str, float]) -> None:
        """Is shown each whole epoch."""
        loss = logs.get("val_loss", logs["loss"])
        if loss < self._least:
            self._least, self._epoch = loss, epoch
            self._weights = self._model.get_weights()

    def state(self) -> State:
        """Returns what is remembered."""
        return State({"least": self._least, "epoch": self._epoch}, self._weights)

    def set_state(self, state: State) -> None:
        """Remembers it again."""
        self._least, self._epoch = state.values["least"], state.values["epoch"]
        self._weights = list(state.arrays)

    def restore(self) -> int | None:
        """Gives the model the best weights and returns their epoch, if there is one."""
        if self._epoch is not None:
            self._model.set_weights(self._weights)
        return self._epoch


def fit(  # noqa: PLR0913 - the contract of the package
    prepared: Prepared,
    reporter: Reporter,
    on_epoch: OnEpoch,
    *,
    folder: Path | None = None,
    should_stop: Callable[[], bool] = lambda: False,
    watchers: Sequence[Any] = (),
    checkpoints: Keeping | None = None,
    on_end: Callable[[Ending], None] = lambda ending: None,
) -> History:
    """Trains a prepared model on the training part, as Keras' `fit` does with the same batches.

    Args:
        prepared: The model, which has its final weights afterwards, and what it is trained on.
        reporter: Is told about steps and epochs.
        on_epoch: Is given each row of the history.
        folder: The directory of the run, for callbacks that write files.
        should_stop: Is asked after each call of several steps; True ends the training there, and
            the epoch that was cut off is in no history.
        watchers: Keras callbacks beside those of the config.
        checkpoints: Where the training goes on from, and what keeps its state at each epoch's end.
        on_end: Is told how the epochs ended.

    Returns:
        A row for each whole epoch: epoch (1-based), loss, metrics, the same of the validation part
        with `val_`, learning_rate (of the epoch's last step), seconds.

    Raises:
        Diverged: The loss became NaN or infinite; the model has the weights of its best epoch.
        DataError: A layer cannot compute with a row.
        Findings: A layer takes no step of training.
    """
    model, config = prepared.model, prepared.config
    plans, chosen = config.phases, build_callbacks(config, folder)
    callbacks = list(dict.fromkeys([*chain.from_iterable(chosen), *watchers]))
    best = BestWeights(model)
    course = _Course(config, reporter, on_epoch, should_stop, checkpoints, callbacks, best)
    begun = 1 if checkpoints is None else min(checkpoints.phase, len(plans))
    scope = model.distribute_strategy.scope()
    with quiet_warnings(), scope, computing(model):
        for plan, own in zip(plans, chosen, strict=True):
            entered = enter(prepared, plan)
            if plan.number < begun:
                continue
            if plan.phase is not None:
                words = phase_words(config, plan)
                reporter.note(f"phase {plan.number} of {len(plans)}: {words}")
            later = sum(each.training.epochs for each in plans[plan.number :])
            with seeded_python(config.seed, "traced"):
                _Training(entered, plan, [*own, *watchers], course, later).run()
            if later and course.is_over():
                break
    for outcome in filter(None, (getattr(callback, "outcome", "") for callback in callbacks)):
        reporter.note(outcome)
    history = course.history or []
    on_end(ending_of(model, own, len(history), config.training.epochs))
    return history


@dataclass
class _Course:
    """What the phases of a training share.

    Attributes:
        config: The config.
        reporter: Is told about steps and epochs.
        on_epoch: Is given each row of the history.
        should_stop: Whether the whole training is to end.
        checkpoints: Where the training goes on from, and what keeps its state.
        callbacks: Those of all phases.
        best: The best weights so far.
        history: The rows so far; None before the first phase.
    """

    config: Config
    reporter: Reporter
    on_epoch: OnEpoch
    should_stop: Callable[[], bool]
    checkpoints: Keeping | None
    callbacks: list[Any]
    best: BestWeights
    history: History | None = None

    def is_over(self) -> bool:
        """Tells whether no further epoch is to begin, of any phase."""
        return self.should_stop() or out_of_time(self.config, self.history or [])


def out_of_time(config: Config, history: Sequence[Mapping[str, float]]) -> bool:
    """Tells whether the epochs so far have taken the time limit, before a resumption too.

    It is asked between epochs only: a training that ends in the middle of one could not be
    repeated.
    """
    return sum(row["seconds"] for row in history) >= config.training.seconds_allowed


class _Training:
    """A phase of a training in progress; `later` epochs follow it."""

    def __init__(
        self,
        prepared: Prepared,
        plan: PhasePlan,
        callbacks: Sequence[Any],
        course: _Course,
        later: int,
    ) -> None:
        config = prepared.config
        self._model, self._reporter, self._course = prepared.model, course.reporter, course
        self._plan, self._later = plan, later
        self._learner = learner = learner_of(prepared, plan, self._reporter)
        strategy = learner.strategy
        self._batches = Batches.of(config, prepared.dataset)
        self._steps_per_call = strategy.steps_per_call
        if not isinstance(learner.dataset.train.x, np.ndarray):
            most = block_steps(self._batches, learner.dataset.train.x)
            self._steps_per_call = min(strategy.steps_per_call, most)
        self._trainer = self._trainer_of(learner)
        with self._reporter.stage("Preparing the training"):
            try:
                self._trainer.prepare(self._batches.shapes)
            except BUILD_ERRORS as error:
                found = unfit(self._model, prepared.dataset, config, error, training=True)
                raise found from error
        if strategy.compiled and not self._trainer.compiled:
            self._reporter.note("XLA cannot compile this network: its steps run uncompiled")
        self._validation = _validation(learner)
        self._callbacks = keras.callbacks.CallbackList(
            list(callbacks),
            model=self._model,
            epochs=plan.training.epochs,
            steps=self._batches.steps,
            verbose=0,
        )
        self._rate = RateReader(self._model, config)
        self._shown = 0.0

    def _trainer_of(self, prepared: Prepared) -> Trainer:
        model, train, compiled = prepared.model, prepared.dataset.train, prepared.strategy.compiled
        y, weights = loss_targets(model, prepared.dataset, prepared.config, train)
        mixing = prepared.config.training.mixing
        mix = None if mixing.type == "none" else Mixer(prepared.config)
        if mix is not None:
            self._reporter.note(
                f"{mixing.type}: while it trains, loss and metrics of the training part are of "
                "mixed rows"
            )
        if not isinstance(train.x, np.ndarray):
            rows = (train.x, y) if weights is None else (train.x, y, weights)
            steps = self._steps_per_call
            return StreamedTrainer(model, rows, self._batches, steps, compiled=compiled, mix=mix)
        if prepared.replaceable:
            rows = tensors_of(train.x, y, weights)
            trainer = traced(
                model,
                ("replaceable", compiled),
                lambda: ReplacedTrainer(model, rows, compiled=compiled),
            )
            trainer.replace(rows)
            return trainer
        return traced(
            model,
            ("train", id(train), compiled, mixing),
            lambda: trainer_in_memory(
                model, tensors_of(train.x, y, weights), compiled=compiled, mix=mix
            ),
        )

    def run(self) -> None:
        """Trains until the last epoch of the phase, a callback or the caller ends it."""
        history = self._begin()
        before = sum(row.get("phase", 1) < self._plan.number for row in history)
        last = before + self._plan.training.epochs
        self._reporter.fit_begin(last + self._later, self._batches.steps)
        try:
            for epoch in range(len(history) + 1, last + 1):
                if self._model.stop_training or self._course.is_over():
                    break
                row = self._epoch(epoch)
                if row is None:
                    break
                history.append(row)
                self._course.on_epoch(row)
                self._reporter.fit_epoch(epoch, row)
                self._keep(ended=epoch == last)
            self._model.optimizer.finalize_variable_values(self._model.trainable_variables)
            self._callbacks.on_train_end(history[-1] if history else None)
        finally:
            self._reporter.fit_end()

    def _keep(self, *, ended: bool) -> None:
        """Keeps a checkpoint, also of a phase that has ended: the next one is entered from it."""
        course = self._course
        if course.checkpoints is not None:
            ended = (ended or self._model.stop_training) and not self._later
            course.checkpoints.keep(last=ended or course.is_over())

    def _begin(self) -> History:
        """Begins, or goes on: after Keras' callbacks began, which forget what they knew."""
        course = self._course
        self._model.stop_training = False
        self._callbacks.on_train_begin()
        if course.history is None and course.checkpoints is not None:
            parts = training_state(self._model, course.callbacks)
            course.history = course.checkpoints.begin({**parts, "best": course.best})
        elif course.history is None:
            course.history = []
        return course.history

    def _epoch(self, epoch: int) -> dict[str, float] | None:
        """Trains an epoch; returns its row of the history, or None if it was cut off."""
        started = time.perf_counter()
        self._callbacks.on_epoch_begin(epoch - 1)
        logs = self._train(epoch)
        if logs is None:
            return None
        if self._validation is not None:
            self._callbacks.on_test_begin()
            measured = self._validation()
            self._callbacks.on_test_end(dict(measured))
            logs |= _of_validation(measured)
        rate = self._rate.value()
        self._course.best.see(epoch, logs)
        self._callbacks.on_epoch_end(epoch - 1, dict(logs))
        seconds = time.perf_counter() - started
        phase = {} if self._plan.phase is None else {"phase": self._plan.number}
        times = {"learning_rate": rate, "seconds": round(seconds, 4)}
        return {"epoch": epoch, **phase, **logs, **times}

    def _train(self, epoch: int) -> dict[str, float] | None:
        logs: dict[str, float] = {}
        reset_metrics(self._learner.model)
        for call in self._batches.calls(epoch, self._steps_per_call):
            self._callbacks.on_train_batch_begin(call.first)
            done, logs = self._trainer.steps(call.numbers, call.begin, call.end)
            step = call.first + done - call.begin
            if not np.isfinite(logs["loss"]):
                raise Diverged(epoch, step, self._course.best.restore())
            self._callbacks.on_train_batch_end(step - 1, dict(logs))
            now = time.monotonic()
            if now - self._shown >= _SHOWN_SECONDS:
                self._shown = now
                self._reporter.fit_step(epoch, step, logs)
            if self._course.should_stop():
                return None if step < self._batches.steps else logs
            if self._model.stop_training:
                break
        return logs


def _validation(prepared: Prepared) -> Callable[[], dict[str, float]] | None:
    """Returns what measures the validation part; rows that are in memory stay tensors."""
    model, part, config = prepared.model, prepared.dataset.validation, prepared.config
    if part is None:
        return None
    if not isinstance(part.x, np.ndarray):
        return partial(evaluate, model, part, config)
    rows = tensors_of(part.x, shaped_target(part.y, model), part.weights)
    return partial(evaluate_blocks, model, [rows], evaluation_batch(model, config))


def _of_validation(logs: Mapping[str, float]) -> dict[str, float]:
    return {f"val_{name}": value for name, value in logs.items()}


class RateReader:
    """Reads the learning rate of the last step from an optimizer."""

    def __init__(self, model: keras.Sequential, config: Config) -> None:
        self._optimizer = inner_optimizer(model)
        schedule = schedule_of(config.training)
        # Keras' optimizers tell the rate of the next step only.
        self._schedule: Any = schedule and build_object(schedule, seed=config.seed, path=RATE)

    def value(self) -> float:
        """Returns the rate of the last step that was done."""
        if self._schedule is None:
            return float(self._optimizer.learning_rate.numpy())
        return float(self._schedule(max(int(self._optimizer.iterations) - 1, 0)))


def solve(prepared: Prepared, reporter: Reporter, on_epoch: OnEpoch) -> History:
    """Gives the one linear layer of a model the weights of the least mean squared error.

    The normal equation θ = (XᵀX)⁻¹Xᵀy, without steps.

    Args:
        prepared: The model, which has its final weights afterwards, and its data.
        reporter: Is told where many weights give the same error.
        on_epoch: Is given the row of the history.

    Returns:
        One row, as for an epoch of `fit`, but without a learning rate.
    """
    model, dataset, config = prepared.model, prepared.dataset, prepared.config
    started = time.perf_counter()
    layer = next(layer for layer in model.layers if layer.weights)
    with reporter.stage("Solving the normal equation"):
        # Of rows of several axes, the layer sees each place as a row.
        columns, units = layer.kernel.shape
        y, weights = dataset.train.targets()
        x, y = dataset.train.x[:].reshape(-1, columns), y.reshape(-1, units)
        theta, rank = least_squares(x, y, bias=layer.use_bias, weights=weights)
    if rank < len(theta):
        reporter.note(
            f"{len(theta) - rank} of {len(theta)} columns follow from the others: of all weights "
            "that fit equally well these are the smallest"
        )
    if layer.use_bias:
        layer.bias.assign(theta[0])
        theta = theta[1:]
    layer.kernel.assign(theta)
    row = {"epoch": 1, **evaluate(model, dataset.train, config)}
    if dataset.validation is not None:
        row |= _of_validation(evaluate(model, dataset.validation, config))
    row["seconds"] = round(time.perf_counter() - started, 4)
    on_epoch(row)
    return [row]


def least_squares(
    x: Array, y: Array, *, bias: bool, weights: Array | None = None
) -> tuple[NDArray[np.float64], int]:
    """Returns the θ of the least mean squared error, and the rank of X.

    XᵀX is never formed, since that squares the condition of the problem: NumPy's `lstsq` finds the
    same θ by a singular value decomposition of X, in double precision.

    Args:
        x: Inputs, shape (rows, ...).
        y: Targets, shape (rows, targets) or (rows,).
        bias: Whether X has a column of ones before the others.
        weights: How much each row counts, shape (rows,): its square root multiplies the row.

    Returns:
        θ, shape (columns, targets), with the bias as its first row, and the rank.
    """
    rows = np.asarray(x, np.float64).reshape(len(x), -1)
    if bias:
        rows = np.column_stack([np.ones(len(rows)), rows])
    targets = np.asarray(y, np.float64).reshape(len(y), -1)
    if weights is not None:
        roots = np.sqrt(weights.astype(np.float64))[:, np.newaxis]
        rows, targets = rows * roots, targets * roots
    theta, _, rank, _ = np.linalg.lstsq(rows, targets)
    return np.asarray(theta), int(rank)
