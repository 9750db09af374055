"""What the config says about the model's outputs: the last layer's units and activation, the loss.

Names are compared folded, without case and underscores, so that `BinaryCrossentropy` and
`binary_crossentropy` are one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dl.config.schema import Config
from dl.vocabulary.spec import Spec

SPARSE = frozenset(
    {"sparsecategoricalcrossentropy", "categoricalgeneralizedcrossentropy", "circle"}
)
CATEGORICAL = frozenset(
    {"categoricalcrossentropy", "categoricalfocalcrossentropy", "categoricalhinge"}
)
BINARY = frozenset({"binarycrossentropy", "binaryfocalcrossentropy", "dice", "tversky"})
MARGIN = frozenset({"hinge", "squaredhinge", "perceptron"})
CLASS_LOSSES = SPARSE | CATEGORICAL | BINARY | MARGIN
EMBEDDING = "circle"

_KEEP_UNITS = frozenset(
    {"Activation", "Softmax", "Dropout", "ActivityRegularization", "Identity", "BatchNormalization"}
)


@dataclass(frozen=True, slots=True)
class Output:
    """The outputs that the config declares.

    Attributes:
        loss: The folded name of the loss.
        from_logits: Whether the loss takes outputs before softmax or sigmoid.
        activation: The folded name of the last activation; empty where one cannot tell.
        units: The number of outputs; None where one cannot tell.
        layer: The position of the layer that sets the number of outputs.
        key: That layer's parameter, `units` or `filters`.
    """

    loss: str
    from_logits: bool
    activation: str
    units: int | None
    layer: int
    key: str


def output_of(config: Config) -> Output:
    """Returns what the config says about the outputs."""
    layers = config.model.layers
    loss = config.training.loss
    layer = _deciding(layers)
    units, key = _units(layers, layer)
    return Output(
        loss=folded(loss.type),
        from_logits=loss.parameters.get("from_logits") is True,
        activation=_activation(layers[layer:]),
        units=units,
        layer=layer if key == "units" else layer - 1,
        key=key,
    )


def folded(name: str) -> str:
    """Returns a name without case and underscores."""
    return name.replace("_", "").lower()


def _deciding(layers: Sequence[Spec]) -> int:
    """Returns the last layer that is more than an activation or a regularisation."""
    position = len(layers) - 1
    while position > 0 and layers[position].type in _KEEP_UNITS:
        position -= 1
    return position


def _units(layers: Sequence[Spec], position: int) -> tuple[int | None, str]:
    layer = layers[position]
    if layer.type == "Dense":
        return _integer(layer.parameters.get("units")), "units"
    if layer.type.startswith("Global") and position > 0:
        return _integer(layers[position - 1].parameters.get("filters")), "filters"
    return None, "units"


def _integer(value: object) -> int | None:
    return value if isinstance(value, int) else None


def _activation(tail: Sequence[Spec]) -> str:
    """Returns the last activation of the deciding layer and those behind it."""
    for layer in reversed(tail):
        if layer.type == "Softmax":
            return "softmax"
        name = _activation_name(layer.parameters.get("activation"))
        if name != "linear" and "activation" in layer.parameters:
            return name
    return "linear" if "activation" in tail[0].parameters else ""


def _activation_name(value: object) -> str:
    if isinstance(value, Spec):
        return folded(value.type)
    return folded(value) if isinstance(value, str) else "linear"
