"""How a network of two inputs divides the plane, at chosen epochs of its training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from dl.data.plane import Boundary, Frame, Plane, plane_of
from dl.data.targets import decode, target_of, unscale
from dl.data.types import Array, Dataset

MOST_FRAMES = 40
SIDE = 100
_MOST_ROWS = 2000
_MOST_PARAMETERS = 1_000_000


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

    def boundary(self, last: int) -> Boundary | None:
        """Returns what the network said on the plane; the model keeps its weights.

        Args:
            last: The last whole epoch.
        """
        if self._plane is None:
            return None
        final = self._model.get_weights()
        grid = tf.constant(self._plane.grid(SIDE))
        forward = tf.function(lambda rows: self._model(rows, training=False))
        frames = []
        for epoch, weights in self._weights.items():
            self._model.set_weights(weights)
            frames.append(Frame(epoch, self._values(forward(grid).numpy())))
        self._model.set_weights(final)
        kept = Frame(last, self._values(forward(grid).numpy()), final=True)
        rows, y = _shown_rows(self._plane, self._dataset)
        return Boundary(self._plane, SIDE, (*frames, kept), rows, y)

    def _values(self, outputs: Array) -> Array:
        return plane_values(outputs, self._dataset.learned).astype(np.float32)


def chosen_epochs(epochs: int) -> frozenset[int]:
    """Returns at most `MOST_FRAMES` - 2 epochs, in growing steps, the last one among them."""
    most = MOST_FRAMES - 2
    if epochs <= most:
        return frozenset(range(1, epochs + 1))
    shares = np.linspace(0, 1, most) ** 2
    return frozenset(round(1 + float(share) * (epochs - 1)) for share in shares)


def plane_values(outputs: Array, learned: Mapping[str, Any]) -> Array:
    """Returns the probability of each class, shape (points, classes), or the predicted numbers.

    Outputs that are no probabilities give 1 for the class that is predicted.
    """
    target = target_of(learned)
    if target.form == "numbers":
        return unscale(outputs, learned).reshape(len(outputs), -1)[:, :1]
    columns = decode(outputs, learned)
    named = [f"probability_{name}" for name in target.classes]
    if all(name in columns for name in named):
        return np.column_stack([columns[name] for name in named])
    predicted = columns["prediction"]
    return np.column_stack([predicted == name for name in target.classes]).astype(np.float32)


def _plane(model: keras.Sequential, dataset: Dataset) -> Plane | None:
    if dataset.info.task == "multilabel" or model.count_params() > _MOST_PARAMETERS:
        return None
    target = target_of(dataset.learned)
    if target.units is None or (target.form == "numbers" and target.units != 1):
        return None
    return plane_of(dataset.learned, dataset.info, dataset.train.x[:_MOST_ROWS])


def _shown_rows(plane: Plane, dataset: Dataset) -> tuple[Array, Array]:
    """Returns the first training rows in the data's own unit, and their classes or values."""
    x, y = dataset.train.x[:_MOST_ROWS], dataset.train.y[:_MOST_ROWS]
    form = target_of(dataset.learned).form
    if form == "one_hot":
        return plane.original(x), y.argmax(axis=1)
    values = unscale(y, dataset.learned) if form == "numbers" else y
    return plane.original(x), values.reshape(len(values))
