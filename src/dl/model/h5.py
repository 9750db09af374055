"""`model.h5`, read without trusting it; `dl.model.saving` writes it.

An HDF5 file can point elsewhere: external and soft links, links of a user's own kind, external
storage, virtual data sets, and filters that load code. Each is refused before anything is read.
The file is read once, as a whole, and only that copy in memory is looked at: what was checked is
what is read, and HDF5 has no file by which it could find another.
"""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np

from dl.data.files import DAMAGED
from dl.data.types import Array
from dl.errors import RunError
from dl.rundir.files import read_regular
from dl.text import shortened

WEIGHTS = "model_weights"
"""The group that holds a group for each layer."""
BESIDE_LAYERS = "top_level_model_weights"
"""A group that Keras writes beside those of the layers; it is empty for a Sequential model."""

BASES_OF = "dl_bases"
"""An attribute that says what pretrained bases were built from: `dl` builds them anew by it, and
compares them with what Keras reads."""

_HINT = "restore the file from a copy, or train again"
_SPARE = 64 * 1024 * 1024
"""Bytes that a file may have beside its arrays: names, settings, and gaps."""
_MOST_DEPTH = 24
"""Groups inside each other: a model inside a model, and the wrappers of a layer."""


_FORMER = {"kernel": "depthwise_kernel"}
"""What Keras 2 calls a weight of a depthwise convolution."""


ReadFile = Callable[[Path, int], bytes]
"""Reads a file that holds arrays of so many bytes; `read_file`, or one that checks more."""
Names = tuple[str, ...]
"""The names that lead from one group to an array below it."""


class Refused(Exception):
    """What a file must not hold, or not for this model.

    Args:
        message: Words that go after the file's name.
        expected: What was expected, if there is more to say.
        found: What was found.
    """

    def __init__(self, message: str, expected: str | None = None, found: str | None = None) -> None:
        super().__init__(message)
        self.expected, self.found = expected, found


def read_file(path: Path, array_bytes: int) -> bytes:
    """Returns the content of a file that holds arrays of so many bytes in all.

    Raises:
        RunError: The file is missing, is not a regular file, cannot be read, or is far too large.
    """
    try:
        return read_regular(path, 2 * array_bytes + _SPARE)
    except FileNotFoundError as error:
        raise RunError(f"{path} is missing", hint="train again") from error
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror}", hint=_HINT) from error


@contextmanager
def opened(path: Path, content: bytes) -> Iterator[Any]:
    """Opens the content of a file; what it must not hold becomes an error that names the file.

    Raises:
        RunError: The content is not an HDF5 file, is damaged, or `Refused` was raised inside.
    """
    try:
        # Not `open_file_image`: HDF5 looks for a file of the name that it makes up for the image.
        with h5py.File(io.BytesIO(content), "r") as file:
            yield file
    except Refused as error:
        message = f"{path} {error}"
        raise RunError(message, expected=error.expected, found=error.found, hint=_HINT) from error
    except (*DAMAGED, MemoryError) as error:
        raise RunError(f"{path} is damaged: it is not a readable HDF5 file", hint=_HINT) from error


def weights_in(file: Any) -> Any:
    """Returns the group with the weights of the layers."""
    if WEIGHTS not in file:
        raise Refused(f"is not a model: it has no {WEIGHTS!r}")
    return group_in(file, WEIGHTS)


def names_in(group: Any, most: int) -> list[str]:
    """Returns the names in a group, sorted, at most `most` of them."""
    return sorted(itertools.islice(group, most))


def group_in(group: Any, name: str) -> Any:
    """Returns the group of a name in another."""
    return _member(group, name, h5py.Group)


def arrays_in(group: Any, most: int) -> dict[Names, Any]:
    """Returns the data sets below a group by their names, nothing of them read.

    There are more than `most` of them only where the group holds more than that.
    """
    found: dict[Names, Any] = {}
    waiting: list[tuple[Names, Any]] = [((), group)]
    visited = 0
    while waiting:
        names, holder = waiting.pop()
        visited += 1
        if len(names) > _MOST_DEPTH or visited > (most + 1) * _MOST_DEPTH:
            raise Refused(f"holds more groups in {_shown(group.name)} than any layer has")
        for name in names_in(holder, most + 2):
            member = _member(holder, name, (h5py.Group, h5py.Dataset))
            if isinstance(member, h5py.Group):
                waiting.append(((*names, name), member))
            else:
                found[(*names, name)] = _inside(member)
        if len(found) > most:
            break
    return found


def values_for(dataset: Any, weight: Any) -> Array:
    """Returns the values of a data set for a weight of a model, in the weight's shape."""
    shape, dtype = tuple(weight.shape), np.dtype(weight.dtype)
    for what, wanted, found in (("shape", shape, dataset.shape), ("type", dtype, dataset.dtype)):
        # Of bfloat16, HDF5 keeps nothing but two bytes.
        if wanted != found and not (wanted == "bfloat16" and found == "V2"):
            message = f"does not fit the model: the {what} of {weight.path}"
            raise Refused(message, str(wanted), str(found))
    return values_of(dataset)


