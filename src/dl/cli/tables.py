"""Results as text: metrics by part, sizes of the data, layers and hyperparameters of a model."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from dl.report.terminal import table
from dl.text import plural, size

_MOST_NAME = 20
_MOST_VALUE = 62


class LayerLine(Protocol):
    """What the summary needs to know of a layer."""

    @property
    def name(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def activation(self) -> str | None: ...
    @property
    def output_shape(self) -> tuple[int | None, ...]: ...
    @property
    def parameters(self) -> int: ...
    @property
    def biases(self) -> int: ...
    @property
    def trainable(self) -> int: ...


def metrics_text(metrics: Mapping[str, Mapping[str, float]]) -> str:
    """Returns a table with a row for each part and a column for each metric."""
    names = list(dict.fromkeys(name for part in metrics.values() for name in part))
    rows = [[part, *(values.get(name) for name in names)] for part, values in metrics.items()]
    return table(rows, ["part", *names])


def summary_text(title: str, layers: Sequence[LayerLine]) -> str:
    """Returns the layers as a table, with the totals below."""
    rows = [_layer_cells(layer) for layer in layers]
    columns = ["layer", "type", "output shape", "weights", "biases", "parameters"]
    total = sum(layer.parameters for layer in layers)
    trainable = sum(layer.trainable for layer in layers)
    lines = [f"model {title}", table(rows, columns)]
    biases = sum(layer.biases for layer in layers)
    split = f": {plural(total - biases, 'weight')}, {plural(biases, 'bias', 'biases')}"
    fixed = f", {total - trainable:,} not trainable" if total != trainable else ""
    return "\n".join([*lines, f"{total:,} parameters{split}{fixed}"])


def _layer_cells(layer: LayerLine) -> list[str]:
    from dl.text import shortened

    counts = (layer.parameters - layer.biases, layer.biases, layer.parameters)
    name, shape = shortened(layer.name, _MOST_NAME), shape_text(layer.output_shape)
    return [name, layer.type, shape, *(f"{count:,}" for count in counts)]


def hyperparameters_text(chosen: Mapping[str, Sequence[str]]) -> str:
    """Returns a table of what a person chose: layers, loss, optimizer, batch size, epochs."""
    rows = [
        [name if first else "", line]
        for name, values in chosen.items()
        for first, line in _lines(values)
    ]
    return table(rows, ["hyperparameter", "value"])


def _lines(values: Sequence[str]) -> Iterator[tuple[bool, str]]:
    lines = (textwrap.wrap(value, _MOST_VALUE, subsequent_indent="  ") for value in values)
    for place, line in enumerate(line for wrapped in lines for line in wrapped):
        yield place == 0, line


def data_text(sizes: Mapping[str, Mapping[str, Any]]) -> str:
    """Returns a table of the parts: rows, the shape of one and the size of all.

    Args:
        sizes: From `Dataset.sizes`, by part.
    """
    rows = [
        [name, f"{part['rows']:,}", *_size_cells(part["inputs"]), *_size_cells(part["targets"])]
        for name, part in sizes.items()
    ]
    return table(rows, ["part", "rows", "inputs", "size", "targets", "size"])


def _size_cells(array: Mapping[str, Any]) -> list[str]:
    shape = shape_text(array["shape"]) or "1"
    return [f"{shape} {array['type']}", size(array["bytes"])]


def summary_json(layers: Sequence[LayerLine], chosen: Mapping[str, Sequence[str]]) -> str:
    """Returns the layers, totals and hyperparameters as one JSON object."""
    rows = [
        {
            "name": layer.name,
            "type": layer.type,
            "activation": layer.activation,
            "output_shape": layer.output_shape,
            "parameters": layer.parameters,
            "biases": layer.biases,
            "trainable": layer.trainable,
        }
        for layer in layers
    ]
    total = sum(layer.parameters for layer in layers)
    trainable = sum(layer.trainable for layer in layers)
    result = {"layers": rows, "parameters": total, "trainable": trainable}
    return json.dumps({**result, "hyperparameters": chosen})


def shape_text(shape: Sequence[int | None]) -> str:
    """Words a shape without its batch axis: `28 x 28 x 1`."""
    return " x ".join("any" if size is None else str(size) for size in shape)
