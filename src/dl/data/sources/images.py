"""The source `images`: pictures in a folder, which is read as `media` tells."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from dl.config.data import ImagesData
from dl.data.files import DAMAGED
from dl.data.sources.found import Medium
from dl.data.types import Array
from dl.errors import DataError

SUFFIXES = frozenset({".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})
MOST_PIXELS = 89_478_485
"""The number of pixels from which on Pillow warns of a decompression bomb."""

_FORMATS = ("BMP", "GIF", "JPEG", "PNG", "TIFF", "WEBP")
_UNSCALED = {
    "F": "a float picture: it does not say which value is white",
    "I": "a picture of 32-bit or signed numbers: it does not say which value is white",
    "LAB": "a picture in the colours LAB",
}
"""Modes of Pillow that cannot be turned into bytes without guessing."""
_BITS_OF_GRAYS = {"I;12": 12}
"""Of pictures that Pillow gives as 16 bits; the others have them."""
_PHOTOMETRIC, _YCBCR = 262, 6
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
"""How a TIFF file begins."""


def medium(data: ImagesData) -> Medium:
    """Returns how the pictures of a config are read."""
    shape = (*data.image_size, 1 if data.color == "grayscale" else 3)
    return Medium(
        noun="picture",
        examples="cats/ and dogs/",
        suffixes=SUFFIXES,
        shape=shape,
        read=partial(read_picture, shape=shape),
        stage="Decoding pictures",
        smaller="make `data.image_size` smaller",
        image=True,
        quiet=without_warnings,
    )


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


def read_picture(path: Path, shape: tuple[int, int, int]) -> Array:
    """Returns a picture as bytes of the shape (height, width, 1 or 3 channels).

    It is turned upright as its EXIF data says, put on black where it is transparent, and resized
    (bilinear, over all pixels that fall together). Of a moving picture the first frame counts.

    Raises:
        DataError: As in `opened_picture`.
    """
    height, width, channels = shape
    with opened_picture(path) as opened:
        if opened.format == "JPEG":
            # The decoder may skip detail that the resizing would average away: twice the size.
            side = 2 * max(width, height)
            opened.draft(None, (side, side))
        bits = _BITS_OF_GRAYS.get(stored_pixels(opened)[0], 16)
        image: Image.Image = ImageOps.exif_transpose(opened)
        if image.mode.startswith("I;"):  # Pillow's own conversion would cut them off at 255
            image = Image.fromarray((np.asarray(image) >> (bits - 8)).astype(np.uint8))
        if image.has_transparency_data:
            black = Image.new("RGBA", image.size, (0, 0, 0, 255))
            image = Image.alpha_composite(black, image.convert("RGBA"))
        coloured = image.convert("L" if channels == 1 else "RGB")
        resized = coloured.resize((width, height), Image.Resampling.BILINEAR)
        return np.asarray(resized, np.uint8).reshape(shape)


@contextmanager
def opened_picture(path: Path) -> Iterator[Image.Image]:
    """Opens a picture; only its header is read yet.

    Raises:
        DataError: It is not a picture, has more than `MOST_PIXELS` pixels, or pixels that are not
            shades of black to white; or it is damaged, also where it is read in the block.
    """
    try:
        with Image.open(path, formats=_FORMATS) as image:
            if image.width * image.height > MOST_PIXELS:
                raise _too_many_pixels(path, f"{image.width} x {image.height} pixels")
            if reason := _why_not_bytes(image):
                raise _no_bytes(path, reason)
            yield image
    except UnidentifiedImageError as error:
        if _begin(path) in _TIFF:
            found = "a TIFF file with pixels of a kind that Pillow does not know"
            raise _no_bytes(path, found) from error
        raise _broken(path, "is not a picture", "a file of another kind") from error
    except Image.DecompressionBombError as error:
        raise _too_many_pixels(path, str(error)) from error
    except DAMAGED as error:
        raise _broken(path, "the picture is truncated or damaged", str(error)) from error


def _why_not_bytes(image: Image.Image) -> str | None:
    """Returns why Pillow opens a picture, but gives other pixels of it than the file has."""
    kind, codec = stored_pixels(image)
    if (kind, codec, getattr(image, "tag_v2", {}).get(_PHOTOMETRIC)) == ("RGBX", "raw", _YCBCR):
        return "an uncompressed TIFF file in the colours YCbCr"
    if "transparency" in image.info and kind.endswith((";2", ";4", "16B")):
        # Pillow compares the colour, as the file has it, with pixels that were made 8 bits.
        return "a transparent colour in a picture that does not have 8 bits"
    return _UNSCALED.get(image.mode)


def stored_pixels(image: Image.Image) -> tuple[str, str]:
    """Returns how a file holds its pixels, in Pillow's words (`RGB;16B`), and their compression."""
    tiles = getattr(image, "tile", None)
    if not tiles:
        return "", ""
    args = tiles[0].args
    return args if isinstance(args, str) else str(args[0]), str(tiles[0].codec_name)


def _begin(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(4)
    except OSError:
        return b""


def _no_bytes(path: Path, found: str) -> DataError:
    return DataError(
        f"{path}: the picture cannot be read as bytes from black to white",
        expected="gray or RGB colours of 8 or 16 bits",
        found=found,
        hint="save it so, for example as PNG, with the darkest value as 0 and the lightest as 255",
    )


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
        expected="a complete picture: " + ", ".join(_FORMATS),
        found=found,
        hint="replace or delete the file",
    )
