"""`model.h5`: plain Keras opens it and trains on; the same model gives the same bytes."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import h5py
import keras

from dl.config.schema import Config
from dl.engine.quiet import quiet_deprecations
from dl.engine.randomness import plain_layer
from dl.engine.target_unit import InTargetUnit
from dl.engine.weights_file import read_weights
from dl.errors import DiskError


def save_model(model: keras.Sequential, config: Config, path: Path) -> None:
    """Writes architecture, weights and compile settings; the model itself is not touched.

    The optimizer's variables are left out: Keras cannot read them back from this format, and a
    file that has them cannot be trained on.

    Raises:
        DiskError: The file cannot be written.
    """
    partial = path.with_name(f"{path.name}.partial.h5")
    try:
        with quiet_deprecations():
            plain_copy(model).save(partial, include_optimizer=False)
        _add_training_config(partial, model)
        os.replace(partial, path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        reason = error.strerror or str(error).splitlines()[0]
        raise DiskError(f"{path} cannot be written: {reason}") from error


def load_weights(model: keras.Sequential, path: Path) -> None:
    """Reads the weights of a model from a file that `save_model` wrote, and nothing but arrays.

    Raises:
        RunError: The file is damaged, or is not of this model; the model is not touched.
    """
    weights = [weight for layer in model.layers for weight in layer.weights]
    arrays = read_weights(path, {layer.name: layer.weights for layer in model.layers})
    for weight, array in zip(weights, arrays, strict=True):
        weight.assign(array)


def plain_copy(model: keras.Sequential) -> keras.Sequential:
    """Returns a copy made of Keras' own classes only, with the same weights, not compiled."""
    # Not `clone_model`: it would deserialize the compile settings too, own metrics among them.
    given = keras.Input(batch_shape=model.inputs[0].shape, dtype=model.inputs[0].dtype)
    copy = keras.Sequential([given, *map(plain_layer, model.layers)], name=model.name)
    copy.set_weights(model.get_weights())
    return copy


def _add_training_config(path: Path, model: keras.Sequential) -> None:
    """Adds how the model was compiled, unless Keras could not read it back."""
    settings = _training_config(model)
    try:
        keras.optimizers.get(dict(settings["optimizer_config"]))
    except ValueError:  # Keras 3.15 does not find Lamb again; the model opens without settings
        return
    with h5py.File(path, "r+") as file:
        text = json.dumps(settings, sort_keys=True, default=_plain)
        file.attrs["training_config"] = text.encode("utf-8")


def _training_config(model: keras.Sequential) -> dict[str, Any]:
    compiled = model.get_compile_config()
    metrics = [_kept_metric(metric) for metric in compiled["metrics"] or ()]
    return {
        "loss": compiled["loss"],
        "loss_weights": None,
        "metrics": metrics or None,
        "optimizer_config": compiled["optimizer"],
        "weighted_metrics": None,
    }


def _kept_metric(metric: dict[str, Any]) -> Any:
    own = metric["class_name"] == InTargetUnit.__name__
    return metric["config"]["metric"] if own else metric


def _plain(value: Any) -> Any:
    """Returns a number of NumPy or a tensor as JSON can hold it."""
    return value.tolist() if hasattr(value, "tolist") else value.numpy().tolist()
