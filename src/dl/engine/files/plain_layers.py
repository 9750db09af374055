"""The layers of a saved model in Keras' own words, so that Keras alone opens it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dl.engine.network.own import HEAVISIDE
from dl.vocabulary.traits import ENDS_WITH_ACTIVATION


def plain_layers(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the settings of a `Sequential` model without `dl`'s heaviside.

    A layer that ends in it becomes linear and is followed by two of Keras' that compute
    min(max(1e38 x + 1, 0), 1): 1 where x >= 0, and 0 for every negative number of float32, of
    which the nearest to 0 is -1.2e-38. Keras' `Discretization` would round x to an integer first.
    """
    layers = [plain for layer in settings["layers"] for plain in _plain(layer)]
    return {**settings, "layers": layers}


def _plain(layer: dict[str, Any]) -> Iterator[dict[str, Any]]:
    inner = layer.get("config", {})
    separable = layer.get("class_name") in ENDS_WITH_ACTIVATION | {"Activation"}
    if not separable or not _is_heaviside(inner.get("activation")):
        yield layer
        return
    yield {**layer, "config": {**inner, "activation": "linear"}}
    name = f"{inner['name']}_{HEAVISIDE}"
    yield _layer("Rescaling", {"name": f"{name}_slope", "scale": 1e38, "offset": 1.0})
    yield _layer("ReLU", {"name": name, "max_value": 1.0})


def _layer(name: str, config: dict[str, Any]) -> dict[str, Any]:
    return {
        "module": "keras.layers",
        "class_name": name,
        "config": config,
        "registered_name": None,
    }


def _is_heaviside(activation: object) -> bool:
    name = activation.get("config") if isinstance(activation, Mapping) else activation
    return isinstance(name, str) and name.rpartition(">")[2] == HEAVISIDE
