"""`parameter_path.png`: the way of bias and weight over the contours of the loss."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from dl.data.parameter_path import ParameterPath
from dl.report import style
from dl.report.input import PlotInput
from dl.report.style import Axes
from dl.text import number

_SIZE = (5.6, 4.6)
_LEVELS = 14
_MOST_MARKED = 60


def build(run: PlotInput) -> Figure | None:
    """Returns the path of a unit with one input; None for every other network."""
    path = run.path
    if path is None:
        return None
    width, height = _SIZE
    subtitle = f"{_points(path)}; loss of {path.rows:,} training rows"
    title = f"{run.name}: parameter path"
    sheet = style.new_sheet(width, height, title, subtitle, _note(path))
    axes = style.add_panels(sheet, 1, 1)[0][0]
    _draw_contours(axes, path)
    _draw_path(axes, path)
    axes.set_xlabel("bias \N{GREEK SMALL LETTER THETA}\N{SUBSCRIPT ZERO}")
    axes.set_ylabel("weight \N{GREEK SMALL LETTER THETA}\N{SUBSCRIPT ONE}")
    axes.grid(False)
    return sheet.figure


def _points(path: ParameterPath) -> str:
    if path.steps == 0:
        return "found at once, without steps"
    every = "each step" if path.steps == 1 else f"every {path.steps:,} steps"
    return f"a point after {every}, {len(path.points) - 1:,} in all"


def _note(path: ParameterPath) -> str:
    told = f"Circle: the start. Square: the end, at {_place(path.points[-1])}."
    if path.least is None:
        return f"{told} Lighter is a smaller loss."
    return f"{told} Cross: the least mean squared error, at {_place(path.least)}."


def _place(point: tuple[float, float]) -> str:
    theta = "\N{GREEK SMALL LETTER THETA}"
    zero, one = f"{theta}\N{SUBSCRIPT ZERO}", f"{theta}\N{SUBSCRIPT ONE}"
    return f"{zero} = {number(float(point[0]))}, {one} = {number(float(point[1]))}"


def _draw_contours(axes: Axes, path: ParameterPath) -> None:
    """Draws levels that are denser near the least loss, where the surface is flat."""
    low, high = float(path.loss.min()), float(path.loss.max())
    if not high > low:
        return
    levels = low + (high - low) * np.linspace(0.02, 1, _LEVELS) ** 2
    grid = (path.biases, path.weights, path.loss)
    axes.contourf(*grid, levels=[low, *levels], cmap=style.BLUES, alpha=0.35)
    axes.contour(*grid, levels=levels, colors=style.GREY, linewidths=0.5)


def _draw_path(axes: Axes, path: ParameterPath) -> None:
    bias, weight = path.points.T
    many = len(path.points) > _MOST_MARKED
    shown = {"marker": "" if many else "o", "markersize": 3, "linewidth": 0.8 if many else 1.2}
    axes.plot(bias, weight, color=style.ORANGE, zorder=3, **shown)
    ends = {"linestyle": "none", "markeredgecolor": style.INK, "zorder": 4}
    axes.plot(bias[0], weight[0], marker="o", markersize=9, color="white", **ends)
    axes.plot(bias[-1], weight[-1], marker="s", markersize=7, color=style.ORANGE, **ends)
    if path.least is not None:
        axes.plot(*path.least, marker="x", markersize=9, markeredgewidth=2, **ends)
