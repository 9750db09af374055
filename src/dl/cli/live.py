"""What is redrawn on a terminal: stages, epochs with their curves, the table of a sweep."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import zip_longest
from typing import TextIO

from rich.console import Console, ConsoleOptions, ConsoleRenderable, Group, RenderResult
from rich.live import Live
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn
from rich.text import Text

from dl.progress import APART, Advance, SilentReporter
from dl.report.braille import Best, Piece, plotted
from dl.report.palette import TERMINAL
from dl.text import duration, measured, printable, shortened
from dl.vocabulary.labels import metric_label

_PARTS = {"training": "", "validation": "val_"}
"""The parts that are watched, and how their columns of the history begin."""
_MOST_POINTS = 512
"""More than a line has columns: what is kept, and looked at for each drawing, stays small."""
_WIDEST = 100
_GAP = "  "
_LEAST_PLOT = 24
"""Columns below which curves say nothing; beside the metrics only where both have room."""
_HEIGHTS = (6, 4)
"""Lines of the curves, on a usual and on a low window."""
_LOW = 20
_LOWEST = 12
_LONGEST_NAME = 20
_NUMBER = 10
_MOST_METRICS = 8
_BAR = 40
_LEAST_BAR = 8
_SWEEP_BAR = 20


class LossCurves:
    """The training and the validation loss by epoch; of many epochs their means."""

    def __init__(self) -> None:
        self._curves = {part: _Curve() for part in _PARTS}

    def see(self, row: Mapping[str, float]) -> None:
        """Is given the row of an epoch that has ended."""
        for part, prefix in _PARTS.items():
            if f"{prefix}loss" in row:
                self._curves[part].add(row[f"{prefix}loss"])

    @property
    def best(self) -> tuple[int, float] | None:
        """The best epoch of those that were seen, from 1, and its loss."""
        return next((c.least for c in reversed(self._curves.values()) if c.least), None)

    def lines(self, width: int, height: int, *, ascii_only: bool = False) -> list[list[Piece]]:
        """Returns the plot of both, with the best epoch marked; nothing for a single epoch."""
        curves = {part: curve.values for part, curve in self._curves.items() if curve.count}
        if not curves or max(map(len, curves.values())) < 2:
            return []
        part, best = list(curves)[-1], None
        if self.best is not None:
            epoch, loss = self.best
            best = Best((epoch - 1) / (self._curves[part].count - 1), loss, part)
        return plotted(curves, width, height, best=best, ascii_only=ascii_only)


class _Curve:
    """Values that thin out as they become many: each is then the mean of 2, 4, 8… epochs."""

    def __init__(self) -> None:
        self.count = 0
        self.least: tuple[int, float] | None = None
        self._means: list[float] = []
        self._begun: list[float] = []
        self._each = 1

    def add(self, value: float) -> None:
        self.count += 1
        if math.isfinite(value) and (self.least is None or value < self.least[1]):
            self.least = self.count, value
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
    """Draws on stderr and redraws in place; what stays is how the training went."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._console = _console(stream)
        self._fit: FitDisplay | None = None

    @contextmanager
    def stage(self, title: str, total: int | None = None) -> Iterator[Advance]:
        spinner = SpinnerColumn("line" if self._console.options.ascii_only else "dots")
        columns = [spinner, TextColumn("{task.description}", markup=False)]
        if total is not None:
            columns += [BarColumn(bar_width=24), TimeRemainingColumn()]
        with Progress(*columns, console=self._console, transient=True) as progress:
            task = progress.add_task(title, total=total)
            yield lambda done: progress.advance(task, done)

    def note(self, text: str) -> None:
        self._console.print(Text(printable(text)))

    def fit_begin(self, epochs: int, steps: int) -> None:
        self._fit = FitDisplay(self._console, epochs, steps)
        self._fit.start()

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


