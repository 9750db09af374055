"""Keeps the way of bias and weight, where the network is a single unit with a single input."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from dl.data.dataset import Dataset
from dl.data.decision_surface import ParameterPath
from dl.data.types import Array
from dl.engine.network.checks import shaped_target
from dl.engine.training.checkpoint import State
from dl.engine.training.fit import least_squares

SIDE = 80
_MOST_ROWS = 2000
_ROOM = 0.3
"""Space around start and minimum, as a share of their distance: the same for all from there."""


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
        x, y = dataset.train.x[:_MOST_ROWS], shaped_target(dataset.train.y[:_MOST_ROWS], model)
        points = np.array(self._points)
        least = _least(self._unit, model.loss, x, y)
        biases, weights = _grid(points, least)
        loss = _surface(self._unit, model.loss, (x, y), biases, weights)
        return ParameterPath(points, self._steps, biases, weights, loss, len(x), least)

    def _see(self) -> None:
        if self._unit is not None:
            self._points.append(_parameters(self._unit))


def _single_unit(model: keras.Sequential, dataset: Dataset) -> Any | None:
    """Returns the only layer of the network, where it has one weight and one bias."""
    layer = model.layers[-1]
    is_unit = isinstance(layer, keras.layers.Dense) and layer.units == 1 and layer.use_bias
    fits = len(model.layers) == 1 and dataset.info.input_shape == (1,) and not model.losses
    is_told = dataset.target.form in ("numbers", "single")
    loss_by_row = isinstance(model.loss, keras.losses.Loss)
    return layer if is_unit and fits and is_told and loss_by_row else None


def _parameters(unit: Any) -> tuple[float, float]:
    return float(unit.bias.numpy()[0]), float(unit.kernel.numpy()[0, 0])


def _least(unit: Any, loss: Any, x: Array, y: Array) -> tuple[float, float] | None:
    linear = unit.activation is keras.activations.linear
    if not linear or not isinstance(loss, keras.losses.MeanSquaredError):
        return None
    theta, _ = least_squares(x, y, bias=True)
    return float(theta[0, 0]), float(theta[1, 0])


def _grid(points: Array, least: tuple[float, float] | None) -> tuple[Array, Array]:
    """Returns biases and weights that reach over the whole path, with room around its ends."""
    ends = np.array([points[0], points[-1] if least is None else least])
    room = _ROOM * max(float(np.ptp(ends, axis=0).max()), 0.1)
    every = np.concatenate([points, ends - room, ends + room])
    low, high = every.min(axis=0), every.max(axis=0)
    return np.linspace(low[0], high[0], SIDE), np.linspace(low[1], high[1], SIDE)


def _surface(
    unit: Any, loss: Any, rows: tuple[Array, Array], biases: Array, weights: Array
) -> Array:
    """Returns the mean loss of the rows for each pair, shape (weights, biases)."""
    x, y = rows
    repeated = np.repeat(y.reshape(-1, 1), len(biases), axis=0)
    return np.array([_line(unit, loss, weight * x + biases, repeated) for weight in weights])


def _line(unit: Any, loss: Any, sums: Array, y: Array) -> Array:
    """Returns the mean loss for each column of weighted sums, shape (rows, columns)."""
    outputs = unit.activation(keras.ops.convert_to_tensor(sums.reshape(-1, 1), "float32"))
    by_row = keras.ops.convert_to_numpy(loss.call(keras.ops.convert_to_tensor(y), outputs))
    return np.asarray(by_row.reshape(sums.shape).mean(axis=0))
