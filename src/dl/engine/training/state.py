"""What a training consists of at the end of an epoch, as plain values and arrays.

Everything that can change what comes next is here: the variables of the model (among them those of
its random generators), those of the optimizer (with the number of steps and the learning rate),
and what callbacks remember. The order of the rows and the data are functions of the seed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from dl.data.types import Array
from dl.errors import RunError

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

_COUNTED = re.compile(r"\b(seed_generator|variable)_\d+")
"""Names that Keras counts through the whole process, not through the model; Nadam has one."""


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
        variables = self._variables()
        now = [_described(item.path, item.shape, item.dtype) for item in variables]
        before = [
            _described(name, array.shape, array.dtype.name)
            for name, array in zip(state.values["names"], state.arrays, strict=True)
        ]
        _compare(before, now)
        for variable, array in zip(variables, state.arrays, strict=True):
            variable.assign(array)


class Remembered:
    """What a callback remembers from epoch to epoch."""

    def __init__(self, callback: Any) -> None:
        self._callback = callback

    def state(self) -> State:
        """Returns its numbers and the weights that it keeps."""
        known = vars(self._callback)
        values = {name: _plain(known[name]) for name in _REMEMBERED if name in known}
        weights = known.get(_WEIGHTS)
        values[_WEIGHTS] = weights is not None
        return State(values, [] if weights is None else [np.array(item) for item in weights])

    def set_state(self, state: State) -> None:
        """Sets them again."""
        for name, value in state.values.items():
            if name != _WEIGHTS:
                setattr(self._callback, name, value)
        if state.values[_WEIGHTS]:
            setattr(self._callback, _WEIGHTS, list(state.arrays))


class Ended:
    """Whether a callback has ended the training."""

    def __init__(self, model: Any) -> None:
        self._model = model

    def state(self) -> State:
        """Returns whether it has ended."""
        return State({"ended": bool(self._model.stop_training)})

    def set_state(self, state: State) -> None:
        """Ends it again, or not."""
        self._model.stop_training = state.values["ended"]


def training_state(model: Any, callbacks: Sequence[Any]) -> dict[str, Stateful]:
    """Returns all parts of a training by name; a callback can keep its state itself."""
    parts: dict[str, Stateful] = {
        "model": Variables(lambda: model.variables),
        "optimizer": Variables(lambda: model.optimizer.variables),
        "ended": Ended(model),
    }
    for number, callback in enumerate(callbacks):
        itself = hasattr(callback, "set_state")
        name = f"callback {number} {type(callback).__name__}"
        parts[name] = callback if itself else Remembered(callback)
    return parts


def _plain(value: Any) -> Any:
    """Returns a number of NumPy or of a tensor as Python's own, which JSON holds exactly."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return np.asarray(value).item()


def _described(name: str, shape: Any, dtype: str) -> str:
    uncounted = _COUNTED.sub(r"\1", name)
    return f"{uncounted}, shape {tuple(shape)}, {dtype}"


def _compare(before: list[str], now: list[str]) -> None:
    if before == now:
        return
    pairs = zip([*before, *["nothing"] * len(now)], [*now, *["nothing"] * len(before)], strict=True)
    kept, built = next(pair for pair in pairs if pair[0] != pair[1])
    raise RunError(
        "the checkpoint is of another model",
        expected=built,
        found=kept,
        hint="go on with the config of the run, or train anew",
    )
