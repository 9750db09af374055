"""Charts as data: what a picture, a page and the terminal draw, each in its own way.

Light: the terminal's charts are made of these, too.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Literal

from dl.vocabulary.labels import column_label, metric_label, rises

if TYPE_CHECKING:
    from dl.data.types import Array
    from dl.sweeps.results import Results, TrialSummary

    Values = Sequence[float] | Array

Scale = Literal["linear", "log", "choices"]
"""How the values of an axis are spread: where they are, by logarithm, or at equal distances."""

History = Sequence[Mapping[str, float | None]]
"""Rows of `history.csv`; a key that is missing or None was not measured in that epoch."""

VALIDATION = "val_"
_NOT_MEASURES = frozenset({"epoch", "phase", "learning_rate", "seconds"})
# A decade: over more, a linear axis shows the small values as a line on the ground, and a rise of
# the validation loss by a fifth as flat.
LOG_SPAN = 10.0
"""From how many times the least value on an axis is logarithmic."""


@dataclass(frozen=True, slots=True)
class Line:
    """A series of points, also of values that are not finite: each renderer says where they are.

    Attributes:
        label: Its name in the legend.
        x: Positions, ascending but for points.
        y: Values.
        dashed: Whether the line is dashed: validation beside training.
        kind: How it is drawn; `steps` keep a value up to the next one.
        colour: Number of its colour in the palette; -1 for what the others are held against.
        shade: Where it stands in an order of lines, from 0 to 1, instead of a colour of its own.
    """

    label: str
    x: Values
    y: Values
    dashed: bool = False
    kind: Literal["line", "points", "bars", "steps"] = "line"
    colour: int = 0
    shade: float | None = None

    @property
    def finite(self) -> list[float]:
        """The values that are neither NaN nor infinite."""
        return [float(value) for value in self.y if math.isfinite(value)]

    def at(self, x: float) -> float | None:
        """Returns the value at a position; None where there is none."""
        return next((y for place, y in zip(self.x, self.y, strict=True) if place == x), None)


@dataclass(frozen=True, slots=True)
class Mark:
    """A vertical line with a label: the best epoch, the threshold in force."""

    x: float
    label: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart.

    Attributes:
        title: What it shows.
        x_label: What the horizontal axis is.
        y_label: What the vertical axis is.
        lines: Its series.
        marks: Vertical lines.
        log: Whether the vertical axis may be logarithmic: all values are positive, and it is near
            0 that they are worth telling apart.
        note: A sentence below it.
        aside: A few numbers that sum it up.
        square: Whether both axes show the same range.
        log_x: Whether the horizontal axis is logarithmic, in a picture.
        edges: Where the range of each bar begins, and where the last one ends.
        ticks: What stands at the positions 0, 1, 2…, where they are names.
    """

    title: str
    x_label: str
    y_label: str
    lines: tuple[Line, ...]
    marks: tuple[Mark, ...] = ()
    log: bool = False
    note: str = ""
    aside: str = ""
    square: bool = False
    log_x: bool = False
    edges: tuple[float, ...] = ()
    ticks: tuple[str, ...] = ()

    @property
    def finite(self) -> list[float]:
        """The finite values of all lines."""
        return [value for line in self.lines for value in line.finite]


def wants_log(values: Sequence[float]) -> bool:
    """Tells whether an axis is logarithmic: finite values, all positive, from one decade on.

    The one rule of the terminal, of pictures and of pages.
    """
    return bool(values) and min(values) > 0 and max(values) >= LOG_SPAN * min(values)


def measures(history: History) -> list[str]:
    """Returns the names of the loss and the metrics, in the order of the columns."""
    names = dict.fromkeys(name for row in history for name in row)
    return [n for n in names if n not in _NOT_MEASURES and not n.startswith(VALIDATION)]


def series(history: History, name: str, label: str = "", **look: Any) -> Line:
    """Returns a column by the 1-based epochs in which it was measured; empty without any."""
    measured = [
        (int(row.get("epoch") or position), float(value))
        for position, row in enumerate(history, start=1)
        if (value := row.get(name)) is not None
    ]
    epochs, values = zip(*measured, strict=True) if measured else ((), ())
    return Line(label or name, epochs, values, **look)


def best_epoch(history: History) -> int | None:
    """Returns the first epoch of the lowest validation loss (training loss, if there is no other).

    Returns None where no loss is finite.
    """
    for name in (VALIDATION + "loss", "loss"):
        column = series(history, name)
        if column.finite:
            return int(column.x[list(column.y).index(min(column.finite))])
    return None


def learning_charts(history: History, loss: str = "") -> list[Chart]:
    """Returns a chart for the loss and for each metric, on the training and the validation part.

    Args:
        history: The rows of the history.
        loss: The name of the loss, for its axis; may be empty.
    """
    best = best_epoch(history)
    marks = [] if best is None else [Mark(best, f"best epoch: {best}")]
    marks += phase_marks(history)
    charts = []
    for name in measures(history):
        training = series(history, name, "training")
        validation = series(history, VALIDATION + name, "validation", dashed=True, colour=1)
        lines = tuple(line for line in (training, validation) if len(line.x))
        axis = metric_label(loss if name == "loss" and loss else name)
        chart = Chart(metric_label(name), "epoch", axis, lines, tuple(marks))
        charts.append(_with_log(chart, name))
    return charts


