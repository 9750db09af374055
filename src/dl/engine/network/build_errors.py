"""Says in plain words why a layer cannot be built."""

from __future__ import annotations

import re
from typing import Any

import keras
import tensorflow as tf

from dl.engine.network.inputs import Shape
from dl.vocabulary.spec import Finding

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
_RECURRENT = frozenset({"LSTM", "GRU", "SimpleRNN", "RNN", "Bidirectional"})
_LINE_LIMIT = 160


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


def unbuildable(position: int, layer_type: str, shape: Shape | None, error: Exception) -> Finding:
    """Words a layer that cannot be made (no shape), or does not take an input of the shape."""
    path = ("model", "layers", position)
    if shape is None:
        message = f"{layer_type} cannot be made with these parameters"
        return Finding(path, message, found=condensed(error))
    axes = expected_axes(layer_type)
    return Finding(
        path,
        f"{layer_type} cannot take an input of shape {shape_text(shape)}",
        expected=f"an input of shape ({', '.join(axes)})" if axes else None,
        found=None if _wrong_rank(axes, shape) else condensed(error),
        hint=_hint(layer_type, axes, shape),
    )


def unjoinable(error: Exception) -> Finding:
    """Words layers that take their inputs one by one, but make no model together."""
    hint = "leave out one layer after the other to see which it is"
    path = ("model", "layers")
    return Finding(path, "Keras cannot join these layers", found=condensed(error), hint=hint)


def expected_axes(layer_type: str) -> tuple[str, ...]:
    """Returns the names of the axes that a kind of layer expects; empty if it takes several."""
    if layer_type.startswith("ConvLSTM"):
        return ("steps", *_AXES.get(layer_type[-2:], ()))
    if layer_type in _RECURRENT:
        return _SEQUENCE
    return _AXES.get(layer_type[-2:], ())


def shape_text(shape: Shape) -> str:
    """Writes the shape of one row: `(28, 28)`."""
    sizes = ["any" if size is None else str(size) for size in shape]
    return f"({', '.join(sizes)})" if len(sizes) != 1 else f"({sizes[0]},)"


def condensed(error: Exception) -> str:
    """Returns the first line of a message of Keras, without its quoting and object dumps."""
    text = str(error).strip() or type(error).__name__
    text = re.sub(r"\{\{.*?\}\}", "", text)
    line = next((line.strip() for line in text.splitlines() if line.strip()), text)
    line = re.sub(r"^Exception encountered when calling \S+\.?\s*", "", line) or line
    return line if len(line) <= _LINE_LIMIT else line[: _LINE_LIMIT - 1] + "…"


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
