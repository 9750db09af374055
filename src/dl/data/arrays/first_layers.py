"""What the first layers of the model take: pictures with channels, raw pixels."""

from __future__ import annotations

from collections.abc import Sequence

from dl.vocabulary.spec import Spec
from dl.vocabulary.traits import BY_NUMBER, OF_PICTURES


def takes_channels(layers: Sequence[Spec]) -> bool:
    """Whether the first layer that depends on the shape works on (height, width, channels)."""
    name = _deciding(layers)
    return name.endswith("2D") or name.startswith("Random") or name in OF_PICTURES


def rescales(layers: Sequence[Spec]) -> bool:
    """Whether the model itself scales pixels, by a `Rescaling` layer before the first weights."""
    for layer in layers:
        if layer.type == "Rescaling":
            return True
        if layer.type != "Input" and not _weightless(layer):
            return False
    return False


def _deciding(layers: Sequence[Spec]) -> str:
    return next((layer.type for layer in layers if layer.type not in BY_NUMBER | {"Input"}), "")


def _weightless(layer: Spec) -> bool:
    return layer.type.startswith("Random") or layer.type in OF_PICTURES
