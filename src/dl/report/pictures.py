"""Rows of the data as pictures: their pixels, and pictures inside a page."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dl.data.dataset import Preprocessing
from dl.data.preprocessing.features import original_columns
from dl.data.types import Array, Part

# Pixels; pictures are shown at this width in a page.
_SIDE = 84
# Fraction of values at each end that may be darker or brighter than the rest is shown for.
_RARE = 0.005


@dataclass(frozen=True, slots=True)
class Pictures:
    """Rows that can be shown as pictures.

    Attributes:
        values: Shape (rows, height, width) or (rows, height, width, channels).
        pixel_max: The value that is full brightness. Default: by the values shown.
    """

    values: Array
    pixel_max: float | None = None

    def pixels(self, rows: Sequence[int] | Array, wide: int) -> Array:
        """Returns rows as colours from 0 to 255, shape (pictures, height, `wide`, 3)."""
        values = self.values[np.asarray(rows)].astype(np.float32)
        values = _resized(values[..., None] if values.ndim == 3 else values, wide)
        if values.shape[3] < 3:
            values = np.repeat(values[..., :1], 3, axis=3)
        values = np.nan_to_num(values[..., :3], nan=0.0, posinf=0.0, neginf=0.0)
        low, high = (0.0, self.pixel_max) if self.pixel_max else _usual_range(values)
        return (255 * np.clip((values - low) / ((high - low) or 1.0), 0.0, 1.0)).astype(np.uint8)

    def data_uris(self, rows: Array) -> list[str]:
        """Returns the address that holds the picture of each row."""
        return [_uri_of(picture) for picture in self.pixels(rows, _SIDE)]


def pictures_of(part: Part, preprocessing: Preprocessing) -> Pictures | None:
    """Returns the rows of a part as pictures, where the data are any: images, or their pixels.

    The columns of a table are the pixels of a square picture where their names say so by their
    endings: `pixel_0_0`, `pixel_0_1`… They are shown in their original values.
    """
    array, names = preprocessing.array, preprocessing.feature_names
    if array is not None and array.image:
        return Pictures(part.x[:], array.pixel_max)
    side = math.isqrt(len(names))
    endings = [f"{row}_{column}" for row in range(side) for column in range(side)]
    if side < 4 or len(endings) != len(names):
        return None
    if not all(name.endswith(end) for name, end in zip(names, endings, strict=True)):
        return None
    columns = original_columns(part.x[:], preprocessing.columns).values()
    return Pictures(np.column_stack(list(columns)).reshape(-1, side, side))


def _resized(values: Array, wide: int) -> Array:
    """Brings pictures, shape (pictures, height, width, channels), to a width.

    Pixels are repeated or left out; those of large pictures are averaged.
    """
    step = max(1, values.shape[2] // wide)
    if step > 1:
        rows, columns = (size // step * step for size in values.shape[1:3])
        whole = values[:, :rows, :columns]
        blocks = whole.reshape(len(whole), rows // step, step, columns // step, step, -1)
        values = blocks.mean(axis=(2, 4))
    tall = max(1, round(wide * values.shape[1] / values.shape[2]))
    rows_taken = np.arange(tall) * values.shape[1] // tall
    columns_taken = np.arange(wide) * values.shape[2] // wide
    return np.asarray(values[:, rows_taken][:, :, columns_taken])


def _usual_range(values: Array) -> tuple[float, float]:
    """Returns the range of nearly all values: a column scaled by itself may have a few far out."""
    low, high = np.quantile(values, [_RARE, 1 - _RARE])
    return min(0.0, float(low)), float(high if high > max(0.0, low) else values.max())


def _uri_of(picture: Array) -> str:
    from PIL import Image  # for the page alone: a training shows its result before that

    content = io.BytesIO()
    Image.fromarray(picture).convert("RGB").quantize(64).save(content, "PNG", optimize=True)
    return png_uri(content.getvalue())


def png_uri(content: bytes) -> str:
    """Returns the address that holds the content of a PNG file."""
    return "data:image/png;base64," + base64.b64encode(content).decode()
