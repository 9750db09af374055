"""What a rule looks at: the sections that are valid, and what follows from them and the data; and
what it says, and where.

The texts of rules stand in `texts.toml`, by the name of the rule and case. A text holds words in
braces, `{layer.type}`; what they stand for, the rule gives.
"""

from __future__ import annotations

import functools
import string
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path as FilePath
from typing import Any

from dl.config.data import Task
from dl.config.rules.probe import Probe, probe
from dl.config.schema import Config, Model
from dl.text import listing
from dl.vocabulary import traits
from dl.vocabulary.names import snake_case
from dl.vocabulary.sections import if_valid
from dl.vocabulary.spec import Finding, Kind, Path, Spec

LOSS: Path = ("training", "loss")
QUANTILES = (*LOSS, "quantiles")


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
        linear = self.output is not None and self.output.activation == traits.LINEAR
        by_loss = linear and self.config.training.loss.type in traits.REGRESSION
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
        elif layer.type in traits.RESHAPING and layer.type != "Identity":
            last = last or layer
        # Values between those of pixels may lie outside of both.
        mixing = layer.parameters.get("interpolation", "nearest") not in ("nearest", "bilinear")
        if layer.type in traits.SEEN_THROUGH and not mixing:
            continue
        if activation is None:
            break
        found = Output(activation[1], activation[2], activation[0])
        if last is not None:
            shape = target_shape(last) or None
            channels = shape[-1] if shape and shape[-1] > 0 else None
            return replace(found, channels=channels, reshaped=shape)
        if layer.type not in traits.WITH_UNITS:
            return replace(found, channels=layer.whole_number("filters"))
        units = layer.whole_number("units")
        return replace(found, units=units, units_path=(*path, "units"), channels=units)
    return Output()


def keeps_axes(model: Model) -> bool | None:
    """Tells whether the outputs of a row have several axes; None: if those of the input have."""
    for layer in reversed(model.layers):
        if layer.type == "Flatten" or layer.type.startswith("Global"):
            return False
        if layer.kind is Kind.BASE:
            return not layer.parameters["include_top"] and layer.parameters["pooling"] is None
        if layer.type in traits.RECURRENT:
            inner = layer.parameters.get("layer")
            whole = inner if isinstance(inner, Spec) else layer
            return whole.parameters.get("return_sequences") is True
        if layer.type in traits.SPREADING or layer.type.startswith(traits.OF_STEPS_OR_PIXELS):
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
    if layer.type in traits.ACTIVATION_LAYERS:
        return traits.ACTIVATION_LAYERS[layer.type], path
    if "activation" not in layer.parameters:
        return None
    value = layer.parameters["activation"]
    name = value.type if isinstance(value, Spec) else str(value or traits.LINEAR)
    return name, layer.place(path, "activation")


def layer_path(index: int, layer: Spec) -> str:
    """Returns how a user would write the path of a layer: by its name where it has one."""
    name = layer.parameters.get("name")
    return f"model.layers.{name if isinstance(name, str) else index}"


def right_loss(classes: int | None) -> str:
    """Returns the loss to advise for a target of that many classes."""
    return "binary_crossentropy" if classes == 2 else "sparse_categorical_crossentropy"


TEXTS = FilePath(__file__).with_name("texts.toml")
MOST_NAMES = 12
"""Names of a list that a message shows."""


@dataclass(frozen=True, slots=True)
class Advice:
    """Something doubtful in a config.

    Attributes:
        rule: The id that switches it off.
        path: Where it stands, or would stand.
        message: What is doubtful, in words that follow the path.
        why: The reason, as a whole sentence.
        write: What to write at the path, as YAML; None to remove it.
    """

    rule: str
    path: Path
    message: str
    why: str
    write: str | None = None


class _Words(string.Formatter):
    """Writes a loss as users do, a shape in brackets and names with commas between them."""

    def format_field(self, value: Any, format_spec: str) -> str:
        if isinstance(value, Spec):
            value = snake_case(value.type)
        elif isinstance(value, tuple):
            names = all(isinstance(item, str) for item in value)
            value = listing(value, "", MOST_NAMES) if names else list(value)
        return str(super().format_field(value, format_spec))


def finding(path: Path, text: str, /, **words: object) -> Finding:
    """Returns a mistake; a word of the name of a field that the text lacks is that field."""
    return Finding(path, **_filled(text, ("message", "expected", "found", "hint", "at_key"), words))


def advice(path: Path, text: str, /, **words: object) -> Advice:
    """Returns a piece of advice, in the same way."""
    rule = text.partition(".")[0].replace("_", "-")
    return Advice(rule, path, **_filled(text, ("message", "why", "write"), words))


def _filled(text: str, fields: tuple[str, ...], words: Mapping[str, object]) -> dict[str, Any]:
    node: Mapping[str, Any] = _texts()
    texts: dict[str, Any] = {}
    for part in text.split("."):  # a case takes over what its rule says of all of them
        node = node[part]
        texts |= {name: node[name] for name in fields if name in node}
    given = {name: words[name] for name in fields if name in words}
    filled = {
        name: _Words().vformat(value, (), words) if isinstance(value, str) else value
        for name, value in texts.items()
    }
    return given | filled


@functools.cache
def _texts() -> dict[str, Any]:
    import tomllib  # not on the way of a config that is right

    return tomllib.loads(TEXTS.read_text(encoding="utf-8"))
