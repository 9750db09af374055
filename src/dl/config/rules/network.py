"""What is certainly wrong in the section `model`: layers, shapes, tables, activations and size."""

from __future__ import annotations

import math
from collections.abc import Iterator

from dl.config.rules.facts import (
    LOSS,
    Facts,
    Output,
    layer_path,
    named_layers,
    place,
    spoken,
    target_shape,
    whole_number,
)
from dl.config.schema import Model, Training
from dl.system import physical_memory
from dl.text import plural
from dl.vocabulary.spec import Finding, Path, Spec
from dl.vocabulary.traits import (
    BINARY,
    BY_NUMBER,
    CROSS_ENTROPIES,
    GATES,
    LINEAR,
    MOVING,
    ONE_HOT,
    PERCEPTRON,
    PROBABILITIES,
    SIGMOIDS,
    SPARSE,
    TABLES,
    from_logits,
)

_BYTES_OF_A_WEIGHT = 4

Shape = tuple[int | None, ...]


def layer_names_differ(model: Model) -> Iterator[Finding]:
    """Two layers must not share a name; a name is not a number, which would be a position."""
    seen: dict[str, int] = {}
    for index, layer, path in named_layers(model):
        name = layer.parameters.get("name")
        if not isinstance(name, str):
            continue
        if name.isdecimal():
            message = "is a number, which would be read as the position of a layer"
            yield Finding((*path, "name"), message, "a name with a letter", repr(name))
        elif name in seen:
            message = f"is the name of model.layers.{seen[name]} already"
            yield Finding((*path, "name"), message, "a name of its own", repr(name))
        seen.setdefault(name, index)


def input_comes_first(model: Model) -> Iterator[Finding]:
    """An input layer can only be the first."""
    for index, layer, path in named_layers(model):
        if layer.type == "Input" and index > 0:
            yield Finding(
                path,
                f"is an input after {layer_path(0, model.layers[0])}",
                expected="the input layer first",
                found=f"{layer.type} at position {index}",
                hint="move it to the top, or remove it: the data gives the shape",
            )


def a_layer_computes(model: Model) -> Iterator[Finding]:
    """A network has a layer beside the input."""
    if all(layer.type == "Input" for layer in model.layers):
        yield Finding(("model", "layers"), "has no layer but the input", expected="a layer more")


def declared_shapes(model: Model) -> Iterator[tuple[Path, Shape]]:
    """Yields the shapes of a row that a config declares, with their places."""
    first = model.layers[0]
    shape = first.parameters.get("shape") if first.type == "Input" else None
    if isinstance(shape, tuple | list):
        yield ("model", "layers", 0, "shape"), tuple(shape)
    if model.input_shape is not None:
        yield ("model", "input_shape"), model.input_shape


def input_shape_fits_data(model: Model, facts: Facts) -> Iterator[Finding]:
    """A declared input shape is that of a row of the data, or of another declaration."""
    declared, known = list(declared_shapes(model)), facts.probe.input_shape
    if not declared:
        return
    right = [declared[0][1] if known is None else known]
    if known is not None and facts.probe.answer is None:
        right.append((*known, 1))  # pictures get an axis of channels where that is asked for
    for path, shape in declared:
        if not any(_fits(shape, other) for other in right):
            yield Finding(
                path,
                "is not the shape of a row of the data",
                expected=str(list(right[0])),
                found=str(list(shape)),
                hint="leave it out: the shape is taken from the data",
            )


def _fits(declared: Shape, shape: Shape) -> bool:
    return len(declared) == len(shape) and all(
        size is None or size == other for size, other in zip(declared, shape, strict=True)
    )


