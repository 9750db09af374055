"""Rows of the data as pictures: which can be shown so, and their pixels. Light: NumPy alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dl.data.types import Array
from dl.report.input import PlotInput

_RARE = 0.005


def has_pictures(run: PlotInput) -> bool:
    """Tells whether the rows of a run can be shown as pictures, each with one answer."""
    if run.places > 1 or run.x is None or run.y_true is None or not len(run.x):
        return False
    return run.image or run.picture_shape is not None


def pictures(run: PlotInput, rows: Sequence[int], wide: int) -> Array:
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
