"""Builds and compiles the `Sequential` model that a config describes, and what it takes as rows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

import keras
import tensorflow as tf
from tensorflow.python.ops.gen_resource_variable_ops import assign_variable_op

from dl.config.data import weight_of
from dl.config.phases import PhasePlan
from dl.config.rules.facts import finding, output_of
from dl.config.rules.network import Shape, declared_shapes
from dl.config.schema import Config
from dl.data.target import Target
from dl.errors import first_line
from dl.model.bases import build_base
from dl.model.checks import BUILD_ERRORS, check_outputs, first_unbuildable
from dl.model.differences import Differences
from dl.model.metrics import build_metrics
from dl.model.objects import BASES, build_object, draw_masks_fast
from dl.model.randomness import seeded_python
from dl.vocabulary.names import with_names
from dl.vocabulary.spec import Finding, Findings, Kind, Spec
from dl.vocabulary.traits import FITTING

T = TypeVar("T")

# To trace a model costs more than to run it, so what was traced is kept as long as the model.
_TRACED: WeakKeyDictionary[keras.Sequential, dict[Hashable, object]] = WeakKeyDictionary()
_FIXED: WeakKeyDictionary[keras.Sequential, list[Any]] = WeakKeyDictionary()
"""The layers of a model, and those inside of them, that its config lets never learn."""


def build_model(
    config: Config, input_shape: tuple[int, ...] | None, target: Target | None = None
) -> keras.Sequential:
    """Builds the model with initial weights that depend on the seed and the config only.

    Args:
        config: The config.
        input_shape: That of a row of the data; None if it was not read, then the config must
            declare it.
        target: What it is to predict, where its layers may say a change of that.

    Raises:
        Findings: A layer cannot be built; at its place, with the shapes.
    """
    shapes = (shape for _, shape in declared_shapes(config.model))
    shape = next(shapes) if input_shape is None else input_shape
    specs = with_names(_float32_at_the_end(config))
    with _precision(config.engine.precision):
        model = _joined(specs, config.seed, shape, target)
    draw_masks_fast(nested_layers(model))
    return model


@contextmanager
def _precision(name: str) -> Iterator[None]:
    """Lets what is built inside compute in a precision; weights are of float32 in each."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def _float32_at_the_end(config: Config) -> tuple[Spec, ...]:
    """Returns the layers, the last ones in float32 if nothing else is asked of them.

    Probabilities and losses need the range and the digits, as Keras' guide to mixed precision says.
    """
    layers = config.model.layers
    if config.engine.precision == "float32":
        return layers
    last = output_of(config.model).layer % len(layers)
    return (*layers[:last], *map(_in_float32, layers[last:]))


def _in_float32(spec: Spec) -> Spec:
    if spec.parameters.get("dtype", "") is not None:
        return spec
    return replace(spec, parameters={**spec.parameters, "dtype": "float32"})


def inner_optimizer(model: keras.Sequential) -> Any:
    """Returns what changes the weights, without what scales the loss for float16."""
    return getattr(model.optimizer, "inner_optimizer", model.optimizer)


def _joined(specs: list[Spec], seed: int, shape: Shape, target: Target | None) -> keras.Sequential:
    layers = [layer for _, layer in _layers(specs, seed, shape)]
    try:
        with seeded_python(seed, "built"):
            whole = [keras.Input(shape, name="input"), *layers]
            if target is not None and target.last is not None:
                return Differences(whole, target, name="sequential")
            return keras.Sequential(whole, name="sequential")
    except BUILD_ERRORS as error:
        finding = first_unbuildable(shape, _layers(specs, seed, shape)) or Finding(
            ("model", "layers"),
            "Keras cannot join these layers",
            found=first_line(error),
            hint="leave out one layer after the other to see which it is",
        )
        raise Findings([finding]) from error


def _layers(specs: list[Spec], seed: int, shape: Shape) -> list[tuple[int, Any]]:
    """Returns the layers below the input with their positions in the config."""
    layers: list[tuple[int, Any]] = []
    for position, spec in enumerate(specs):
        path = ("model", "layers", str(spec.parameters["name"]))
        try:
            if spec.kind is Kind.BASE:
                base = build_base(spec, _shape_behind(layers, shape), seed)
                layers.append((position, base))
            elif spec.type != "Input":
                layers.append((position, build_object(spec, seed=seed, path=path)))
        except Findings as error:
            place = ("model", "layers", position)
            raise Findings([found.below(place) for found in error.findings]) from error
        except BUILD_ERRORS as error:
            message = f"{spec.type} cannot be made with these parameters"
            raise Findings.one(
                ("model", "layers", position), message, found=first_line(error)
            ) from error
    return layers


