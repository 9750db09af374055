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
from dl.report.style import Sheet

_WIDTH = 8.0
_LINE = 0.15
_GAP = 0.08
_RARE = 0.005


@dataclass(frozen=True, slots=True)
class Tile:
    """A row of the data to show as a picture, and lines of text with their colours, top down."""

    row: int
    lines: tuple[tuple[str, str], ...]


def build(run: PlotInput, tiles: Sequence[Tile], columns: int, title: str, subtitle: str) -> Figure:
    """Returns the pictures of some rows in a grid; all tiles have equally many lines of text."""
    side = _WIDTH / columns - _GAP
    pictures = _pictures(run, [tile.row for tile in tiles], round(side * style.DPI))
    tall = pictures.shape[1] / style.DPI
    pitch = tall + _LINE * len(tiles[0].lines) + 0.5 * _LINE + _GAP
    inside = pitch * math.ceil(len(tiles) / columns)
    sheet = style.new_sheet(_WIDTH + 0.24, inside, title, subtitle)
    places = [divmod(number, columns) for number in range(len(tiles))]
    corners = [(column * (side + _GAP), (row + 1) * pitch - tall - _GAP) for row, column in places]
    _draw_pictures(sheet, pictures, corners)
    for tile, corner in zip(tiles, corners, strict=True):
        _write_lines(sheet, tile, corner)
    return sheet.figure


def has_pictures(run: PlotInput) -> bool:
    """Tells whether the rows of a run can be shown as pictures."""
    if run.x is None or run.y_true is None or not len(run.x):
        return False
    return run.image or run.picture_shape is not None


def letters(columns: int) -> int:
    """Returns how many letters of a text fit above a picture."""
    return int((_WIDTH / columns - _GAP) / 0.061)


def _draw_pictures(sheet: Sheet, pictures: Array, corners: Sequence[tuple[float, float]]) -> None:
    """Draws all pictures as one image, pixel by pixel: each alone would cost Matplotlib more.

    Args:
        sheet: Where to draw.
        pictures: Colours from 0 to 255, shape (pictures, height, width, 3).
        corners: Top left corner of each, in inches from the top left of the room.
    """
    width, height = np.round(sheet.figure.get_size_inches() * style.DPI).astype(int)
    left, bottom = round(sheet.room[0] * width), round(sheet.room[1] * height)
    canvas = np.full((round(sheet.room[3] * height), width - left, 3), 255, dtype=np.uint8)
    for picture, corner in zip(pictures, corners, strict=True):
        x, y = (round(inches * style.DPI) for inches in corner)
        canvas[y : y + picture.shape[0], x : x + picture.shape[1]] = picture
    sheet.figure.figimage(canvas, left, bottom, origin="upper")


def _write_lines(sheet: Sheet, tile: Tile, corner: tuple[float, float]) -> None:
    """Writes the texts of a tile above its picture."""
    width, height = sheet.figure.get_size_inches()
    x = sheet.room[0] + corner[0] / width
    top = sheet.room[1] + sheet.room[3] - corner[1] / height
    for place, (text, colour) in enumerate(reversed(tile.lines)):
        y = top + (0.04 + place * _LINE) / height
        sheet.figure.text(x, y, text, fontsize=style.SMALL, color=colour)


def _pictures(run: PlotInput, rows: Sequence[int], wide: int) -> Array:
    """Returns rows as colours from 0 to 255, shape (pictures, height, `wide`, 3)."""
    values = np.asarray(run.x)[list(rows)].astype(np.float32)
    if run.picture_shape is not None:
        values = values.reshape(len(values), *run.picture_shape)
    if values.ndim == 3:
        values = values[..., None]
    values = _resized(values, wide)
    if values.shape[3] < 3:
        values = np.repeat(values[..., :1], 3, axis=3)
    return (255 * _brightness(run, values[..., :3])).astype(np.uint8)


def _resized(values: Array, wide: int) -> Array:
    """Brings pictures to a width by repeating or leaving out pixels; large ones are averaged."""
    step = max(1, values.shape[2] // wide)
    if step > 1:
        rows, columns = (size // step * step for size in values.shape[1:3])
        cut = values[:, :rows, :columns]
        blocks = cut.reshape(len(cut), rows // step, step, columns // step, step, -1)
        values = blocks.mean(axis=(2, 4))
    tall = max(1, round(wide * values.shape[1] / values.shape[2]))
    rows_taken = np.arange(tall) * values.shape[1] // tall
    columns_taken = np.arange(wide) * values.shape[2] // wide
    result: Array = values[:, rows_taken][:, :, columns_taken]
    return result


def _brightness(run: PlotInput, values: Array) -> Array:
    """Scales values to 0 for black and 1 for white; a value that is no number becomes black."""
    values = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
    low, high = (0.0, run.pixel_max) if run.pixel_max else _usual_range(values)
    result: Array = np.clip((values - low) / ((high - low) or 1.0), 0.0, 1.0)
    return result


def _usual_range(values: Array) -> tuple[float, float]:
    """Returns the range of nearly all values: a column scaled by itself may have a few far out."""
    low, high = np.quantile(values, [_RARE, 1 - _RARE])
    return min(0.0, float(low)), float(high if high > max(0.0, low) else values.max())
