"""Keras' callbacks as the config names them, with their files inside the run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras

from dl.config.schema import Config
from dl.engine.objects import build_object
from dl.engine.quiet import quiet_deprecations
from dl.engine.storage import plain_copy, save_model
from dl.errors import UsageError
from dl.vocabulary.spec import Finding, Findings
from dl.vocabulary.spec import Path as ConfigPath

FOLDER = "callbacks"
"""The folder of a run in which callbacks write; the other files of a run are not theirs."""

_PATH_PARAMETERS = {"ModelCheckpoint": "filepath", "TensorBoard": "log_dir"}


def build_callbacks(config: Config, folder: Path | None) -> list[Any]:
    """Builds the callbacks of the config.

    Args:
        config: The config.
        folder: The directory of the run; None if nothing may be written.

    Raises:
        Findings: A path of a callback leads out of the run.
    """
    callbacks = []
    for position, spec in enumerate(config.training.callbacks):
        place: ConfigPath = ("training", "callbacks", position)
        callback = build_object(spec, seed=config.seed, path=place)
        parameter = _PATH_PARAMETERS.get(spec.type)
        if parameter is not None:
            path = _inside(folder, getattr(callback, parameter), (*place, parameter))
            setattr(callback, parameter, path)
        if isinstance(callback, keras.callbacks.ModelCheckpoint):
            callback = _with_plain_saves(callback, config)
        callbacks.append(callback)
    return callbacks


def _inside(folder: Path | None, path: str, place: ConfigPath) -> str:
    if folder is None:
        raise UsageError("a callback that writes files needs a run directory")
    base = (folder / FOLDER).resolve()
    target = (base / path).resolve()
    if base not in target.parents:
        finding = Finding(
            place,
            "the path leads out of the run",
            expected=f"a path inside the run's folder {FOLDER}/",
            found=repr(path),
            hint="give a file name without `..` and without a leading `/`",
        )
        raise Findings([finding])
    return str(target)


def _with_plain_saves(callback: Any, config: Config) -> Any:
    """Makes a ModelCheckpoint save through `dl.engine.storage`, which leaves the model alone."""

    class Checkpoint(type(callback)):  # type: ignore[misc]
        def set_model(self, model: Any) -> None:
            super().set_model(_PlainSaves(model, config))

    callback.__class__ = Checkpoint
    return callback


class _PlainSaves:
    """Stands for the model that a callback saves."""

    def __init__(self, model: keras.Sequential, config: Config) -> None:
        self._model = model
        self._config = config

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def save(self, path: str, overwrite: bool = True) -> None:
        """Saves the whole model: `.h5`, or Keras' own format."""
        if path.endswith(".h5"):
            save_model(self._model, self._config, Path(path))
        else:
            with quiet_deprecations():
                plain_copy(self._model).save(path, overwrite=overwrite)

    def save_weights(self, path: str, overwrite: bool = True) -> None:
        """Saves the weights alone."""
        with quiet_deprecations():
            plain_copy(self._model).save_weights(path, overwrite=overwrite)
