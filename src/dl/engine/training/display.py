"""Tells a reporter how a training goes, not more often than one can see."""

from __future__ import annotations

import time
from collections.abc import Mapping

from dl.progress import Reporter

_INTERVAL = 0.1


class Display:
    """Passes steps and epochs on to a reporter; steps at most ten times a second."""

    def __init__(self, reporter: Reporter, epochs: int, steps: int) -> None:
        self._reporter = reporter
        self._epochs = epochs
        self._steps = steps
        self._shown = 0.0

    def begin(self) -> None:
        """The training starts."""
        self._reporter.fit_begin(self._epochs, self._steps)

    def step(self, epoch: int, step: int, logs: Mapping[str, float]) -> None:
        """So many steps of an epoch are done."""
        now = time.monotonic()
        if now - self._shown >= _INTERVAL:
            self._shown = now
            self._reporter.fit_step(epoch, step, logs)

    def epoch(self, epoch: int, row: Mapping[str, float]) -> None:
        """An epoch is done."""
        self._reporter.fit_epoch(epoch, row)

    def end(self) -> None:
        """The training has ended."""
        self._reporter.fit_end()
