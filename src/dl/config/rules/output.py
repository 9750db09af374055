"""What the end of the network says: the activation and the number of outputs."""

from __future__ import annotations

from dataclasses import dataclass

from dl.config.sections.model import Model
from dl.vocabulary.spec import Path, Spec
from dl.vocabulary.traits import (
    ACTIVATION_LAYERS,
    LINEAR,
    OF_STEPS_OR_PIXELS,
    RECURRENT,
    RESHAPING,
    SEEN_THROUGH,
    SPREADING,
    WITH_UNITS,
)


@dataclass(frozen=True, slots=True)
class Output:
    """The end of the network.

    Attributes:
        activation: Canonical name of the activation of the outputs.
        activation_path: Where the activation stands, or would stand.
        layer: Position of the layer that sets the activation.
        units: Number of outputs, None where only Keras knows.
        units_path: Where the number of outputs stands.
        channels: Number of outputs at each step or pixel, where the outputs of a row have several
            axes: the length of the last one. None where only Keras knows.
        reshaped: What a `Reshape` at the end makes of a row.
    """

    activation: str
    activation_path: Path
    layer: int
    units: int | None = None
    units_path: Path = ()
    channels: int | None = None
    reshaped: tuple[int, ...] | None = None


def output_of(model: Model) -> Output | None:
    """Returns what the last layers say about the outputs, or None where only Keras knows."""
    activation: tuple[int, str, Path] | None = None
    reshaping: list[Spec] = []
    for index in reversed(range(len(model.layers))):
        layer, path = _unwrapped(model.layers[index], ("model", "layers", index))
        own = activation_of(layer, path)
        if own is not None:
            activation = activation or (index, *own)
        elif layer.type in RESHAPING:
            reshaping.append(layer)
        if layer.type not in SEEN_THROUGH or _mixes_pixels(layer):
            return _output(activation, layer, path, reshaping) if activation else None
    return None


def keeps_axes(model: Model) -> bool | None:
    """Tells whether the outputs of a row have several axes; None: if those of the input have."""
    for layer in reversed(model.layers):
        if layer.type == "Flatten" or layer.type.startswith("Global"):
            return False
        if layer.type in RECURRENT:
            inner = layer.parameters.get("layer")
            whole = inner if isinstance(inner, Spec) else layer
            return whole.parameters.get("return_sequences") is True
        if layer.type in SPREADING or layer.type.startswith(OF_STEPS_OR_PIXELS):
            return True
        if layer.type == "Reshape":
            return len(target_shape(layer)) > 1
    return None


def _mixes_pixels(layer: Spec) -> bool:
    """Tells whether values between those of pixels are computed that may lie outside of both."""
    return layer.parameters.get("interpolation", "nearest") not in ("nearest", "bilinear")


def target_shape(layer: Spec) -> tuple[int, ...]:
    """Returns what a `Reshape` makes of a row; empty for another layer."""
    shape = layer.parameters.get("target_shape")
    return tuple(shape) if isinstance(shape, tuple | list) else ()


def _unwrapped(layer: Spec, path: Path) -> tuple[Spec, Path]:
    """Returns the layer that a `TimeDistributed` applies at each step; any other as it is."""
    inner = layer.parameters.get("layer") if layer.type == "TimeDistributed" else None
    return (inner, (*path, "layer")) if isinstance(inner, Spec) else (layer, path)


def activation_of(layer: Spec, path: Path) -> tuple[str, Path] | None:
    """Returns the name of a layer's activation and its place; None for a layer without one."""
    if layer.type in ACTIVATION_LAYERS:
        return ACTIVATION_LAYERS[layer.type], path
    if "activation" not in layer.parameters:
        return None
    value = layer.parameters["activation"]
    at = (*path, "activation") if "activation" in layer.given else path
    if value is None:
        return LINEAR, at
    return (value.type if isinstance(value, Spec) else str(value)), at


def _output(
    activation: tuple[int, str, Path], layer: Spec, path: Path, reshaping: list[Spec]
) -> Output:
    index, name, activation_path = activation
    last = next((spec for spec in reshaping if spec.type != "Identity"), None)
    if last is not None:
        shape = target_shape(last) or None
        channels = shape[-1] if shape and shape[-1] > 0 else None
        return Output(name, activation_path, index, channels=channels, reshaped=shape)
    if layer.type not in WITH_UNITS:
        return Output(name, activation_path, index, channels=_number(layer, "filters"))
    units = _number(layer, "units")
    return Output(name, activation_path, index, units, (*path, "units"), channels=units)


def _number(layer: Spec, parameter: str) -> int | None:
    value = layer.parameters.get(parameter)
    return value if isinstance(value, int) else None