def fits(names: Names, wanted: Names) -> bool:
    """Whether a name means a weight: it may leave out folders, as Keras 2 does for wrappers."""
    *folders, last = names
    whole = iter(wanted[:-1])
    return last in (wanted[-1], _FORMER.get(wanted[-1])) and all(part in whole for part in folders)


def values_of(dataset: Any) -> Array:
    """Returns the values of a data set whose shape and type were compared before."""
    if dataset.id.get_storage_size() != dataset.nbytes:
        raise _unread(dataset.name, "a shape without the values for it")
    array: Array = dataset[()]
    return array.view("bfloat16") if array.dtype == "V2" else array


def texts_of(owner: Any, name: str, most_bytes: int) -> list[str]:
    """Returns an attribute that is a list of texts; a long one is in parts, `name0`, `name1`…"""
    parts = itertools.takewhile(owner.attrs.__contains__, (f"{name}{i}" for i in itertools.count()))
    texts: list[str] = []
    for part in [name] if name in owner.attrs else list(parts):
        attribute = owner.attrs.get_id(part)
        kind, shape = attribute.get_type(), attribute.shape
        if shape == (0,):
            continue  # which Keras writes as numbers
        if len(shape) != 1 or kind.get_class() != h5py.h5t.STRING:
            raise _unread(f"{owner.name}@{part}", "an attribute that is not a list of texts")
        if shape[0] * kind.get_size() > most_bytes:
            raise Refused(f"holds more than {most_bytes} bytes in {part!r}")
        texts += [item.decode() if isinstance(item, bytes) else item for item in owner.attrs[part]]
    return texts


def text_of(owner: Any, name: str, most_bytes: int) -> str | None:
    """Returns an attribute that is a single text; None if there is none of the name."""
    if name not in owner.attrs:
        return None
    attribute = owner.attrs.get_id(name)
    if attribute.shape != () or attribute.get_type().get_class() != h5py.h5t.STRING:
        raise _unread(f"{owner.name}@{name}", "an attribute that is not a single text")
    value = owner.attrs[name]
    content = value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogateescape")
    if len(content) > most_bytes:
        raise Refused(f"holds {len(content)} bytes in {name!r}, more than {most_bytes}")
    return content.decode("utf-8")


def _member(group: Any, name: str, wanted: Any) -> Any:
    """Returns what has a name in a group; only what is itself inside the file."""
    place = f"{group.name.rstrip('/')}/{name}"
    if group.id.links.get_info(name.encode("utf-8", "surrogateescape")).type != h5py.h5l.TYPE_HARD:
        raise _unread(place, "a link that leads elsewhere")
    member = group[name]
    if not isinstance(member, wanted):
        raise _unread(place, "an object of another kind")
    return member


def _inside(dataset: Any) -> Any:
    """Returns a data set whose values are inside the file, one after the other."""
    settings = dataset.id.get_create_plist()
    if dataset.is_virtual or settings.get_external_count() or settings.get_nfilters():
        raise _unread(dataset.name, "values that are stored elsewhere or behind a filter")
    if settings.get_layout() not in (h5py.h5d.CONTIGUOUS, h5py.h5d.COMPACT):
        raise _unread(dataset.name, "values in another layout than Keras writes")
    return dataset


def _unread(name: str, what: str) -> Refused:
    return Refused(f"holds at {_shown(name)} {what}; it is not read")


def _shown(name: str) -> str:
    return name if name.isprintable() and len(name) < 200 else ascii(name[:200])


def load_weights(model: keras.Sequential, path: Path, read: ReadFile = read_file) -> None:
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
    with opened(path, read(path, sum(int(count) * size for count, size in sizes))) as file:
        arrays = list(_arrays(weights_in(file), model))
    for weight, array in arrays:
        weight.assign(array)


def _arrays(root: Any, model: keras.Sequential) -> Iterator[tuple[Any, Array]]:
    names = [layer.name for layer in model.layers]
    found = [name for name in names_in(root, len(names) + 2) if name != BESIDE_LAYERS]
    _compare("layer", found, names)
    for layer in model.layers:
        arrays = arrays_in(group_in(root, layer.name), len(layer.weights))
        by_path = {"/".join(names): array for names, array in arrays.items()}
        _compare("weight", list(by_path), [weight.path for weight in layer.weights])
        for weight in layer.weights:
            yield weight, values_for(by_path[weight.path], weight)


def _compare(what: str, found: list[str], expected: list[str]) -> None:
    missing, unknown = sorted(set(expected) - set(found)), sorted(set(found) - set(expected))
    if missing or unknown:
        wanted = f"a {what} {missing[0]!r}" if missing else f"no more {what}s"
        other = ascii(shortened(unknown[0], 100)) if unknown else "none"
        raise Refused(f"does not fit the model: its {what}s", wanted, other)
