"""How long-running work tells the outside what happens: the `Reporter` that the caller gives.

The work calls these methods; who has called the work draws them, and nothing below prints.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol, TextIO

from dl.text import duration, number, printable

Advance = Callable[[int], None]
"""Reports the number of units done since the last call."""


MOST_EPOCH_LINES = 50
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
    """Writes a line for each stage and for each epoch; of many epochs only every n-th."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._stream = stream
        self._epochs = 0

    @contextmanager
    def stage(self, title: str, total: int | None = None) -> Iterator[Advance]:
        self.note(title)
        yield lambda done: None

    def note(self, text: str) -> None:
        self._stream.write(f"{printable(text)}\n")
        self._stream.flush()

    def fit_begin(self, epochs: int, steps: int) -> None:
        self._epochs = epochs

    def fit_epoch(self, epoch: int, row: Mapping[str, float]) -> None:
        every = -(-self._epochs // MOST_EPOCH_LINES)
        if epoch % every == 0 or epoch in (1, self._epochs):
            seconds = duration(row.get("seconds", 0.0))
            self.note(f"epoch {epoch}/{self._epochs}  {_metrics(row)}  {seconds}")


def _metrics(row: Mapping[str, float]) -> str:
    """Returns the losses and metrics of an epoch, in their order."""
    shown = [
        f"{key} {number(value, padded=True)}" for key, value in row.items() if key not in APART
    ]
    return "  ".join(shown)
