"""What a model is given, and in plain words why it cannot be built or cannot compute."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from dl.config.data import target_is_input
from dl.config.rules.network import Shape
from dl.config.schema import Config
from dl.data.dataset import Dataset
from dl.data.rules import wrong_units
from dl.data.target import Target
from dl.data.target_fit import class_weights, row_weights
from dl.data.target_values import without_ones
from dl.data.types import Array, Part, Rows, made_of
from dl.errors import first_line, unfit_rows
from dl.model.metrics import build_metrics
from dl.model.tensors import tensors_of
from dl.vocabulary.spec import Finding, Findings
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

_CHECKED_ROWS = 5
"""More than one: a single row fits any shape by broadcasting."""
_SEQUENCE = ("steps", "features")
_AXES = {
    "1D": _SEQUENCE,
    "2D": ("height", "width", "channels"),
    "3D": ("depth", "height", "width", "channels"),
}
# Keras 3 names the layer that failed in the text of the error alone.
_CALLING = re.compile(r"Exception encountered when calling (\w+)\.")


def shaped_target(y: Rows, model: keras.Sequential) -> Rows:
    """Returns targets, shape (rows, ...), with as many axes as the outputs of the model.

    An axis of length 1 is added or taken away: Keras' losses do that themselves, some of its
    metrics do not.
    """
    axes, shape = len(model.output_shape), y.shape
    if axes > len(shape) and model.output_shape[-1] == 1:
        shape += (1,) * (axes - len(shape))
    while axes < len(shape) and shape[-1] == 1:
        shape = shape[:-1]
    return y if shape == y.shape else made_of(y, lambda some: some.reshape(-1, *shape[1:]))


def loss_targets(
    model: keras.Sequential, dataset: Dataset, config: Config, part: Part
) -> tuple[Rows, Rows | None]:
    """Returns training targets as the loss takes them, and the weight of each row in it.

    Args:
        model: The model.
        dataset: The data; "balanced" weights follow from its whole training part.
        config: The config.
        part: Rows of the training part, or all of it.

    Returns:
        The targets with the axes of the model's outputs, and the weights, shape (rows, *places);
        None where all rows weigh the same.
    """
    weights = class_weights(dataset.train, dataset.target, config.training.class_weight)
    by_class = row_weights(part.y, dataset.target, weights)
    return shaped_target(part.y, model), part.weights if by_class is None else by_class


def check_training(model: keras.Sequential, dataset: Dataset, config: Config) -> None:
    """Measures the loss and the metrics of a few rows, so that what does not fit shows early.

    The optimizer has its variables afterwards.

    Raises:
        Findings: The loss or a metric does not take the model's output and the target; or the
            class weights do not fit the target.
    """
    few = dataset.train.take(slice(_CHECKED_ROWS))
    y, weights = loss_targets(model, dataset, config, few)
    places = dataset.target.places
    if weights is not None and places and len(model.output_shape) < len(places) + 2:
        raise Findings.one(
            ("training", "class_weight"),
            "weighs the class of each place, but the outputs of a place have no axis of their own",
            expected=f"outputs of the shape {shape_text((*places, 1))}",
            found=shape_text(tuple(model.output_shape[1:])),
            hint="end with a Reshape to that shape, or remove class_weight",
            at_key=True,
        )
    state = [variable for variable in model.variables if not variable.trainable]
    before = [np.array(variable.numpy()) for variable in state]
    try:
        model.test_step(tensors_of(few.x[:], y, few.weights))
    except BUILD_ERRORS as error:
        raise unfit(model, dataset, config, error, training=False) from error
    for variable, value in zip(state, before, strict=True):
        # Keras' recurrent layers draw a dropout mask at inference, too, which moves their seed on.
        variable.assign(value)
    model.optimizer.build(model.trainable_variables)
    model.reset_metrics()


def check_outputs(model: keras.Sequential, config: Config, target: Target) -> None:
    """Compares the output of the last layer with the target, where the target says what it needs.

    Raises:
        Findings: The output has more axes than the target, or another number of values.
    """
    shape, units = tuple(model.output_shape[1:]), target.units
    if units is None or _fits(shape, (*target.places, units)):
        return
    last = ("model", "layers", len(config.model.layers) - 1)
    if not target.places and len(shape) == 1:
        raise Findings([wrong_units(config, target, int(shape[0] or 0), last)])
    message = f"the model gives an output of shape {shape_text(shape)} for each row"
    if target_is_input(config.data):
        wanted = shape_text(tuple(model.input_shape[1:]))
        expected = f"{wanted}: the shape of the inputs, which are the target"
        raise Findings.one(last, message, expected, hint=f"end with outputs of the shape {wanted}")
    hint = "put a Flatten or a global pooling layer before the last Dense layer"
    if target.places:
        hint = (
            "the target has several axes: let the last layers keep them (return_sequences: true, "
            "RepeatVector, convolutions with padding: same, Reshape)"
        )
        if units > 1 and _fits(shape[:-1], target.places):
            hint = (
                f"end with {units} outputs at each place; if the data lacks some classes, name "
                "them all in data.classes"
            )
    raise Findings.one(last, message, _expected(target, units), hint=hint)


def _expected(target: Target, units: int) -> str:
    if target.places:
        shape = shape_text((*target.places, units) if target.classes else target.places)
        each = "a number for each class" if target.form in ("labels", "one_hot") else "a number"
        each = "a number for each label" if target.task == "multilabel" else each
        return f"{shape}: {each} at each of the places {shape_text(target.places)}"
    if target.form == "single":
        return "1: a single number tells two classes apart"
    return f"{units}: one for each {'target' if target.task == 'regression' else 'class'}"


def _fits(shape: Shape, needed: tuple[int, ...]) -> bool:
    """Whether shapes are the same, but for axes of length 1 at their ends."""
    left, right = without_ones(shape), without_ones(needed)
    return len(left) == len(right) and all(
        size in (None, other) for size, other in zip(left, right, strict=True)
    )


def unfit(
    model: keras.Sequential, dataset: Dataset, config: Config, error: Exception, *, training: bool
) -> Findings:
    """Returns why the first rows are not taken, and by which layer, loss or metric."""
    few = dataset.train.take(slice(_CHECKED_ROWS))
    x, y = few.x[:], shaped_target(few.y, model)[:]
    found = _failing_layer(model, config, x, error, training=training)
    return Findings([found or _unmeasurable(model, config, dataset.target, x, y, error)])


def _failing_layer(
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
        named = _CALLING.search(str(error))
        types = [type(layer).__name__ for layer in model.layers]
        if named is None or named[1] not in types:
            return None
        number = types.index(named[1])
    except BUILD_ERRORS as own:
        number, error = len(inputs) - 1, own
    layers = [place for place in enumerate(config.model.layers) if place[1].type != "Input"]
    position, spec = layers[number]
    mask = getattr(inputs[number], "_keras_mask", None)
    shape = shape_text(tuple(inputs[number].shape[1:]))
    hint = None
    if mask is not None:
        hint = (
            f"a mask of shape {shape_text(tuple(mask.shape[1:]))} comes with it: leave out the "
            "layer that makes it (Masking, or mask_zero)"
        )
    message = f"{spec.type} cannot compute with an input of shape {shape}"
    return Finding(("model", "layers", position), message, found=first_line(error), hint=hint)


def _unmeasurable(
    model: keras.Sequential, config: Config, target: Target, x: Array, y: Array, error: Exception
) -> Finding:
    """Says what does not take the outputs for these rows: the loss, or else the first metric."""
    outputs = model(x, training=False)
    shape, needed = tuple(model.output_shape[1:]), tuple(y.shape[1:])
    found = Finding(
        ("training", "loss"),
        f"does not take outputs of shape {shape_text(shape)}",
        expected=f"outputs that fit a target of shape {shape_text(needed)} for each row",
        found=first_line(error),
        hint=f"choose another loss than {config.training.loss.type}, or another last layer",
    )
    if not _takes(model.compute_loss, x, y, outputs):
        return found
    for index, metric in enumerate(build_metrics(config, target)):
        if not _takes(metric.update_state, y, outputs):
            return replace(found, path=("training", "metrics", index), hint="remove it")
    return found


def _takes(measure: Callable[..., object], *values: Any) -> bool:
    try:
        measure(*values)
    except BUILD_ERRORS:
        return False
    return True


def outputs_of_layers(model: keras.Sequential, x: Any, training: bool) -> Iterator[Any]:
    """Yields the output of each layer for some rows, with the mask that goes with it."""
    for layer in model.layers:
        takes_training = "training" in inspect.signature(layer.call).parameters
        x = layer(x, training=training) if takes_training else layer(x)
        yield x


def first_unbuildable(shape: Shape, layers: list[tuple[int, Any]]) -> Finding | None:
    """Returns why the first layer that does not take its input does not, or None if all do.

    Args:
        shape: Shape of one input row.
        layers: Layers that are not built yet, with their positions in the config.
    """
    tensor = keras.Input(shape)
    for position, layer in layers:
        try:
            tensor = layer(tensor)
        except BUILD_ERRORS as error:
            return _unbuildable(position, type(layer).__name__, tuple(tensor.shape[1:]), error)
    return None


def _unbuildable(position: int, layer_type: str, shape: Shape, error: Exception) -> Finding:
    axes = expected_axes(layer_type)
    wrong_rank = bool(axes) and len(axes) != len(shape)
    names = f"({', '.join(axes)})"
    hint = None
    if not wrong_rank and ("Pooling" in layer_type or "Conv" in layer_type):
        hint = "its window is larger than the input: use padding: same, or fewer pooling layers"
    elif wrong_rank and len(shape) == len(axes) - 1 and None not in shape:
        grown = ", ".join(str(size) for size in (*shape, 1))
        hint = f"add the last axis before it: {{type: Reshape, target_shape: [{grown}]}}"
    elif wrong_rank and len(shape) < len(axes):
        hint = f"put a Reshape before it that gives {names}"
    elif wrong_rank:
        hint = "put a Reshape before it, or move it before the layer that added the axes"
    return Finding(
        ("model", "layers", position),
        f"{layer_type} cannot take an input of shape {shape_text(shape)}",
        expected=f"an input of shape {names}" if axes else None,
        found=None if wrong_rank else first_line(error),
        hint=hint,
    )


def expected_axes(layer_type: str) -> tuple[str, ...]:
    """Returns the names of the axes that a kind of layer expects; empty if it takes several."""
    if layer_type in RECURRENT:
        return _SEQUENCE
    steps = ("steps",) if layer_type.startswith("ConvLSTM") else ()
    return (*steps, *_AXES.get(layer_type[-2:], ()))


def shape_text(shape: Shape) -> str:
    """Writes the shape of one row: `(28, 28)`."""
    sizes = ["any" if size is None else str(size) for size in shape]
    return f"({', '.join(sizes)})" if len(sizes) != 1 else f"({sizes[0]},)"


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
        # The error names the node of the graph that failed; its layer is one of the folders.
        for layer in model.layers:
            if re.search(rf"/{re.escape(layer.name)}(_\d+)?/", str(error)):
                where = f"layer `{layer.name}` ({type(layer).__name__}): "
                raise unfit_rows(error, where) from error
        raise unfit_rows(error) from error
