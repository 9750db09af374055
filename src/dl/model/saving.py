"""`model.h5`, written so that plain Keras opens it: the same model gives the same bytes.

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
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np

from dl.errors import DiskError, first_line
from dl.model.differences import Differences, onto_last
from dl.model.h5 import BASES_OF, BESIDE_LAYERS, WEIGHTS
from dl.model.metrics import Adapted
from dl.model.objects import BASES, FAST_LAYERS, HEAVISIDE, Perceptron, Quantile
from dl.vocabulary.spec import Spec, document
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
        file.attrs["model_config"] = _json(_architecture(model))
        bases = {layer.name: _of_base(BASES[layer]) for layer in model.layers if layer in BASES}
        if bases:
            file.attrs[BASES_OF] = _json(bases)
        training = _training_settings(model)
        if training is not None:
            file.attrs["training_config"] = _json(training)
        _write_weights(file.create_group(WEIGHTS), model)
    partial = path.with_name(f".{path.name}.partial")
    try:
        partial.write_bytes(whole.getbuffer())
        os.replace(partial, path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        reason = error.strerror or first_line(error)
        raise DiskError(f"{path} cannot be written: {reason}") from error


def _architecture(model: keras.Sequential) -> dict[str, Any]:
    """Returns what Keras builds the model from; one of differences is a graph to it."""
    if isinstance(model, Differences):
        return {"class_name": "Functional", "config": plain_copy(model).get_config()}
    return {"class_name": "Sequential", "config": _plain_config(model)}


def _of_base(spec: Spec) -> Any:
    """Returns what a base is built from; where its first weights lay is of no interest."""
    return document(replace(spec, parameters={**spec.parameters, "weights": "none"}))


def plain_copy(model: keras.Sequential) -> keras.Model:
    """Returns a copy made of Keras' own classes only, with the same weights, not compiled."""
    settings = _plain_config(model)
    # One by one, as Keras' own `from_config` adds them, Equalization cannot be the first.
    layers = [keras.layers.deserialize(layer) for layer in settings["layers"]]
    copy = keras.Sequential(layers, name=settings["name"])
    copy.set_weights(model.get_weights())
    if isinstance(model, Differences):
        [said], inputs = copy.outputs, copy.inputs[0]
        return keras.Model(inputs, onto_last(inputs, said, model.target), name=settings["name"])
    return copy


def _plain_config(model: keras.Sequential) -> dict[str, Any]:
    settings = _plain(model.get_config())
    layers = [plain for layer in settings["layers"] for plain in _without_heaviside(layer)]
    return {**settings, "layers": layers}


def plain_config(layer: Any) -> Any:
    """Returns the settings of a layer as JSON gives them back."""
    return json.loads(_json(_plain(layer.get_config())))


def _plain(value: Any) -> Any:
    """Returns settings that name, for each class of `dl`, the one of Keras it stands for."""
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value.get("module") == Adapted.__module__:
        return _plain(value["config"]["metric"])
    plain = {key: _plain(item) for key, item in value.items()}
    if plain.get("module") == Perceptron.__module__ and plain.get("class_name") in FAST_LAYERS:
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
    if isinstance(model.loss, Perceptron | Quantile):
        return None
    compiled = _plain(model.get_compile_config())
    if not (
        _opens(keras.optimizers, compiled["optimizer"]) and _opens(keras.losses, compiled["loss"])
    ):
        return None
    metrics = {
        name: [metric for metric in compiled[name] or [] if metric is not None] or None
        for name in ("metrics", "weighted_metrics")
    }
    return {
        "loss": compiled["loss"],
        "loss_weights": None,
        "metrics": metrics["metrics"],
        "optimizer_config": compiled["optimizer"],
        "weighted_metrics": metrics["weighted_metrics"],
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
    _write_arrays(group.create_group(BESIDE_LAYERS), [])


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
    def plain(value: Any) -> Any:  # a number of NumPy, or a tensor
        return value.tolist() if hasattr(value, "tolist") else value.numpy().tolist()

    return json.dumps(value, sort_keys=True, default=plain).encode("utf-8")
