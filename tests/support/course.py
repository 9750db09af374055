"""Trains the configs of the course in this process, and shows what happens on the way."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from dl.config.load import load_config
from dl.data.load import load_dataset
from dl.predict.evaluate import evaluate
from dl.progress import SilentReporter
from dl.training.fit import fit, solve
from dl.training.setup import Prepared, prepare

CONFIGS = Path(__file__).parents[2] / "configs" / "course"
Watch = Callable[[keras.Sequential], None]


class Notes(SilentReporter):
    """Keeps what is told."""

    def __init__(self) -> None:
        super().__init__()
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


@dataclass(frozen=True, slots=True)
class Trained:
    """A trained model, its history, its metrics and what was told."""

    model: keras.Sequential
    history: list[dict[str, float]]
    metrics: dict[str, float]
    notes: list[str]


class _Watcher(keras.callbacks.Callback):
    def __init__(self, on_epoch: Watch, on_step: Watch) -> None:
        super().__init__()
        self._on_epoch, self._on_step = on_epoch, on_step

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self._on_epoch(self.model)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self._on_step(self.model)


def prepared(name: str, changes: Mapping[str, Any] | None = None) -> Prepared:
    """Returns a config of the course, with changes as `--set` makes them, ready to train."""
    options = [f"{key}={value}" for key, value in (changes or {}).items()]
    loaded = load_config(CONFIGS / f"{name}.yaml", options)
    return prepare(loaded, load_dataset(loaded.config, SilentReporter()), SilentReporter())


def parameters(model: keras.Sequential) -> NDArray[np.float64]:
    """Returns the bias and the weights of a single unit: θ₀, θ₁, …"""
    kernel, bias = model.get_weights()
    return np.concatenate([bias, kernel.ravel()]).astype(np.float64)


def trained(
    start: Prepared,
    on_epoch: Watch = lambda model: None,
    on_step: Watch = lambda model: None,
    watchers: Sequence[keras.callbacks.Callback] = (),
) -> Trained:
    """Trains; the watches are given the model after each epoch and after each call of steps."""
    reporter, model, config = Notes(), start.model, start.config
    if config.training.solver == "normal_equation":
        history = solve(start, reporter, lambda row: None)
    else:
        watchers = [_Watcher(on_epoch, on_step), *watchers]
        history = fit(start, reporter, lambda row: None, watchers=watchers)
    part = start.dataset.test or start.dataset.train
    metrics = evaluate(model, part, config)
    assert all(math.isfinite(value) for value in metrics.values())
    return Trained(model, history, metrics, reporter.notes)
