"""The learning-rate range test: which rate to begin with, from a short training that no run keeps.

The rate grows from step to step, by the same factor, and the loss of each batch is written down:
L. N. Smith, "Cyclical learning rates for training neural networks", arXiv:1506.01186 (2015). What
is made of it are the two rules of fastai's `lr_find`: where the smoothed loss falls fastest, and at
most a tenth of where it is least, since beyond that it diverges. The slope is that between means of
neighbours on each side: between two single batches it would be their noise.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from dl.config.load import Loaded
from dl.config.phases import Phase
from dl.config.schema import RATE, schedule_of, with_rate
from dl.data.dataset import Dataset
from dl.errors import NOT_FINITE, NumericError
from dl.model import keras
from dl.model.build import inner_optimizer
from dl.progress import Reporter, SilentReporter
from dl.training.fit import Diverged, fit
from dl.training.setup import prepare
from dl.training.steps import Batches
from dl.vocabulary.spec import Findings

LEAST, MOST = 1e-7, 10.0
"""The rates that are tried: every optimizer's lie well between."""
_HALF = 5
"""Batches on each side that a loss is averaged with: they hide what differs between batches."""
_TIMES = 4.0
"""A loss so many times the least one has diverged, as in fastai."""
_FALL = 0.05
_NOISES = 4.0
"""A loss that falls by less than this part of where it begins, or by less than so many standard
errors of a mean, has not fallen."""
_CLEAR = 2.0
"""Standard errors of a difference of two means by which the steepest fall must stand out."""


@dataclass(frozen=True, slots=True)
class RateTest:
    """What came of a test.

    Attributes:
        name: Name of the config.
        rates: The rate of each step.
        losses: The loss of its batch; the last one may be NaN or infinite.
        smoothed: The mean with its neighbours, of the finite ones.
        suggestion: The rate to begin with.
        steepest: The rate at which the smoothed loss falls fastest.
        least: The rate at which it is least.
        diverged: The rate at which it had grown beyond hope; None if it did not.
        reason: Why that rate.
        line: The line of the config.
        replaced: The schedule of the config in whose place the rates were tried.
    """

    name: str
    rates: tuple[float, ...]
    losses: tuple[float, ...]
    smoothed: tuple[float, ...]
    suggestion: float
    steepest: float
    least: float
    diverged: float | None
    reason: str
    line: str
    replaced: str | None = None


def range_test(loaded: Loaded, dataset: Dataset, steps: int, reporter: Reporter) -> RateTest:
    """Trains on the training part with a growing rate, and says which one to begin with.

    Args:
        loaded: The config; its epochs, callbacks and schedule are not used.
        dataset: Its data.
        steps: Steps (batches) of the test, no fewer than 50.
        reporter: Is told what happens.

    Raises:
        ConfigError: The config takes no steps, or has no rate.
        NumericError: The loss is not finite from the start, or never falls.
    """
    config = loaded.config
    if refused := _refused(loaded):
        raise loaded.error(refused.findings)
    first = config.phases[0]
    epoch = Batches.of(first.of(config), dataset).steps
    epochs = math.ceil(steps / epoch)
    training = replace(first.training, callbacks=(), time_limit=None, epochs=epochs)
    if first.phase is not None:
        alone = Phase(epochs=epochs, freeze=first.phase.freeze, train_only=first.phase.train_only)
        training = replace(training, phases=(alone,))
    engine = replace(config.engine, steps_per_call=1)
    tried = with_rate(replace(config, training=training, engine=engine), LEAST)
    data = replace(dataset, validation=None, test=None)
    prepared = prepare(replace(loaded, config=tried), data, reporter)
    rising = _Rising(steps)
    with reporter.stage("Trying learning rates"):
        try:
            fit(prepared, SilentReporter(), lambda row: None, watchers=[rising])
        except Diverged:
            rising.losses.append(math.nan)
        except Findings as error:
            raise loaded.error(error.findings) from error
    return _judged(loaded, rising)


