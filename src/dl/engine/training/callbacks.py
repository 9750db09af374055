"""Keras' callbacks as the config names them, with their files inside the run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import keras

from dl.config.rules.monitors import better
from dl.config.schema import Config
from dl.engine.files.storage import plain_copy
from dl.engine.network.objects import build_object
from dl.errors import UsageError
from dl.runs.files import published
from dl.vocabulary.spec import Findings, Spec

_PATH_PARAMETERS: Mapping[str, str] = {"ModelCheckpoint": "filepath", "TensorBoard": "log_dir"}
"""The parameter of a callback that says where it writes; the config holds a plain name."""

_PACKAGES: Mapping[str, str] = {"TensorBoard": "tensorboard"}
"""Packages that a callback needs beside Keras; extras of this one bring them."""


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
        path = ("training", "callbacks", position)
        callback = build_object(_with_mode(spec, config), seed=config.seed, path=path)
        parameter = _PATH_PARAMETERS.get(spec.type)
        if parameter is not None:
            setattr(callback, parameter, _inside(folder, str(getattr(callback, parameter))))
        if isinstance(callback, keras.callbacks.ModelCheckpoint):
            callback.__class__ = _PlainCheckpoint
        callbacks.append(callback)
    return callbacks


def _with_mode(spec: Spec, config: Config) -> Spec:
    """Says whether less or more is better: Keras asks the metric, and not every metric knows."""
    monitor = spec.parameters.get("monitor")
    if spec.parameters.get("mode") != "auto" or not isinstance(monitor, str):
        return spec
    return replace(spec, parameters={**spec.parameters, "mode": better(config, monitor)})


def check_packages(config: Config) -> None:
    """Raises `Findings` where a callback needs a package that is not installed."""
    for position, spec in enumerate(config.training.callbacks):
        package = _PACKAGES.get(spec.type)
        if package is not None and find_spec(package) is None:
            path = ("training", "callbacks", position)
            message = f"{spec.type} needs the package {package}, which is not installed"
            hint = f"pip install 'dl-keras[{package}]', or leave the callback out"
            raise Findings.one(path, message, hint=hint)


def _inside(folder: Path | None, name: str) -> str:
    if folder is None:
        raise UsageError("a callback that writes files needs a run directory")
    return str(folder / name)


class _PlainCheckpoint(keras.callbacks.ModelCheckpoint):  # type: ignore[misc]
    """Saves a copy of Keras' own classes, which leaves the model alone and opens without `dl`."""

    def set_model(self, model: Any) -> None:
        """Is given the model that is trained."""
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
