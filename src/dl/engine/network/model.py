"""Builds and compiles the `Sequential` model that a config describes."""

from __future__ import annotations

from typing import Any

import keras

from dl.config.schema import Config
from dl.data.targets.target import Target
from dl.data.types import DataInfo
from dl.engine.inference.traced import forget
from dl.engine.network.build_errors import BUILD_ERRORS, first_unbuildable, unbuildable, unjoinable
from dl.engine.network.inputs import declared_shape, is_input
from dl.engine.network.metrics import build_metrics
from dl.engine.network.objects import build_object
from dl.engine.network.outputs import check_outputs
from dl.engine.network.randomness import draw_masks_fast
from dl.engine.network.work import nested_layers
from dl.engine.seeds import seeded_python
from dl.vocabulary.names import with_names
from dl.vocabulary.spec import Findings, Spec
from dl.vocabulary.traits import FITTING

MODEL_NAME = "sequential"


def build_model(config: Config, info: DataInfo | None) -> keras.Sequential:
    """Builds the model with initial weights that depend on the seed and the config only.

    Args:
        config: The config.
        info: What the data says; None if it was not read, then the config must declare the shape
            of the input.

    Raises:
        Findings: A layer cannot be built; at its place, with the shapes.
    """
    shape = declared_shape(config, info)
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
        if is_input(spec.type):
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
