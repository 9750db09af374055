"""`model.h5`: plain Keras opens it and trains on; the same model gives the same bytes.

The layout is that of Keras' `.h5` files. It is written here rather than by `model.save`, because
Keras alters the model while it saves, cannot write some layers in this format, and adds optimizer
variables that it cannot read back. That can go when Keras' own file of an untouched model has the
same bytes each time and is read back with every layer of the vocabulary: contract tests know all.
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np

from dl.data.types import Array
from dl.errors import DiskError, first_line
from dl.model import h5, randomness
from dl.model.metrics import Adapted
from dl.model.objects import HEAVISIDE, Perceptron
from dl.text import shortened
from dl.vocabulary.traits import ENDS_WITH_ACTIVATION

_CHUNK = 64_000
"""Bytes that an HDF5 attribute may have; longer lists are split, as Keras reads them."""


def save_model(model: keras.Sequential, path: Path) -> None:
    """Writes architecture, weights and compile settings, without the optimizer's variables.

    The file appears under its name when it is complete; the model is not touched. HDF5 writes into
    memory: on a full disk it leaves its file open, and says so by an error of its own.

    Raises:
        DiskError: The file cannot be written.
    """
    whole = io.BytesIO()
    with h5py.File(whole, "w") as file:
        file.attrs["keras_version"] = keras.__version__
        file.attrs["backend"] = keras.backend.backend()
        architecture = {"class_name": "Sequential", "config": _plain_config(model)}
        file.attrs["model_config"] = _json(architecture)
        training = _training_settings(model)
        if training is not None:
            file.attrs["training_config"] = _json(training)
        _write_weights(file.create_group(h5.WEIGHTS), model)
    partial = path.with_name(f".{path.name}.partial")
    try:
        partial.write_bytes(whole.getbuffer())
        os.replace(partial, path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        reason = error.strerror or first_line(error)
        raise DiskError(f"{path} cannot be written: {reason}") from error


def load_weights(model: keras.Sequential, path: Path, read: h5.ReadFile = h5.read_file) -> None:
    """Reads the weights of a model from a file that `save_model` wrote, and nothing but arrays.

    The names are those that the model has, never those that the file has: a file cannot make the
    reading longer.

    Args:
        model: The model.
        path: The file.
        read: Reads the file, given the bytes of its arrays, and may refuse to.

    Raises:
        RunError: The file is missing or damaged, holds what it must not, or other names, shapes or
            types than the model's; the first mismatch is named, and the model is not touched.
    """
    sizes = [(np.prod(weight.shape), np.dtype(weight.dtype).itemsize) for weight in model.weights]
    with h5.opened(path, read(path, sum(int(count) * size for count, size in sizes))) as file:
        arrays = list(_arrays(h5.weights_in(file), model))
    for weight, array in arrays:
        weight.assign(array)


def _arrays(root: Any, model: keras.Sequential) -> Iterator[tuple[Any, Array]]:
    names = [layer.name for layer in model.layers]
    found = [name for name in h5.names_in(root, len(names) + 2) if name != h5.BESIDE_LAYERS]
    _compare("layer", found, names)
    for layer in model.layers:
        arrays = h5.arrays_in(h5.group_in(root, layer.name), len(layer.weights))
        by_path = {"/".join(names): array for names, array in arrays.items()}
        _compare("weight", list(by_path), [weight.path for weight in layer.weights])
        for weight in layer.weights:
            yield weight, h5.values_for(by_path[weight.path], weight)


def _compare(what: str, found: list[str], expected: list[str]) -> None:
    missing, unknown = sorted(set(expected) - set(found)), sorted(set(found) - set(expected))
    if missing or unknown:
        wanted = f"a {what} {missing[0]!r}" if missing else f"no more {what}s"
        other = ascii(shortened(unknown[0], 100)) if unknown else "none"
        raise h5.Refused(f"does not fit the model: its {what}s", wanted, other)


def plain_copy(model: keras.Sequential) -> keras.Sequential:
    """Returns a copy made of Keras' own classes only, with the same weights, not compiled."""
    settings = _plain_config(model)
    # One by one, as Keras' own `from_config` adds them, Equalization cannot be the first.
    layers = [keras.layers.deserialize(layer) for layer in settings["layers"]]
    copy = keras.Sequential(layers, name=settings["name"])
    copy.set_weights(model.get_weights())
    return copy


def _plain_config(model: keras.Sequential) -> dict[str, Any]:
    settings = _plain(model.get_config())
    layers = [plain for layer in settings["layers"] for plain in _without_heaviside(layer)]
    return {**settings, "layers": layers}


def _plain(value: Any) -> Any:
    """Returns settings that name, for each class of `dl`, the one of Keras it stands for."""
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value.get("module") == Adapted.__module__:
        return _plain(value["config"]["metric"])
    plain = {key: _plain(item) for key, item in value.items()}
    if plain.get("module") == randomness.__name__:
        plain |= {"module": "keras.layers", "registered_name": None}
    return plain


def _without_heaviside(layer: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yields the settings of a layer without `dl`'s heaviside, which Keras alone does not know.

    A layer that ends in it becomes linear and is followed by two of Keras' that compute
    min(max(1e38 x + 1, 0), 1): 1 where x >= 0, and 0 for every negative number of float32, of
    which the nearest to 0 is -1.2e-38. Keras' `Discretization` would round x to an integer first.
    """
    inner = layer.get("config", {})
    activation = inner.get("activation")
    name = activation.get("config") if isinstance(activation, Mapping) else activation
    separable = layer.get("class_name") in ENDS_WITH_ACTIVATION | {"Activation"}
    if not separable or not isinstance(name, str) or name.rpartition(">")[2] != HEAVISIDE:
        yield layer
        return
    yield {**layer, "config": {**inner, "activation": "linear"}}
    name = f"{inner['name']}_{HEAVISIDE}"
    for kind, config in (
        ("Rescaling", {"name": f"{name}_slope", "scale": 1e38, "offset": 1.0}),
        ("ReLU", {"name": name, "max_value": 1.0}),
    ):
        described = {"module": "keras.layers", "class_name": kind, "config": config}
        yield {**described, "registered_name": None}


def _training_settings(model: keras.Sequential) -> dict[str, Any] | None:
    """Returns how the model is compiled, or None if Keras could not read it back."""
    if isinstance(model.loss, Perceptron):
        return None
    compiled = _plain(model.get_compile_config())
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


def _write_weights(group: Any, model: keras.Sequential) -> None:
    group.attrs["keras_version"] = keras.__version__
    group.attrs["backend"] = keras.backend.backend()
    _write_names(group, "layer_names", [layer.name for layer in model.layers])
    # In the order of their names, as HDF5 lists them, whatever the order of the layers.
    for layer in sorted(model.layers, key=lambda layer: str(layer.name)):
        weights = [*layer.trainable_weights, *layer.non_trainable_weights]
        _write_arrays(group.create_group(layer.name), weights)
    _write_arrays(group.create_group(h5.BESIDE_LAYERS), [])


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
