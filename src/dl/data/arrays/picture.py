"""One picture file to bytes of a fixed size."""

from __future__ import annotations

import logging
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from dl.data.types import Array
from dl.errors import DataError

SUFFIXES = frozenset({".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})
MOST_PIXELS = 89_478_485
"""The number of pixels from which on Pillow warns of a decompression bomb."""

_FORMATS = ("BMP", "GIF", "JPEG", "PNG", "TIFF", "WEBP")


@dataclass(frozen=True, slots=True)
class Reading:
    """How pictures are to be read: height and width in pixels, and whether without colours."""

    height: int
    width: int
    grayscale: bool

    @property
    def shape(self) -> tuple[int, int, int]:
        """The shape of a picture: (height, width, channels)."""
        return self.height, self.width, 1 if self.grayscale else 3


@contextmanager
def without_warnings() -> Iterator[None]:
    """Keeps Pillow silent about damaged EXIF data and sizes, which `read_picture` judges itself.

    Filters of warnings belong to the whole process: enter this once, not in each thread.
    """
    logger = logging.getLogger("PIL")
    level = logger.level
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logger.setLevel(logging.CRITICAL + 1)
        try:
            yield
        finally:
            logger.setLevel(level)


def read_picture(path: Path, reading: Reading) -> Array:
    """Returns a picture as bytes of the shape of `reading`.

    It is turned upright as its EXIF data says, put on black where it is transparent, and resized
    (bilinear, over all pixels that fall together). Of a moving picture the first frame counts.

    Raises:
        DataError: The file is no picture, truncated, or has more than `MOST_PIXELS` pixels.
    """
    try:
        with Image.open(path, formats=_FORMATS) as image:
            _check_pixels(path, image.width, image.height)
            return _pixels(image, reading)
    except UnidentifiedImageError as error:
        raise _broken(path, "is no picture", "a file of another kind") from error
    except Image.DecompressionBombError as error:
        raise _too_many_pixels(path, str(error)) from error
    except (OSError, SyntaxError, ValueError, EOFError, struct.error) as error:
        raise _broken(path, "the picture is truncated or damaged", str(error)) from error


def _check_pixels(path: Path, width: int, height: int) -> None:
    if width * height > MOST_PIXELS:
        raise _too_many_pixels(path, f"{width} x {height} pixels")


def _pixels(image: Image.Image, reading: Reading) -> Array:
    if image.format == "JPEG":
        # The decoder may skip detail that the resizing would average away; twice the size is kept.
        side = 2 * max(reading.width, reading.height)
        image.draft(None, (side, side))
    upright = _in_bytes(ImageOps.exif_transpose(image))
    coloured = upright.convert("L" if reading.grayscale else "RGB")
    resized = coloured.resize((reading.width, reading.height), Image.Resampling.BILINEAR)
    return np.asarray(resized, np.uint8).reshape(reading.shape)


def _in_bytes(image: Image.Image) -> Image.Image:
    """Returns grays of 16 bits as 8 bits, which Pillow's own conversion would cut off at 255."""
    if not image.mode.startswith("I"):
        return image
    return Image.fromarray((np.clip(np.asarray(image), 0, 65_535) >> 8).astype(np.uint8))


def _too_many_pixels(path: Path, found: str) -> DataError:
    return DataError(
        f"{path}: the picture is too large",
        expected=f"at most {MOST_PIXELS:,} pixels",
        found=found,
        hint="make it smaller, or delete it",
    )


def _broken(path: Path, message: str, found: str) -> DataError:
    return DataError(
        f"{path}: {message}",
        expected="a whole picture: " + ", ".join(_FORMATS),
        found=found,
        hint="replace or delete the file",
    )
