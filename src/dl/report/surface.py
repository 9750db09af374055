"""`boundary.png` and `boundary.gif`: the decision surface of a network of two inputs.

The plane of the inputs has the colour of what the network says there, and the rows it learned from.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.colors import BoundaryNorm, ListedColormap, to_rgb
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator
from PIL import Image

from dl.data.predictions import DecisionSurface, SurfaceFrame
from dl.data.types import Array
from dl.report import png
from dl.report.charts import History, series
from dl.report.facts import RunFacts
from dl.report.png import Axes, Sheet
from dl.text import number, one_line, shortened

_SIDE = 4.3
_MARKERS = "os^DvPX*"
# Steps of the colour of a class: few enough to be told apart by the eye.
_BANDS = 5
# How much of a class's colour is in the ground: the rows on it have all of it.
_PALEST, _FULLEST = 0.10, 0.55
_LEVELS = 12
# Numbers below and above 0 have colours of their own where those on the lesser side reach so far.
_BOTH_SIDES = 0.2
# Of the ground along each axis: on it, borders between classes look smooth.
_PIXELS = 320
# Names that fit beside the plane.
_MOST_NAMED = 16
_DPI = 90
# A film of the start and the end alone does not show a way.
_LEAST_FRAMES = 3
# Fewer show bands in the ground; more make the file larger, and no difference to the eye.
_FILM_COLOURS = 96
# How long a frame stays; the first and the last one longer, to be looked at.
_MILLISECONDS, _FIRST, _LAST = 140, 1000, 3000


def picture(run: RunFacts) -> Figure | None:
    """Returns the plane as the trained network sees it, or None where there is no plane."""
    if run.surface is None:
        return None
    sheet, axes = _new_plane(run, run.surface, run.surface.frames[-1:])
    _draw_ground(axes, run, run.surface, run.surface.frames[-1])
    _draw_rows(axes, run, run.surface)
    return sheet.figure


def film(run: RunFacts) -> bytes | None:
    """Returns a GIF that repeats, from the initial weights to those that were kept.

    None where there is no plane or nothing moves.
    """
    if run.surface is None or len(run.surface.frames) < _LEAST_FRAMES:
        return None
    pictures = list(_film_pictures(run, run.surface))
    # The colours of the film are chosen from its start, middle and end.
    chosen = [pictures[0], pictures[len(pictures) // 2], pictures[-1]]
    width, height = chosen[0].size
    together = Image.new("RGB", (width, height * len(chosen)))
    for place, each in enumerate(chosen):
        together.paste(each, (0, height * place))
    palette = together.quantize(_FILM_COLOURS, dither=Image.Dither.NONE)
    frames = [each.quantize(palette=palette, dither=Image.Dither.NONE) for each in pictures]
    stream = io.BytesIO()
    durations = [_FIRST, *[_MILLISECONDS] * (len(frames) - 2), _LAST]
    frames[0].save(
        stream, "GIF", save_all=True, append_images=frames[1:], duration=durations, loop=0
    )
    return stream.getvalue()


def _film_pictures(run: RunFacts, surface: DecisionSurface) -> Iterator[Image.Image]:
    """Yields the frames; what does not move is drawn once."""
    sheet, axes = _new_plane(run, surface, surface.frames)
    sheet.figure.set_dpi(_DPI)
    canvas: Any = FigureCanvasAgg(sheet.figure)
    above = [*_draw_rows(axes, run, surface), *axes.spines.values(), sheet.subtitle]
    for artist in above:
        artist.set_animated(True)
    canvas.draw()
    still = canvas.copy_from_bbox(sheet.figure.bbox)
    for frame in surface.frames:
        canvas.restore_region(still)
        sheet.subtitle.set_text(caption(frame, run.history))
        ground = _draw_ground(axes, run, surface, frame)
        for artist in (*ground, *above):
            sheet.figure.draw_artist(artist)
        yield Image.fromarray(np.asarray(canvas.buffer_rgba())[:, :, :3].copy())
        for artist in ground:
            artist.remove()


def caption(frame: SurfaceFrame, history: History) -> str:
    """Returns the words above a frame: which weights, and the training loss at that time."""
    if frame.final:
        return "the weights that were kept"
    if frame.epoch == 0:
        return "epoch 0: the initial weights"
    loss = series(history, "loss").at(frame.epoch)
    return f"epoch {frame.epoch:,}" + ("" if loss is None else f", loss {number(loss)}")


def note_of(run: RunFacts, surface: DecisionSurface, frames: Sequence[SurfaceFrame]) -> str:
    """Returns how the picture of some frames is to be read."""
    if run.task == "regression":
        return "Colour: the predicted number; of a point: the true one, on the same scale."
    many = surface.probabilities and run.task != "binary"
    note = f"Colour: the {'most probable class' if many else 'class that is predicted'}"
    note += ", the darker the surer. " if surface.probabilities else ". "
    if not any(_margins(frame, surface) for frame in frames):
        return f"{note}It is the same everywhere."
    at = f", at a probability of {number(surface.threshold)}"
    return f"{note}Line: where it changes{at if surface.probabilities and not many else ''}."


def _new_plane(
    run: RunFacts, surface: DecisionSurface, frames: Sequence[SurfaceFrame]
) -> tuple[Sheet, Axes]:
    """Returns a sheet with the empty plane, its axes in the data's own unit, and its key."""
    what = "predictions" if run.task == "regression" else "decision boundary"
    rows = f"points: {len(surface.rows):,} rows of the training part"
    title = f"{run.name}: {what}"
    sheet = png.new_sheet(_SIDE + 1.7, _SIDE, title, rows, note_of(run, surface, frames))
    [[axes]] = png.add_panels(sheet, 1, 1)
    axes.grid(False)
    axes.set_box_aspect(1)
    plane = surface.plane
    axes.set_xlim(plane.low[0], plane.high[0])
    axes.set_ylim(plane.low[1], plane.high[1])
    axes.set_xlabel(shortened(plane.names[0], 40))
    axes.set_ylabel(shortened(plane.names[1], 40))
    if run.task == "regression":
        norm, colours = _scale(surface)
        shown = ScalarMappable(norm=norm, cmap=colours)
        bar = sheet.figure.colorbar(shown, ax=axes, shrink=0.75, ticks=norm.boundaries[::2])
        bar.ax.yaxis.set_major_formatter(FuncFormatter(png.tick_number))
        bar.set_label(shortened(one_line(run.targets[0]) if run.targets else "predicted", 40))
    else:
        _add_classes(axes, run, surface)
    return sheet, axes