def numbers_can_be_looked_up(model: Model) -> Iterator[Finding]:
    """What a layer numbers, the one behind it can look up; XLA would clamp it without a word."""
    maker: tuple[int, Spec] | None = None
    for index, layer, path in named_layers(model):
        parameter = TABLES.get(layer.type)
        known = whole_number(layer, parameter) if parameter else None
        if parameter and maker and known is not None and known < _made(maker[1]):
            yield Finding(
                place(path, layer, parameter),
                f"is too small for what {layer_path(*maker)} ({maker[1].type}) gives",
                expected=f"{_made(maker[1])} or more: it numbers from 0 to {_made(maker[1]) - 1}",
                found=str(known),
            )
        if _made(layer):
            maker = index, layer
        elif layer.type not in MOVING:
            maker = None


def _made(layer: Spec) -> int:
    """Returns how many numbers a layer gives, from 0 on; 0 if it gives others."""
    parameters = layer.parameters
    if parameters.get("output_mode") != "int":
        return 0
    match layer.type:
        case "Hashing":
            return _size(parameters.get("num_bins"))
        case "Discretization":
            limits = parameters.get("bin_boundaries")
            return _size(limits) + 1 if limits else _size(parameters.get("num_bins"))
        case "IntegerLookup":
            mask = parameters.get("mask_token") is not None
            return _size(parameters.get("vocabulary")) + _size(parameters["num_oov_indices"]) + mask
    return 0


def _size(value: object) -> int:
    if isinstance(value, tuple | list):
        return len(value)
    return value if isinstance(value, int) else 0


def weights_fit_memory(model: Model, facts: Facts) -> Iterator[Finding]:
    """The weights of all layers fit into the memory of this machine; the largest is reported.

    It is a lower bound: that of layers whose input is not known counts as if that were of size 1.
    """
    counts = list(_least_weights(model, model.input_shape or facts.probe.input_shape))
    if sum(counts) * _BYTES_OF_A_WEIGHT <= physical_memory():
        return
    index = max(range(len(counts)), key=counts.__getitem__)
    layer, most = model.layers[index], counts[index]
    given = [name for name in ("units", "filters", "input_dim") if name in layer.given]
    yield Finding(
        ("model", "layers", index, *given[:1]),
        f"makes weights that do not fit into the memory of this machine "
        f"({layer_path(index, layer)}: {layer.type})",
        expected="fewer weights",
        found=f"at least {most:,} weights, {most * _BYTES_OF_A_WEIGHT / 2**30:,.0f} GiB",
        hint="make the layer smaller",
    )


def _least_weights(model: Model, row: Shape | None) -> Iterator[int]:
    """Yields for each layer the least number of weights; `row` is the shape of the input."""
    sizes = [size for size in row or () if size is not None]
    shape = sizes if row and len(sizes) == len(row) else None
    for layer in map(_innermost, model.layers):
        if layer.type == "Dense":
            units = whole_number(layer, "units") or 1
            yield units * (shape[-1] if shape else 1)
            shape = [*shape[:-1], units] if shape else None
            continue
        yield _own_weights(layer)
        if layer.type == "Flatten" and shape is not None:
            shape = [math.prod(shape)]
        elif layer.type not in BY_NUMBER | {"Input"}:
            shape = None


def _own_weights(layer: Spec) -> int:
    def number(parameter: str) -> int:
        return whole_number(layer, parameter) or 1

    if layer.type == "Embedding":
        return number("input_dim") * number("output_dim")
    if layer.type in GATES:
        return GATES[layer.type] * number("units") ** 2
    if "filters" in layer.parameters:
        kernel = layer.parameters.get("kernel_size")
        sizes = kernel if isinstance(kernel, tuple) else (kernel,)
        area = math.prod(size for size in sizes if isinstance(size, int))
        return number("filters") * area
    return 0


def _innermost(layer: Spec) -> Spec:
    inner = layer.parameters.get("layer")
    return _innermost(inner) if isinstance(inner, Spec) else layer


def softmax_is_over_several(output: Output) -> Iterator[Finding]:
    """A softmax of one unit says the same of every row."""
    if output.activation == "softmax" and output.units == 1:
        yield Finding(
            output.activation_path,
            "makes a softmax of one unit, which is always 1",
            expected="one unit for each class",
            found="units: 1",
            hint="for two classes write units: 1, activation: sigmoid and loss: "
            "binary_crossentropy",
        )


