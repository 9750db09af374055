"""What a rule looks at: the sections that are valid, and what follows from them and the data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path as FilePath

from dl.config.data import Task
from dl.config.rules.probe import Probe, probe
from dl.config.schema import Config, Model
from dl.vocabulary.sections import if_valid
from dl.vocabulary.spec import Path, Spec
from dl.vocabulary.traits import (
    ACTIVATION_LAYERS,
    LINEAR,
    OF_STEPS_OR_PIXELS,
    RECURRENT,
    REGRESSION,
    RESHAPING,
    SEEN_THROUGH,
    SPREADING,
    WITH_UNITS,
)

LOSS: Path = ("training", "loss")


@dataclass(frozen=True, slots=True)
class Output:
    """The end of the network.

    Attributes:
        activation: Canonical name of the activation of the outputs; empty where only Keras knows.
        activation_path: Where the activation stands, or would stand.
        layer: Position of the layer that sets the activation.
        units: Number of outputs, None where only Keras knows.
        units_path: Where the number of outputs stands.
        channels: Number of outputs at each step or pixel, where the outputs of a row have several
            axes: the length of the last one. None where only Keras knows.
        reshaped: What a `Reshape` at the end makes of a row.
    """

    activation: str = ""
    activation_path: Path = ()
    layer: int = -1
    units: int | None = None
    units_path: Path = ()
    channels: int | None = None
    reshaped: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """A config, of a wrong one what is valid in it, with what follows from it and its data.

    Attributes:
        config: The config; a value that is wrong ends the rule that asks for it.
        probe: What is known of the data.
        output: The end of the network; None where only Keras knows it.
    """

    config: Config
    probe: Probe
    output: Output | None

    @property
    def task(self) -> Task | None:
        """The task, where the config states it or the data was read."""
        return self.config.data.task or self.probe.task

    @property
    def classes(self) -> int | None:
        """The number of classes, where the config or the data tells it."""
        stated = self.config.data.classes
        return len(stated) if stated is not None else self.probe.classes

    @property
    def labels(self) -> tuple[str, ...] | None:
        """The classes by name, where the config or the data tells them."""
        return self.config.data.classes or self.probe.labels

    @property
    def several(self) -> int | None:
        """The number of target columns, where there are more than one."""
        columns = self.probe.columns
        return columns if columns is not None and columns > 1 else None

    @property
    def is_regression(self) -> bool:
        """Whether the target is certainly a number to predict, not a class."""
        if self.task is not None:
            return self.task == "regression"
        if self.config.data.classes is not None or self.probe.target in ("classes", "text"):
            return False
        linear = self.output is not None and self.output.activation == LINEAR
        by_loss = linear and self.config.training.loss.type in REGRESSION
        return self.probe.target == "numbers" or by_loss


def facts_of(config: Config, known: FilePath | Probe) -> Facts:
    """Returns the facts of a config.

    Args:
        config: The config; of a wrong one, what is valid in it.
        known: What is known of the data that was read; or the folder that its relative paths start
            from, for a cheap look.
    """
    output = if_valid(lambda: output_of(config.model)) or Output()
    if isinstance(known, Probe):
        seen = known
    else:
        seen = if_valid(lambda: probe(config.data, known)) or Probe()
    return Facts(config, seen, output if output.activation else None)


def output_of(model: Model) -> Output:
    """Returns what the last layers say about the outputs."""
    activation: tuple[int, str, Path] | None = None
    last: Spec | None = None
    for index in reversed(range(len(model.layers))):
        layer, path = _unwrapped(model.layers[index], ("model", "layers", index))
        own = activation_of(layer, path)
        if own is not None:
            activation = activation or (index, *own)
        elif layer.type in RESHAPING and layer.type != "Identity":
            last = last or layer
        # Values between those of pixels may lie outside of both.
        mixing = layer.parameters.get("interpolation", "nearest") not in ("nearest", "bilinear")
        if layer.type in SEEN_THROUGH and not mixing:
            continue
        if activation is None:
            break
        found = Output(activation[1], activation[2], activation[0])
        if last is not None:
            shape = target_shape(last) or None
            channels = shape[-1] if shape and shape[-1] > 0 else None
            return replace(found, channels=channels, reshaped=shape)
        if layer.type not in WITH_UNITS:
            return replace(found, channels=whole_number(layer, "filters"))
        units = whole_number(layer, "units")
        return replace(found, units=units, units_path=(*path, "units"), channels=units)
    return Output()


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
    name = value.type if isinstance(value, Spec) else str(value or LINEAR)
    return name, place(path, layer, "activation")


def whole_number(spec: Spec, parameter: str) -> int | None:
    """Returns the value of a parameter that is a whole number, else None."""
    value = spec.parameters.get(parameter)
    return value if isinstance(value, int) else None


def named_layers(model: Model) -> Iterator[tuple[int, Spec, Path]]:
    """Yields the layers with their positions and paths."""
    for index, layer in enumerate(model.layers):
        yield index, layer, ("model", "layers", index)


# How rules name things, so that all messages speak alike


def layer_path(index: int, layer: Spec) -> str:
    """Returns how a user would write the path of a layer: by its name where it has one."""
    name = layer.parameters.get("name")
    return f"model.layers.{name if isinstance(name, str) else index}"


def place(path: Path, spec: Spec, parameter: str) -> Path:
    """Returns the path of a parameter, or of the thing itself where the parameter is a default."""
    return (*path, parameter) if parameter in spec.given else path


def right_loss(classes: int | None) -> str:
    """Returns the loss to advise for a target of that many classes."""
    return "binary_crossentropy" if classes == 2 else "sparse_categorical_crossentropy"
