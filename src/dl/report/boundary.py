"""`boundary.png`: how a network of two inputs divides the plane, with the rows it learned from."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import BoundaryNorm, ListedColormap, to_rgb
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from dl.data.plane import Boundary, Frame
from dl.data.types import Array
from dl.report import style
from dl.report.input import PlotInput, class_name
from dl.report.style import Axes, Sheet
from dl.text import number, one_line, shortened

_SIDE = 4.3
_COLOURS = (style.BLUE, style.ORANGE, "#009E73", "#CC79A7", "#56B4E9", "#A67C00", "#7A4FBF", "#555")
_MARKERS = "os^DvPX*"
_BANDS = 5
_LEVELS = 12
_PALEST, _FULLEST = 0.10, 0.55
_PIXELS = 320
_MOST_NAMED = 16


def build(run: PlotInput) -> Figure | None:
    """Returns the plane as the trained network sees it, or None where there is no plane."""
    if run.boundary is None:
        return None
    sheet, axes = new_plane(run, run.boundary, note_of(run, run.boundary))
    draw_ground(axes, run, run.boundary, run.boundary.frames[-1])
    draw_rows(axes, run, run.boundary)
    return sheet.figure


def new_plane(run: PlotInput, boundary: Boundary, note: str) -> tuple[Sheet, Axes]:
    """Returns a sheet with the empty plane, its axes in the data's own unit, and its key."""
    what = "predictions" if run.task == "regression" else "decision boundary"
    rows = f"points: {len(boundary.rows):,} rows of the training part"
    sheet = style.new_sheet(_SIDE + 1.7, _SIDE, f"{run.name}: {what}", rows, note)
    [[axes]] = style.add_panels(sheet, 1, 1)
    axes.grid(False)
    axes.set_box_aspect(1)
    (left, bottom), (right, top) = boundary.plane.low, boundary.plane.high
    axes.set_xlim(left, right)
    axes.set_ylim(bottom, top)
    axes.set_xlabel(shortened(boundary.plane.names[0], 40))
    axes.set_ylabel(shortened(boundary.plane.names[1], 40))
    if run.task == "regression":
        _add_scale(sheet, axes, run, boundary)
    else:
        _add_classes(axes, run, boundary)
    return sheet, axes


def draw_ground(axes: Axes, run: PlotInput, boundary: Boundary, frame: Frame) -> list[Any]:
    """Colours the plane by what the network says; returns what was drawn, in its order."""
    values = np.nan_to_num(frame.values.astype(np.float32))
    grid = values.reshape(frame.side, frame.side, -1)
    (left, bottom), (right, top) = boundary.plane.low, boundary.plane.high
    fine = _refined(grid)
    regression = run.task == "regression"
    colours = _number_colours(fine, boundary) if regression else _class_colours(fine, boundary)
    image = axes.imshow(
        colours,
        extent=(left, right, bottom, top),
        origin="lower",
        aspect="auto",
        interpolation="nearest",
        zorder=0,
    )
    axes.set_box_aspect(1)
    if regression:
        return [image]
    return [image, *_draw_borders(axes, grid, boundary)]


def draw_rows(axes: Axes, run: PlotInput, boundary: Boundary) -> list[Any]:
    """Draws the rows: classes by colour and marker, numbers on the scale of the ground.

    Markers of every second class are hollow, which tells them apart also in grey.
    """
    size = 70 if len(boundary.rows) <= 20 else 28 if len(boundary.rows) <= 300 else 15
    look: dict[str, Any] = {"s": size, "linewidths": 0.6, "zorder": 3}
    x, y = boundary.rows[:, 0], boundary.rows[:, 1]
    if run.task == "regression":
        norm, colours = _scale(boundary)
        look |= {"c": boundary.y, "cmap": colours, "norm": norm, "edgecolors": style.INK}
        return [axes.scatter(x, y, **look)]
    drawn = []
    for index in range(boundary.frames[-1].values.shape[1]):
        chosen = boundary.y == index
        colour, marker = _look_of(index)
        look |= {"facecolors": "white" if index % 2 else colour, "marker": marker}
        look |= {"edgecolors": colour if index % 2 else "white"}
        look |= {"linewidths": 1.1 if index % 2 else 0.6}
        drawn.append(axes.scatter(x[chosen], y[chosen], **look))
    return drawn


def note_of(run: PlotInput, boundary: Boundary) -> str:
    """Returns how the picture is to be read."""
    if run.task == "regression":
        return "Colour: the predicted number; of a point: the true one, on the same scale."
    if not boundary.probabilities:
        return "Colour: the class that is predicted. Line: where it changes."
    if run.task == "binary":
        return (
            "Colour: the class that is predicted, the darker the surer. Line: where it changes, "
            f"at a probability of {number(boundary.cut)}."
        )
    return "Colour: the most probable class, the darker the surer. Line: where it changes."


