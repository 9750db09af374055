"""The reporter for files and pipes: whole lines, no colour, nothing redrawn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TextIO

from dl.cli.render import printable
from dl.progress import Advance, SilentReporter
from dl.text import duration, number

MOST_EPOCH_LINES = 50
_APART = ("epoch", "seconds", "learning_rate")


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
        f"{key} {number(value, padded=True)}" for key, value in row.items() if key not in _APART
    ]
    return "  ".join(shown)
