"""Keeps checkpoints during a training, and brings the last one back.

A checkpoint holds everything that can change what comes next: the variables of the model (among
them those of its random generators), those of the optimizer (with the number of steps and the
learning rate), and what callbacks remember. The order of the rows and the data are functions of the
seed.

The rule. The state is copied in memory at the end of an epoch, unless the copies would take more
than a hundredth of the time. The last copy is written, with the history, when the last writing is
two seconds and a hundred times its own duration ago (a minute at the most), and always at the end
of the training, however it ends. So the cost stays at two percent, and what a kill can cost is the
epoch in progress and a few seconds.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from dl.data.types import Array
from dl.errors import RunError
from dl.progress import Reporter
from dl.rundir.directory import RunDirectory
from dl.rundir.manifest import Checkpoint, list_checkpoints, read_checkpoint, write_checkpoint
from dl.rundir.record import write_history

SHARE = 100
"""Copying, and writing, take at most one part in so many of the time."""
LEAST_PAUSE = 2.0
MOST_PAUSE = 60.0
"""Seconds between two writings: a kill should not cost more than a minute of a slow disk."""

_REMEMBERED = (
    "best",
    "best_epoch",
    "cooldown_counter",
    "outcome",
    "stopped_epoch",
    "wait",
    "_batches_seen_since_last_saving",
    "_current_epoch",
    "_ema_weights_in_model",
    "_last_batch_seen",
)
"""Attributes of Keras' callbacks, and of ours, that change during a training."""
_WEIGHTS = "best_weights"

# Keras counts these names through the whole process, not through the model; Nadam has one.
_COUNTED = re.compile(r"\b(seed_generator|variable)_\d+")

_MISFITS = (ArithmeticError, AttributeError, LookupError, StopIteration, TypeError, ValueError)
"""What is raised where a file holds other values than those that `State` is made of."""

History = list[dict[str, float]]


@dataclass(frozen=True, slots=True)
class State:
    """A part of a training.

    Attributes:
        values: What JSON holds exactly.
        arrays: Copies; nothing changes them.
    """

    values: Mapping[str, Any]
    arrays: Sequence[Array] = ()


class Stateful(Protocol):
    """A part of a training that can be kept and brought back."""

    def state(self) -> State:
        """Returns what it is now."""

    def set_state(self, state: State) -> None:
        """Makes it what it was.

        Raises:
            RunError: The state is that of another model.
        """


class Keeping(Protocol):
    """What keeps the state of a training as it goes on: on the disk, `Checkpoints`."""

    @property
    def phase(self) -> int:
        """The 1-based phase that the training goes on in."""

    def begin(self, parts: Mapping[str, Stateful]) -> History:
        """Is given the parts of the training that begins; returns the rows it goes on from."""

    def keep(self, *, last: bool) -> None:
        """Is called at the end of each epoch; `last` if no other follows."""


class Variables:
    """The variables of a model or an optimizer."""

    def __init__(self, variables: Callable[[], Sequence[Any]]) -> None:
        self._variables = variables

    def state(self) -> State:
        """Returns names and copies of the values."""
        variables = self._variables()
        names = [variable.path for variable in variables]
        return State({"names": names}, [np.array(variable.numpy()) for variable in variables])

    def set_state(self, state: State) -> None:
        """Assigns all values, after names, shapes and types were compared."""
        variables, names = self._variables(), state.values["names"]
        now = [_described(item.path, item.shape, item.dtype) for item in variables]
        before = [
            _described(name, array.shape, array.dtype.name)
            for name, array in zip(names, state.arrays, strict=True)
        ]
        if before != now:
            _refuse(before, now)
        for variable, array in zip(variables, state.arrays, strict=True):
            variable.assign(array)


class _Remembered:
    """What a callback remembers from epoch to epoch."""

    def __init__(self, callback: Any) -> None:
        self._callback = callback

    def state(self) -> State:
        known = vars(self._callback)
        values = {name: _plain(known[name]) for name in _REMEMBERED if name in known}
        weights = known.get(_WEIGHTS)
        arrays = [] if weights is None else [np.array(item) for item in weights]
        return State({**values, _WEIGHTS: weights is not None}, arrays)

    def set_state(self, state: State) -> None:
        for name, value in state.values.items():
            if name != _WEIGHTS:
                setattr(self._callback, name, value)
        if state.values[_WEIGHTS]:
            setattr(self._callback, _WEIGHTS, list(state.arrays))


class _Ended:
    """Whether a callback has ended the training."""

    def __init__(self, model: Any) -> None:
        self._model = model

    def state(self) -> State:
        return State({"ended": bool(self._model.stop_training)})

    def set_state(self, state: State) -> None:
        self._model.stop_training = state.values["ended"]


