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
from dl.report.pixels import pictures
from dl.report.style import Sheet

_WIDTH = 8.0
_LINE = 0.15
_GAP = 0.08


@dataclass(frozen=True, slots=True)
class Tile:
    """A row of the data to show as a picture, and lines of text with their colours, top down."""

    row: int
    lines: tuple[tuple[str, str], ...]


def build(run: PlotInput, tiles: Sequence[Tile], columns: int, title: str, subtitle: str) -> Figure:
    """Returns the pictures of some rows in a grid; all tiles have equally many lines of text."""
    side = _WIDTH / columns - _GAP
    shown = pictures(run, [tile.row for tile in tiles], round(side * style.DPI))
    tall = shown.shape[1] / style.DPI
    pitch = tall + _LINE * len(tiles[0].lines) + 0.5 * _LINE + _GAP
    inside = pitch * math.ceil(len(tiles) / columns)
    sheet = style.new_sheet(_WIDTH + 0.24, inside, title, subtitle)
    places = [divmod(number, columns) for number in range(len(tiles))]
    corners = [(column * (side + _GAP), (row + 1) * pitch - tall - _GAP) for row, column in places]
    _draw_pictures(sheet, shown, corners)
    for tile, corner in zip(tiles, corners, strict=True):
        _write_lines(sheet, tile, corner)
    return sheet.figure


def letters(columns: int) -> int:
    """Returns how many letters of a text fit above a picture."""
    return int((_WIDTH / columns - _GAP) / 0.061)


def _draw_pictures(sheet: Sheet, shown: Array, corners: Sequence[tuple[float, float]]) -> None:
    """Draws all pictures as one image, pixel by pixel: each alone would cost Matplotlib more.

    Args:
        sheet: Where to draw.
        shown: Colours from 0 to 255, shape (pictures, height, width, 3).
        corners: Top left corner of each, in inches from the top left of the room.
    """
    width, height = np.round(sheet.figure.get_size_inches() * style.DPI).astype(int)
    left, bottom = round(sheet.room[0] * width), round(sheet.room[1] * height)
    canvas = np.full((round(sheet.room[3] * height), width - left, 3), 255, dtype=np.uint8)
    for picture, corner in zip(shown, corners, strict=True):
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
