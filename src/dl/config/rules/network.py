"""What is certainly wrong in the section `model`: layers, shapes, tables, activations and size."""

from __future__ import annotations

import math
from collections.abc import Iterator

from dl.config.data import target_is_input
from dl.config.rules.facts import LOSS, Facts, Output, finding, layer_path, target_shape
from dl.config.schema import Model, Training
from dl.system import physical_memory
from dl.vocabulary import traits
from dl.vocabulary.names import snake_case
from dl.vocabulary.spec import Finding, Path, Spec

_BYTES_OF_A_WEIGHT = 4

Shape = tuple[int | None, ...]


def layer_names_differ(model: Model) -> Iterator[Finding]:
    """Two layers must not share a name."""
    seen: dict[object, int] = {None: -1}
    for index, layer, path in model.placed_layers:
        name = layer.parameters.get("name")
        if name is not None and name in seen:
            yield finding((*path, "name"), "layer_names_differ", name=name, first=seen[name])
        seen.setdefault(name, index)


def input_comes_first(model: Model) -> Iterator[Finding]:
    """An input layer can only be the first."""
    for index, layer, path in model.placed_layers:
        if layer.type == "Input" and index > 0:
            where = layer_path(0, model.layers[0])
            yield finding(path, "input_comes_first", where=where, layer=layer, index=index)


def a_layer_computes(model: Model) -> Iterator[Finding]:
    """A network has a layer beside the input."""
    if all(layer.type == "Input" for layer in model.layers):
        yield finding(("model", "layers"), "a_layer_computes")


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
            yield finding(path, "input_shape_fits_data", right=right[0], shape=shape)


def _fits(declared: Shape, shape: Shape) -> bool:
    return len(declared) == len(shape) and all(
        size is None or size == other for size, other in zip(declared, shape, strict=True)
    )


def numbers_can_be_looked_up(model: Model) -> Iterator[Finding]:
    """What a layer numbers, the one behind it can look up; XLA would clamp it without a word."""
    made, maker = 0, (0, model.layers[0])
    for index, layer, path in model.placed_layers:
        parameter = traits.TABLES.get(layer.type, "")
        known = layer.whole_number(parameter)
        if known is not None and known < made:
            words = {"where": layer_path(*maker), "maker": maker[1], "known": known}
            path = layer.place(path, parameter)
            yield finding(path, "numbers_can_be_looked_up", made=made, last=made - 1, **words)
        if numbers := _made(layer):
            made, maker = numbers, (index, layer)
        elif layer.type not in traits.MOVING:
            made = 0


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
    layer, weights = model.layers[index], counts[index]
    given = [name for name in ("units", "filters", "input_dim") if name in layer.given]
    words = {"weights": weights, "gibibytes": weights * _BYTES_OF_A_WEIGHT / 2**30, "layer": layer}
    path = ("model", "layers", index, *given[:1])
    yield finding(path, "weights_fit_memory", where=layer_path(index, layer), **words)


def _least_weights(model: Model, row: Shape | None) -> Iterator[int]:
    """Yields for each layer the least number of weights; `row` is the shape of the input."""
    sizes = [size for size in row or () if size is not None]
    shape = sizes if row and len(sizes) == len(row) else None
    for layer in map(_innermost, model.layers):
        if layer.type == "Dense":
            units = layer.whole_number("units") or 1
            yield units * (shape[-1] if shape else 1)
            shape = [*shape[:-1], units] if shape else None
            continue
        yield _own_weights(layer)
        if layer.type == "Flatten" and shape is not None:
            shape = [math.prod(shape)]
        elif layer.type not in traits.BY_NUMBER | {"Input"}:
            shape = None


def _own_weights(layer: Spec) -> int:
    def number(parameter: str) -> int:
        return layer.whole_number(parameter) or 1

    if layer.type == "Embedding":
        return number("input_dim") * number("output_dim")
    if layer.type in traits.GATES:
        return traits.GATES[layer.type] * number("units") ** 2
    if "filters" in layer.parameters:
        kernel = layer.parameters.get("kernel_size")
        sizes = kernel if isinstance(kernel, tuple) else (kernel,)
        area = math.prod(size for size in sizes if isinstance(size, int))
        return number("filters") * area
    return 0


