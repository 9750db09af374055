"""What is kept of the way of a training for the pictures: of a network of one or two inputs.

Of two inputs, the decision surface at chosen epochs; of a unit with one input, the path of its bias
and its weight over the surface of the loss. Both stand beside the training, not in `dl.inspect`:
what they keep is part of its checkpoints.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from dl.data.dataset import Dataset
from dl.data.predictions import (
    DecisionSurface,
    InputPlane,
    ParameterPath,
    SurfaceFrame,
    input_plane,
)
from dl.data.target import Target, decode, unscale
from dl.data.types import Array, mean
from dl.model import keras, tf
from dl.model.build import nested_layers
from dl.model.checks import shaped_target
from dl.training.checkpoint import State
from dl.training.fit import least_squares
from dl.vocabulary.traits import LOOKING_UP

MOST_FRAMES = 32
SIDES = (100, 200)
SIDES_OF_STEPS = (280, 400)
"""Points of the grid along each axis for a frame of the film, and for the still picture; finer
where the outputs jump, since nothing smooth lies between the points then."""
SIDE_OF_LOSS = 80
"""Points along each axis of the surface of the loss, which is smooth."""
_MOST_ROWS = 2000
"""Rows in a picture: more only cover each other."""
_MOST_PARAMETERS = 200_000
"""Weights of all frames together stay below 32 MB."""
_ROOM = 0.3
"""Space around start and minimum, as a fraction of their distance: the same for all from there."""


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

    def surface(self, last: int) -> DecisionSurface | None:
        """Returns the decision surface, epoch by epoch; the model keeps its weights.

        Args:
            last: The last whole epoch.
        """
        if self._plane is None:
            return None
        dataset, target = self._dataset, self._dataset.target
        kept = self._model.get_weights()
        frames = tuple(self._frames(self._plane, kept, last))
        self._model.set_weights(kept)
        # The first training rows in the data's own unit, and their classes or values.
        x, y = dataset.train.x[:_MOST_ROWS], dataset.train.y[:_MOST_ROWS]
        if target.form == "one_hot":
            y = y.argmax(axis=1)
        elif target.form == "numbers":
            y = unscale(y, target)
        cut = target.cut if target.form == "single" and target.probabilities else 0.5
        rows = self._plane.original(x)
        y = y.reshape(len(y))
        return DecisionSurface(self._plane, frames, rows, y, target.probabilities, cut)

    def _frames(self, plane: InputPlane, kept: list[Array], last: int) -> Iterator[SurfaceFrame]:
        forward = tf.function(
            lambda rows: self._model(rows, training=False), reduce_retracing=True, autograph=False
        )
        target = self._dataset.target
        smooth = target.probabilities or target.form == "numbers"
        coarse, fine = (tf.constant(plane.grid(s)) for s in (SIDES if smooth else SIDES_OF_STEPS))
        for epoch, weights in self._weights.items():
            self._model.set_weights(weights)
            yield SurfaceFrame(epoch, surface_values(forward(coarse).numpy(), target))
        self._model.set_weights(kept)
        yield SurfaceFrame(last, surface_values(forward(fine).numpy(), target), final=True)


def chosen_epochs(epochs: int) -> frozenset[int]:
    """Returns at most `MOST_FRAMES` - 2 epochs, in growing steps, the last one among them."""
    most = MOST_FRAMES - 2
    if epochs <= most:
        return frozenset(range(1, epochs + 1))
    fractions = np.linspace(0, 1, most) ** 2
    return frozenset(round(1 + float(fraction) * (epochs - 1)) for fraction in fractions)


def surface_values(outputs: Array, target: Target) -> Array:
    """Returns the probability of each class, shape (points, classes), or the predicted numbers.

    Outputs that are not probabilities give True for the class that is predicted.
    """
    if target.form == "numbers":
        return unscale(outputs, target).reshape(len(outputs), -1)[:, :1].astype(np.float32)
    columns = decode(outputs, target)
    if not target.probabilities:
        return np.column_stack([columns["prediction"] == name for name in target.classes])
    named = [columns[f"probability_{name}"] for name in target.classes]
    return np.column_stack(named).astype(np.float32)


def _plane(model: keras.Sequential, dataset: Dataset) -> InputPlane | None:
    if dataset.target.task == "multilabel" or model.count_params() > _MOST_PARAMETERS:
        return None
    if any(type(layer).__name__ in LOOKING_UP for layer in nested_layers(model)):
        return None  # between two tokens there is nothing to look up
    target = dataset.target
    if target.units is None or target.places or (target.form == "numbers" and target.units != 1):
        return None
    return input_plane(dataset.preprocessing, dataset.train.x[:_MOST_ROWS])


class PathKeeper(keras.callbacks.Callback):  # type: ignore[misc]
    """Keeps the parameters after each call of steps; a network of another form has no path."""

    def __init__(self, model: keras.Sequential, dataset: Dataset) -> None:
        super().__init__()
        self._unit = _single_unit(model, dataset)
        self._points: list[tuple[float, float]] = []
        self._steps = 0
        self._see()

    def on_train_batch_end(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
        """Is told of each call of steps; `batch` is the 0-based number of its last one."""
        self._steps = self._steps or batch + 1
        self._see()

    def state(self) -> State:
        """Returns the way so far."""
        return State({"steps": self._steps}, [np.array(self._points)])

    def set_state(self, state: State) -> None:
        """Goes on from this way."""
        self._steps = state.values["steps"]
        self._points = [(float(bias), float(weight)) for bias, weight in state.arrays[0]]

    def path(self, model: keras.Sequential, dataset: Dataset) -> ParameterPath | None:
        """Returns the way so far, on the surface of the loss; the last point is where it ended."""
        if self._unit is None:
            return None
        if self._points[-1] != _parameters(self._unit):
            self._see()
        rows = dataset.train.take(slice(_MOST_ROWS))
        x, y, counting = rows.x[:], shaped_target(rows.y, model)[:], rows.targets()[1]
        points, least = np.array(self._points), None
        linear = self._unit.activation is keras.activations.linear
        if linear and isinstance(model.loss, keras.losses.MeanSquaredError):
            theta, _ = least_squares(x, y, bias=True, weights=counting)
            least = float(theta[0, 0]), float(theta[1, 0])
        biases, weights = _grid(points, least)
        targets = np.repeat(y.reshape(-1, 1), len(biases), axis=0)
        lines = [
            _losses(self._unit, model.loss, weight * x + biases, targets, counting)
            for weight in weights
        ]
        return ParameterPath(points, self._steps, biases, weights, np.array(lines), len(x), least)

    def _see(self) -> None:
        if self._unit is not None:
            self._points.append(_parameters(self._unit))


def _single_unit(model: keras.Sequential, dataset: Dataset) -> Any | None:
    """Returns the only layer of the network, where it has one weight and one bias."""
    layer = model.layers[-1]
    is_unit = isinstance(layer, keras.layers.Dense) and layer.units == 1 and layer.use_bias
    fits = len(model.layers) == 1 and dataset.preprocessing.input_shape == (1,) and not model.losses
    is_told = dataset.target.form in ("numbers", "single")
    loss_by_row = isinstance(model.loss, keras.losses.Loss)
    return layer if is_unit and fits and is_told and loss_by_row else None


def _parameters(unit: Any) -> tuple[float, float]:
    return float(unit.bias.numpy()[0]), float(unit.kernel.numpy()[0, 0])


def _grid(points: Array, least: tuple[float, float] | None) -> tuple[Array, Array]:
    """Returns biases and weights that reach over the whole path, with room around its ends.

    Both have the shape (side,); `points` has the shape (points, 2).
    """
    ends = np.array([points[0], points[-1] if least is None else least])
    room = _ROOM * max(float(np.ptp(ends, axis=0).max()), 0.1)
    every = np.concatenate([points, ends - room, ends + room])
    low, high = every.min(axis=0), every.max(axis=0)
    return (
        np.linspace(low[0], high[0], SIDE_OF_LOSS),
        np.linspace(low[1], high[1], SIDE_OF_LOSS),
    )


def _losses(unit: Any, loss: Any, sums: Array, y: Array, counting: Array | None) -> Array:
    """Returns the mean loss for each column of weighted sums, shape (rows, columns)."""
    outputs = unit.activation(keras.ops.convert_to_tensor(sums.reshape(-1, 1), "float32"))
    by_row = keras.ops.convert_to_numpy(loss.call(keras.ops.convert_to_tensor(y), outputs))
    return mean(by_row.reshape(sums.shape), counting)
