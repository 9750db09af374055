"""Keeps checkpoints during a training, and brings the last one back.

The rule. The state is copied in memory at the end of an epoch, unless the copies would take more
than a hundredth of the time. The last copy is written, with the history, when the last writing is
two seconds and a hundred times its own duration ago (a minute at the most), and always at the end
of the training, however it ends. So the cost stays at two percent, and what a kill can cost is the
epoch in progress and a few seconds.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from dl.data.types import Array
from dl.engine.training.state import State, Stateful
from dl.errors import RunError
from dl.progress import Reporter
from dl.runs.checkpoints import Checkpoint, list_checkpoints, read_checkpoint, write_checkpoint
from dl.runs.directory import RunDirectory
from dl.runs.history import write_history

_MISFITS = (ArithmeticError, AttributeError, LookupError, StopIteration, TypeError, ValueError)
SHARE = 100
"""Copying, and writing, take at most one part in so many of the time."""
LEAST_PAUSE = 2.0
MOST_PAUSE = 60.0
"""Seconds between two writings."""

Rows = list[dict[str, float]]


@dataclass(frozen=True, slots=True)
class _Copy:
    """The state at the end of an epoch."""

    states: Mapping[str, State]
    rows: Sequence[Mapping[str, float]]


class Checkpoints:
    """The checkpoints of a run, and its history.

    Attributes:
        rows: The rows of all epochs that have ended.

    Args:
        run: The run; the caller holds its lock.
        also: What is kept beside the parts of the training itself, by name.
        first: The checkpoint to begin from.
    """

    def __init__(
        self, run: RunDirectory, also: Mapping[str, Stateful], first: Checkpoint | None = None
    ) -> None:
        self.rows: Rows = []
        self.run = run
        self._first = first
        self._parts: dict[str, Stateful] = dict(also)
        self._copy: _Copy | None = None
        self._copies = _Pace(0.0)
        self._writings = _Pace(LEAST_PAUSE)
        self._unwritten = False

    def begin(self, parts: Mapping[str, Stateful]) -> Rows:
        """Is given the parts of the training that begins; returns the rows it goes on from.

        Raises:
            RunError: The checkpoint is of another model, or of no training at all.
        """
        self._parts |= parts
        if self._first is not None:
            self._unwritten = True  # the history can be damaged
            self.rows = [dict(row) for row in self._first.header["history"]]
            with of_this_training(self.run):
                states = _states(self._first)
                for name, part in self._parts.items():
                    if name in states:
                        part.set_state(states[name])
        return list(self.rows)

    def see(self, row: Mapping[str, float]) -> None:
        """Is told of the row of an epoch that has ended."""
        self.rows.append(dict(row))
        self._unwritten = True

    def keep(self, *, last: bool) -> None:
        """Is called at the end of each epoch, after `see`; `last` if no other follows."""
        if last or self._copies.is_due():
            with self._copies:
                states = {name: part.state() for name, part in self._parts.items()}
                self._copy = _Copy(states, tuple(self.rows))
        if last or self._writings.is_due():
            self.write()

    def write(self) -> None:
        """Writes what is not written yet; raises `DiskError`."""
        if not self._unwritten:
            return
        with self._writings:
            write_history(self.run, self.rows)
            if self._copy is not None:
                _write(self.run, self._copy)
                self._copy = None
        self._unwritten = False


def last_checkpoint(run: RunDirectory, reporter: Reporter) -> Checkpoint | None:
    """Returns the newest checkpoint that is whole; None if there is none at all.

    Raises:
        RunError: There are checkpoints, and all are damaged.
    """
    found = list_checkpoints(run)
    for epoch, path in found:
        try:
            checkpoint = read_checkpoint(path)
        except RunError as error:
            reporter.warn(f"{error}; the checkpoint before it serves")
            continue
        if len(checkpoint.header["history"]) == epoch:
            return checkpoint
    if found:
        raise RunError(
            f"no checkpoint of {run.label} can be used",
            hint=f"train again: dl train {run.resolved}",
        )
    return None


def with_rate(checkpoint: Checkpoint, rate: float) -> Checkpoint:
    """Returns a checkpoint whose optimizer has another learning rate."""
    position = 0
    for name, values in checkpoint.header["parts"].items():
        names = values.get("names", []) if name == "optimizer" else []
        for number, described in enumerate(checkpoint.header["arrays"][name]):
            if names and names[number].endswith("/learning_rate"):
                blobs = list(checkpoint.blobs)
                blobs[position] = _bytes(np.array(rate, np.dtype(described[0])))
                return Checkpoint(checkpoint.header, blobs)
            position += 1
    return checkpoint


@contextmanager
def of_this_training(run: RunDirectory) -> Iterator[None]:
    """Words what goes wrong inside of the block: only a part itself knows what its state holds."""
    try:
        yield
    except _MISFITS as error:
        raise RunError(
            f"the checkpoint of {run.label} holds what no training keeps",
            found=f"{type(error).__name__}: {error}",
            hint=f"train again: dl train {run.resolved}",
        ) from error


class _Pace:
    """How often something is done that takes time; measures it as a context manager."""

    def __init__(self, least: float) -> None:
        self._least = least
        self._pause = least
        self._ended = time.monotonic()
        self._started = 0.0

    def is_due(self) -> bool:
        return time.monotonic() - self._ended >= self._pause

    def __enter__(self) -> None:
        self._started = time.monotonic()

    def __exit__(self, *error: object) -> None:
        self._ended = time.monotonic()
        took = self._ended - self._started
        self._pause = max(self._least, min(SHARE * took, MOST_PAUSE))


def _write(run: RunDirectory, copy: _Copy) -> None:
    arrays = [array for state in copy.states.values() for array in state.arrays]
    header = {
        "history": [dict(row) for row in copy.rows],
        "parts": {name: dict(state.values) for name, state in copy.states.items()},
        "arrays": {
            name: [[array.dtype.name, *array.shape] for array in state.arrays]
            for name, state in copy.states.items()
        },
    }
    write_checkpoint(run, len(copy.rows), header, [_bytes(array) for array in arrays])


def _states(checkpoint: Checkpoint) -> dict[str, State]:
    states, blobs = {}, iter(checkpoint.blobs)
    for name, values in checkpoint.header["parts"].items():
        described = checkpoint.header["arrays"][name]
        states[name] = State(values, [_array(next(blobs), *item) for item in described])
    return states


def _bytes(array: Array) -> memoryview:
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8).data


def _array(blob: memoryview, dtype: Any, *shape: int) -> Array:
    return np.frombuffer(blob, np.dtype(dtype)).reshape(shape).copy()
