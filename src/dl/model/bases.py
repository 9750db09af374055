"""Keras' pretrained networks as a layer: built for the pictures that come, with weights of a file.

A base is a model of Keras' own classes inside the `Sequential` model, with layers in front that
scale pixels from 0 to 255 as `preprocess_input` does. Its layers have the names that Keras gives
them in a new process, whatever was built before: they are in the saved file.

A file of weights is read as data, like any `.h5` file (`dl.model.h5`), in both forms that Keras
writes: layer by layer in their order, with names of layers and weights as attributes, or by the
number of each layer among those of its class.
"""

from __future__ import annotations

import collections
import contextlib
import hashlib
import io
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import keras
import numpy as np
from keras.src.backend.common import global_state
from keras.src.utils import file_utils

from dl.config.phases import matching
from dl.config.rules.bases import IMAGENET, RANDOM
from dl.config.schema import Config
from dl.data.types import Array
from dl.errors import DlError, closest, did_you_mean, first_line
from dl.imports import quiet_stderr, quiet_warnings
from dl.model import h5
from dl.model.objects import BASES, build_object
from dl.model.randomness import seeded_python
from dl.variables import data_sets_of_keras
from dl.vocabulary.catalog import pixels_of
from dl.vocabulary.names import snake_case, with_names
from dl.vocabulary.spec import Findings, Kind, Spec

Shape = tuple[int | None, ...]

_OWN = ("weights", "name", "trainable", "trainable_from", "training")
"""Parameters that are not Keras'."""
_MEAN, _DEVIATION = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
"""Of red, green and blue in ImageNet, of pixels from 0 to 1."""
_MEAN_BLUE_FIRST = (103.939, 116.779, 123.68)
_MOST_NAMES = 1 << 20
"""Bytes of the names of a file's layers."""


def build_base(spec: Spec, shape: Shape, seed: int) -> Any:
    """Builds a base with random weights, for rows of a shape.

    Raises:
        Findings: Its parameters name a layer that it does not have; at them.
        ValueError: Keras does not take the shape or the parameters.
    """
    name = str(spec.parameters["name"])
    with _names_from_the_start(), seeded_python(seed, f"base {name}"):
        made = _application(spec, shape, None)
        base = keras.Model(made.inputs[0], made.outputs[0], name=name)
    BASES[base] = spec
    mark_trainable(base, spec)
    if not computes_as_in_training(spec):
        # What Keras' guide to fine-tuning asks for: `base_model(inputs, training=False)`.
        base.call = _never_training(base)
    return base


def computes_as_in_training(spec: Spec) -> bool:
    """Tells whether normalization and dropout inside compute as in training while it is trained."""
    given = spec.parameters["training"]
    if given is not None:
        return bool(given)
    return spec.parameters["weights"] == RANDOM and spec.parameters["trainable"] is True


