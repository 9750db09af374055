"""Forecasts of a series beside what came: in the order of time, and how far off by the step."""

from __future__ import annotations

import numpy as np

from dl.data.types import Array, mean
from dl.report.charts import Chart, Line
from dl.report.facts import RunFacts
from dl.text import shortened

NETWORK = "the network"
_MOST = 400
"""Forecasts of a picture: of more, the last ones, or the lines would be a band."""
_MOST_TARGETS = 4


def forecast_charts(run: RunFacts) -> list[Chart]:
    """Returns the forecasts of each target in their order, and the error by step of several.

    Of several steps, the first one is drawn. None where rows are no series of numbers, and without
    predictions.
    """
    found = _by_step(run)
    if found is None:
        return []
    true, predicted = found
    charts = []
    windows, steps, targets = true.shape
    shown = np.arange(max(0, windows - _MOST), windows)
    for place in range(min(targets, _MOST_TARGETS)):
        name = shortened(run.targets[place], 24) if place < len(run.targets) else "target"
        which = "forecasts" if steps == 1 else "first step"
        note = f"The last {_MOST} of {windows:,} windows." if windows > _MOST else ""
        lines = (
            Line("what came", shown, true[shown, 0, place], colour=-1),
            Line("forecast", shown, predicted[shown, 0, place]),
        )
        axis = f"window of the {run.part} part"
        charts.append(Chart(f"{name}: {which}", axis, name, lines, note=note))
    if steps > 1:
        charts.append(_error_chart(run, {NETWORK: errors_by_step(run), **run.simple}))
    return charts


def errors_by_step(run: RunFacts) -> tuple[float, ...]:
    """Returns the mean absolute error of each step, over all windows and targets; none of one."""
    found = _by_step(run)
    if found is None or found[0].shape[1] == 1:
        return ()
    errors = np.abs(found[1] - found[0]).mean(axis=2)
    return tuple(float(error) for error in mean(errors, run.weights))


def _by_step(run: RunFacts) -> tuple[Array, Array] | None:
    """Returns true and predicted values, shape (windows, steps, targets)."""
    if not run.steps or run.task != "regression" or run.predicted is None or not len(run.true):
        return None
    windows = len(run.true) // run.places
    return (
        run.true.reshape(windows, run.steps, -1),
        run.predicted.reshape(windows, run.steps, -1),
    )


def _error_chart(run: RunFacts, errors: dict[str, tuple[float, ...]]) -> Chart:
    lines = tuple(
        Line(name, range(1, len(values) + 1), values, dashed=colour > 0, colour=colour)
        for colour, (name, values) in enumerate(errors.items())
    )
    return Chart("Error by step", "step of the forecast", "mean absolute error", lines)