def _innermost(layer: Spec) -> Spec:
    inner = layer.parameters.get("layer")
    return _innermost(inner) if isinstance(inner, Spec) else layer


def pixels_stay_at_their_places(model: Model, facts: Facts) -> Iterator[Finding]:
    """Layers that move the pixels of the inputs at random leave the target where it was."""
    data, answer = facts.config.data, facts.probe.answer
    if target_is_input(data):
        words = {"what": "the target, which is the inputs as they are read", "beside": "as inputs"}
    elif getattr(data, "masks", None) is not None:
        words = {"what": "the mask", "beside": "with their masks"}
    elif answer is not None and answer.places:
        words = {"what": "the target at each place", "beside": "with their targets"}
    else:
        return
    for _, layer, path in model.placed_layers:
        if layer.type in traits.MOVING_PIXELS:
            yield finding(path, "pixels_stay_at_their_places", layer=layer.type, **words)


def softmax_is_over_several(output: Output) -> Iterator[Finding]:
    """A softmax of one unit says the same of every row."""
    if output.activation == "softmax" and output.units == 1:
        yield finding(output.activation_path, "softmax_is_over_several")


def activation_fits_loss(model: Model, training: Training, output: Output) -> Iterator[Finding]:
    """The loss and the activation of the outputs belong together; tells the first mistake."""
    loss, activation, layer = training.loss, output.activation, model.layers[output.layer]
    if activation == "softmax" and output.units == 1:
        return  # `softmax_is_over_several` tells it
    words: dict[str, object] = {"loss": loss, "where": layer_path(output.layer, layer)}
    if traits.from_logits(loss) and activation in traits.SIGMOIDS | {"softmax"}:
        path = loss.place(LOSS, "from_logits")
        yield finding(path, "activation_fits_loss.logits", activation=activation, **words)
    elif activation == "softmax" and (reshaped := _reshaped_softmax(model, output)):
        yield finding(output.activation_path, "activation_fits_loss.reshaped", **reshaped, **words)
    elif case := _misfit(loss, output):
        right = "sigmoid" if loss.type in traits.BINARY or output.units == 1 else "softmax"
        own = "activation" in layer.parameters
        hint = f"write activation: {right}" if own else f"make it a layer Activation with {right}"
        if activation == traits.LINEAR and "from_logits" in loss.parameters:
            hint += f", or loss: {{type: {snake_case(loss.type)}, from_logits: true}}"
        shown = "linear (no activation)" if activation == traits.LINEAR else activation
        words |= {"activation": shown, "right": right, "hint": hint}
        yield finding(LOSS, f"activation_fits_loss.{case}", **words)


def _reshaped_softmax(model: Model, output: Output) -> dict[str, int]:
    """Returns over how many units a softmax goes, and how many classes a place then has, if a
    `Reshape` behind it makes places of the units: that gives no probabilities at each of them.
    """
    layer = model.layers[output.layer]
    over = layer.whole_number("units") or layer.whole_number("filters")
    shapes = [shape[-1] for spec in model.layers[output.layer :] if (shape := target_shape(spec))]
    wrong = over and shapes and shapes[-1] not in (1, over)
    return {"over": over, "last": shapes[-1]} if over and wrong else {}


def _misfit(loss: Spec, output: Output) -> str:
    """Returns the case of a loss that does not fit the output; empty where it does."""
    kind, activation = loss.type, output.activation
    if kind == traits.PERCEPTRON and activation != "heaviside":
        return "perceptron"
    if kind in traits.BINARY and activation == "softmax":
        return "softmax_of_two" if output.units == 2 else "softmax"
    if kind in traits.SPARSE and activation in traits.SIGMOIDS:
        return "sigmoid_of_one" if output.units == 1 else "sigmoid"
    probable = activation in traits.PROBABILITIES or traits.from_logits(loss)
    if kind in traits.CROSS_ENTROPIES and not probable:
        return "improbable"
    return "one_output" if kind in traits.ONE_HOT | traits.SPARSE and output.units == 1 else ""
