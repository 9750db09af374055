"""Finds a model's weights in a `.h5` file of plain Keras, whose versions name them differently.

Keras 3 calls a weight `sequential/dense/kernel`, where `sequential` is the model's name; older
versions call it `dense/kernel:0` or `kernel`. A name fits a weight if it is the end of the weight's
own name; every name must fit one weight, and every weight be fitted once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import h5py
import numpy as np

from dl.data.types import Array
from dl.engine.files.hdf5 import Refused, array_in, group_in, member_in, names_in, values_of

_COPY = "top_level_model_weights"
_MOST_DEPTH = 12

Names = tuple[str, ...]


def foreign_weights(
    file: Any, model_name: str, layers: Mapping[str, Sequence[Any]], inputs: frozenset[str]
) -> list[Array]:
    """Returns the arrays of all layers' weights, in the order given.

    Args:
        file: The open file.
        model_name: The name of the model in the file.
        layers: The weights that each layer of the model has, by the layer's name.
        inputs: Names of input layers, for which Keras may have written an empty group.

    Raises:
        Refused: The file holds what it must not, or other names, shapes or types.
    """
    if "model_weights" not in file:
        raise Refused("is no whole model: it has no 'model_weights'")
    root = group_in(file, "model_weights")
    found = names_in(root, len(layers) + len(inputs) + 2)
    for name in sorted(set(found) ^ set(layers)):
        if name not in inputs | {_COPY}:
            where = "its weights" if name in found else "its settings"
            raise Refused(f"does not fit itself: only {where} have a layer {name[:100]!r}")
    arrays = []
    for name, weights in layers.items():
        arrays += _of_layer(group_in(root, name), model_name, weights)
    return arrays


def _of_layer(group: Any, model_name: str, weights: Sequence[Any]) -> list[Array]:
    found = {
        _plain(names, model_name): dataset for names, dataset in _datasets(group, len(weights))
    }
    arrays = []
    for weight in weights:
        wanted = tuple(weight.path.split("/"))[1:]
        fitting = [names for names in found if wanted[-len(names) :] == names]
        if len(fitting) != 1:
            raise Refused(f"does not fit itself: no weight {'/'.join(wanted)}")
        arrays.append(_array(found.pop(fitting[0]), weight))
    if found:
        raise Refused(f"does not fit itself: no layer takes {'/'.join(next(iter(found)))[:100]}")
    return arrays


def _plain(names: Names, model_name: str) -> Names:
    bare = tuple(name.removesuffix(":0") for name in names)
    return bare[1:] if bare[0] == model_name and len(bare) > 1 else bare


def _datasets(group: Any, most: int) -> list[tuple[Names, Any]]:
    """Returns the data sets below a group with their names, no more than a few over `most`."""
    found: list[tuple[Names, Any]] = []
    waiting: list[tuple[Names, Any]] = [((), group)]
    visited = 0
    while waiting:
        names, holder = waiting.pop()
        visited += 1
        if len(names) > _MOST_DEPTH or visited > (most + 1) * _MOST_DEPTH or len(found) > most:
            raise Refused(f"does not fit itself: {group.name} holds more than the layer has")
        for name in names_in(holder, most + 2):
            member = member_in(holder, name)
            if isinstance(member, h5py.Group):
                waiting.append(((*names, name), member))
            else:
                found.append(((*names, name), array_in(holder, name)))
    return found


def _array(dataset: Any, weight: Any) -> Array:
    shape, dtype = tuple(weight.shape), np.dtype(weight.dtype)
    if dataset.shape != shape or dataset.dtype != dtype:
        raise Refused(
            f"does not fit itself: {weight.path} should be {shape} of {dtype}, "
            f"but is {dataset.shape} of {dataset.dtype}"
        )
    return values_of(dataset)


def load_foreign_weights(model: Any, file: Any, model_name: str, inputs: frozenset[str]) -> None:
    """Gives a model its weights from an open file; it is not touched where one does not fit."""
    layers = {layer.name: layer.weights for layer in model.layers}
    arrays = foreign_weights(file, model_name, layers, inputs)
    weights = [weight for layer in model.layers for weight in layer.weights]
    for weight, array in zip(weights, arrays, strict=True):
        weight.assign(array)
