"""How much a model computes for a row, and of what kinds of layers it is made."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from dl.vocabulary.traits import PER_POSITION, RECURRENT


@dataclass(frozen=True, slots=True)
class Work:
    """What a model computes.

    Attributes:
        layer_types: Names of the classes of all layers, nested ones included.
        operations: Multiplications and additions of a forward pass of one row, about.
        loop_steps: Steps in time of all recurrent layers together.
        uncompilable: What cannot or should not be compiled with XLA, in words; empty if nothing.
    """

    layer_types: tuple[str, ...]
    operations: int
    loop_steps: int
    uncompilable: str


def work_of(model: keras.Sequential) -> Work:
    """Returns how much a built model computes."""
    layers = list(nested_layers(model))
    return Work(
        layer_types=tuple(dict.fromkeys(type(layer).__name__ for layer in layers)),
        operations=sum(2 * _weights(layer) * _positions(layer) for layer in model.layers),
        loop_steps=sum(_positions(layer) for layer in model.layers if _is_recurrent(layer)),
        uncompilable=next((words for layer in layers if (words := _uncompilable(layer))), ""),
    )


def nested_layers(model: keras.Sequential) -> Iterator[Any]:
    """Yields all layers of a model, and those inside wrappers after their wrapper."""
    for layer in model.layers:
        yield from _with_nested(layer)


def _with_nested(layer: Any) -> Iterator[Any]:
    yield layer
    for name in ("layer", "forward_layer", "backward_layer"):
        nested = getattr(layer, name, None)
        if isinstance(nested, keras.layers.Layer):
            yield from _with_nested(nested)


def _uncompilable(layer: Any) -> str:
    return type(layer).__name__ if getattr(layer, "supports_jit", True) is False else ""


def _weights(layer: Any) -> int:
    if isinstance(layer, keras.layers.Embedding):
        return 0
    return int(sum(np.prod(weight.shape) for weight in layer.trainable_weights))


def _positions(layer: Any) -> int:
    """Returns how often the weights of a layer are used for a row."""
    name = type(layer).__name__
    if _is_recurrent(layer):
        # Behind a layer that masks steps, the input is a list: the rows, then their mask.
        return _size(keras.tree.flatten(layer.input)[0].shape[1:2])
    if name in PER_POSITION or "Conv" in name:
        return _size(layer.output.shape[1:-1])
    return 1


def _is_recurrent(layer: Any) -> bool:
    return type(layer).__name__ in RECURRENT


def _size(shape: tuple[int | None, ...]) -> int:
    return int(np.prod([size or 1 for size in shape], dtype=np.int64))
