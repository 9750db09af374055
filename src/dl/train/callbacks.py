"""What looks on at a training: Keras' callbacks as the config names them, and the best weights."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from dl.config.rules.training import better
from dl.config.schema import Config
from dl.data.types import Array
from dl.errors import UsageError
from dl.model import keras
from dl.model.objects import build_object
from dl.model.storage import plain_copy
from dl.runs.files import published
from dl.train.checkpoint import State
from dl.vocabulary.spec import Findings

_PATH_PARAMETERS: Mapping[str, str] = {"ModelCheckpoint": "filepath", "TensorBoard": "log_dir"}
"""The parameter of a callback that says where it writes; the config holds a plain name."""

_PACKAGES: Mapping[str, str] = {"TensorBoard": "tensorboard"}
"""Packages that a callback needs beside Keras; extras of this one bring them."""


def check_packages(config: Config) -> None:
    """Raises `Findings` where a callback needs a package that is not installed."""
    for position, spec in enumerate(config.training.callbacks):
        package = _PACKAGES.get(spec.type)
        if package is not None and find_spec(package) is None:
            path = ("training", "callbacks", position)
            message = f"{spec.type} needs the package {package}, which is not installed"
            hint = f"pip install 'dl-keras[{package}]', or leave the callback out"
            raise Findings.one(path, message, hint=hint)


def build_callbacks(config: Config, folder: Path | None) -> list[Any]:
    """Builds the callbacks of the config.

    Args:
        config: The config.
        folder: The directory of the run; None if nothing may be written.

    Raises:
        UsageError: A callback writes files and there is no folder.
    """
    callbacks = []
    for position, spec in enumerate(config.training.callbacks):
        monitor = spec.parameters.get("monitor")
        if spec.parameters.get("mode") == "auto" and isinstance(monitor, str):
            # Keras asks the metric whether less or more is better, and not every metric knows.
            mode = better(config.training, monitor)
            spec = replace(spec, parameters={**spec.parameters, "mode": mode})
        path = ("training", "callbacks", position)
        callback = build_object(spec, seed=config.seed, path=path)
        parameter = _PATH_PARAMETERS.get(spec.type)
        if parameter is not None:
            if folder is None:
                raise UsageError("a callback that writes files needs a run directory")
            setattr(callback, parameter, str(folder / getattr(callback, parameter)))
        if isinstance(callback, keras.callbacks.ModelCheckpoint):
            callback.__class__ = _PlainCheckpoint
        callbacks.append(callback)
    return callbacks


class _PlainCheckpoint(keras.callbacks.ModelCheckpoint):  # type: ignore[misc]
    """Saves a copy of Keras' own classes, which leaves the model alone and opens without `dl`."""

    def set_model(self, model: Any) -> None:
        super().set_model(_PlainSaves(model))


class _PlainSaves:
    """Stands for the model that a callback saves: each file appears whole, or not at all."""

    def __init__(self, model: keras.Sequential) -> None:
        self._model = model

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def save(self, path: str, overwrite: bool = True) -> None:
        """Saves the whole model in Keras' own format."""
        with published(Path(path)) as temporary:
            plain_copy(self._model).save(temporary, overwrite=True)

    def save_weights(self, path: str, overwrite: bool = True) -> None:
        """Saves the weights alone."""
        with published(Path(path)) as temporary:
            plain_copy(self._model).save_weights(temporary, overwrite=True)


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