def training_state(model: Any, callbacks: Sequence[Any]) -> dict[str, Stateful]:
    """Returns all parts of a training by name; a callback can keep its state itself."""
    parts: dict[str, Stateful] = {
        "model": Variables(lambda: model.variables),
        "optimizer": Variables(lambda: model.optimizer.variables),
        "ended": _Ended(model),
    }
    for number, callback in enumerate(callbacks):
        name = f"callback {number} {type(callback).__name__}"
        parts[name] = callback if hasattr(callback, "set_state") else _Remembered(callback)
    return parts


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
        self.rows: History = []
        self.run = run
        self._first = first
        self._parts: dict[str, Stateful] = dict(also)
        self._copy: tuple[int, Mapping[str, State]] | None = None
        self._copies = _Pace(0.0)
        self._writings = _Pace(LEAST_PAUSE)
        self._unwritten = False

    @property
    def phase(self) -> int:
        """The 1-based phase that the training goes on in."""
        rows = [] if self._first is None else self._first.header["history"]
        with of_this_training(self.run):
            return int(rows[-1].get("phase", 1)) if rows else 1

    def begin(self, parts: Mapping[str, Stateful]) -> History:
        """Is given the parts of the training that begins; returns the rows it goes on from.

        Raises:
            RunError: The checkpoint is of another model, or does not hold a training.
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
                self._copy = len(self.rows), states
        if last or self._writings.is_due():
            self.write()

    def write(self) -> None:
        """Writes what is not written yet; raises `DiskError`."""
        if not self._unwritten:
            return
        with self._writings:
            write_history(self.run, self.rows)
            if self._copy is not None:
                epoch, states = self._copy
                _write(self.run, self.rows[:epoch], states)
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
            reporter.warn(f"{error}; the one before it is used")
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
    position, blobs = 0, list(checkpoint.blobs)
    for name, values in checkpoint.header["parts"].items():
        names = values.get("names", []) if name == "optimizer" else []
        for number, described in enumerate(checkpoint.header["arrays"][name]):
            # What scales the loss for float16 has one too, which it does not use.
            if names and names[number].endswith("/learning_rate"):
                blobs[position] = _bytes(np.array(rate, np.dtype(described[0])))
            position += 1
    return Checkpoint(checkpoint.header, blobs)


@contextmanager
def of_this_training(run: RunDirectory) -> Iterator[None]:
    """Words what goes wrong inside of the block: only a part itself knows what its state holds."""
    try:
        yield
    except _MISFITS as error:
        raise RunError(
            f"the checkpoint of {run.label} holds what a training does not keep",
            found=f"{type(error).__name__}: {error}",
            hint=f"train again: dl train {run.resolved}",
        ) from error


class _Pace:
    """How often something is done that takes time; measures it as a context manager."""

    def __init__(self, least: float) -> None:
        self._least = self._pause = least
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


def _write(run: RunDirectory, rows: History, states: Mapping[str, State]) -> None:
    """Writes the state at the end of the last of these epochs."""
    header = {
        "history": rows,
        "parts": {name: dict(state.values) for name, state in states.items()},
        "arrays": {
            name: [[array.dtype.name, *array.shape] for array in state.arrays]
            for name, state in states.items()
        },
    }
    blobs = [_bytes(array) for state in states.values() for array in state.arrays]
    write_checkpoint(run, len(rows), header, blobs)


def _states(checkpoint: Checkpoint) -> dict[str, State]:
    states, blobs = {}, iter(checkpoint.blobs)
    for name, values in checkpoint.header["parts"].items():
        described = checkpoint.header["arrays"][name]
        arrays = [
            np.frombuffer(next(blobs), np.dtype(dtype)).reshape(shape).copy()
            for dtype, *shape in described
        ]
        states[name] = State(values, arrays)
    return states


def _bytes(array: Array) -> memoryview:
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8).data


def _plain(value: Any) -> Any:
    """Returns a number of NumPy or of a tensor as Python's own, which JSON holds exactly."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return np.asarray(value).item()


def _described(name: str, shape: Any, dtype: str) -> str:
    uncounted = _COUNTED.sub(r"\1", name)
    return f"{uncounted}, shape {tuple(shape)}, {dtype}"


def _refuse(before: list[str], now: list[str]) -> None:
    pairs = zip([*before, *["nothing"] * len(now)], [*now, *["nothing"] * len(before)], strict=True)
    kept, built = next(pair for pair in pairs if pair[0] != pair[1])
    raise RunError(
        "the checkpoint is of another model",
        expected=built,
        found=kept,
        hint="resume with the config of the run, or train again",
    )
