"""Cells of a confusion matrix: their colours and the texts in them."""

from __future__ import annotations

import numpy as np
from matplotlib.colors import to_rgb

from dl.data.types import Array
from dl.report import style
from dl.report.style import Axes

_DARK = 0.55


def colours(shares: Array, right: Array) -> Array:
    """Returns the colour of each cell: blue for right ones, orange for mistakes, by its share.

    The orange grows with the square root of the share, so that rare mistakes stand out as well.

    Args:
        shares: Share of the row, from 0 to 1, shape (rows, columns).
        right: Whether a cell counts right predictions, same shape.

    Returns:
        Red, green and blue from 0 to 1, shape (rows, columns, 3).
    """
    strength = np.where(right, shares, np.sqrt(shares))[..., None]
    full = np.where(right[..., None], to_rgb(style.BLUE), to_rgb(style.ORANGE))
    result: Array = 1.0 - strength * (1.0 - full)
    return result


def write_texts(axes: Axes, texts: list[list[str]], background: Array, size: float) -> None:
    """Writes a text into each cell, in white on dark colours."""
    brightness = background @ np.array([0.299, 0.587, 0.114])
    for row, line in enumerate(texts):
        for column, text in enumerate(line):
            if text:
                colour = "white" if brightness[row, column] < _DARK else style.INK
                axes.text(column, row, text, ha="center", va="center", fontsize=size, color=colour)


def separate(axes: Axes, rows: int, columns: int) -> None:
    """Draws thin lines around the cells, and leaves no other frame."""
    style.without_frame(axes)
    axes.hlines(np.arange(rows + 1) - 0.5, -0.5, columns - 0.5, color=style.GRID, linewidth=0.8)
    axes.vlines(np.arange(columns + 1) - 0.5, -0.5, rows - 0.5, color=style.GRID, linewidth=0.8)


def percent(share: float) -> str:
    """Returns a share as a percentage that is 0 or 100 only if it is exactly so."""
    value = 100 * share
    if 0 < value < 0.5:
        return "<1%"
    if 99.5 <= value < 100:
        return ">99%"
    return f"{value:.0f}%"
