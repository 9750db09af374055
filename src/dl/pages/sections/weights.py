"""The weights of each layer in a few numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dl.pages.context import Context
from dl.text import number

_NUMBERS = ("mean", "deviation", "least", "greatest", "norm")


def build(context: Context) -> Mapping[str, Any] | None:
    """Returns a row for each array of weights; None where the training kept nothing."""
    weights = context.facts.get("weights")
    if not weights:
        return None
    signals = context.facts.get("signals") or {"rows": 0, "layers": []}
    return {
        "weights": [_row(weight) for weight in weights],
        "rows": signals["rows"],
        "signals": [_signal(layer) for layer in signals["layers"]],
    }


def _signal(layer: Mapping[str, Any]) -> Mapping[str, str]:
    return {
        "layer": layer["name"],
        "activation": layer["activation"],
        "weights": number(layer["weights"]),
        "gradient": number(layer["gradient"]),
        "dead": _share(layer["dead"]),
        "saturated": _share(layer["saturated"]),
    }


def _share(share: float | None) -> str:
    return "" if share is None else f"{share:.1%}"


def _row(weight: Mapping[str, Any]) -> Mapping[str, Any]:
    most = max(weight["counts"], default=0) or 1
    return {
        **weight,
        **{name: number(weight[name]) for name in _NUMBERS},
        "shape": " x ".join(map(str, weight["shape"])),
        "zeros": f"{weight['zeros']:.1%}",
        "heights": [count / most for count in weight["counts"]],
    }
