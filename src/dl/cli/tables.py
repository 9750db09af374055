"""Results as text: metrics by part, layers of a model."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Protocol

from dl.report.terminal import table


class LayerLine(Protocol):
    """What the summary needs to know of a layer."""

    @property
    def name(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def output_shape(self) -> tuple[int | None, ...]: ...
    @property
    def parameters(self) -> int: ...
    @property
    def trainable(self) -> int: ...


def metrics_text(metrics: Mapping[str, Mapping[str, float]]) -> str:
    """Returns a table with a row for each part and a column for each metric."""
    names = list(dict.fromkeys(name for part in metrics.values() for name in part))
    rows = [[part, *(values.get(name) for name in names)] for part, values in metrics.items()]
    return table(rows, ["part", *names])


def summary_text(title: str, layers: Sequence[LayerLine]) -> str:
    """Returns the layers as a table, with the totals below."""
    rows = [
        [layer.name, layer.type, shape_text(layer.output_shape), f"{layer.parameters:,}"]
        for layer in layers
    ]
    total = sum(layer.parameters for layer in layers)
    trainable = sum(layer.trainable for layer in layers)
    lines = [f"model {title}", table(rows, ["layer", "type", "output shape", "parameters"])]
    fixed = f", {total - trainable:,} not trainable" if total != trainable else ""
    return "\n".join([*lines, f"{total:,} parameters{fixed}"])


def summary_json(layers: Sequence[LayerLine]) -> str:
    """Returns the layers and totals as one JSON object."""
    rows = [
        {
            "name": layer.name,
            "type": layer.type,
            "output_shape": layer.output_shape,
            "parameters": layer.parameters,
            "trainable": layer.trainable,
        }
        for layer in layers
    ]
    total = sum(layer.parameters for layer in layers)
    trainable = sum(layer.trainable for layer in layers)
    return json.dumps({"layers": rows, "parameters": total, "trainable": trainable})


def shape_text(shape: tuple[int | None, ...]) -> str:
    """Words a shape without its batch axis: `28 x 28 x 1`."""
    return " x ".join("any" if size is None else str(size) for size in shape)