class FitDisplay:
    """The bar over all epochs, the curves of the losses, and the metrics of both parts.

    The training says what is new, which costs it nothing; all is drawn when it is redrawn, by the
    console after `start`, or when it is printed.

    Args:
        console: The terminal.
        epochs: The epochs that are planned.
        steps: The steps of each.
        clock: Gives the seconds since some moment.
    """

    def __init__(
        self,
        console: Console,
        epochs: int,
        steps: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._epochs, self._steps, self._clock = epochs, steps, clock
        self._epoch = self._done = self._before = 0
        self._first: int | None = None
        self._began = clock()
        self._values: dict[str, float] = {}
        self._losses = LossCurves()
        self._live = _Live(self, console=console, refresh_per_second=8)

    def start(self) -> None:
        """Begins to redraw it."""
        self._live.start()

    def step(self, epoch: int, step: int, logs: Mapping[str, float]) -> None:
        """Is given the means so far, after some steps of an epoch."""
        self._epoch, self._done = epoch, (epoch - 1) * self._steps + step
        if self._first is None:
            self._before, self._first = epoch - 1, (epoch - 1) * self._steps
        self._values = {**self._values, **logs}

    def epoch(self, epoch: int, row: Mapping[str, float]) -> None:
        """Is given the row of an epoch that has ended."""
        self._losses.see(row)
        self.step(epoch, self._steps, row)

    def close(self) -> None:
        """Draws it for the last time."""
        self._live.stop()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        # A terminal that is full to its last column would wrap lines when it becomes narrower.
        width = min(options.max_width - 1, _WIDEST)
        height = options.size.height
        lines = [self._bar(width, options.ascii_only), []]
        metrics = self._metrics(width, options.ascii_only)
        widths = (sum(len(text) for text, _ in line) for line in metrics)
        beside = max(widths, default=0) + len(_GAP)
        below = width - beside < _LEAST_PLOT
        room, rows = width if below else width - beside, _HEIGHTS[height < _LOW]
        curves: list[list[Piece]] = []
        if room >= _LEAST_PLOT and height > _LOWEST + below * len(metrics):
            curves = self._losses.lines(room, rows, ascii_only=options.ascii_only)
        if below or not curves:
            lines += [*curves, *metrics]
        else:
            blank = [(" " * room, "")]
            pairs = zip_longest(curves, metrics, fillvalue=None)
            lines += [[*(left or blank), (_GAP, ""), *(right or [])] for left, right in pairs]
        texts = list(map(_text, lines))
        self._live.lengths = [text.cell_len for text in texts]
        yield from texts

    def _bar(self, width: int, ascii_only: bool) -> list[Piece]:
        head = f"epoch {self._epoch}/{self._epochs}{_GAP}"
        seconds = self._clock() - self._began
        tail, left = f"{_GAP}{duration(seconds)}", ""
        every, done = self._epochs * self._steps, self._done - (self._first or 0)
        if self._live.is_started and done:
            left = f", {duration(seconds / done * (every - self._done))} left"
        if width - len(head) - len(tail) - len(left) < _LEAST_BAR:
            left = ""
        room = min(_BAR, width - len(head) - len(tail) - len(left))
        full = round(room * self._done / max(1, every))
        drawn = ("#", "-") if ascii_only else ("━", "─")
        bar = [(drawn[0] * full, "training"), (drawn[1] * (room - full), "quiet")]
        return [(head, ""), *bar, (tail + left, "quiet")]

    def _metrics(self, width: int, ascii_only: bool) -> list[list[Piece]]:
        """Returns a table: a line for each metric, a column for each part."""
        names = [name for name in self._values if name not in APART]
        measures = [name for name in names if not name.startswith("val_")][:_MOST_METRICS]
        parts = [part for part, prefix in _PARTS.items() if f"{prefix}loss" in self._values]
        if not measures:
            return []
        room = min(_LONGEST_NAME, max(1, width - len(parts) * (_NUMBER + len(_GAP))))
        labels = [shortened(metric_label(name), room) for name in measures]
        margin = max(map(len, labels))
        lines: list[list[Piece]] = [
            [(" " * margin, ""), *((f"{_GAP}{p:>{_NUMBER}}", p) for p in parts)]
        ]
        for name, label in zip(measures, labels, strict=True):
            line: list[Piece] = [(f"{label:<{margin}}", "")]
            for part in parts:
                value = self._values.get(f"{_PARTS[part]}{name}")
                shown = measured(value)
                line.append((f"{_GAP}{shown:>{_NUMBER}}", part))
            lines.append(line)
        if self._losses.best is not None:
            mark = ("O" if ascii_only else "●", parts[-1])
            best = self._losses.best[0] + self._before
            since = f" since {self._before + 1}:" if self._before else ""
            lines.append([mark, (f" best epoch{since} {best}", "quiet")])
        return lines


class _Live(Live):
    """A display that leaves nothing behind where the window becomes narrower.

    A terminal wraps what was drawn then: it takes more lines than rich knows of. Who draws keeps
    the `lengths` of the lines.
    """

    lengths: Sequence[int] = ()
    _drawn_for = 0

    def process_renderables(self, renderables: list[ConsoleRenderable]) -> list[ConsoleRenderable]:
        width = self.console.width
        if width < self._drawn_for and self._live_render._shape is not None:
            wrapped = sum(max(1, -(-length // width)) for length in self.lengths)
            self._live_render._shape = (width, wrapped)
        self._drawn_for = width
        return super().process_renderables(renderables)


def _text(line: Sequence[Piece]) -> Text:
    text = Text(no_wrap=True, overflow="crop")
    for piece, style in line:
        text.append(piece, style=TERMINAL.get(style, "default"))
    text.rstrip()
    return text


Draw = Callable[[float, str, Sequence[str], Sequence[str]], None]
"""Draws a bar of so much of 1, what stands beside it, lines below, and lines that are cut."""


@contextmanager
def live_table(stream: TextIO) -> Iterator[Draw]:
    """Gives what redraws a bar with lines below it; all of it is gone at the end."""
    console = _console(stream)
    live = _Live(console=console, auto_refresh=False, transient=True)

    def draw(share: float, head: str, rows: Sequence[str], best: Sequence[str]) -> None:
        if not live.is_started:  # not before: until then, the stages are drawn
            live.start()
        done = round(_SWEEP_BAR * share)
        bar = [("━" * done, "training"), ("─" * (_SWEEP_BAR - done), "quiet"), (head, "")]
        lines = [_text(bar), *(Text(row) for row in rows), *(Text(row, "bold") for row in best)]
        for line in lines:
            line.no_wrap = True
            line.truncate(console.width - 1, overflow="ellipsis")
        live.lengths = [line.cell_len for line in lines]
        live.update(Group(*lines), refresh=True)

    try:
        yield draw
    finally:
        live.stop()


def _console(stream: TextIO) -> Console:
    return Console(file=stream, highlight=False, no_color="NO_COLOR" in os.environ)