def _refused(loaded: Loaded) -> Findings | None:
    training = loaded.config.training
    if training.solver == "normal_equation":
        message = "finds the weights at once, without a learning rate"
        path = ("training", "solver")
        return Findings.one(path, message, hint="remove solver to train by gradient descent")
    if RATE[-1] not in training.optimizer.parameters:
        message = f"{training.optimizer.type} has no learning rate of its own to try"
        return Findings.one(RATE[:-1], message, hint="write another optimizer, such as adam")
    return None


class _Rising(keras.callbacks.Callback):  # type: ignore[misc]
    """Sets the rate of each step, and ends the training when the loss has diverged.

    Attributes:
        rates: The rates of all steps.
        losses: The loss of each batch so far.
    """

    def __init__(self, steps: int) -> None:
        super().__init__()
        self.rates = np.geomspace(LEAST, MOST, steps)
        self.losses: list[float] = []

    def on_train_batch_begin(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
        """Sets the rate; the loss is to be that of this batch alone."""
        inner_optimizer(self.model).learning_rate.assign(self.rates[len(self.losses)])
        self.model.reset_metrics()

    def on_train_batch_end(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
        """Writes the loss down."""
        self.losses.append((logs or {})["loss"])
        means = _smoothed(np.array(self.losses))[_HALF:-_HALF]
        diverged = len(means) > 0 and means[-1] > _TIMES * means.min() > 0
        if diverged or len(self.losses) == len(self.rates):
            self.model.stop_training = True


def _smoothed(losses: Any) -> Any:
    """Returns the means over each loss and its neighbours; fewer at the ends."""
    window = np.ones(2 * _HALF + 1)
    return np.convolve(losses, window, "same") / np.convolve(np.ones_like(losses), window, "same")


def _judged(loaded: Loaded, rising: _Rising) -> RateTest:
    losses = np.array(rising.losses)
    rates, finite = rising.rates[: len(losses)], losses[np.isfinite(losses)]
    if len(finite) <= 2 * _HALF:
        raise NumericError(
            f"{NOT_FINITE}: at a learning rate of {rates[-1]:.1e}, in step {len(losses)}",
            expected="a loss that is finite while the rate is tiny",
            found="NaN or infinity",
            hint="check that the inputs are scaled (preprocess.numeric, scale): dl lint",
        )
    means = _smoothed(finite)
    whole = means[_HALF:-_HALF]  # the ends are means of fewer: they jump
    low = _HALF + int(whole.argmin())
    first = means[_HALF]
    noise = float(np.std((finite - means)[: low + 1])) / math.sqrt(2 * _HALF + 1)
    if first - means[low] < max(_FALL * abs(first), _NOISES * noise):
        raise NumericError(
            f"no learning rate from {LEAST:g} to {rates[-1]:.2g} makes the loss fall",
            expected=f"a loss that falls from {first:.4g}, by more than batches differ",
            found=f"{means[low]:.4g} at the least",
            hint="check the data and the targets: dl data, dl trace; or try more: --steps 1000",
        )
    slopes = np.gradient(_smoothed(means))  # by the logarithm of the rate: its steps are equal
    steep = _HALF + int(slopes[_HALF : low + 1].argmin())
    before, after = means[max(steep - _HALF - 1, _HALF)], means[min(steep + _HALF + 1, low)]
    tenth, clear = rates[low] / 10, before - after >= _CLEAR * math.sqrt(2) * noise
    suggestion = float(f"{min(rates[steep], tenth) if clear else tenth:.1e}")
    why = "where the smoothed loss falls fastest"
    if not clear or tenth < rates[steep]:
        why = f"a tenth of {rates[low]:.2g}, where the smoothed loss is least"
        why += "" if clear else "; batches differ too much to tell where it falls fastest"
    schedule = schedule_of(loaded.config.training)
    return RateTest(
        name=loaded.config.name,
        rates=tuple(map(float, rates)),
        losses=tuple(map(float, losses)),
        smoothed=tuple(map(float, means)),
        suggestion=suggestion,
        steepest=float(rates[steep]),
        least=float(rates[low]),
        diverged=float(rates[-1]) if len(losses) < len(rising.rates) else None,
        reason=why,
        line=f"{RATE[-1]}: {suggestion:g}",
        replaced=None if schedule is None else schedule.type,
    )
