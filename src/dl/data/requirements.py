"""All of a config that its data depend on: once, and as a key under which they can be kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from dl.config.data import Data
from dl.config.rules.facts import keeps_axes, output_of
from dl.config.schema import Config, Preprocess
from dl.data.tokens import Tokens, tokens_of
from dl.vocabulary.spec import Path, Spec
from dl.vocabulary.traits import BY_NUMBER, OF_PICTURES, from_logits


@dataclass(frozen=True, slots=True)
class Requirements:
    """What decides the data: their own sections, and what the network and its training ask of them.

    Two configs with equal requirements have the same data.

    Attributes:
        seed: The seed of the config.
        data: Its section `data`.
        preprocess: Its section `preprocess`.
        memory: Megabytes that rows may take in memory.
        threshold: Probability from which a row is of the second class, or has a label.
        tokens: What the first layers look up; None if they compute with their input.
        input_shape: The stated shape of a row; None where the data decide it.
        takes_pictures: Whether the first layer that depends on the shape of a row works on
            (height, width, channels).
        rescales: Whether the network scales pixels itself, before the first weights.
        loss: The canonical name of the loss.
        from_logits: Whether the loss takes outputs before softmax or sigmoid.
        activation: The canonical name of the last activation; empty where one cannot tell.
        units: The number of outputs; None where one cannot tell.
        units_path: Where that number stands in the config.
        channels: The number of outputs at each step or pixel; None where one cannot tell.
        reshaped: The shape of a row's outputs, where a `Reshape` ends the network.
        keeps_axes: Whether the outputs of a row have several axes; None: if those of the input do.
        all_rows: Whether each step needs all rows at once.
    """

    seed: int
    data: Data
    preprocess: Preprocess
    memory: int | Literal["auto"]
    threshold: float
    tokens: Tokens | None
    input_shape: tuple[int | None, ...] | None
    takes_pictures: bool
    rescales: bool
    loss: str
    from_logits: bool
    activation: str
    units: int | None
    units_path: Path
    channels: int | None
    reshaped: tuple[int, ...] | None
    keeps_axes: bool | None
    all_rows: bool


def requirements_of(config: Config) -> Requirements:
    """Returns what a config asks of its data."""
    layers, training, end = config.model.layers, config.training, output_of(config.model)
    return Requirements(
        seed=config.seed,
        data=config.data,
        preprocess=config.preprocess,
        memory=config.engine.memory,
        threshold=config.evaluation.threshold,
        tokens=tokens_of(layers),
        input_shape=config.model.input_shape or _declared_shape(layers[0]),
        takes_pictures=_takes_pictures(layers),
        rescales=_rescales(layers),
        loss=training.loss.type,
        from_logits=from_logits(training.loss),
        activation=end.activation,
        units=end.units,
        units_path=end.units_path,
        channels=end.channels,
        reshaped=end.reshaped,
        keeps_axes=keeps_axes(config.model),
        all_rows=training.batch_size == "full" or training.solver == "normal_equation",
    )


def _declared_shape(first: Spec) -> tuple[int | None, ...] | None:
    shape = first.parameters.get("shape") if first.type == "Input" else None
    return shape if isinstance(shape, tuple) else None


def _takes_pictures(layers: Sequence[Spec]) -> bool:
    # Layers that change numbers alone say nothing of the shape: the first other one does.
    name = next((layer.type for layer in layers if layer.type not in BY_NUMBER | {"Input"}), "")
    return name.endswith("2D") or _of_pictures(name)


def _rescales(layers: Sequence[Spec]) -> bool:
    for layer in layers:
        if layer.type == "Rescaling":
            return True
        if layer.type != "Input" and not _of_pictures(layer.type):
            return False
    return False


def _of_pictures(layer: str) -> bool:
    return layer.startswith("Random") or layer in OF_PICTURES
