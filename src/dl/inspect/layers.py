"""What the layers of a network are like, and what they do with a few training rows."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from dl.config.load import load_resolved
from dl.config.schema import Config
from dl.data.dataset import Dataset
from dl.data.load import read_dataset
from dl.data.types import Array
from dl.inspect import LayerRow, LayerStatistics, NetworkStatistics, WeightRow
from dl.inspect.trace import RecordedStep, activation_of, array_of, record_step, whole_array
from dl.model import keras
from dl.model.checks import loss_targets
from dl.model.objects import BASES
from dl.predict.evaluate import open_run, training_data
from dl.progress import Reporter
from dl.rundir.directory import RunDirectory
from dl.rundir.manifest import read_checked
from dl.training.setup import prepare
from dl.vocabulary.traits import ACTIVATION_LAYERS, ENDS_WITH_ACTIVATION, LINEAR

_BINS = 24
_MOST_ROWS, _LEAST_ROWS = 512, 16
"""Enough rows to tell a dead unit from one that is silent for some; few enough for a second."""
_MOST_VALUES = 50_000_000
"""Outputs of all layers that are held at once."""
_FLAT = 0.05
"""A slope below this fraction of the greatest is taken for flat."""


def layer_rows(model: keras.Sequential) -> list[LayerRow]:
    """Returns a row for each layer, from input to output."""
    return [
        LayerRow(
            name=layer.name,
            type=BASES[layer].type if layer in BASES else type(layer).__name__,
            activation=activation_of(layer),
            output_shape=tuple(layer.output.shape[1:]),
            parameters=_count(layer.weights),
            biases=_count(weight for weight in layer.weights if weight.name == "bias"),
            trainable=_count(layer.trainable_weights),
        )
        for layer in model.layers
    ]


def _count(weights: Iterable[Any]) -> int:
    return sum(math.prod(weight.shape) for weight in weights)


def weight_rows(model: keras.Sequential) -> list[WeightRow]:
    """Returns a row for each array of numbers, from input to output; seeds are left out."""
    return [
        _weight_row(layer.name, weight.name, weight.numpy())
        for layer in model.layers
        for weight in layer.weights
        if keras.backend.is_float_dtype(weight.dtype)
    ]


def _weight_row(layer: str, name: str, array: Array) -> WeightRow:
    values = array.astype(np.float64).reshape(-1)
    finite = values[np.isfinite(values)]
    counts, _ = np.histogram(finite, bins=_BINS) if len(finite) else (np.zeros(_BINS, int), None)
    return WeightRow(
        layer=layer,
        name=name,
        shape=tuple(array.shape),
        mean=float(values.mean()),
        deviation=float(values.std()),
        least=float(values.min()),
        greatest=float(values.max()),
        norm=float(np.sqrt(np.square(values).sum())),
        zeros=float(np.mean(values == 0)),
        counts=tuple(map(int, counts)),
    )


def measure_run(run: RunDirectory, reporter: Reporter) -> NetworkStatistics:
    """Measures the weights of a run; its initial ones, if it ended before any were kept.

    Raises:
        RunError: A file of the run is missing or damaged.
        DataError: Its data cannot be read any more.
    """
    if run.model.exists():
        saved = open_run(run, reporter)
        return measure(saved.model, training_data(saved, reporter), saved.config, trained=True)
    loaded = load_resolved(run.resolved, read_checked(run.resolved))
    training = replace(loaded.config.training, metrics=(), callbacks=())
    loaded = replace(loaded, config=replace(loaded.config, training=training))
    made = prepare(loaded, read_dataset(loaded, reporter), reporter)
    return measure(made.model, made.dataset, made.config, trained=False)


def measure(
    model: keras.Sequential, dataset: Dataset, config: Config, *, trained: bool
) -> NetworkStatistics:
    """Passes the first training rows through a compiled model, without dropout, and derives.

    Args:
        model: The model; it is not changed.
        dataset: The data.
        config: The config.
        trained: Whether the model has the weights of a run; else the initial ones.
    """
    values = sum(math.prod(size or 1 for size in layer.output.shape[1:]) for layer in model.layers)
    rows = max(_LEAST_ROWS, min(_MOST_ROWS, _MOST_VALUES // max(1, values)))
    few = dataset.train.take(slice(rows))
    x = few.x[:]
    y, weights = loss_targets(model, dataset, config, few)
    counting = None if weights is None else weights[:]
    step = record_step(model, x, y[:], counting, training=False)
    return NetworkStatistics(len(x), trained, tuple(_statistics(model, step)))


def _statistics(model: keras.Sequential, step: RecordedStep) -> Iterator[LayerStatistics]:
    places = [
        place
        for place, layer in enumerate(model.layers)
        if layer.trainable_weights and "Normalization" not in type(layer).__name__
    ]
    for place in places:
        layer = model.layers[place]
        activator, activation = _activation(model, place)
        output = whole_array(step.outputs[activator])
        dead = saturated = None
        if place != places[-1]:
            saturated = _saturated(output, activation)
            if activation in ("relu", "relu6"):
                # Units that give 0 for every row and at every position.
                highest = output.reshape(-1, output.shape[-1]).max(axis=0)
                dead = float(np.mean(highest <= 0))
        yield LayerStatistics(
            name=layer.name,
            activation=activation,
            activated_by=model.layers[activator].name,
            units=int(output.shape[-1]),
            dead=dead,
            saturated=saturated,
            gradient=_norm(map(array_of, step.gradients(layer.trainable_weights))),
            weights=_norm(weight.numpy() for weight in layer.trainable_weights),
            parameters=_count(layer.trainable_weights),
        )


def _activation(model: keras.Sequential, place: int) -> tuple[int, str]:
    """Returns the layer that applies the activation of a layer, and its name.

    A layer without one may have it in a layer that follows, after normalization or dropout.
    """
    layer = model.layers[place]
    own = activation_of(layer) or LINEAR
    if type(layer).__name__ not in ENDS_WITH_ACTIVATION:
        return place, ""
    if own != LINEAR:
        return place, own
    for follower in range(place + 1, len(model.layers)):
        name = type(model.layers[follower]).__name__
        if name == "Activation":
            return follower, model.layers[follower].activation.__name__
        if name in ACTIVATION_LAYERS:
            return follower, ACTIVATION_LAYERS[name]
        if "Normalization" not in name and "Dropout" not in name:
            break
    return place, LINEAR


def _saturated(output: Array, activation: str) -> float | None:
    """Returns the fraction of outputs at which the slope of the activation is almost 0."""
    if activation == "sigmoid":  # its greatest slope is 1/4
        return float(np.mean(4 * output * (1 - output) < _FLAT))
    if activation == "tanh":
        return float(np.mean(1 - output**2 < _FLAT))
    return None


def _norm(arrays: Iterable[Array | None]) -> float:
    squares = [float(np.square(a, dtype=np.float64).sum()) for a in arrays if a is not None]
    return math.sqrt(sum(squares))
