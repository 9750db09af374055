"""How a network of two inputs divides the plane, at chosen epochs of its training."""

from __future__ import annotations

from collections.abc import Iterator

import keras
import numpy as np
import tensorflow as tf

from dl.data.dataset import Dataset
from dl.data.decision_surface import DecisionSurface, InputPlane, SurfaceFrame, input_plane
from dl.data.targets.target import Target, decode, unscale
from dl.data.types import Array
from dl.engine.network.model import nested_layers
from dl.engine.training.checkpoint import State
from dl.vocabulary.traits import LOOKING_UP

MOST_FRAMES = 32
SIDES = (100, 200)
SIDES_OF_STEPS = (280, 400)
"""Points of the grid along each axis for a frame of the film, and for the still picture; finer
where the outputs jump, since nothing smooth lies between the points then."""
_MOST_ROWS = 2000
_MOST_PARAMETERS = 200_000
"""Weights of all frames together stay below 32 MB."""


class Snapshots:
    """Keeps the weights of some epochs, where the network has two inputs.

    The epochs are chosen before the training: all where they are few, else denser at the start,
    where a network changes most.
    """

    def __init__(self, model: keras.Sequential, dataset: Dataset, epochs: int) -> None:
        self._model = model
        self._dataset = dataset
        self._weights: dict[int, list[Array]] = {}
        self._epochs: frozenset[int] = frozenset()
        self._plane = _plane(model, dataset)
        if self._plane is not None:
            self._epochs = chosen_epochs(epochs)
            self._weights[0] = model.get_weights()

    def see(self, epoch: int) -> None:
        """Is told of each whole epoch (1-based)."""
        if epoch in self._epochs:
            self._weights[epoch] = self._model.get_weights()

    def state(self) -> State:
        """Returns the weights that were kept."""
        kept = [array for weights in self._weights.values() for array in weights]
        return State({"epochs": list(self._weights)}, kept)

    def set_state(self, state: State) -> None:
        """Keeps these weights."""
        epochs = state.values["epochs"]
        each = len(state.arrays) // max(len(epochs), 1)
        self._weights = {
            epoch: list(state.arrays[i * each : (i + 1) * each]) for i, epoch in enumerate(epochs)
        }

    def boundary(self, last: int) -> DecisionSurface | None:
        """Returns what the network said on the plane; the model keeps its weights.

        Args:
            last: The last whole epoch.
        """
        if self._plane is None:
            return None
        kept = self._model.get_weights()
        frames = tuple(self._frames(self._plane, kept, last))
        self._model.set_weights(kept)
        return _boundary(self._plane, frames, self._dataset)

    def _frames(self, plane: InputPlane, kept: list[Array], last: int) -> Iterator[SurfaceFrame]:
        forward = tf.function(
            lambda rows: self._model(rows, training=False), reduce_retracing=True, autograph=False
        )
        target = self._dataset.target
        smooth = target.probabilities or target.form == "numbers"
        coarse, fine = (tf.constant(plane.grid(s)) for s in (SIDES if smooth else SIDES_OF_STEPS))
        for epoch, weights in self._weights.items():
            self._model.set_weights(weights)
            yield SurfaceFrame(epoch, plane_values(forward(coarse).numpy(), target))
        self._model.set_weights(kept)
        yield SurfaceFrame(last, plane_values(forward(fine).numpy(), target), final=True)


def chosen_epochs(epochs: int) -> frozenset[int]:
    """Returns at most `MOST_FRAMES` - 2 epochs, in growing steps, the last one among them."""
    most = MOST_FRAMES - 2
    if epochs <= most:
        return frozenset(range(1, epochs + 1))
    shares = np.linspace(0, 1, most) ** 2
    return frozenset(round(1 + float(share) * (epochs - 1)) for share in shares)


def plane_values(outputs: Array, target: Target) -> Array:
    """Returns the probability of each class, shape (points, classes), or the predicted numbers.

    Outputs that are no probabilities give True for the class that is predicted.
    """
    if target.form == "numbers":
        return unscale(outputs, target).reshape(len(outputs), -1)[:, :1].astype(np.float32)
    columns = decode(outputs, target)
    if not target.probabilities:
        return np.column_stack([columns["prediction"] == name for name in target.classes])
    named = [columns[f"probability_{name}"] for name in target.classes]
    return np.column_stack(named).astype(np.float32)


def _plane(model: keras.Sequential, dataset: Dataset) -> InputPlane | None:
    if dataset.info.task == "multilabel" or model.count_params() > _MOST_PARAMETERS:
        return None
    if any(type(layer).__name__ in LOOKING_UP for layer in nested_layers(model)):
        return None  # between two tokens there is nothing to look up
    target = dataset.target
    if target.units is None or target.places or (target.form == "numbers" and target.units != 1):
        return None
    return input_plane(dataset.preprocessing, dataset.train.x[:_MOST_ROWS])


def _boundary(
    plane: InputPlane, frames: tuple[SurfaceFrame, ...], dataset: Dataset
) -> DecisionSurface:
    target = dataset.target
    rows, y = _shown_rows(plane, dataset)
    cut = target.cut if target.form == "single" and target.probabilities else 0.5
    return DecisionSurface(plane, frames, rows, y, target.probabilities, cut)


def _shown_rows(plane: InputPlane, dataset: Dataset) -> tuple[Array, Array]:
    """Returns the first training rows in the data's own unit, and their classes or values."""
    x, y = dataset.train.x[:_MOST_ROWS], dataset.train.y[:_MOST_ROWS]
    form = dataset.target.form
    if form == "one_hot":
        return plane.original(x), y.argmax(axis=1)
    values = unscale(y, dataset.target) if form == "numbers" else y
    return plane.original(x), values.reshape(len(values))