def activation_fits_loss(model: Model, training: Training, output: Output) -> Iterator[Finding]:
    """The loss and the activation of the outputs belong together; tells the first mistake."""
    loss, name = training.loss, output.activation
    layer = model.layers[output.layer]
    where = layer_path(output.layer, layer)
    if name == "softmax" and output.units == 1:
        return  # `softmax_is_over_several` tells it
    if from_logits(loss) and name in SIGMOIDS | {"softmax"}:
        yield Finding(
            place(LOSS, loss, "from_logits"),
            f"asks for outputs without activation, but {where} applies {name}",
            expected=f"from_logits: false with {name}, or an output without activation",
            found=f"from_logits: true with {name}",
            hint="remove from_logits: true",
        )
    elif name == "softmax" and (classes := _reshaped_softmax(model, output)):
        over, last = classes
        yield Finding(
            output.activation_path,
            f"makes a softmax over the {over} units of {where}, not over the {last} classes of "
            "each place that Reshape makes of them",
            expected="probabilities whose sum is 1 at each place",
            found="softmax before Reshape",
            hint="leave this activation out and add {type: Softmax} as the last layer",
        )
    elif found := _other_output(loss, output, layer):
        expected, hint = found
        shown = "linear (no activation)" if name == LINEAR else name
        yield Finding(
            LOSS,
            f"does not fit the output of {where}",
            expected=f"{expected} for {spoken(loss)}",
            found=f"{spoken(loss)} with a {shown} output",
            hint=hint,
        )
    elif loss.type in ONE_HOT | SPARSE and output.units == 1:
        yield Finding(
            LOSS,
            f"needs one output for each class, but the network has {plural(1, 'output')}",
            expected="a softmax output with one unit for each class",
            found=f"{spoken(loss)} with units: 1",
            hint="for two classes use loss: binary_crossentropy with a sigmoid output",
        )


def _reshaped_softmax(model: Model, output: Output) -> tuple[int, int] | None:
    """Returns over how many units a softmax goes, and how many classes a place then has, if a
    `Reshape` behind it makes places of the units: that gives no probabilities at each of them.
    """
    layer = model.layers[output.layer]
    over = whole_number(layer, "units") or whole_number(layer, "filters")
    shapes = [shape[-1] for spec in model.layers[output.layer :] if (shape := target_shape(spec))]
    return (over, shapes[-1]) if over and shapes and shapes[-1] not in (1, over) else None


def _other_output(loss: Spec, output: Output, layer: Spec) -> tuple[str, str] | None:
    """Returns the output that the loss expects and what to write, where it has another one."""
    if loss.type == PERCEPTRON and output.activation != "heaviside":
        hint = "write activation: heaviside, or loss: binary_crossentropy for a sigmoid output"
        return "a heaviside output", hint
    if loss.type in BINARY and output.activation == "softmax":
        hint = "use loss: sparse_categorical_crossentropy"
        also = ", or one unit with activation: sigmoid" if output.units == 2 else ""
        return "a sigmoid output", hint + also
    if loss.type in SPARSE and output.activation in SIGMOIDS:
        hint = "use activation: softmax"
        if output.units == 1:
            hint = "use loss: binary_crossentropy for two classes"
        return "a softmax output with one unit for each class", hint
    if loss.type not in CROSS_ENTROPIES or from_logits(loss) or output.activation in PROBABILITIES:
        return None
    right = "sigmoid" if loss.type in BINARY or output.units == 1 else "softmax"
    own = "activation" in layer.parameters
    hint = f"write activation: {right}" if own else f"make it a layer Activation with {right}"
    if output.activation == LINEAR and "from_logits" in loss.parameters:
        hint += f", or loss: {{type: {spoken(loss)}, from_logits: true}}"
    return f"probabilities, as {right} gives them", hint
