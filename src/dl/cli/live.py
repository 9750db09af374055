"""What is redrawn on a terminal: stages, a bar of epochs, metrics, losses; the table of a sweep."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TextIO

from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.live import Live
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from dl.progress import APART, Advance, SilentReporter
from dl.text import number, printable

_NAMES = ("loss", "val_loss")
_MOST_POINTS = 512
"""More than a line has columns: what is kept, and looked at for each drawing, stays small."""
_WIDEST = 64
_GAP = "  "
_LEAST = 8
_BAR = 20


class LossCurves:
    """The training and the validation loss by epoch, on one scale; of many epochs their means."""

    def __init__(self) -> None:
        self._curves: dict[str, _Curve] = {}

    def see(self, row: Mapping[str, float]) -> None:
        """Is given the row of an epoch that has ended."""
        for name in _NAMES:
            if name in row:
                self._curves.setdefault(name, _Curve()).add(row[name])

    def lines(self, width: int, *, ascii_only: bool = False) -> list[tuple[str, str]]:
        """Returns name and chart of each loss, together at most `width` columns; none at first."""
        from dl.report.terminal import sparklines

        room = min(width - len(max(_NAMES, key=len)) - len(_GAP), _WIDEST)
        curves = {name: curve.values for name, curve in self._curves.items()}
        if room < _LEAST or not any(len(values) > 1 for values in curves.values()):
            return []
        longest = max(map(len, curves))
        drawn = sparklines(list(curves.values()), room, ascii_only=ascii_only)
        return [
            (f"{name:{longest}}{_GAP}", chart) for name, chart in zip(curves, drawn, strict=True)
        ]


class _Curve:
    """Values that thin out as they become many: each is then the mean of 2, 4, 8… epochs."""

    def __init__(self) -> None:
        self._means: list[float] = []
        self._begun: list[float] = []
        self._each = 1

    def add(self, value: float) -> None:
        self._begun.append(value)
        if len(self._begun) == self._each:
            self._means.append(math.fsum(self._begun) / self._each)
            self._begun = []
        if len(self._means) == _MOST_POINTS:
            pairs = zip(self._means[::2], self._means[1::2], strict=True)
            self._means = [(first + second) / 2 for first, second in pairs]
            self._each *= 2

    @property
    def values(self) -> list[float]:
        rest = [math.fsum(self._begun) / len(self._begun)] if self._begun else []
        return [*self._means, *rest]


class LiveReporter(SilentReporter):
    """Draws on stderr and redraws in place; what stays is one line for the training."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._console = _console(stream)
        self._fit: _FitDisplay | None = None

    @contextmanager
    def stage(self, title: str, total: int | None = None) -> Iterator[Advance]:
        columns = [SpinnerColumn(), TextColumn("{task.description}", markup=False)]
        if total is not None:
            columns += [BarColumn(bar_width=24), TimeRemainingColumn()]
        with Progress(*columns, console=self._console, transient=True) as progress:
            task = progress.add_task(title, total=total)
            yield lambda done: progress.advance(task, done)

    def note(self, text: str) -> None:
        self._console.print(Text(printable(text)))

    def fit_begin(self, epochs: int, steps: int) -> None:
        self._fit = _FitDisplay(self._console, epochs, steps)

    def fit_step(self, epoch: int, step: int, logs: Mapping[str, float]) -> None:
        if self._fit is not None:
            self._fit.step(epoch, step, logs)

    def fit_epoch(self, epoch: int, row: Mapping[str, float]) -> None:
        if self._fit is not None:
            self._fit.epoch(epoch, row)

    def fit_end(self) -> None:
        if self._fit is not None:
            self._fit.close()
            self._fit = None


class _FitDisplay:
    """The bar over all epochs; below it the metrics of both parts, and how the losses went."""

    def __init__(self, console: Console, epochs: int, steps: int) -> None:
        self._epochs = epochs
        self._steps = steps
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=28),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=console,
        )
        self._task: TaskID = self._progress.add_task("epoch 0", total=epochs * steps)
        self._validation: dict[str, float] = {}
        self._losses = LossCurves()
        self._live = Live(self._progress, console=console, refresh_per_second=8)
        self._live.start()

    def step(self, epoch: int, step: int, logs: Mapping[str, float]) -> None:
        done = (epoch - 1) * self._steps + step
        description = f"epoch {epoch}/{self._epochs}"
        self._progress.update(self._task, completed=done, description=description)
        metrics = self._metrics({**logs, **self._validation})
        self._live.update(Group(self._progress, metrics, _Drawn(self._losses)))

    def epoch(self, epoch: int, row: Mapping[str, float]) -> None:
        self._losses.see(row)
        self._validation = {key: value for key, value in row.items() if key.startswith("val_")}
        self.step(epoch, self._steps, {k: v for k, v in row.items() if not k.startswith("val_")})

    def close(self) -> None:
        self._live.stop()

    def _metrics(self, values: Mapping[str, float]) -> Text:
        text = Text()
        for key, value in values.items():
            if key not in APART:
                style = "cyan" if key.startswith("val_") else "default"
                text.append(f"{key} ", style="dim").append(
                    f"{number(value, padded=True)}  ", style=style
                )
        return text


class _Drawn:
    """Draws the losses when the display is redrawn, not after each epoch."""

    def __init__(self, losses: LossCurves) -> None:
        self._losses = losses

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for name, chart in self._losses.lines(options.max_width, ascii_only=options.ascii_only):
            style = "cyan" if name.startswith("val_") else "default"
            yield Text(no_wrap=True).append(name, style="dim").append(chart, style=style)


Draw = Callable[[float, str, Sequence[str], Sequence[str]], None]
"""Draws a bar of so much of 1, what stands beside it, lines below, and lines that are cut."""


@contextmanager
def live_table(stream: TextIO) -> Iterator[Draw]:
    """Gives what redraws a bar with lines below it; all of it is gone at the end."""
    live = Live(console=_console(stream), auto_refresh=False, transient=True)

    def draw(share: float, head: str, rows: Sequence[str], best: Sequence[str]) -> None:
        if not live.is_started:  # not before: until then, the stages are drawn
            live.start()
        done = round(_BAR * share)
        bar = Text("━" * done, style="green").append("━" * (_BAR - done), style="dim")
        cut = [Text(text, style="cyan", overflow="ellipsis", no_wrap=True) for text in best]
        live.update(Group(bar.append(head, style="default"), *map(Text, rows), *cut), refresh=True)

    try:
        yield draw
    finally:
        live.stop()


def _console(stream: TextIO) -> Console:
    return Console(file=stream, highlight=False, no_color="NO_COLOR" in os.environ)
