"""Reads the arrays of `model.h5` without trusting the file.

HDF5 files can point elsewhere: external and soft links, external storage, virtual data sets, and
filters that load code. Each is refused before anything is read, and nothing is read whose name,
shape and type the model does not expect.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from dl.data.types import Array
from dl.errors import RunError

_ROOT = "model_weights"
_COPY = "top_level_model_weights"
"""A group that Keras writes beside those of the layers; it is empty for a Sequential model."""
_HINT = "restore the file from a copy, or train again"


def read_weights(path: Path, layers: Mapping[str, Sequence[Any]]) -> list[Array]:
    """Returns the arrays of all layers' weights, in the order given.

    Args:
        path: The file.
        layers: The weights that each layer of the model has, by the layer's name.

    Raises:
        RunError: The file is missing or damaged, holds what it must not, or other names, shapes
            or types than the model's; the first mismatch is named.
    """
    try:
        with h5py.File(path, "r") as file:
            return _read(path, file, layers)
    except FileNotFoundError as error:
        raise RunError(f"{path} is missing", hint="train again") from error
    except (OSError, RuntimeError, KeyError, ValueError, TypeError) as error:
        raise RunError(f"{path} is damaged: it is no readable HDF5 file", hint=_HINT) from error


def _read(path: Path, file: Any, layers: Mapping[str, Sequence[Any]]) -> list[Array]:
    root = _member(path, file, _ROOT, h5py.Group)
    _compare_names(path, "layer", sorted(set(root) - {_COPY}), sorted(layers))
    arrays = []
    for name, weights in layers.items():
        group = _member(path, root, name, h5py.Group)
        expected = [weight.path for weight in weights]
        _compare_names(path, "weight", _datasets(path, group), sorted(expected))
        arrays += [_array(path, group, weight) for weight in weights]
    return arrays


def _datasets(path: Path, group: Any, prefix: str = "") -> list[str]:
    """Returns the names of all data sets below a group, sorted; follows hard links only."""
    found = []
    for name in group:
        member = _member(path, group, name, (h5py.Group, h5py.Dataset))
        inner = f"{prefix}{name}"
        if isinstance(member, h5py.Group):
            found += _datasets(path, member, f"{inner}/")
        else:
            found.append(inner)
    return sorted(found)


def _member(path: Path, group: Any, name: str, types: Any) -> Any:
    link = group.get(name, getlink=True)
    if link is None:
        raise RunError(f"{path} is no model of dl: it has no {name!r}", hint=_HINT)
    if type(link) is not h5py.HardLink:
        raise _foreign(path, f"{group.name}/{name}", "a link that leads elsewhere")
    member = group[name]
    if not isinstance(member, types):
        raise _foreign(path, member.name, "an object of another kind")
    return member


def _array(path: Path, group: Any, weight: Any) -> Array:
    dataset = _hard(path, group, weight.path)
    _refuse_indirect(path, dataset)
    shape, dtype = tuple(weight.shape), np.dtype(weight.dtype)
    if dataset.shape != shape:
        raise _mismatch(path, f"the shape of {weight.path}", str(shape), str(dataset.shape))
    if dataset.dtype != dtype:
        raise _mismatch(path, f"the type of {weight.path}", str(dtype), str(dataset.dtype))
    array: Array = dataset[()]
    return array


def _hard(path: Path, group: Any, inner: str) -> Any:
    *folders, name = inner.split("/")
    for folder in folders:
        group = _member(path, group, folder, h5py.Group)
    return _member(path, group, name, h5py.Dataset)


def _refuse_indirect(path: Path, dataset: Any) -> None:
    """Refuses storage outside the file, and layouts that Keras never writes."""
    settings = dataset.id.get_create_plist()
    if dataset.is_virtual or settings.get_external_count() or settings.get_nfilters():
        raise _foreign(path, dataset.name, "values that lie elsewhere or behind a filter")
    if settings.get_layout() not in (h5py.h5d.CONTIGUOUS, h5py.h5d.COMPACT):
        raise _foreign(path, dataset.name, "values in another layout than Keras writes")


def _compare_names(path: Path, what: str, found: list[str], expected: list[str]) -> None:
    missing = [name for name in expected if name not in found]
    unknown = [name for name in found if name not in expected]
    if missing:
        raise _mismatch(path, f"its {what}s", f"a {what} {missing[0]!r}", _or_nothing(unknown))
    if unknown:
        raise _mismatch(path, f"its {what}s", f"no more {what}s", repr(unknown[0]))


def _or_nothing(unknown: list[str]) -> str:
    return repr(unknown[0]) if unknown else "none"


def _mismatch(path: Path, what: str, expected: str, found: str) -> RunError:
    message = f"{path} does not fit the model: {what}"
    return RunError(message, expected=expected, found=found, hint=_HINT)


def _foreign(path: Path, name: str, what: str) -> RunError:
    return RunError(f"{path} holds at {name} {what}; it is not read", hint=_HINT)
