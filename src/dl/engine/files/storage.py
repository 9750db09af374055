"""`model.h5`: plain Keras opens it and trains on; the same model gives the same bytes.

The layout is that of Keras' `.h5` files. It is written here rather than by `model.save`, because
Keras alters the model while it saves, cannot write some layers in this format, and adds optimizer
variables that it cannot read back.
"""

from __future__ import annotations

import io
import json
import os
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np

from dl.config.schema import Config
from dl.engine.files.hdf5 import ReadFile, read_file
from dl.engine.files.plain_layers import plain_layers
from dl.engine.files.weights_file import read_weights
from dl.engine.network import own, randomness
from dl.engine.network.metrics import Adapted
from dl.errors import DiskError, first_line

_CHUNK = 64_000
"""Bytes that an HDF5 attribute may have; longer lists are split, as Keras reads them."""


def save_model(model: keras.Sequential, config: Config, path: Path) -> None:
    """Writes architecture, weights and compile settings, without the optimizer's variables.

    The file appears under its name when it is complete; the model is not touched. HDF5 writes into
    memory: on a full disk it leaves its file open, and says so by an error of its own.

    Raises:
        DiskError: The file cannot be written.
    """
    whole = io.BytesIO()
    with h5py.File(whole, "w") as file:
        _write_settings(file, model)
        _write_weights(file.create_group("model_weights"), model)
    partial = path.with_name(f".{path.name}.partial")
    try:
        partial.write_bytes(whole.getbuffer())
        os.replace(partial, path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        reason = error.strerror or first_line(error)
        raise DiskError(f"{path} cannot be written: {reason}") from error


def load_weights(model: keras.Sequential, path: Path, read: ReadFile = read_file) -> None:
    """Reads the weights of a model from a file that `save_model` wrote, and nothing but arrays.

    Args:
        model: The model.
        path: The file.
        read: Reads the file, given the bytes of its arrays, and may refuse to.

    Raises:
        RunError: The file is damaged, or is not of this model; the model is not touched.
    """
    weights = [weight for layer in model.layers for weight in layer.weights]
    arrays = read_weights(path, {layer.name: layer.weights for layer in model.layers}, read)
    for weight, array in zip(weights, arrays, strict=True):
        weight.assign(array)


def plain_copy(model: keras.Sequential) -> keras.Sequential:
    """Returns a copy made of Keras' own classes only, with the same weights, not compiled."""
    settings = plain_layers(_plain_settings(model.get_config()))
    # One by one, as Keras' own `from_config` adds them, Equalization cannot be the first.
    layers = [keras.layers.deserialize(layer) for layer in settings["layers"]]
    copy = keras.Sequential(layers, name=settings["name"])
    copy.set_weights(model.get_weights())
    return copy


def _write_settings(file: Any, model: keras.Sequential) -> None:
    settings = plain_layers(_plain_settings(model.get_config()))
    architecture = {"class_name": "Sequential", "config": settings}
    file.attrs["keras_version"] = keras.__version__
    file.attrs["backend"] = keras.backend.backend()
    file.attrs["model_config"] = _json(architecture)
    training = _training_settings(model)
    if training is not None:
        file.attrs["training_config"] = _json(training)


def _training_settings(model: keras.Sequential) -> dict[str, Any] | None:
    """Returns how the model is compiled, or None if Keras could not read it back."""
    if isinstance(model.loss, own.Perceptron):
        return None
    compiled = _plain_settings(model.get_compile_config())
    if not (
        _opens(keras.optimizers, compiled["optimizer"]) and _opens(keras.losses, compiled["loss"])
    ):
        return None
    return {
        "loss": compiled["loss"],
        "loss_weights": None,
        "metrics": [metric for metric in compiled["metrics"] or [] if metric is not None] or None,
        "optimizer_config": compiled["optimizer"],
        "weighted_metrics": None,
    }


def _opens(module: Any, settings: dict[str, Any]) -> bool:
    """Tells whether Keras finds an object again: Keras 3.15 has lost a few, `Lamb` for one."""
    try:
        return not isinstance(module.get(json.loads(_json(settings))), str)
    except ValueError:
        return False


def _plain_settings(value: Any) -> Any:
    """Returns settings that name, for each class of `dl`, the one of Keras it stands for."""
    if isinstance(value, list | tuple):
        return [_plain_settings(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value.get("module") == Adapted.__module__:
        return _plain_settings(value["config"]["metric"])
    plain = {key: _plain_settings(item) for key, item in value.items()}
    if plain.get("module") == randomness.__name__:
        plain |= {"module": "keras.layers", "registered_name": None}
    return plain


def _write_weights(group: Any, model: keras.Sequential) -> None:
    group.attrs["keras_version"] = keras.__version__
    group.attrs["backend"] = keras.backend.backend()
    _write_names(group, "layer_names", [layer.name for layer in model.layers])
    for layer in sorted(model.layers, key=lambda layer: str(layer.name)):
        weights = [*layer.trainable_weights, *layer.non_trainable_weights]
        _write_arrays(group.create_group(layer.name), weights)
    _write_arrays(group.create_group("top_level_model_weights"), [])


def _write_arrays(group: Any, weights: list[Any]) -> None:
    _write_names(group, "weight_names", [weight.path for weight in weights])
    for weight in weights:
        group.create_dataset(weight.path, data=weight.numpy())


def _write_names(group: Any, name: str, texts: list[str]) -> None:
    values = np.asarray([text.encode("utf-8") for text in texts], dtype="S" if texts else None)
    if values.nbytes <= _CHUNK:
        group.attrs[name] = values
        return
    for number, chunk in enumerate(np.array_split(values, values.nbytes // _CHUNK + 1)):
        group.attrs[f"{name}{number}"] = chunk


def _json(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, default=_json_value).encode("utf-8")


def _json_value(value: Any) -> Any:
    """Returns a number of NumPy or a tensor as JSON can hold it."""
    return value.tolist() if hasattr(value, "tolist") else value.numpy().tolist()