def _add_classes(axes: Axes, run: RunFacts, surface: DecisionSurface) -> None:
    """Puts the names of the classes with their markers beside the plane."""
    count = surface.frames[-1].values.shape[1]
    for index in range(min(count, _MOST_NAMED)):
        colour, marker = _look_of(index)
        name = shortened(run.class_name(index), 18)
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


def _draw_ground(
    axes: Axes, run: RunFacts, surface: DecisionSurface, frame: SurfaceFrame
) -> list[Any]:
    """Colours the plane by what the network says; returns what was drawn, in its order."""
    grid = _grid(frame)
    # As many points as the picture has pixels, linear in between, (height, width, values).
    from scipy.ndimage import zoom  # a quarter of all that drawing imports

    fine = zoom(grid, (_PIXELS / frame.side, _PIXELS / frame.side, 1), order=1)
    if run.task == "regression":
        norm, scale = _scale(surface)
        colours = np.asarray(scale(norm(fine[:, :, 0]), bytes=True))
    else:
        colours = _class_colours(fine, surface)
    (left, bottom), (right, top) = surface.plane.low, surface.plane.high
    image = axes.imshow(
        colours,
        extent=(left, right, bottom, top),
        origin="lower",
        aspect="auto",
        interpolation="nearest",
        zorder=0,
    )
    axes.set_box_aspect(1)
    return [image] if run.task == "regression" else [image, *_draw_borders(axes, frame, surface)]


