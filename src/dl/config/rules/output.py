"""What the end of the network says: the activation and the number of outputs."""

from __future__ import annotations

from dataclasses import dataclass

from dl.config.sections.model import Model
from dl.vocabulary.spec import Path, Spec

LINEAR = "linear"
_WITHOUT_EFFECT = frozenset(
    {"Dropout", "GaussianNoise", "GaussianDropout", "AlphaDropout", "ActivityRegularization"}
)
_RESHAPING = frozenset({"Flatten", "Reshape", "Identity", "Permute"})
ACTIVATION_LAYERS = {
    "Softmax": "softmax",
    "ReLU": "relu",
    "LeakyReLU": "leaky_relu",
    "ELU": "elu",
    "PReLU": "leaky_relu",
}
"""Layers that are an activation and nothing else."""
_WITH_UNITS = frozenset({"Dense", "LSTM", "GRU", "SimpleRNN"})
_SEEN_THROUGH = _WITHOUT_EFFECT | _RESHAPING | {"Activation", *ACTIVATION_LAYERS}


@dataclass(frozen=True, slots=True)
class Output:
    """The end of the network.

    Attributes:
        activation: Canonical name of the activation of the outputs.
        activation_path: Where the activation stands, or would stand.
        layer: Position of the layer that sets the activation.
        units: Number of outputs, None where only Keras knows.
        units_path: Where the number of outputs stands.
    """

    activation: str
    activation_path: Path
    layer: int
    units: int | None = None
    units_path: Path = ()


def output_of(model: Model) -> Output | None:
    """Returns what the last layers say about the outputs, or None where only Keras knows."""
    activation: tuple[int, str, Path] | None = None
    reshaped = False
    for index in reversed(range(len(model.layers))):
        layer = model.layers[index]
        own = activation_of(layer, ("model", "layers", index))
        if own is not None:
            activation = activation or (index, *own)
        elif layer.type in _RESHAPING:
            reshaped = True
        if layer.type not in _SEEN_THROUGH:
            sized = (index, layer) if layer.type in _WITH_UNITS and not reshaped else None
            return _output(activation, sized) if activation else None
    return None


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


def _output(activation: tuple[int, str, Path], sized: tuple[int, Spec] | None) -> Output:
    index, name, path = activation
    if sized is None:
        return Output(name, path, index)
    position, layer = sized
    units = layer.parameters.get("units")
    units_path: Path = ("model", "layers", position, "units")
    return Output(name, path, index, units if isinstance(units, int) else None, units_path)
