"""Rules on the layers: activations, outputs, and how many parameters they have."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from dl.config.rules.output import activation_of
from dl.config.rules.words import layer_path, spoken
from dl.lint.advice import Advice, Case
from dl.text import plural
from dl.vocabulary.spec import Kind, Path, Spec
from dl.vocabulary.traits import (
    CROSS_ENTROPIES,
    DROPPING,
    HIDDEN,
    LINEAR,
    NORMALIZING,
    NOT_DRAWN,
    ONE_HOT,
    REGRESSION,
)

_SATURATING = {"sigmoid": 2, "hard_sigmoid": 2, "tanh": 4}
"""Activations that flatten out, and from how many hidden layers on they learn slowly."""
_MOST_PARAMETERS_PER_ROW = 100


def output_activation(case: Case) -> Iterator[Advice]:
    """A number to predict needs an output that can reach it."""
    output, config = case.output, case.config
    if output is None or config.training.loss.type not in REGRESSION or _has_classes(case):
        return
    bounded = {"sigmoid": "from 0 to 1", "tanh": "from -1 to 1", "softmax": "that add up to 1"}
    if output.activation in bounded and config.preprocess.target in ("none", "standardize"):
        reach = bounded[output.activation]
        why = f"{output.activation} gives numbers {reach}: the network can predict no others."
    elif output.activation == "relu":
        why = "A ReLU output learns nothing from rows for which it gives 0, and may stay at 0."
    else:
        return
    message = f"limits the predicted number: {output.activation}"
    yield Advice(output.activation_path, message, why, LINEAR)


def output_units(case: Case) -> Iterator[Advice]:
    """Two classes need one sigmoid unit, not two of softmax."""
    output = case.output
    if output is None or output.activation != "softmax" or output.units != 2:
        return
    classes = len(case.config.data.classes or ()) or case.peek.classes
    if case.config.training.loss.type not in CROSS_ENTROPIES or classes != 2:
        return
    yield Advice(
        output.units_path[:-1],
        "gives two probabilities for two classes",
        "The second is 1 minus the first: one sigmoid unit with binary_crossentropy learns the "
        "same with half of the weights.",
        "{type: Dense, units: 1, activation: sigmoid}",
    )


def loss_encoding(case: Case) -> Iterator[Advice]:
    """Class numbers go with the sparse loss."""
    loss = case.config.training.loss
    one_column = case.peek.columns in (None, 1) and case.peek.target is not None
    if loss.type not in ONE_HOT or not one_column or (case.peek.classes or 0) < 10:
        return
    yield Advice(
        ("training", "loss"),
        f"is for one-hot labels, but the labels are {plural(case.peek.classes or 0, 'class')} in "
        "one column",
        "sparse_categorical_crossentropy is the same loss to the last digits, and a label takes "
        "one number instead of one for each class.",
        f"sparse_{spoken(loss)}" if loss.type == "CategoricalCrossentropy" else "crossentropy",
    )


def linear_hidden(case: Case) -> Iterator[Advice]:
    """A hidden layer without activation adds nothing to the next one."""
    layers = case.config.model.layers
    for index, layer in _hidden(case):
        found = activation_of(layer, ("model", "layers", index))
        after = [other.type for other in layers[index + 1 :]]
        follower = next((kind for kind in after if kind not in NORMALIZING | DROPPING), "")
        if found is None or found[0] != LINEAR or follower not in HIDDEN | {"Flatten"}:
            continue
        yield Advice(
            ("model", "layers", index, "activation"),
            f"is missing: {layer_path(index, layer)} is linear",
            "Two linear layers in a row can learn no more than one: what lies between them must "
            "not be linear.",
            "relu",
        )
        return


def saturating_hidden(case: Case) -> Iterator[Advice]:
    """Sigmoid and tanh let the gradient vanish in deep networks."""
    places: dict[str, list[Path]] = {}
    for index, layer in _hidden(case):
        found = activation_of(layer, ("model", "layers", index))
        if found is not None and found[0] in _SATURATING:
            places.setdefault(found[0], []).append(found[1])
    for name, paths in places.items():
        if len(paths) >= _SATURATING[name]:
            yield Advice(
                paths[0],
                f"is one of {len(paths)} hidden layers with {name}",
                f"The slope of {name} is small where its input is large"
                f"{'' if name == 'tanh' else ', and at most 0.25'}: layer by layer the gradient "
                "vanishes, and the first layers hardly learn.",
                "relu",
            )


def frozen_random(case: Case) -> Iterator[Advice]:
    """A layer that is not trained keeps the random weights that it begins with."""
    for path, layer in _with_inner(case.config.model.layers, ("model", "layers")):
        if layer.parameters.get("trainable") is False and _begins_random(layer):
            yield Advice(
                (*path, "trainable"),
                "is false: the layer keeps the random weights that it begins with",
                "Nothing else fills its weights, so what it makes of its input is random and stays "
                "so. To freeze is for layers that were trained before.",
                "true",
            )


def _with_inner(layers: Iterable[Spec], above: Path) -> Iterator[tuple[Path, Spec]]:
    """Yields the layers, and the one inside of each that wraps another."""
    for index, layer in enumerate(layers):
        yield (*above, index), layer
        inner = layer.parameters.get("layer")
        if isinstance(inner, Spec):
            yield (*above, index, "layer"), inner


def _begins_random(layer: Spec) -> bool:
    """Tells whether a layer, or one inside of it, draws its first weights."""
    for name, value in layer.parameters.items():
        if not isinstance(value, Spec):
            continue
        if name.endswith("_initializer") and value.type not in NOT_DRAWN:
            return True
        if value.kind in (Kind.LAYER, Kind.CELL) and _begins_random(value):
            return True
    return False


def dropout_last(case: Case) -> Iterator[Advice]:
    """Dropout after the output layer destroys answers."""
    layers = case.config.model.layers
    if layers[-1].type in DROPPING:
        yield Advice(
            ("model", "layers", len(layers) - 1),
            "drops outputs of the network",
            "While it trains, answers are set to 0 at random, and the loss of those rows teaches "
            "nothing. Dropout belongs between hidden layers.",
            None,
        )


def too_many_parameters(case: Case) -> Iterator[Advice]:
    """A network with far more weights than rows learns them by heart."""
    rows, shape = case.counts.training, case.peek.input_shape
    inputs = case.counts.inputs if shape is None else math.prod(shape)
    if rows is None or inputs is None or rows < 20 or _is_restrained(case):
        return
    parameters = _dense_parameters(case, inputs)
    if parameters is None or parameters <= _MOST_PARAMETERS_PER_ROW * rows:
        return
    index, layer = max(_hidden(case), key=lambda item: _units(item[1]), default=(0, None))
    if layer is None:
        return
    fitting = max(4, _units(layer) * _MOST_PARAMETERS_PER_ROW * rows // parameters // 4)
    yield Advice(
        ("model", "layers", index, "units"),
        f"makes a network of {parameters:,} parameters for about {rows:,} training rows",
        "So many weights can learn the rows by heart instead of a rule. Fewer units, Dropout, a "
        "regularizer or EarlyStopping hold it back.",
        str(1 << (fitting.bit_length() - 1)),
    )


def _hidden(case: Case) -> Iterator[tuple[int, Spec]]:
    """Yields the layers with weights but for the last of them."""
    weighted = [
        (index, layer)
        for index, layer in enumerate(case.config.model.layers)
        if layer.type in HIDDEN
    ]
    yield from weighted[:-1]


def _dense_parameters(case: Case, inputs: int) -> int | None:
    """Returns the parameters of a stack of Dense layers; None for other networks."""
    total = 0
    for layer in case.config.model.layers:
        if layer.type == "Dense":
            total += (inputs + bool(layer.parameters.get("use_bias", True))) * _units(layer)
            inputs = _units(layer)
        elif layer.type not in {"Flatten", "Activation", "Input", "ReLU", *DROPPING}:
            return None
    return total


def _units(layer: Spec) -> int:
    units = layer.parameters.get("units")
    return units if isinstance(units, int) else 0


def _is_restrained(case: Case) -> bool:
    """Tells whether something holds a large network back from learning rows by heart."""
    layers, callbacks = case.config.model.layers, case.config.training.callbacks
    return (
        any(layer.type in DROPPING for layer in layers)
        or any(layer.parameters.get("kernel_regularizer") is not None for layer in layers)
        or any(callback.type == "EarlyStopping" for callback in callbacks)
    )


def _has_classes(case: Case) -> bool:
    data = case.config.data
    stated = data.task not in (None, "regression") or data.classes is not None
    return stated or case.peek.target in ("classes", "text")
