"""The layers: their shapes and parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dl.pages.context import Context


def build(context: Context) -> Mapping[str, Any] | None:
    """Returns the layers from input to output; None where the training kept nothing."""
    layers = context.facts.get("layers")
    if not layers:
        return None
    total = sum(layer["parameters"] for layer in layers)
    return {
        "input": _shape(context.info.input_shape),
        "layers": [{**layer, "shape": _shape(layer["output_shape"])} for layer in layers],
        "most": max(layer["parameters"] for layer in layers) or 1,
        "total": total,
        "trainable": sum(layer["trainable"] for layer in layers),
    }


def _shape(sizes: tuple[int | None, ...] | list[int | None]) -> str:
    return " x ".join("any" if size is None else str(size) for size in sizes)
