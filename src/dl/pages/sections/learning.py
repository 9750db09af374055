"""Learning curves: loss and metrics of both parts, the learning rate, seconds of each epoch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dl.pages.charts import Chart, Mark, line
from dl.pages.context import Context
from dl.report.history import VALIDATION, best_epoch, measures, series
from dl.text import number


def build(context: Context) -> Mapping[str, Any] | None:
    """Returns a chart for each measure; None where no epoch ended."""
    if not context.history:
        return None
    best = best_epoch(context.history)
    marks = () if best is None else (Mark(best, f"best epoch: {best}"),)
    charts = [_measure(context, name, marks) for name in measures(context.history)]
    rates = set(series(context.history, "learning_rate").values)
    rate = number(rates.pop()) if len(rates) == 1 else None
    return {"charts": [*charts, *_course(context)], "best": best, "rate": rate}


def _measure(context: Context, name: str, marks: tuple[Mark, ...]) -> Chart:
    training, validation = series(context.history, name), series(context.history, VALIDATION + name)
    lines = [line("training", training.epochs, training.values)]
    if validation.epochs:
        dashed = line("validation", validation.epochs, validation.values, dashed=True, colour=1)
        lines.append(dashed)
    positive = all(value > 0 for part in lines for value in part.y if value is not None)
    return Chart(name, "epoch", name, tuple(lines), marks, log=positive)


def _course(context: Context) -> list[Chart]:
    """Returns the learning rate, where it changed, and the seconds of each epoch."""
    charts = []
    rate = series(context.history, "learning_rate")
    if len(set(rate.values)) > 1:
        rates = line("learning rate", rate.epochs, rate.values, colour=2)
        charts.append(Chart("learning rate", "epoch", "learning rate", (rates,), log=True))
    seconds = series(context.history, "seconds")
    if seconds.epochs:
        spent = line("seconds", seconds.epochs, seconds.values, colour=3)
        charts.append(Chart("time", "epoch", "seconds of an epoch", (spent,)))
    return charts