def rate_chart(history: History) -> Chart | None:
    """Returns the learning rate, where it changed."""
    rate = series(history, "learning_rate", "learning rate", colour=2)
    if len(set(rate.y)) < 2:
        return None
    marks = phase_marks(history)
    return _with_log(Chart("learning rate", "epoch", "learning rate", (rate,), marks))


def phase_marks(history: History) -> tuple[Mark, ...]:
    """Returns where the phases of the training change: between two epochs."""
    column = series(history, "phase")
    pairs = zip(column.x, column.y, column.y[1:], strict=False)
    return tuple(Mark(x + 0.5, f"phase {int(now)}") for x, before, now in pairs if now != before)


def time_chart(history: History) -> Chart | None:
    """Returns the seconds of each epoch."""
    seconds = series(history, "seconds", colour=3)
    return Chart("time", "epoch", "seconds of an epoch", (seconds,)) if len(seconds.x) else None


def compared_charts(histories: Mapping[str, History]) -> list[Chart]:
    """Returns a chart for each measure of several runs, by label; each run has its own colour."""
    charts = []
    for name in dict.fromkeys(name for history in histories.values() for name in measures(history)):
        lines = [
            series(history, column, label, dashed=dashed, colour=colour)
            for colour, (run, history) in enumerate(histories.items())
            for column, label, dashed in (
                (name, run, False),
                (VALIDATION + name, f"{run} validation", True),
            )
        ]
        shown = tuple(line for line in lines if len(line.x))
        label = metric_label(name)
        note = "Dashed: validation." if any(line.dashed for line in shown) else ""
        charts.append(_with_log(Chart(label, "epoch", label, shown, note=note), name))
    return charts


def _with_log(chart: Chart, name: str = "") -> Chart:
    """Lets a chart be logarithmic, unless more is better: an accuracy ends near 1, not near 0."""
    return replace(chart, log=not rises(name) and all(value > 0 for value in chart.finite))


@dataclass(frozen=True, slots=True)
class SweepFacts:
    """A sweep.

    Attributes:
        name: How users name it.
        metric: The objective.
        maximize: Whether more of it is better.
        trials: The settings that have a score, in the order of their numbers.
        scales: How the values of each path are spread.
        importance: How much of the differences each parameter explains alone; may be empty.
    """

    name: str
    metric: str
    maximize: bool
    trials: tuple[TrialSummary, ...]
    scales: Mapping[str, Scale] = field(default_factory=dict)
    importance: Mapping[str, float] = field(default_factory=dict)

    @property
    def whole(self) -> list[TrialSummary]:
        """The settings that were not pruned, in the order of their numbers."""
        return [trial for trial in self.trials if trial.status != "pruned"]

    @property
    def ranked(self) -> list[TrialSummary]:
        """The settings that were not pruned, the best first."""
        return sorted(self.whole, key=lambda t: -t.mean if self.maximize else t.mean)


def sweep_facts(results: Results) -> SweepFacts:
    """Returns what is shown of a sweep."""
    goal = results.record.terms.goal
    trials = tuple(sorted(results.scored, key=lambda trial: trial.trial))
    record = results.record
    return SweepFacts(
        results.directory.label,
        goal.metric,
        goal.maximize,
        trials,
        dict(_scales(record.sweep.get("parameters"))),
        record.importance,
    )


def _scales(parameters: object) -> Iterator[tuple[str, Scale]]:
    """Yields how each path is spread, by the file of the sweep: see `dl.sweeps.parameters`."""
    for key, values in parameters.items() if isinstance(parameters, dict) else ():
        scale: Scale = "choices"
        if isinstance(values, dict) and "choices" not in values:
            scale = "log" if "log_uniform" in values or values.get("log") else "linear"
        yield from ((path, scale) for path in str(key).split(", "))


def objective_chart(sweep: SweepFacts) -> Chart:
    """Returns the objective of each trial, in their order, and the best so far."""
    lines = []
    for pruned, label in ((False, "trial"), (True, "pruned")):
        some = [trial for trial in sweep.trials if (trial.status == "pruned") == pruned]
        numbers, scores = [t.trial for t in some], [t.mean for t in some]
        if some:
            lines.append(Line(label, numbers, scores, kind="points", dashed=pruned))
    whole = sweep.whole
    best = list(accumulate([t.mean for t in whole], max if sweep.maximize else min))
    numbers = [trial.trial for trial in whole]
    lines.append(Line("best so far", numbers, best, kind="steps", dashed=True, colour=1))
    return Chart("Objective over time", "trial", column_label(sweep.metric), tuple(lines))


def curves_chart(sweep: SweepFacts, most: int) -> Chart:
    """Returns the learning curves of the best trials, the best first."""
    ranked = sweep.ranked
    some = ranked[:most]
    lines = tuple(
        Line(
            f"trial {trial.trial}",
            range(1, len(trial.curve) + 1),
            trial.curve,
            colour=0 if rank else 1,
            shade=1 - rank / len(some) if rank else None,
        )
        for rank, trial in enumerate(some)
    )
    note = "The best trial is orange; of the others, the better one stands out more."
    note += "" if len(ranked) <= most else f" These are the best {most} of {len(ranked)}."
    return Chart("Learning curves", "epoch", column_label(sweep.metric), lines, note=note)
