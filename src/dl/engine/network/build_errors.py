"""Says in plain words why a layer cannot be built, or cannot compute."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
import tensorflow as tf

from dl.config.rules.network import Shape
from dl.config.schema import Config
from dl.errors import first_line
from dl.runtime.light_model import unfit_rows
from dl.vocabulary.spec import Finding
from dl.vocabulary.traits import RECURRENT

BUILD_ERRORS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    NotImplementedError,
    RuntimeError,
    TypeError,
    ValueError,
    tf.errors.OpError,
)
"""What Keras and TensorFlow raise when a layer does not take its parameters or its input."""

_SEQUENCE = ("steps", "features")
_IMAGE = ("height", "width", "channels")
_AXES = {
    "1D": _SEQUENCE,
    "2D": _IMAGE,
    "3D": ("depth", "height", "width", "channels"),
}
_CALLING = re.compile(r"Exception encountered when calling (\w+)\.")


def first_unbuildable(shape: Shape, layers: list[tuple[int, Any]]) -> Finding | None:
    """Returns why the first layer that does not take its input does not, or None if all do.

    Args:
        shape: Shape of one input row.
        layers: Layers that are not built yet, with their positions in the config.
    """
    tensor = keras.Input(shape)
    for position, layer in layers:
        try:
            output = layer(tensor)
        except BUILD_ERRORS as error:
            return unbuildable(position, _type_name(layer), tuple(tensor.shape[1:]), error)
        tensor = output
    return None


def outputs_of_layers(model: keras.Sequential, x: Any, training: bool) -> Iterator[Any]:
    """Yields the output of each layer for some rows, with the mask that goes with it."""
    for layer in model.layers:
        takes_training = "training" in inspect.signature(layer.call).parameters
        x = layer(x, training=training) if takes_training else layer(x)
        yield x


def first_failing(
    model: keras.Sequential, config: Config, x: Any, error: Exception, *, training: bool
) -> Finding | None:
    """Returns why the first layer that cannot compute its output for some rows cannot.

    Where each layer can by itself, it is the one that Keras named in the error of them all; None if
    it named none.
    """
    inputs = [x]
    try:
        for output in outputs_of_layers(model, x, training):
            inputs.append(output)
    except BUILD_ERRORS as own:
        return _uncomputable(config, len(inputs) - 1, inputs[-1], own)
    named = _CALLING.search(str(error))
    types = [_type_name(layer) for layer in model.layers]
    if named is None or named[1] not in types:
        return None
    number = types.index(named[1])
    return _uncomputable(config, number, inputs[number], error)


def _uncomputable(config: Config, number: int, x: Any, error: Exception) -> Finding:
    """Words what a layer, counted without inputs, says about its input."""
    layers = [place for place in enumerate(config.model.layers) if place[1].type != "Input"]
    position, spec = layers[number]
    mask = getattr(x, "_keras_mask", None)
    return Finding(
        ("model", "layers", position),
        f"{spec.type} cannot compute with an input of shape {shape_text(tuple(x.shape[1:]))}",
        found=first_line(error),
        hint=None
        if mask is None
        else f"a mask of shape {shape_text(tuple(mask.shape[1:]))} comes with it: leave out the "
        "layer that makes it (Masking, or mask_zero)",
    )


@contextmanager
def computing(model: keras.Sequential) -> Iterator[None]:
    """Words what TensorFlow says about rows while it computes, with the layer.

    Raises:
        DataError: The model cannot be run on the rows.
        MemoryError: They, or what is computed of them, do not fit in the memory.
    """
    try:
        yield
    except tf.errors.ResourceExhaustedError as error:
        raise MemoryError from error
    except tf.errors.OpError as error:
        raise unfit_rows(error, _failing_layer(model, str(error))) from error


def _failing_layer(model: keras.Sequential, text: str) -> str:
    """Returns words for the layer to which the node of a graph that failed belongs."""
    for layer in model.layers:
        if re.search(rf"/{re.escape(layer.name)}(_\d+)?/", text):
            return f"layer `{layer.name}` ({_type_name(layer)}): "
    return ""


def unbuildable(position: int, layer_type: str, shape: Shape | None, error: Exception) -> Finding:
    """Words a layer that cannot be made (no shape), or does not take an input of the shape."""
    path = ("model", "layers", position)
    if shape is None:
        message = f"{layer_type} cannot be made with these parameters"
        return Finding(path, message, found=first_line(error))
    axes = expected_axes(layer_type)
    return Finding(
        path,
        f"{layer_type} cannot take an input of shape {shape_text(shape)}",
        expected=f"an input of shape ({', '.join(axes)})" if axes else None,
        found=None if _wrong_rank(axes, shape) else first_line(error),
        hint=_hint(layer_type, axes, shape),
    )


def unjoinable(error: Exception) -> Finding:
    """Words layers that take their inputs one by one, but make no model together."""
    hint = "leave out one layer after the other to see which it is"
    path = ("model", "layers")
    return Finding(path, "Keras cannot join these layers", found=first_line(error), hint=hint)


def expected_axes(layer_type: str) -> tuple[str, ...]:
    """Returns the names of the axes that a kind of layer expects; empty if it takes several."""
    if layer_type.startswith("ConvLSTM"):
        return ("steps", *_AXES.get(layer_type[-2:], ()))
    if layer_type in RECURRENT:
        return _SEQUENCE
    return _AXES.get(layer_type[-2:], ())


def shape_text(shape: Shape) -> str:
    """Writes the shape of one row: `(28, 28)`."""
    sizes = ["any" if size is None else str(size) for size in shape]
    return f"({', '.join(sizes)})" if len(sizes) != 1 else f"({sizes[0]},)"


def _type_name(layer: Any) -> str:
    return type(layer).__name__


def _wrong_rank(axes: tuple[str, ...], shape: Shape) -> bool:
    return bool(axes) and len(axes) != len(shape)


def _hint(layer_type: str, axes: tuple[str, ...], shape: Shape) -> str | None:
    if not _wrong_rank(axes, shape):
        return _size_hint(layer_type, axes)
    if len(shape) == len(axes) - 1 and None not in shape:
        grown = ", ".join(str(size) for size in (*shape, 1))
        return f"add the last axis before it: {{type: Reshape, target_shape: [{grown}]}}"
    if len(shape) < len(axes):
        return f"put a Reshape before it that gives ({', '.join(axes)})"
    if "Embedding" in layer_type:
        return None
    return "put a Reshape before it, or move it before the layer that added the axes"


def _size_hint(layer_type: str, axes: tuple[str, ...]) -> str | None:
    if "Pooling" in layer_type or "Conv" in layer_type:
        return "its window is larger than the input: use padding: same, or fewer pooling layers"
    return None
