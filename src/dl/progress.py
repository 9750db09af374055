"""How long-running work tells the outside what happens: the `Reporter` that the caller gives.

The work calls these methods; who has called the work draws them, and nothing below prints.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol, TextIO

from dl.text import lapse, number, printable

Advance = Callable[[int], None]
"""Reports the number of units done since the last call."""


_EPOCH_LINES = 10
"""Lines between the first and the last epoch: what a log can be read by."""
_SILENCE = 600.0
"""Seconds after which a training that goes on is told of, whichever epoch it is in."""
APART = ("epoch", "phase", "seconds", "learning_rate")
"""What a row of the history has beside losses and metrics."""


class Reporter(Protocol):
    """Receives what happens during a command."""

    def stage(self, title: str, total: int | None = None) -> AbstractContextManager[Advance]:
        """Opens a step that can take long, of `total` units if that is known."""

    def note(self, text: str) -> None:
        """Tells something that the user may want to know."""

    def warn(self, text: str) -> None:
        """Tells something that is probably not what the user wants."""

    def fit_begin(self, epochs: int, steps: int) -> None:
        """The training starts: so many epochs of so many steps (batches) each."""

    def fit_step(self, epoch: int, step: int, logs: Mapping[str, float]) -> None:
        """So many steps of the 1-based epoch are done; `logs` are the means so far."""

    def fit_epoch(self, epoch: int, row: Mapping[str, float]) -> None:
        """The 1-based epoch is done; `row` is its row of the history."""

    def fit_end(self) -> None:
        """The training has ended, for whatever reason."""


class SilentReporter:
    """A `Reporter` that ignores everything but warnings, which it collects."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    @contextmanager
    def stage(self, title: str, total: int | None = None) -> Iterator[Advance]:
        yield lambda done: None

    def note(self, text: str) -> None:
        pass

    def warn(self, text: str) -> None:
        self.warnings.append(text)

    def fit_begin(self, epochs: int, steps: int) -> None:
        pass

    def fit_step(self, epoch: int, step: int, logs: Mapping[str, float]) -> None:
        pass

    def fit_epoch(self, epoch: int, row: Mapping[str, float]) -> None:
        pass

    def fit_end(self) -> None:
        pass


class PlainReporter(SilentReporter):
    """Writes a line for each stage, and lines for epochs: the first, some between, the last.

    Args:
        stream: Where they go.
        label: Returns what a metric is called, whatever part it is of.
    """

    def __init__(self, stream: TextIO, label: Callable[[str], str] = str) -> None:
        super().__init__()
        self._stream = stream
        self._label = label
        self._epochs = self._done = 0
        self._told = 0.0
        self._untold = ""

    @contextmanager
    def stage(self, title: str, total: int | None = None) -> Iterator[Advance]:
        self.note(title)
        yield lambda done: None

    def note(self, text: str) -> None:
        self._stream.write(f"{printable(text)}\n")
        self._stream.flush()

    def fit_begin(self, epochs: int, steps: int) -> None:
        self._epochs, self._done, self._told = epochs, 0, time.monotonic()

    def fit_epoch(self, epoch: int, row: Mapping[str, float]) -> None:
        head = f"epoch {epoch:>{len(str(self._epochs))}}/{self._epochs}"
        self._untold = f"{head}{self._metrics(row)}  {lapse(row.get('seconds', 0.0)):>6}"
        self._done += 1
        now, step = time.monotonic(), _every(self._epochs)
        # The first ones close to each other: many trainings end long before their last epoch.
        due = epoch % step == 0 or (self._done < step and self._done == _every(10 * self._done))
        if due or now - self._told > _SILENCE:
            self._told = now
            self.fit_end()

    def fit_end(self) -> None:
        if self._untold:
            self.note(self._untold)
        self._untold = ""

    def _metrics(self, row: Mapping[str, float]) -> str:
        """Returns the losses and metrics of an epoch, below those of the epoch before."""
        told, part = "", ""
        for key, value in row.items():
            if key not in APART:
                name = key.removeprefix("val_")
                new, part = key != name and part != "val", "val" if key != name else ""
                told += f"  {'validation ' if new else ''}{self._label(name)}"
                told += f" {number(value, padded=True):>8}"
        return told


def _every(epochs: int) -> int:
    """Returns how many epochs are between two lines: 1, 2 or 5 times a power of ten."""
    power = 1
    while epochs > _EPOCH_LINES * 5 * power:
        power *= 10
    return next(step for step in (power, 2 * power, 5 * power) if epochs <= _EPOCH_LINES * step)