def _add_classes(axes: Axes, run: PlotInput, boundary: Boundary) -> None:
    """Puts the names of the classes with their markers beside the plane."""
    count = boundary.frames[-1].values.shape[1]
    for index in range(min(count, _MOST_NAMED)):
        colour, marker = _look_of(index)
        name = shortened(class_name(run, index), 18)
        face = "white" if index % 2 else colour
        axes.plot([], [], color=colour, marker=marker, mfc=face, linestyle="none", label=name)
    title = shortened(run.targets[0], 18) if run.targets else ""
    if count > _MOST_NAMED:
        title += f"\n(first {_MOST_NAMED} of {count})"
    axes.legend(
        loc="upper left",
        bbox_to_anchor=(1.02, 1),
        borderaxespad=0,
        title=title,
        alignment="left",
        handletextpad=0.3,
    )


def _add_scale(sheet: Sheet, axes: Axes, run: PlotInput, boundary: Boundary) -> None:
    norm, colours = _scale(boundary)
    shown = ScalarMappable(norm=norm, cmap=colours)
    bar = sheet.figure.colorbar(shown, ax=axes, shrink=0.75, ticks=norm.boundaries[::2])
    bar.ax.yaxis.set_major_formatter(FuncFormatter(style.tick_number))
    name = one_line(run.targets[0]) if run.targets else "predicted"
    unit = f" ({run.units[0]})" if run.units and run.units[0] else ""
    bar.set_label(shortened(name + unit, 40))


def _scale(boundary: Boundary) -> tuple[BoundaryNorm, Any]:
    """Returns bands between round numbers, from the least to the greatest true value."""
    finite = boundary.y[np.isfinite(boundary.y)]
    low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0)
    if high <= low:
        low, high = low - 0.5, high + 0.5
    levels = MaxNLocator(nbins=_LEVELS).tick_values(low, high)
    colours = ListedColormap(style.BLUES(np.linspace(0, 1, len(levels) - 1)))
    return BoundaryNorm(levels, len(levels) - 1, clip=True), colours


def _number_colours(fine: Array, boundary: Boundary) -> Array:
    norm, colours = _scale(boundary)
    return np.asarray(colours(norm(fine[:, :, 0]), bytes=True))


def _class_colours(fine: Array, boundary: Boundary) -> Array:
    """Mixes the colour of the predicted class with white, in bands of probability."""
    count = fine.shape[2]
    winner = fine.argmax(axis=2) if count != 2 else (fine[:, :, 1] >= boundary.cut).astype(int)
    surest = np.take_along_axis(fine, winner[:, :, None], axis=2)[:, :, 0]
    share = np.clip((surest - 1 / count) / (1 - 1 / count), 0, 1) if count > 1 else surest
    band = np.minimum(np.floor(share * _BANDS), _BANDS - 1) / (_BANDS - 1)
    strength = (_PALEST + (_FULLEST - _PALEST) * band)[:, :, None]
    table = np.array([to_rgb(_look_of(index)[0]) for index in range(count)])
    colours = 1 - strength + strength * table[winner]
    return np.asarray(np.round(255 * colours), np.uint8)


def _draw_borders(axes: Axes, grid: Array, boundary: Boundary) -> list[Any]:
    """Draws lines where the predicted class changes."""
    side, count = len(grid), grid.shape[2]
    x, y = (
        np.linspace(low, high, side)
        for low, high in zip(boundary.plane.low, boundary.plane.high, strict=True)
    )
    drawn = []
    for index in range(1, count) if count == 2 else range(count):
        others = np.delete(grid, index, axis=2).max(axis=2, initial=0.0)
        margin = grid[:, :, 1] - boundary.cut if count == 2 else grid[:, :, index] - others
        if margin.min() < 0 <= margin.max():
            line = axes.contour(x, y, margin, levels=[0], colors=style.INK, linewidths=1.3)
            drawn.append(line)
    return drawn


def _refined(grid: Array) -> Array:
    """Returns a grid with as many points as the picture has pixels, linear in between."""
    side = len(grid)
    at = np.linspace(0, side - 1, _PIXELS)
    low = np.minimum(at.astype(int), side - 2)
    share = (at - low).astype(grid.dtype)
    rows = grid[low] * (1 - share)[:, None, None] + grid[low + 1] * share[:, None, None]
    return np.asarray(
        rows[:, low] * (1 - share)[None, :, None] + rows[:, low + 1] * share[None, :, None]
    )


def _look_of(index: int) -> tuple[str, str]:
    """Returns colour and marker of a class; after eight the markers move on by one."""
    turn, place = divmod(index, len(_COLOURS))
    return _COLOURS[place], _MARKERS[(place + turn) % len(_MARKERS)]