def _draw_rows(axes: Axes, run: RunFacts, surface: DecisionSurface) -> list[Any]:
    """Draws the rows: classes by colour and marker, numbers on the scale of the ground.

    Markers of every second class are hollow, which tells them apart also in grey.
    """
    count = len(surface.rows)
    look: dict[str, Any] = {"s": 70 if count <= 20 else 28 if count <= 300 else 15, "zorder": 3}
    x, y = surface.rows[:, 0], surface.rows[:, 1]
    if run.task == "regression":
        norm, colours = _scale(surface)
        look |= {"c": surface.y, "cmap": colours, "norm": norm}
        # A white rim inside of a dark one: points are seen on any ground, also on their own colour.
        edges = ((2.0, png.INK), (1.0, "white"))
        return [axes.scatter(x, y, linewidths=w, edgecolors=e, **look) for w, e in edges]
    drawn = []
    for index in range(surface.frames[-1].values.shape[1]):
        chosen = surface.y == index
        colour, marker = _look_of(index)
        fill, edge, width = ("white", colour, 1.1) if index % 2 else (colour, "white", 0.6)
        look |= {"facecolors": fill, "edgecolors": edge, "linewidths": width, "marker": marker}
        drawn.append(axes.scatter(x[chosen], y[chosen], **look))
    return drawn


def _scale(surface: DecisionSurface) -> tuple[BoundaryNorm, Any]:
    """Returns bands between round numbers, from the least to the greatest true value."""
    finite = surface.y[np.isfinite(surface.y)]
    low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0)
    if high <= low:
        low, high = low - 0.5, high + 0.5
    levels = np.asarray(MaxNLocator(nbins=_LEVELS).tick_values(low, high))
    bands = len(levels) - 1
    places, colours = np.linspace(0, 1, bands), png.BLUES
    if low < 0 < high and min(-low, high) > _BOTH_SIDES * max(-low, high):
        middles = (levels[1:] + levels[:-1]) / 2
        places, colours = 0.5 + middles / (2 * np.abs(middles).max()), png.SIGNED
    return BoundaryNorm(levels, bands, clip=True), ListedColormap(colours(places))


def _class_colours(fine: Array, surface: DecisionSurface) -> Array:
    """Mixes the colour of the predicted class with white, in bands of probability.

    Args:
        fine: Probability of each class at each pixel, shape (height, width, classes).
        surface: The surface, for its threshold.

    Returns:
        Red, green and blue from 0 to 255, shape (height, width, 3).
    """
    count = fine.shape[2]
    winner = fine.argmax(axis=2) if count != 2 else (fine[:, :, 1] >= surface.threshold).astype(int)
    surest = np.take_along_axis(fine, winner[:, :, None], axis=2)[:, :, 0]
    fraction = np.clip((surest - 1 / count) / (1 - 1 / count), 0, 1) if count > 1 else surest
    band = np.minimum(np.floor(fraction * _BANDS), _BANDS - 1) / (_BANDS - 1)
    strength = (_PALEST + (_FULLEST - _PALEST) * band)[:, :, None]
    table = np.array([to_rgb(_look_of(index)[0]) for index in range(count)])
    return np.asarray(np.round(255 * (1 - strength + strength * table[winner])), np.uint8)


def _margins(frame: SurfaceFrame, surface: DecisionSurface) -> list[Array]:
    """Returns by how much a class is predicted, shape (side, side), where it is in some places."""
    grid = _grid(frame)
    count, found = grid.shape[2], []
    for index in range(1, count) if count == 2 else range(count):
        others = np.delete(grid, index, axis=2).max(axis=2, initial=0.0)
        margin = grid[:, :, 1] - surface.threshold if count == 2 else grid[:, :, index] - others
        if margin.min() < 0 <= margin.max():
            found.append(margin)
    return found


def _draw_borders(axes: Axes, frame: SurfaceFrame, surface: DecisionSurface) -> list[Any]:
    """Draws lines where the predicted class changes."""
    x, y = (
        np.linspace(low, high, frame.side)
        for low, high in zip(surface.plane.low, surface.plane.high, strict=True)
    )
    look: dict[str, Any] = {"levels": [0], "colors": png.INK, "linewidths": 1.3}
    return [axes.contour(x, y, margin, **look) for margin in _margins(frame, surface)]


def _grid(frame: SurfaceFrame) -> Array:
    """Returns what the network says, shape (side, side, values)."""
    values = np.nan_to_num(frame.values.astype(np.float32))
    return values.reshape(frame.side, frame.side, -1)


def _look_of(index: int) -> tuple[str, str]:
    """Returns colour and marker of a class; beyond the palette the markers move on by one."""
    turn, place = divmod(index, len(png.COLOURS))
    return png.COLOURS[place], _MARKERS[(place + turn) % len(_MARKERS)]
