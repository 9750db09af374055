"""One training of a sweep, as a task; what is heard of it; and who does such tasks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from dl.errors import DiskError, DlError, ExitCode, first_line

Status = Literal["completed", "pruned", "failed", "interrupted"]
Row = Mapping[str, float]
_MACHINE = (MemoryError, DiskError, OSError)
_EXHAUSTED = "ResourceExhaustedError"
"""TensorFlow's error for want of memory; this package does not know TensorFlow."""


@dataclass(frozen=True, slots=True)
class Task:
    """One training.

    Attributes:
        trial: Number of the setting, from 1.
        repeat: Which of its trainings, from 1.
        base: The config.
        overrides: What the setting and the repeat change, as typed after `--set`.
        trials: The folder of all trials; the run is `<trials>/<trial>/<repeat>`.
        asks: Whether the training waits after each epoch for leave to go on.
    """

    trial: int
    repeat: int
    base: Path
    overrides: tuple[str, ...]
    trials: Path
    asks: bool = False

    @property
    def key(self) -> tuple[int, int]:
        """Tells it from all others."""
        return (self.trial, self.repeat)


@dataclass(frozen=True, slots=True)
class Result:
    """How a training ended.

    Attributes:
        status: How.
        metrics: The final metrics by part; empty where it failed.
        seconds: Its duration.
        error: Why it failed.
        code: The exit code that `dl train` would have had.
        again: Whether the machine failed, not the setting: it may succeed another time.
        memory: The most megabytes that its process has taken so far; 0 where it is not known.
    """

    status: Status
    metrics: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    seconds: float = 0.0
    error: str | None = None
    code: int = 0
    again: bool = False
    memory: float = 0.0


@dataclass(frozen=True, slots=True)
class EpochDone:
    """A training has finished an epoch; `row` is its row of the history."""

    key: tuple[int, int]
    row: Row


@dataclass(frozen=True, slots=True)
class TaskEnded:
    """A training has ended."""

    key: tuple[int, int]
    result: Result


@dataclass(frozen=True, slots=True)
class BegunAgain:
    """A training has begun anew from its first epoch; what was heard of it does not count."""

    key: tuple[int, int]


Event = EpochDone | TaskEnded | BegunAgain


class Pool(Protocol):
    """Does tasks, some at the same time: processes of this machine, or a cluster."""

    @property
    def jobs(self) -> int:
        """How many tasks it takes at the same time."""

    def submit(self, task: Task) -> None:
        """Begins a task; there are fewer than `jobs` of them."""

    def events(self, timeout: float) -> list[Event]:
        """Returns what happened, waiting for at most so many seconds for something."""

    def answer(self, key: tuple[int, int], go_on: bool) -> None:
        """Lets a task that asks go on, or end after this epoch."""

    def stop(self) -> None:
        """Asks all tasks to stop; each of them still ends with an event."""

    def close(self) -> None:
        """Ends everything at once."""


class Trainer(Protocol):
    """What training is; a sweep knows no more of it."""

    def prepare(self) -> Mapping[str, float]:
        """Gets ready what all tasks share; returns the metrics of a trivial answer, if known."""

    def begin(self, threads: int) -> None:
        """Is called once in the process of a worker, which may use so many threads."""

    def train(self, task: Task, listener: Listener) -> Result:
        """Does a task; raises what went wrong."""


class Listener(Protocol):
    """Hears how a training goes."""

    def epoch(self, row: Row) -> bool:
        """Is given each row of the history; False ends the training."""

    def stop_signal(self) -> int | None:
        """Gives the number of the signal that asked to stop, or None."""


def failed(error: BaseException, seconds: float = 0.0) -> Result:
    """Returns the result of a task that an error ended."""
    if isinstance(error, DlError):
        code, first = int(error.exit_code), error.problems[0]
        parts = [first.message, first.found and f"found {first.found}"]
        text = "; ".join(part for part in parts if part)
    elif isinstance(error, MemoryError):
        code, text = int(ExitCode.RUN), "not enough memory"
    else:
        code, text = int(ExitCode.RUN), f"{type(error).__name__}: {first_line(error)}"
    again = isinstance(error, _MACHINE) or type(error).__name__ == _EXHAUSTED
    return Result("failed", seconds=seconds, error=text, code=code, again=again)
