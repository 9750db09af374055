"""The rule that a network fits into memory, by a lower bound that needs no Keras."""

from __future__ import annotations

import math
from collections.abc import Iterator

from dl.config.rules.partial import Facts
from dl.config.rules.words import layer_path
from dl.system import physical_memory
from dl.vocabulary.spec import Finding, Path, Spec
from dl.vocabulary.traits import BY_NUMBER, GATES

_BYTES_OF_A_WEIGHT = 4


def weights_fit_memory(facts: Facts) -> Iterator[Finding]:
    """The weights of all layers fit into the memory of this machine; the largest is reported."""
    if facts.model is None:
        return
    counts = list(_least_weights(facts.model.layers, _input_shape(facts)))
    needed = sum(counts) * _BYTES_OF_A_WEIGHT
    if needed <= physical_memory():
        return
    largest = max(range(len(counts)), key=counts.__getitem__)
    layer = facts.model.layers[largest]
    yield Finding(
        _size_path(largest, layer),
        f"makes weights that do not fit into the memory of this machine "
        f"({layer_path(largest, layer)}: {layer.type})",
        expected="fewer weights",
        found=f"at least {counts[largest]:,} weights, {_gibibytes(counts[largest])}",
        hint="make the layer smaller",
    )


def _input_shape(facts: Facts) -> tuple[int, ...] | None:
    stated = facts.model.input_shape if facts.model else None
    shape = stated or facts.peek.input_shape or ()
    sizes = tuple(size for size in shape if size is not None)
    return sizes if shape and len(sizes) == len(shape) else None


def _least_weights(layers: tuple[Spec, ...], shape: tuple[int, ...] | None) -> Iterator[int]:
    """Yields for each layer the least number of weights; `shape` is that of a row, if known."""
    for layer in map(_innermost, layers):
        if layer.type == "Dense":
            units = _number(layer, "units")
            yield units * (shape[-1] if shape else 1)
            shape = (*shape[:-1], units) if shape else None
        else:
            yield _own_weights(layer)
            shape = _shape_after(layer, shape)


def _shape_after(layer: Spec, shape: tuple[int, ...] | None) -> tuple[int, ...] | None:
    if layer.type == "Flatten" and shape is not None:
        return (math.prod(shape),)
    return shape if layer.type in BY_NUMBER | {"Input"} else None


def _own_weights(layer: Spec) -> int:
    if layer.type == "Embedding":
        return _number(layer, "input_dim") * _number(layer, "output_dim")
    if layer.type in GATES:
        return GATES[layer.type] * _number(layer, "units") ** 2
    if "filters" in layer.parameters:
        kernel = layer.parameters.get("kernel_size")
        sizes = kernel if isinstance(kernel, tuple) else (kernel,)
        area = math.prod(size for size in sizes if isinstance(size, int))
        return _number(layer, "filters") * area
    return 0


def _innermost(layer: Spec) -> Spec:
    inner = layer.parameters.get("layer")
    return _innermost(inner) if isinstance(inner, Spec) else layer


def _number(layer: Spec, parameter: str) -> int:
    value = layer.parameters.get(parameter)
    return value if isinstance(value, int) else 1


def _size_path(index: int, layer: Spec) -> Path:
    for parameter in ("units", "filters", "input_dim"):
        if parameter in layer.given:
            return ("model", "layers", index, parameter)
    return ("model", "layers", index)


def _gibibytes(weights: int) -> str:
    return f"{weights * _BYTES_OF_A_WEIGHT / 2**30:,.0f} GiB"
