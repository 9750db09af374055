"""All of a config that its data depend on: once, and as a key under which they can be kept.

That includes token numbers: whole numbers that the first layers of a model look up in a table.
TensorFlow clamps or wraps a number that is not in the table where it computes on a GPU or with
XLA, and ends in the middle of a training where it does not; so all of them are looked at before.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dl.config.data import Data
from dl.config.preprocess import Preprocess
from dl.config.rules.facts import keeps_axes, output_of
from dl.config.schema import Config
from dl.data.types import Array
from dl.errors import DataError
from dl.vocabulary.catalog import find
from dl.vocabulary.spec import Kind, Spec
from dl.vocabulary.traits import (
    ANY_NUMBER,
    BY_NUMBER,
    MOVING,
    OF_PICTURES,
    TABLES,
    from_logits,
    quantiles_of,
)


@dataclass(frozen=True, slots=True)
class Tokens:
    """The numbers that a layer looks up.

    Attributes:
        layer: The name of its class.
        parameter: The parameter that says how many numbers there are; empty where none does.
        count: How many: from 0 to `count` - 1. None where that is open.
        known: The only numbers that there are; None where they are not listed.
        signed: Whether a number may be below 0.
    """

    layer: str
    parameter: str = ""
    count: int | None = None
    known: tuple[int, ...] | None = None
    signed: bool = False

    def unknown(self, values: Array) -> NDArray[np.bool_]:
        """Returns which values cannot be looked up."""
        with np.errstate(invalid="ignore"):
            whole = values.astype(np.int32, copy=False)
        wrong = whole != values
        if not self.signed:
            wrong |= whole < 0
        if self.count is not None:
            wrong |= whole >= self.count
        if self.known is not None:
            wrong |= ~np.isin(whole, self.known)
        return np.asarray(wrong)

    def error(self, place: str, values: Array, wrong: tuple[int, ...], hint: str) -> DataError:
        """Returns the error for a value that cannot be looked up.

        Args:
            place: Words for the input that is wrong.
            values: All values.
            wrong: The index of the wrong one.
            hint: What to do if more numbers would be of no help.
        """
        value = float(values[wrong])
        if self.count is not None and value >= self.count and value.is_integer():
            enough = int(values.max()) + 1
            hint = f"train with `{self.parameter}: {enough}`, or correct the number"
        return DataError(
            f"{place} is not a number that {self.layer} can look up",
            expected=self._expected(),
            found=str(int(value)) if value.is_integer() else f"{value:.6g}",
            hint=hint,
        )

    def _expected(self) -> str:
        if self.known is not None:
            shown = ", ".join(map(str, self.known[:10]))
            return f"one of {shown}{', ...' if len(self.known) > 10 else ''}"
        if self.count is not None:
            return f"0 to {self.count - 1} (`{self.parameter}: {self.count}`)"
        return "whole numbers" if self.signed else "whole numbers from 0 on"


def tokens_of(layers: Sequence[Spec]) -> Tokens | None:
    """Returns the numbers that the first layers look up, or None if they compute with their input.

    Layers that only move the input or change its numbers may stand before the one that looks up.
    """
    changed = False
    for layer in _unwrapped(layers):
        if layer.type in TABLES:
            parameter = TABLES[layer.type]
            count = layer.parameters.get(parameter)
            if changed or not isinstance(count, int):
                return Tokens(layer.type)
            return Tokens(layer.type, parameter, count)
        if layer.type in ANY_NUMBER:
            return Tokens(layer.type, known=None if changed else _listed(layer), signed=True)
        if layer.type not in MOVING | BY_NUMBER:
            return None
        changed |= layer.type in BY_NUMBER
    return None


def _unwrapped(layers: Sequence[Spec]) -> Iterator[Spec]:
    """Yields the layers, and those inside others in their place."""
    for layer in layers:
        inner = layer.parameters.get("layer"), *_several(layer.parameters.get("layers"))
        nested = [each for each in inner if isinstance(each, Spec)]
        yield from _unwrapped(nested) if nested else [layer]


def _several(value: object) -> Sequence[object]:
    return value if isinstance(value, tuple | list) else ()


def _listed(layer: Spec) -> tuple[int, ...] | None:
    """Returns the numbers that an IntegerLookup takes, where it has no place for others."""
    if layer.type != "IntegerLookup" or layer.parameters.get("num_oov_indices") != 0:
        return None
    listed = *_several(layer.parameters.get("vocabulary")), layer.parameters.get("mask_token")
    numbers = [number for number in listed if isinstance(number, int)]
    return tuple(dict.fromkeys(numbers))


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
        takes_volumes: Whether it works on (depth, height, width, channels).
        flat: Whether that layer takes the samples of a sound without an axis of channels.
        rescales: Whether the network scales pixels itself, before the first weights.
        loss: The canonical name of the loss.
        from_logits: Whether the loss takes outputs before softmax or sigmoid.
        quantiles: Those that the loss has an output for, each; empty for other losses.
        activation: The canonical name of the last activation; empty where one cannot tell.
        units: The number of outputs; None where one cannot tell.
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
    takes_volumes: bool
    flat: bool
    rescales: bool
    loss: str
    from_logits: bool
    quantiles: tuple[float, ...]
    activation: str
    units: int | None
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
        takes_volumes=_first(layers).endswith("3D"),
        flat=_first(layers) == "MelSpectrogram",
        rescales=_rescales(layers),
        loss=training.loss.type,
        from_logits=from_logits(training.loss),
        quantiles=quantiles_of(training.loss),
        activation=end.activation,
        units=end.units,
        channels=end.channels,
        reshaped=end.reshaped,
        keeps_axes=keeps_axes(config.model),
        all_rows=training.batch_size == "full" or training.solver == "normal_equation",
    )


def _declared_shape(first: Spec) -> tuple[int | None, ...] | None:
    shape = first.parameters.get("shape") if first.type == "Input" else None
    return shape if isinstance(shape, tuple) else None


def _takes_pictures(layers: Sequence[Spec]) -> bool:
    first = _first(layers)
    return first.endswith("2D") or _of_pictures(first) or find(Kind.BASE, first) is not None


def _first(layers: Sequence[Spec]) -> str:
    """Returns the first layer that depends on the shape of a row: others change numbers alone."""
    return next((layer.type for layer in layers if layer.type not in BY_NUMBER | {"Input"}), "")


def _rescales(layers: Sequence[Spec]) -> bool:
    for layer in layers:
        if layer.type == "Rescaling" or layer.kind is Kind.BASE:
            return True
        if layer.type != "Input" and not _of_pictures(layer.type):
            return False
    return False


def _of_pictures(layer: str) -> bool:
    return layer.startswith("Random") or layer in OF_PICTURES
