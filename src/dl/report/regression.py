"""`predicted_true.png` and `residuals.png`: how far predicted numbers are from the true ones."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from dl.data.types import Array
from dl.report import style
from dl.report.input import PlotInput, as_columns, describe_part
from dl.report.style import Axes
from dl.text import number, shortened

MOST_TARGETS = 9
_MOST_POINTS = 3000


@dataclass(frozen=True, slots=True)
class _Target:
    """One target: true and predicted values of the rows in which both are finite."""

    name: str
    unit: str
    true: Array
    predicted: Array

    @property
    def residuals(self) -> Array:
        result: Array = self.predicted - self.true
        return result

    def axis(self, what: str) -> str:
        return f"{what} ({self.unit})" if self.unit else what


def build_predicted_true(run: PlotInput) -> Figure | None:
    """Returns a panel for each target: predicted against true values, with the identity line."""
    targets = _targets(run)
    if not targets:
        return None
    columns = min(3, math.ceil(math.sqrt(len(targets))))
    rows = math.ceil(len(targets) / columns)
    size = 4.6 if len(targets) == 1 else 3.5
    sheet = style.new_sheet(
        size * columns + 0.4,
        size * rows,
        f"{run.name}: predicted against true",
        describe_part(run),
        _note(run, targets, "Dashed: a perfect prediction."),
    )
    panels = [axes for row in style.add_panels(sheet, rows, columns) for axes in row]
    for axes, target in zip(panels, targets, strict=False):
        _draw_predicted_true(axes, target)
    for spare in panels[len(targets) :]:
        spare.remove()
    return sheet.figure


def build_residuals(run: PlotInput) -> Figure | None:
    """Returns two panels for each target: residuals by prediction, and their distribution."""
    targets = _targets(run)
    if not targets:
        return None
    height = 3.1 if len(targets) == 1 else 2.5
    sheet = style.new_sheet(
        8.0,
        height * len(targets),
        f"{run.name}: residuals",
        describe_part(run),
        _note(run, targets, "Residual: predicted minus true."),
    )
    ratios = [2.2, 1]
    grid = style.add_panels(sheet, len(targets), 2, width_ratios=ratios, sharey="row")
    for (left, right), target in zip(grid, targets, strict=True):
        _draw_residuals(left, target)
        _draw_distribution(right, target, run.counted)
    return sheet.figure


def _targets(run: PlotInput) -> list[_Target]:
    if run.task != "regression" or run.y_true is None or run.predictions is None:
        return []
    true, predicted = as_columns(run.y_true), as_columns(run.predictions)
    found: list[_Target] = []
    for place in range(min(true.shape[1], MOST_TARGETS)):
        name = run.targets[place] if place < len(run.targets) else f"target {place + 1}"
        unit = run.units[place] if place < len(run.units) else ""
        finite = np.isfinite(true[:, place]) & np.isfinite(predicted[:, place])
        if finite.any():
            values = true[finite, place], predicted[finite, place]
            found.append(_Target(shortened(name, 18), shortened(unit, 16), *values))
    return found


def _draw_predicted_true(axes: Axes, target: _Target) -> None:
    low, high = _limits(np.concatenate([target.true, target.predicted]))
    _draw_points(axes, target.true, target.predicted, (low, high, low, high))
    axes.plot([low, high], [low, high], color=style.INK, linewidth=1.0, linestyle="--", zorder=3)
    axes.set_xlim(low, high)
    axes.set_ylim(low, high)
    axes.set_aspect("equal")
    axes.set_title(target.name)
    style.write_aside(axes, _quality(target))
    axes.set_xlabel(target.axis("true"))
    axes.set_ylabel(target.axis("predicted"))


def _draw_residuals(axes: Axes, target: _Target) -> None:
    low, high = _limits(target.predicted)
    bottom, top = _limits(target.residuals)
    _draw_points(axes, target.predicted, target.residuals, (low, high, bottom, top))
    axes.axhline(0, color=style.INK, linewidth=1.0, linestyle="--", zorder=3)
    axes.set_xlim(low, high)
    axes.set_ylim(bottom, top)
    axes.set_title(target.name)
    mean, spread = float(target.residuals.mean()), float(target.residuals.std())
    style.write_aside(axes, f"mean {number(mean)}, standard deviation {number(spread)}")
    axes.set_xlabel(target.axis("predicted"))
    axes.set_ylabel(target.axis("residual"))


def _draw_distribution(axes: Axes, target: _Target, counted: str) -> None:
    bins = int(min(40, max(8, math.sqrt(len(target.true)))))
    axes.hist(
        target.residuals,
        bins=bins,
        range=_limits(target.residuals),
        orientation="horizontal",
        color=style.BLUE,
        edgecolor="white",
        linewidth=0.5,
    )
    axes.axhline(0, color=style.INK, linewidth=1.0, linestyle="--", zorder=3)
    axes.set_xlabel(counted)
    axes.set_title("distribution")


def _draw_points(axes: Axes, x: Array, y: Array, extent: tuple[float, float, float, float]) -> None:
    """Draws points; where they are too many to tell apart, hexagons by their number."""
    if len(x) > _MOST_POINTS:
        axes.hexbin(
            x, y, gridsize=45, extent=extent, bins="log", mincnt=1, cmap=style.BLUES, linewidths=0.1
        )
        return
    alpha = float(np.clip(8 / math.sqrt(len(x)), 0.25, 0.9))
    size = 26 if len(x) <= 300 else 14
    axes.scatter(x, y, s=size, color=style.BLUE, alpha=alpha, edgecolors="none", zorder=2)


def _limits(values: Array) -> tuple[float, float]:
    low, high = float(values.min()), float(values.max())
    margin = 0.05 * (high - low) or 0.05 * abs(high) or 1.0
    return low - margin, high + margin


def _quality(target: _Target) -> str:
    residuals = target.residuals
    error = f"MAE {number(float(np.abs(residuals).mean()))}"
    spread = float(np.square(target.true - target.true.mean()).sum())
    if spread == 0:
        return error
    explained = 1 - float(np.square(residuals).sum()) / spread
    return f"R² {explained:.3f}, {error}"


def _note(run: PlotInput, targets: list[_Target], meaning: str) -> str:
    rows = len(run.y_true) if run.y_true is not None else 0
    text = meaning
    fewest = min(len(target.true) for target in targets)
    if fewest < rows:
        text += f" {rows - fewest:,} {run.counted} without a finite value are left out."
    if any(len(target.true) > _MOST_POINTS for target in targets):
        text += f" The darker, the more {run.counted}."
    return text
