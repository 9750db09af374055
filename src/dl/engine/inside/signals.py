"""What the layers of a network say about a few training rows: dead units, gradients, weights."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import keras
import numpy as np

from dl.config.load import load_resolved
from dl.config.schema import Config
from dl.data.dataset import Dataset
from dl.data.load import read_dataset
from dl.data.types import Array
from dl.diagnose.checks import LayerStatistics, NetworkStatistics
from dl.engine.inside.step import Step, array_of, record_step
from dl.engine.network.checks import loss_targets
from dl.engine.prepare import prepare
from dl.engine.saved import open_run, training_data
from dl.progress import Reporter
from dl.runs.directory import RunDirectory
from dl.runs.manifest import read_checked
from dl.vocabulary.traits import ACTIVATION_LAYERS, ENDS_WITH_ACTIVATION, LINEAR

_MOST_ROWS, _LEAST_ROWS = 512, 16
_MOST_VALUES = 50_000_000
"""Outputs of all layers that are held at once."""
_FLAT = 0.05
"""A slope below this share of the greatest is taken for flat."""


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
    train, rows = dataset.train, _rows(model)
    x, y = train.x[:rows], train.y[:rows]
    step = record_step(model, x, *loss_targets(model, dataset, config, y), training=False)
    return NetworkStatistics(len(x), trained, tuple(_layers(model, step)))


def _layers(model: keras.Sequential, step: Step) -> Iterable[LayerStatistics]:
    places = [place for place, layer in enumerate(model.layers) if _is_weighted(layer)]
    for place in places:
        layer = model.layers[place]
        activator, activation = _activation(model, place)
        output = step.outputs[activator].numpy()
        hidden = place != places[-1]
        gradients = step.gradients(layer.trainable_weights)
        yield LayerStatistics(
            name=layer.name,
            activation=activation,
            activated_by=model.layers[activator].name,
            units=int(output.shape[-1]),
            dead=_dead(output) if hidden and activation in ("relu", "relu6") else None,
            saturated=_saturated(output, activation) if hidden else None,
            gradient=_norm(array_of(gradient) for gradient in gradients),
            weights=_norm(weight.numpy() for weight in layer.trainable_weights),
            parameters=sum(math.prod(weight.shape) for weight in layer.trainable_weights),
        )


def _is_weighted(layer: Any) -> bool:
    return bool(layer.trainable_weights) and "Normalization" not in type(layer).__name__


def _activation(model: keras.Sequential, place: int) -> tuple[int, str]:
    """Returns the layer that applies the activation of a layer, and its name.

    A layer without one may have it in a layer that follows, after normalization or dropout.
    """
    layer = model.layers[place]
    own = getattr(getattr(layer, "activation", None), "__name__", LINEAR)
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


def _dead(output: Array) -> float:
    """Returns the share of units that give 0 for every row and at every position."""
    return float(np.mean(output.reshape(-1, output.shape[-1]).max(axis=0) <= 0))


def _saturated(output: Array, activation: str) -> float | None:
    """Returns the share of outputs at which the slope of the activation is almost 0."""
    if activation == "sigmoid":
        return float(np.mean(4 * output * (1 - output) < _FLAT))
    if activation == "tanh":
        return float(np.mean(1 - output**2 < _FLAT))
    return None


def _norm(arrays: Iterable[Array | None]) -> float:
    squares = [float(np.square(a, dtype=np.float64).sum()) for a in arrays if a is not None]
    return math.sqrt(sum(squares))


def _rows(model: keras.Sequential) -> int:
    """Returns as many rows as leave the outputs of all layers in memory."""
    values = sum(math.prod(size or 1 for size in layer.output.shape[1:]) for layer in model.layers)
    return max(_LEAST_ROWS, min(_MOST_ROWS, _MOST_VALUES // max(1, values)))
