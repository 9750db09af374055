"""Finds a model's weights in a `.h5` file of plain Keras, whose versions name them differently.

Keras 3 calls a weight `sequential/dense/kernel`, where `sequential` is the model's name; older
versions call it `dense/kernel:0` or `kernel`. The weights of a model inside the model lie in one
group. A name fits a weight if it ends alike and leaves nothing but folders out; every name must fit
one weight, and every weight be fitted once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import h5py
import numpy as np

from dl.config.keras_model import KerasModel
from dl.data.types import Array
from dl.engine.files.hdf5 import (
    Refused,
    array_in,
    group_in,
    has_type,
    member_in,
    names_in,
    values_of,
)

_COPY = "top_level_model_weights"
_MOST_DEPTH = 24
"""Groups inside each other: a model inside a model, and the wrappers of a layer."""
_ADAPTED = ("mean", "variance", "count")
"""The weights of a layer `Normalization` that was adapted to data."""

_MOST_ADAPTED = 100_000
"""Numbers that a layer may be adapted to."""
_MOST_INSIDE = 1000
"""Weights of a model inside the model, where it has an adapted layer."""
_FORMER = {"kernel": "depthwise_kernel"}
"""What Keras 2 calls a weight of a depthwise convolution."""

Names = tuple[str, ...]
Wanted = dict[str, list[tuple[Names, Any]]]
"""The weights that each group of the file must hold, with their names; None for what is no weight
of the model that was built."""


def foreign_weights(
    file: Any, settings: KerasModel, layers: Mapping[str, Any]
) -> Iterator[tuple[Any, Array]]:
    """Yields every weight of a model with its array.

    Args:
        file: The open file.
        settings: What the file says about its model.
        layers: The weights that each layer of the built model has, by the layer's name.

    Raises:
        Refused: The file holds what it must not, or other names, shapes or types.
    """
    wanted = _wanted(settings, layers)
    root = _root(file)
    inputs = {str(layer.parameters["name"]) for layer in settings.layers[:1]}
    found = names_in(root, len(wanted) + len(inputs) + 2)
    for name in sorted(set(found) ^ set(wanted)):
        if name not in inputs | {_COPY}:
            where = "its weights" if name in found else "its settings"
            raise Refused(f"does not fit itself: only {where} have a layer {name[:100]!r}")
    for name, weights in wanted.items():
        yield from _of_group(group_in(root, name), settings.models, weights)


def statistics(file: Any, group: str, layer: str) -> dict[str, object]:
    """Returns the mean and the variance that a `Normalization` was adapted to; none if not there.

    Raises:
        Refused: They are no numbers, or those of several axes.
    """
    found: dict[str, object] = {}
    most = len(_ADAPTED) if group == layer else _MOST_INSIDE
    for names, dataset in _datasets(group_in(_root(file), group), most):
        name = names[-1].removesuffix(":0")
        if (names[:-1] and layer not in names[:-1]) or name not in _ADAPTED[:2]:
            continue
        if dataset.dtype.kind != "f" or len(dataset.shape) > 1 or dataset.size > _MOST_ADAPTED:
            raise Refused(f"holds at {dataset.name} no numbers of a single axis")
        found[name] = values_of(dataset).tolist()
    return found


def _root(file: Any) -> Any:
    if "model_weights" not in file:
        raise Refused("is not a whole model: it has no 'model_weights'")
    return group_in(file, "model_weights")


def _wanted(settings: KerasModel, layers: Mapping[str, Any]) -> Wanted:
    wanted: Wanted = {}
    for built, weights in layers.items():
        group, name = settings.places.get(built, (built, built))
        paths = [(name, *weight.path.split("/")[2:]) for weight in weights]
        own = wanted.setdefault(group, [])
        own += zip(paths, weights, strict=True)
        if built in settings.adapted:
            own += [((name, weight), None) for weight in _ADAPTED]
    return wanted


def _of_group(
    group: Any, models: Collection[str], weights: list[tuple[Names, Any]]
) -> Iterator[tuple[Any, Array]]:
    found: dict[Names, Any] = {}
    for names, dataset in _datasets(group, len(weights)):
        plain = _plain(names, models)
        if plain in found:
            raise Refused(f"does not fit itself: two weights are {'/'.join(plain)[:100]}")
        found[plain] = dataset
    for wanted, weight in weights:
        fitting = [names for names in found if _fits(names, wanted)]
        if len(fitting) != 1:
            raise Refused(f"does not fit itself: no weight {'/'.join(wanted)}")
        dataset = found.pop(fitting[0])
        if weight is not None:
            yield weight, _array(dataset, weight)
    if found:
        raise Refused(f"does not fit itself: no layer takes {'/'.join(next(iter(found)))[:100]}")


def _fits(names: Names, wanted: Names) -> bool:
    """Whether a name means a weight: it may leave out folders, as Keras 2 does for wrappers."""
    *folders, last = names
    whole = iter(wanted[:-1])
    return last in (wanted[-1], _FORMER.get(wanted[-1])) and all(part in whole for part in folders)


def _plain(names: Names, models: Collection[str]) -> Names:
    bare = tuple(name.removesuffix(":0") for name in names)
    while len(bare) > 1 and bare[0] in models:
        bare = bare[1:]
    return bare


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
    if dataset.shape != shape or not has_type(dataset, dtype):
        raise Refused(
            f"does not fit itself: {weight.path} should be {shape} of {dtype}, "
            f"but is {dataset.shape} of {dataset.dtype}"
        )
    return values_of(dataset)


def load_foreign_weights(model: Any, file: Any, settings: KerasModel) -> None:
    """Gives a model its weights from an open file; it is not touched where one does not fit."""
    layers = {layer.name: layer.weights for layer in model.layers}
    for weight, array in list(foreign_weights(file, settings, layers)):
        weight.assign(array)
