"""Many small pictures with texts above them, drawn in one panel: fast also for a hundred."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from dl.data.types import Array
from dl.report import style
from dl.report.input import PlotInput
from dl.report.style import Axes, Sheet

_WIDTH = 8.0
_LINE = 0.15
_GAP = 0.08
_MOST_PIXELS = 200


@dataclass(frozen=True, slots=True)
class Tile:
    """A row of the data to show as a picture, and lines of text with their colours, top down."""

    row: int
    lines: tuple[tuple[str, str], ...]


def build(run: PlotInput, tiles: Sequence[Tile], columns: int, title: str, subtitle: str) -> Figure:
    """Returns the pictures of some rows in a grid; all tiles have equally many lines of text."""
    pictures = _pictures(run, [tile.row for tile in tiles])
    side = _WIDTH / columns - _GAP
    tall = side * pictures.shape[1] / pictures.shape[2]
    pitch = tall + _LINE * len(tiles[0].lines) + 0.5 * _LINE + _GAP
    inside = pitch * math.ceil(len(tiles) / columns)
    sheet = style.new_sheet(_WIDTH + 0.24, inside, title, subtitle)
    axes = _panel(sheet)
    for place, (tile, picture) in enumerate(zip(tiles, pictures, strict=True)):
        row, column = divmod(place, columns)
        left, bottom = column * (side + _GAP), inside - row * pitch - (pitch - _GAP)
        _draw_tile(axes, picture, (left, left + side, bottom, bottom + tall), tile)
    axes.set_xlim(0, _WIDTH)
    axes.set_ylim(0, inside)
    return sheet.figure


def has_pictures(run: PlotInput) -> bool:
    """Tells whether the rows of a run can be shown as pictures."""
    if run.x is None or run.y_true is None or not len(run.x):
        return False
    return run.image or run.picture_shape is not None


def letters(columns: int) -> int:
    """Returns how many letters of a text fit above a picture."""
    return int((_WIDTH / columns - _GAP) / 0.061)


def _panel(sheet: Sheet) -> Axes:
    """Adds a panel that fills the room and shows nothing of its own."""
    axes = sheet.figure.add_axes(sheet.room)
    axes.set_axis_off()
    return axes


def _draw_tile(
    axes: Axes, picture: Array, extent: tuple[float, float, float, float], tile: Tile
) -> None:
    axes.imshow(picture, extent=extent, aspect="auto", interpolation="nearest")
    left, _, _, top = extent
    for place, (text, colour) in enumerate(reversed(tile.lines)):
        height = top + 0.04 + place * _LINE
        axes.text(left, height, text, fontsize=style.SMALL, color=colour)


def _pictures(run: PlotInput, rows: Sequence[int]) -> Array:
    """Returns rows as colours from 0 to 1, shape (pictures, height, width, 3)."""
    values = np.asarray(run.x)[list(rows)].astype(np.float64)
    if run.picture_shape is not None:
        values = values.reshape(len(values), *run.picture_shape)
    if values.ndim == 3:
        values = values[..., None]
    step = max(1, math.ceil(max(values.shape[1:3]) / _MOST_PIXELS))
    bright = _brightness(run, values[:, ::step, ::step])
    return bright[..., :3] if bright.shape[3] >= 3 else np.repeat(bright[..., :1], 3, axis=3)


def _brightness(run: PlotInput, values: Array) -> Array:
    """Scales values to 0 for black and 1 for white; a value that is no number becomes black."""
    values = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
    low = min(0.0, float(values.min()))
    high = run.pixel_max if run.pixel_max else float(values.max())
    result: Array = np.clip((values - low) / ((high - low) or 1.0), 0.0, 1.0)
    return result