def _never_training(base: Any) -> Callable[..., Any]:
    call = type(base).call

    def run(inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        return call(base, inputs, training=False, mask=mask)

    return run


def _application(spec: Spec, shape: Shape, weights: str | None) -> Any:
    parameters = {
        key: build_object(value, seed=0, path=()) if isinstance(value, Spec) else value
        for key, value in spec.parameters.items()
        if key not in _OWN
    }
    inputs = scaled(keras.Input(shape, name="pixels"), pixels_of(spec.type).scaling)
    make = getattr(keras.applications, spec.type)
    with quiet_warnings():  # on sizes other than those that a base was trained on
        return make(input_tensor=inputs, weights=weights, **parameters)


def scaled(pixels: Any, scaling: str) -> Any:
    """Returns pixels from 0 to 255 as `preprocess_input` makes them, by layers without weights."""
    match scaling:
        case "tf":
            return keras.layers.Rescaling(1 / 127.5, -1.0, name="scaled")(pixels)
        case "torch":
            scale, offset = 1 / 255 / _DEVIATION, -_MEAN / _DEVIATION
            return keras.layers.Rescaling(scale.tolist(), offset.tolist(), name="scaled")(pixels)
        case "caffe":
            # Blue first. No layer takes one channel; cut as if the channels came first, the columns
            # of a row are the channels.
            channels = [
                keras.layers.Cropping2D(
                    ((0, 0), (place, 2 - place)), data_format="channels_first", name=name
                )(pixels)
                for place, name in ((2, "blue"), (1, "green"), (0, "red"))
            ]
            bgr = keras.layers.Concatenate(name="blue_first")(channels)
            return keras.layers.Rescaling(1.0, [-x for x in _MEAN_BLUE_FIRST], name="scaled")(bgr)
    return pixels


def mark_trainable(base: Any, spec: Spec) -> None:
    """Lets those layers of a base be trained that its spec says; raises `Findings`."""
    for layer in (base, *base.layers):  # TensorFlow skips a value that a base has, all inside too
        layer.trainable = spec.parameters["trainable"]
    first = spec.parameters["trainable_from"]
    if first is None:
        return
    own = [layer for layer in base.layers if layer.name not in _SCALING]
    names = [layer.name for layer in own]
    named = matching(str(first), names)
    if isinstance(first, int) and first < len(own):
        place = first
    elif named:
        place = names.index(named[0])
    else:
        near = closest(str(first), names)
        raise Findings.one(
            ("trainable_from",),
            f"is not a layer of {spec.type}",
            f"the name of one of its layers, or a number below {len(own)}",
            str(first),
            did_you_mean(near, f"its last layers are {', '.join(names[-5:])}"),
        )
    for layer in own[:place]:
        layer.trainable = False


_SCALING = frozenset({"scaled", "blue", "green", "red", "blue_first"})
"""Layers that Keras' base does not have, so that its numbers of layers hold here."""


@contextlib.contextmanager
def _names_from_the_start() -> Iterator[None]:
    """Lets Keras count names from 0 in the block, and go on afterwards where it was."""
    counts = global_state.get_global_attribute("object_name_uids")
    global_state.set_global_attribute("object_name_uids", collections.defaultdict(int))
    try:
        yield
    finally:
        global_state.set_global_attribute("object_name_uids", counts)


def load_bases(model: keras.Sequential, config: Config) -> dict[str, dict[str, str]]:
    """Gives the bases of a model the weights that the config states.

    Returns:
        For each base, by its name, the file of its weights and the SHA-256 of that.

    Raises:
        Findings: A file is missing, is not one of weights, or is that of another base.
    """
    bases = {layer.name: layer for layer in model.layers if layer in BASES}
    loaded = {}
    for position, spec in enumerate(with_names(config.model.layers)):
        base = bases.get(str(spec.parameters["name"]))
        if spec.kind is not Kind.BASE or base is None or spec.parameters["weights"] == RANDOM:
            continue
        path = ("model", "layers", position, "weights")
        stated = str(spec.parameters["weights"])
        file = _downloaded(spec, base, path) if stated == IMAGENET else Path(stated)
        try:
            loaded[base.name] = {"file": file.name, "sha256": _load(base, spec, file)}
        except DlError as error:
            first = error.problems[0]
            hint = f"state a file that Keras wrote for {spec.type} with the same parameters"
            raise Findings.one(
                path, f"cannot be used: {first.message}", first.expected, first.found, hint
            ) from error
    return loaded


def _load(base: Any, spec: Spec, path: Path) -> str:
    """Gives a base the weights of a file, all or none; returns the SHA-256 of the file."""
    content = h5.read_file(path, sum(int(np.prod(item.shape)) * 4 for item in base.weights))
    with h5.opened(path, content) as file:
        arrays = list(_arrays(file, base, spec))
    for weight, array in arrays:
        weight.assign(array)
    return hashlib.sha256(content).hexdigest()


def _arrays(file: Any, base: Any, spec: Spec) -> Iterator[tuple[Any, Array]]:
    layers = [layer for layer in base.layers if layer.weights]
    root = h5.group_in(file, h5.WEIGHTS) if h5.WEIGHTS in file else file
    in_order = "layer_names" in root.attrs or "layer_names0" in root.attrs
    stored = _in_their_order(root, len(base.layers)) if in_order else _by_class(file, base)
    if len(stored) != len(layers):
        expected, found = f"{len(layers)} layers with weights", str(len(stored))
        raise h5.Refused(f"is not of a {spec.type} with these parameters", expected, found)
    for layer, (name, arrays) in zip(layers, stored, strict=True):
        shapes = [tuple(array.shape) for array in arrays]
        if shapes != [tuple(weight.shape) for weight in layer.weights]:
            raise h5.Refused(
                f"is not of a {spec.type} with these parameters",
                f"weights of {layer.name} of the shapes {[tuple(w.shape) for w in layer.weights]}",
                f"{shapes} in {name[:100]!a}",
            )
        for weight, array in zip(layer.weights, arrays, strict=True):
            yield weight, h5.values_for(array, weight)


def _in_their_order(root: Any, most: int) -> list[tuple[str, list[Any]]]:
    """Returns the arrays of each layer that has any, by the lists of names that Keras keeps."""
    stored = []
    for name in h5.texts_of(root, "layer_names", _MOST_NAMES)[: 2 * most]:
        group = h5.group_in(root, name)
        names = h5.texts_of(group, "weight_names", _MOST_NAMES)
        held = {"/".join(path): array for path, array in h5.arrays_in(group, len(names)).items()}
        if unknown := [name for name in names if name not in held]:
            raise h5.Refused(f"is inconsistent: no weight {unknown[0][:100]!a}")
        if names:
            stored.append((name, [held[name] for name in names]))
    return stored


def _by_class(file: Any, base: Any) -> list[tuple[str, list[Any]]]:
    """Returns the arrays of each layer that has any, in a `.weights.h5` file of Keras 3."""
    if "layers" not in file:
        raise h5.Refused("is not a file of Keras' weights: it names no layers")
    root, counts, stored = h5.group_in(file, "layers"), collections.Counter[str](), []
    for layer in base.layers:
        kind = snake_case(type(layer).__name__)
        name = f"{kind}_{counts[kind]}" if counts[kind] else kind
        counts[kind] += 1
        if layer.weights and name in root:
            held = h5.arrays_in(h5.group_in(root, name), len(layer.weights))
            stored.append((name, [held[names] for names in sorted(held, key=_number)]))
    return stored


def _number(names: h5.Names) -> int:
    return int(names[-1]) if names[-1].isdecimal() else 0


class _Asked(Exception):
    """What Keras would download: the arguments of `get_file`."""


def _downloaded(spec: Spec, base: Any, path: tuple[str | int, ...]) -> Path:
    """Returns the file that Keras has or downloads for a base; it is not read by Keras."""

    def ask(*arguments: Any, **options: Any) -> None:
        raise _Asked(arguments, options)

    try:
        # Only the network itself knows its file, by its size and width.
        with (
            mock.patch.object(file_utils, "get_file", ask),
            _names_from_the_start(),
            quiet_stderr(),
        ):
            _application(spec, base.input_shape[1:], IMAGENET)
    except _Asked as asked:
        arguments, options = asked.args
    except ValueError as error:
        message = f"cannot be {IMAGENET} with these parameters"
        raise Findings.one(path, message, found=first_line(error)) from error
    folder = Path(data_sets_of_keras(os.environ)).parent
    name, place = arguments[0], folder / "models" / arguments[0]
    try:
        with quiet_stderr(), contextlib.redirect_stdout(io.StringIO()):
            return Path(keras.utils.get_file(*arguments, **options, cache_dir=str(folder)))
    except Exception as error:
        raise Findings.one(
            path,
            f"cannot be downloaded: {name}",
            f"a connection to the network, or the file in {place.parent}",
            "another file than Keras knows" if place.is_file() else "neither",
            f"bring {name} from another machine to {place.parent}, or state where it is: "
            f"weights: path/to/{name}",
        ) from error
