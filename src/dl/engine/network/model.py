"""Builds and compiles the `Sequential` model that a config describes, and what it takes as rows."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

import keras
import numpy as np
import tensorflow as tf

from dl.config.rules.network import declared_shapes
from dl.config.schema import Config
from dl.data.targets.target import Target
from dl.data.types import Array, DataInfo
from dl.engine.network.build_errors import BUILD_ERRORS, first_unbuildable, unbuildable, unjoinable
from dl.engine.network.metrics import build_metrics
from dl.engine.network.objects import build_object
from dl.engine.network.outputs import check_outputs
from dl.engine.network.randomness import draw_masks_fast
from dl.engine.seeds import seeded_python
from dl.vocabulary.names import with_names
from dl.vocabulary.spec import Findings, Spec
from dl.vocabulary.traits import FITTING

T = TypeVar("T")
Tensors = tuple[Any, ...]
"""Inputs, targets and, where rows weigh differently, their weights: one row of each for a row."""

MODEL_NAME = "sequential"

# To trace a model costs more than to run it, so what was traced is kept as long as the model.
_TRACED: WeakKeyDictionary[keras.Sequential, dict[Hashable, object]] = WeakKeyDictionary()


def build_model(config: Config, info: DataInfo | None) -> keras.Sequential:
    """Builds the model with initial weights that depend on the seed and the config only.

    Args:
        config: The config.
        info: What the data says; None if it was not read, then the config must declare the shape
            of the input.

    Raises:
        Findings: A layer cannot be built; at its place, with the shapes.
    """
    shapes = (shape for _, shape in declared_shapes(config.model))
    shape = info.input_shape if info else next(shapes)
    specs = with_names(config.model.layers)
    layers = _layers(specs, config.seed)
    try:
        with seeded_python(config.seed, "built"):
            return _sequential(shape, [layer for _, layer in layers])
    except BUILD_ERRORS as error:
        fresh = _layers(specs, config.seed)
        finding = first_unbuildable(shape, fresh) or unjoinable(error)
        raise Findings([finding]) from error


def compile_model(model: keras.Sequential, config: Config, info: DataInfo, target: Target) -> None:
    """Gives the model its loss, optimizer and metrics.

    Where the target is scaled, the loss is measured in the scaled unit, as the optimizer needs
    it, and every metric in the target's own unit.

    Raises:
        Findings: The outputs of the model do not fit the target.
    """
    check_outputs(model, config, target)
    training = config.training
    model.compile(
        optimizer=_part(config, training.optimizer, "optimizer"),
        loss=_loss(config, model),
        metrics=build_metrics(config, target),
        jit_compile=False,
    )
    forget(model)


def _part(config: Config, spec: Spec, key: str) -> Any:
    """Builds the object that stands at a key of the config's section `training`."""
    (named,) = with_names([spec]) if "name" in spec.parameters else [spec]
    return build_object(named, seed=config.seed, path=("training", key))


def _loss(config: Config, model: keras.Sequential) -> Any:
    """Returns the loss; `crossentropy` is the one that fits one output, or one-hot classes."""
    loss = config.training.loss
    if loss.type not in FITTING:
        return _part(config, loss, "loss")
    one = model.output_shape[-1] == 1
    return keras.losses.BinaryCrossentropy() if one else keras.losses.CategoricalCrossentropy()


def _layers(specs: list[Spec], seed: int) -> list[tuple[int, Any]]:
    """Returns the layers below the input with their positions in the config."""
    layers = []
    for position, spec in enumerate(specs):
        if spec.type == "Input":
            continue
        try:
            layer = build_object(
                spec, seed=seed, path=("model", "layers", str(spec.parameters["name"]))
            )
        except BUILD_ERRORS as error:
            raise Findings([unbuildable(position, spec.type, None, error)]) from error
        layers.append((position, layer))
    return layers


def _sequential(shape: tuple[int | None, ...], layers: list[Any]) -> keras.Sequential:
    model = keras.Sequential([keras.Input(shape, name="input"), *layers], name=MODEL_NAME)
    draw_masks_fast(nested_layers(model))
    return model


def nested_layers(model: keras.Sequential) -> Iterator[Any]:
    """Yields all layers of a model, and those inside wrappers after their wrapper."""
    waiting = list(reversed(model.layers))
    while waiting:
        layer = waiting.pop()
        yield layer
        inner = (
            getattr(layer, name, None) for name in ("backward_layer", "forward_layer", "layer")
        )
        waiting += (below for below in inner if isinstance(below, keras.layers.Layer))


def traced(model: keras.Sequential, name: Hashable, make: Callable[[], T]) -> T:
    """Returns what `make` gave for this model and name the first time."""
    known = _TRACED.setdefault(model, {})
    if name not in known:
        known[name] = make()
    return known[name]  # type: ignore[return-value]


def forget(model: keras.Sequential) -> None:
    """Drops what was traced for a model; needed when it is compiled anew."""
    _TRACED.pop(model, None)


def tensors_of(*arrays: Array | None) -> Tensors:
    """Copies rows into tensors, on the accelerator if there is one; None is left out."""
    return tuple(tf.constant(array) for array in arrays if array is not None)


def shaped_target(y: Array, model: keras.Sequential) -> Array:
    """Returns the target with the axis of the outputs where the model has one output, or without.

    Keras' losses add that axis themselves, some of its metrics do not.
    """
    while y.ndim < len(model.output_shape) and model.output_shape[-1] == 1:
        y = y[..., np.newaxis]
    while y.ndim > len(model.output_shape) and y.shape[-1] == 1:
        y = y[..., 0]
    return y
