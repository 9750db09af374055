"""Reads the arrays of `model.h5`: what the model expects, by name, shape and type, nothing else.

The walk follows the names that the model has, never those that the file has: a file cannot make
it longer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dl.data.types import Array
from dl.engine.files.hdf5 import (
    HINT,
    ReadFile,
    Refused,
    array_in,
    group_in,
    has_type,
    names_in,
    opened,
    read_file,
    values_of,
)
from dl.errors import RunError

_ROOT = "model_weights"
_COPY = "top_level_model_weights"
"""A group that Keras writes beside those of the layers; it is empty for a Sequential model."""

Tree = dict[str, Any]
"""Names and what is below them: another tree, or a weight."""


def read_weights(
    path: Path, layers: Mapping[str, Sequence[Any]], read: ReadFile = read_file
) -> list[Array]:
    """Returns the arrays of all layers' weights, in the order given.

    Args:
        path: The file.
        layers: The weights that each layer of the model has, by the layer's name.
        read: Reads the file, given the bytes of its arrays.

    Raises:
        RunError: The file is missing or damaged, holds what it must not, or other names, shapes
            or types than the model's; the first mismatch is named.
    """
    with opened(path, read(path, _bytes_of(layers))) as file:
        if _ROOT not in file:
            raise Refused(f"is not a model: it has no {_ROOT!r}")
        root = group_in(file, _ROOT)
        found = [name for name in names_in(root, len(layers) + 2) if name != _COPY]
        _compare_names(path, "layer", found, sorted(layers))
        arrays = []
        for name, weights in layers.items():
            tree = _tree(weights)
            below = dict(_arrays(path, group_in(root, name), tree, ""))
            arrays += [below[weight.path] for weight in weights]
        return arrays


def _bytes_of(layers: Mapping[str, Sequence[Any]]) -> int:
    return sum(
        int(np.prod(weight.shape)) * np.dtype(weight.dtype).itemsize
        for weights in layers.values()
        for weight in weights
    )


def _tree(weights: Sequence[Any]) -> Tree:
    root: Tree = {}
    for weight in weights:
        *folders, name = weight.path.split("/")
        below = root
        for folder in folders:
            below = below.setdefault(folder, {})
        below[name] = weight
    return root


def _arrays(path: Path, group: Any, tree: Tree, prefix: str) -> list[tuple[str, Array]]:
    found = [f"{prefix}{name}" for name in names_in(group, len(tree) + 1)]
    _compare_names(path, "weight", found, [f"{prefix}{name}" for name in sorted(tree)])
    read: list[tuple[str, Array]] = []
    for name, below in tree.items():
        if isinstance(below, dict):
            read += _arrays(path, group_in(group, name), below, f"{prefix}{name}/")
        else:
            read.append((below.path, _array(path, array_in(group, name), below)))
    return read


def _array(path: Path, dataset: Any, weight: Any) -> Array:
    shape, dtype = tuple(weight.shape), np.dtype(weight.dtype)
    if dataset.shape != shape:
        raise _mismatch(path, f"the shape of {weight.path}", str(shape), str(dataset.shape))
    if not has_type(dataset, dtype):
        raise _mismatch(path, f"the type of {weight.path}", str(dtype), str(dataset.dtype))
    return values_of(dataset)


def _compare_names(path: Path, what: str, found: list[str], expected: list[str]) -> None:
    missing = [name for name in expected if name not in found]
    unknown = [name for name in found if name not in expected]
    if missing:
        raise _mismatch(path, f"its {what}s", f"a {what} {missing[0]!r}", _or_nothing(unknown))
    if unknown:
        raise _mismatch(path, f"its {what}s", f"no more {what}s", _shown(unknown[0]))


def _or_nothing(unknown: list[str]) -> str:
    return _shown(unknown[0]) if unknown else "none"


def _shown(name: str) -> str:
    return ascii(name) if len(name) <= 100 else ascii(name[:100]) + "…"


def _mismatch(path: Path, what: str, expected: str, found: str) -> RunError:
    message = f"{path} does not fit the model: {what}"
    return RunError(message, expected=expected, found=found, hint=HINT)