def _shape_behind(layers: list[tuple[int, Any]], shape: Shape) -> Shape:
    """Returns the shape of a row behind layers that are not built yet."""
    for _, layer in layers:
        shape = tuple(layer.compute_output_shape((None, *shape))[1:])
    return shape


def freeze(model: keras.Sequential, names: Collection[str]) -> None:
    """Lets the weights of these layers be as they are; all others learn where their config says so.

    A frozen BatchNormalization normalizes by what it has gathered, as Keras defines it. A model
    must be compiled again afterwards.
    """
    every = model._flatten_layers(include_self=False)
    if model not in _FIXED:
        _FIXED[model] = [layer for layer in every if not layer.trainable]
    for layer in every:  # by itself: where the value is the same, nothing inside is told of it
        layer.trainable = True
    for layer in (*_FIXED[model], *(layer for layer in model.layers if layer.name in names)):
        layer.trainable = False


def check_phases(model: keras.Sequential, config: Config) -> None:
    """Raises `Findings` where no weight of a built model learns in a phase."""
    for plan in config.phases:
        if plan.phase is not None:
            freeze(model, plan.frozen)
            if not model.trainable_weights:
                learning = tuple(layer.name for layer in model.layers if layer.weights)
                raise Findings([finding(plan.path, "phases_train_something", learning=learning)])


def compile_model(
    model: keras.Sequential,
    config: Config,
    target: Target,
    plan: PhasePlan | None = None,
    optimizer: Any = None,
) -> None:
    """Gives the model its loss, optimizer and metrics, and freezes what does not learn.

    Where the target is scaled, the loss is measured in the scaled unit, as the optimizer needs
    it, and every metric in the target's own unit.

    Args:
        model: The model.
        config: The config.
        target: What the model is to predict.
        plan: The phase of the training; None for its first one.
        optimizer: One that goes on; None for a new one.

    Raises:
        Findings: The outputs of the model do not fit the target.
    """
    check_outputs(model, config, target)
    plan = plan or config.phases[0]
    if plan.phase is not None:
        freeze(model, plan.frozen)
    loss = config.training.loss
    if loss.type not in FITTING:
        measure = _part(config, loss, "loss")
    elif model.output_shape[-1] == 1:  # `crossentropy`: what fits one output, or one-hot classes
        measure = keras.losses.BinaryCrossentropy()
    else:
        measure = keras.losses.CategoricalCrossentropy()
    ignoring = getattr(config.data, "mask_ignore", None) is not None
    weighted = ignoring or weight_of(config.data) is not None
    model.compile(
        optimizer=optimizer or _part(config, plan.training.optimizer, "optimizer"),
        loss=measure,
        **{"weighted_metrics" if weighted else "metrics": build_metrics(config, target)},
        jit_compile=False,  # whether steps are compiled is decided for loops of them
    )
    _TRACED.pop(model, None)


def _part(config: Config, spec: Spec, key: str) -> Any:
    """Builds the object that stands at a key of the config's section `training`."""
    (named,) = with_names([spec]) if "name" in spec.parameters else [spec]
    return build_object(named, seed=config.seed, path=("training", key))


def nested_layers(model: keras.Sequential) -> Iterator[Any]:
    """Yields all layers of a model, and those inside wrappers and bases after these."""
    waiting = list(reversed(model.layers))
    while waiting:
        layer = waiting.pop()
        yield layer
        names = ("backward_layer", "forward_layer", "layer")
        inner = layer.layers if layer in BASES else (getattr(layer, name, None) for name in names)
        waiting += (below for below in inner if isinstance(below, keras.layers.Layer))


def traced(model: keras.Sequential, name: Hashable, make: Callable[[], T]) -> T:
    """Returns what `make` gave for this model and name the first time."""
    known = _TRACED.setdefault(model, {})
    if name not in known:
        known[name] = make()
    return known[name]  # type: ignore[return-value]


def reset_metrics(model: keras.Sequential) -> None:
    """Does what Keras' method does, which takes as long as some steps of a small network.

    It assigns to each variable what it was after the method, in one operation and without a look
    at its type and shape.
    """
    variables = [variable.value for variable in model.metrics_variables]
    if model.distribute_strategy.num_replicas_in_sync > 1:
        model.reset_metrics()
        return

    def first() -> list[tuple[Any, tf.Tensor]]:
        model.reset_metrics()
        return [(variable.handle, tf.identity(variable)) for variable in variables]

    # There are more of them once a first batch has told their shapes.
    for handle, value in traced(model, ("reset", *map(id, variables)), first):
        assign_variable_op(handle, value)  # `tf.raw_ops` would gather 1,400 first


def forget(model: keras.Sequential) -> None:
    """Drops what was traced for a model; needed when it is compiled anew."""
    _TRACED.pop(model, None)
