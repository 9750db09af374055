"""Regression: predicted against true, residuals, error by range."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from dl.data.types import Array
from dl.pages.charts import Chart, Line, line
from dl.pages.context import Context
from dl.report.input import as_columns, describe_part
from dl.text import number

_MOST_TARGETS = 6
_MOST_POINTS = 1000
_BINS = 24
_RANGES = 8


def build(context: Context) -> Mapping[str, Any] | None:
    """Returns figures and charts of each target; None for other tasks and without answers."""
    judged = context.judged
    if judged is None or judged.predictions is None or judged.task != "regression":
        return None
    true, guessed = as_columns(np.asarray(judged.y_true)), as_columns(judged.predictions)
    count = true.shape[1]
    names = judged.targets if len(judged.targets) == count else map(str, range(count))
    targets = list(zip(names, true.T, guessed.T, strict=True))[:_MOST_TARGETS]
    return {
        "about": describe_part(judged),
        "figures": [_figures(*target) for target in targets],
        "charts": [chart for target in targets for chart in _charts(*target, judged.counted)],
    }


def _figures(name: str, true: Array, guessed: Array) -> Mapping[str, str]:
    residuals = guessed - true
    spread = np.square(true - true.mean()).sum()
    explained = 1 - np.square(residuals).sum() / spread if spread else float("nan")
    return {
        "target": name,
        "mean absolute error": number(float(np.abs(residuals).mean())),
        "root mean squared error": number(float(np.sqrt(np.square(residuals).mean()))),
        "mean residual": number(float(residuals.mean())),
        "R squared": number(float(explained)),
    }


def _charts(name: str, true: Array, guessed: Array, counted: str) -> Iterator[Chart]:
    yield _predicted_true(name, true, guessed, counted)
    yield _residuals(name, guessed - true, counted)
    yield _error_by_range(name, true, guessed - true)


def _predicted_true(name: str, true: Array, guessed: Array, counted: str) -> Chart:
    step = max(1, len(true) // _MOST_POINTS)
    order = np.argsort(true[::step], kind="stable")
    x, y = _apart(true[::step][order]), guessed[::step][order]
    low, high = float(min(x.min(), y.min())), float(max(x.max(), y.max()))
    ideal = Line("perfect", (low, high), (low, high), dashed=True, colour=9)
    points = line(counted, x, y, kind="points")
    return Chart(f"{name}: predicted against true", f"true {name}", "predicted", (points, ideal))


def _apart(values: Array) -> Array:
    """Moves equal values apart by a hair: one position of a chart has one value in a line."""
    room = (np.ptp(values) or 1.0) * 1e-4
    places = np.arange(len(values)) - np.searchsorted(values, values)
    return np.asarray(values + places * room / max(1, places.max()))


def _residuals(name: str, residuals: Array, counted: str) -> Chart:
    counts, edges = np.histogram(residuals, bins=_BINS)
    bars = line(counted, (edges[1:] + edges[:-1]) / 2, counts, kind="bars")
    title = f"{name}: residuals"
    note = "Right of 0: predicted too high."
    return Chart(title, "predicted - true", counted, (bars,), note=note)


def _error_by_range(name: str, true: Array, residuals: Array) -> Chart:
    edges = np.unique(np.quantile(true, np.linspace(0, 1, _RANGES + 1)))
    place = np.clip(np.searchsorted(edges, true, side="right") - 1, 0, max(0, len(edges) - 2))
    found = np.unique(place)
    errors = [float(np.abs(residuals[place == number]).mean()) for number in found]
    centers = [float(true[place == number].mean()) for number in found]
    bars = line("mean absolute error", centers, errors, kind="bars", colour=1)
    title = f"{name}: error by range"
    return Chart(title, f"true {name}", "mean absolute error", (bars,))
