"""Follows some validation rows, and the weights, through the epochs: what a report's slider shows.

Of a training that a person looks at, with rows in memory: a sweep and rows on the disk do without.
Nothing of it changes the training: rows are only looked at, as in its validation.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from dl.data.dataset import Dataset
from dl.data.predictions import Answers, answers
from dl.data.recording import (
    Frame,
    Recording,
    WeightShape,
    affordable,
    one_answer_a_row,
    rows_followed,
)
from dl.data.types import Array
from dl.errors import DlError
from dl.model import keras
from dl.predict.evaluate import Forward
from dl.training.checkpoint import State
from dl.training.two_inputs import chosen_epochs

_MOST_ARRAYS = 8
_MOST_VALUES = 2_000
"""Of an array, evenly spread: how its values spread is seen from these."""
_BINS = 24
_FEWEST_FRAMES = 3
"""Before the training, after it, and one between."""


class Recorder:
    """Keeps what the network says of some validation rows after chosen epochs."""

    def __init__(
        self, model: keras.Sequential, dataset: Dataset, epochs: int, *, wanted: bool
    ) -> None:
        """Takes the network with its first weights.

        Args:
            model: The network.
            dataset: Its data.
            epochs: How many epochs are planned.
            wanted: Whether anybody will look at it.
        """
        self._model, self._dataset = model, dataset
        self._positions = _followed(model, dataset, epochs) if wanted else np.zeros(0, np.int64)
        self._epochs = chosen_epochs(epochs) if len(self._positions) else frozenset()
        self._arrays = _arrays(model)
        self._frames: list[Frame] = []
        self._forward = Forward(model)

    def begin(self) -> None:
        """Is told that the training begins, or goes on."""
        if len(self._positions):
            self._record(0)

    def see(self, epoch: int) -> None:
        """Is told of each whole epoch (1-based)."""
        train, rows = len(self._dataset.train), len(self._positions)
        if epoch in self._epochs and affordable(len(self._frames), rows, train, epoch):
            self._record(epoch)

    def state(self) -> State:
        """Returns the frames so far."""
        frames = self._frames
        values = {
            "positions": self._positions.tolist(),
            "epochs": [frame.epoch for frame in frames],
            "weights": [[[w.low, w.high, *w.counts] for w in f.weights] for f in frames],
        }
        arrays = [np.array([frame.predicted for frame in frames])]
        arrays += [np.array([frame.truth for frame in frames], np.uint8)]
        return State(values, arrays)

    def set_state(self, state: State) -> None:
        """Goes on from these frames, with the same rows: more epochs could afford others."""
        self._positions = np.array(state.values["positions"], np.int64)
        kept = zip(state.values["epochs"], *state.arrays, state.values["weights"], strict=True)
        self._frames = [
            Frame(
                epoch,
                tuple(predicted.tolist()),
                tuple(truth.tolist()),
                tuple(WeightShape(low, high, tuple(counts)) for low, high, *counts in weights),
            )
            for epoch, predicted, truth, weights in kept
        ]

    def recording(self, kept: int | None) -> Recording | None:
        """Returns the frames, where there is anything to move through.

        Args:
            kept: The epoch whose weights the network has now: it is one of them; None where they
                are no epoch's.
        """
        before = list(self._frames)
        if len(before) >= _FEWEST_FRAMES and kept not in (None, *(f.epoch for f in before)):
            self._record(kept or 0)
        frames = sorted(self._frames, key=lambda frame: frame.epoch)
        self._frames = before  # what an exact resume goes on from
        validation = self._dataset.validation
        said = self._answers() if len(self._frames) >= _FEWEST_FRAMES else None
        if said is None or validation is None:
            return None
        return Recording(
            len(validation),
            tuple(self._positions.tolist()),
            tuple(validation.rows[self._positions].tolist()),
            tuple(said.true.reshape(-1).tolist()),
            tuple(name for name, _ in self._arrays),
            tuple(frames),
        )

    def _record(self, epoch: int) -> None:
        said = self._answers()
        if said is None or said.predicted is None:
            return
        predicted = said.predicted.reshape(-1).tolist()
        if self._dataset.target.task == "regression":
            predicted = [float(f"{value:.4g}") for value in predicted]
        truth: list[int] = []
        if said.probabilities is not None:
            given = said.probabilities[np.arange(len(predicted)), said.true.astype(np.int64)]
            truth = np.rint(100 * np.clip(given, 0, 1)).astype(int).tolist()
        shapes = tuple(_shape(array) for _, array in self._arrays)
        self._frames.append(Frame(epoch, tuple(predicted), tuple(truth), shapes))

    def _answers(self) -> Answers | None:
        """Returns what the network says of the rows now; None where it says nothing finite."""
        validation = self._dataset.validation
        if validation is None:
            return None
        rows = validation.take(self._positions)
        try:
            outputs = self._forward(rows.x[:])
        except DlError:  # the training is about to tell it, at its place
            self._epochs = frozenset()
            return None
        if not np.isfinite(outputs).all():
            return None
        return answers(rows.y[:], outputs, self._dataset.target)


def _followed(model: keras.Sequential, dataset: Dataset, epochs: int) -> Array:
    """Returns the positions of the rows to follow; none where a network has no one answer a row."""
    none = np.zeros(0, np.int64)
    if dataset.validation is None or dataset.storage.streamed:
        return none
    if not one_answer_a_row(dataset.target):
        return none
    if model.distribute_strategy.num_replicas_in_sync > 1:
        return none
    if any(getattr(layer, "stateful", False) for layer in model.layers):
        return none  # looking at a row would change what comes next
    return rows_followed(len(dataset.validation), len(dataset.train), epochs)


def _arrays(model: keras.Sequential) -> list[tuple[str, Any]]:
    """Returns the weight arrays to follow, by name: of many, the first and the last ones."""
    found = [
        (f"{layer.name} {weight.name}", weight)
        for layer in model.layers
        for weight in layer.trainable_weights
        if len(weight.shape) > 1
    ]
    half = _MOST_ARRAYS // 2
    return found if len(found) <= _MOST_ARRAYS else [*found[:half], *found[-half:]]


def _shape(weight: Any) -> WeightShape:
    values = np.ravel(weight.numpy())
    values = values[:: max(1, len(values) // _MOST_VALUES)].astype(np.float32)
    counts, edges = np.histogram(values[np.isfinite(values)], bins=_BINS)
    low, high = (float(f"{edge:.4g}") for edge in (edges[0], edges[-1]))
    return WeightShape(low, high, tuple(counts.tolist()))
