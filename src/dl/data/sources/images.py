"""The source `images`: a folder that has a folder of pictures for each class.

Links to files and folders are followed where they lead to a place inside the folder, and refused
where they lead out of it: a data set is one folder. Names that begin with a dot are left out, as
are files that are not pictures by their name. Everything is taken in the order of its name, by code
point.
"""

from __future__ import annotations

import logging
import math
import os
import struct
import warnings
import zlib
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from dl.config.data import ImagesData, own_paths
from dl.data.files import ahead, check_file, check_folder, fingerprint_files, unchanged
from dl.data.storage import ScratchFile, check_memory, check_space
from dl.data.types import Array, RawArrays, RawParts, Rows
from dl.errors import DataError
from dl.progress import Reporter
from dl.text import listing

SUFFIXES = frozenset({".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})
MOST_PIXELS = 89_478_485
"""The number of pixels from which on Pillow warns of a decompression bomb."""

_FORMATS = ("BMP", "GIF", "JPEG", "PNG", "TIFF", "WEBP")
_BROKEN = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)
"""What Pillow's readers raise for damaged bytes."""
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

_MOST_LISTED = 5
_BYTES_OF_VALUE = 5
"""One as it is read, four as the float32 that the model takes."""
_AHEAD = 8
"""Pictures that are decoded ahead, for each thread."""


def read_images(data: ImagesData, reporter: Reporter, streamed: bool = False) -> RawParts:
    """Returns the parts: the folder, and those of `validation_path` and `test_path`.

    Raises:
        DataError: A folder has no classes, a class has no picture, or a picture cannot be read.
    """
    root, *others = own_paths(data)
    found = {path: class_files(path) for path in (root, *others)}
    known = {name for name, _ in found[root]}
    for path in others:
        strangers = sorted({name for name, _ in found[path]} - known)
        if strangers:
            raise DataError(
                f"{path / strangers[0]}: is a class that the training folder does not have",
                expected=f"class folders among {listing(sorted(known), '', _MOST_LISTED)}",
                found=strangers[0],
                hint="rename the folder, or add pictures of the class to the training folder",
            )
    listed = [file for files in found.values() for _, file in files]
    with unchanged(listed):
        parts = {
            str(path): read_image_part(path, data, reporter, streamed, files)
            for path, files in found.items()
        }
        fingerprint = fingerprint_files(listed)
    validation, test = (
        None if path is None else parts[str(Path(path))]
        for path in (data.validation_path, data.test_path)
    )
    return RawParts(parts[str(root)], validation, test, image=True, fingerprint=fingerprint)


def read_image_part(
    path: Path,
    data: ImagesData,
    reporter: Reporter,
    streamed: bool = False,
    files: Sequence[tuple[str, Path]] | None = None,
) -> RawArrays:
    """Returns the labelled pictures of a folder of class folders.

    Args:
        path: The folder.
        data: How pictures are to be read.
        reporter: Told what happens.
        streamed: Keep the pictures on the disk.
        files: What `class_files` found in it, if that is known.

    Raises:
        DataError: As in `read_images`.
    """
    files = class_files(path) if files is None else files
    paths = [file for _, file in files]
    x = _decoded(paths, data, reporter, streamed)
    y = np.array([name for name, _ in files])
    return RawArrays.whole(x, y, str(path), tuple(map(str, paths)))


def read_image_inputs(
    path: Path, data: ImagesData, reporter: Reporter, streamed: bool = False
) -> RawArrays:
    """Returns pictures to predict: a single file, or all pictures of a folder at any depth.

    Raises:
        DataError: There is no picture, or one cannot be read.
    """
    files = picture_files(path)
    if not files:
        raise DataError(
            f"{path}: there is no picture",
            expected="a picture, or a folder with pictures",
            found="none of the suffixes " + ", ".join(sorted(SUFFIXES)),
            hint="name another file or folder",
        )
    x = _decoded(files, data, reporter, streamed)
    return RawArrays.whole(x, None, str(path), tuple(map(str, files)))


def picture_files(path: Path) -> list[Path]:
    """Returns a single file, or all pictures of a folder at any depth, by name.

    Raises:
        DataError: It cannot be read.
    """
    if path.is_file():
        check_file(path)
        return [path]
    check_folder(path)
    return list(_pictures_below(path, path.resolve()))


def picture_shape(data: ImagesData) -> tuple[int, int, int]:
    """Returns the shape of a picture as it is read: (height, width, channels)."""
    return *data.image_size, 1 if data.color == "grayscale" else 3


def class_files(root: Path) -> list[tuple[str, Path]]:
    """Returns the pictures with their classes, by class and name."""
    check_folder(root)
    real_root = root.resolve()
    folders = [path for path in _entries(root, real_root) if path.is_dir()]
    if not folders:
        loose = any(True for _ in _pictures_below(root, real_root))
        raise DataError(
            f"{root}: has no class folders",
            expected="a folder of pictures for each class, such as cats/ and dogs/",
            found="pictures that are not in a class folder" if loose else "no folder",
            hint="move the pictures of each class into a folder with the name of the class",
        )
    found = [(folder, list(_pictures_below(folder, real_root))) for folder in folders]
    empty = [folder for folder, files in found if not files]
    if empty:
        raise DataError(
            f"{empty[0]}: the class folder has no picture",
            expected="a picture or more in each class folder: " + ", ".join(sorted(SUFFIXES)),
            found="none" if len(empty) == 1 else f"none, as in {len(empty) - 1} other folders",
            hint="add pictures, or delete or move the folder",
        )
    return [(folder.name, file) for folder, files in found for file in files]


def _entries(folder: Path, real_root: Path) -> list[Path]:
    """Returns what a folder holds, by name; refuses links that lead out of the data set."""
    try:
        names = sorted(name for name in os.listdir(folder) if not name.startswith("."))
    except OSError as error:
        raise DataError(f"{folder}: cannot be read: {error.strerror}") from error
    paths = [folder / name for name in names]
    for path in paths:
        if path.is_symlink() and not path.resolve().is_relative_to(real_root):
            raise DataError(
                f"{path}: is a link out of the folder of the data",
                expected=f"files and folders inside {real_root}",
                found=f"a link to {path.resolve()}",
                hint="copy the files there, or delete the link",
            )
    return paths


def _pictures_below(
    folder: Path, real_root: Path, above: frozenset[Path] = frozenset()
) -> Iterator[Path]:
    """Yields the pictures of a folder and its folders; a link to a folder above is not entered."""
    seen = above | {folder.resolve()}
    for path in _entries(folder, real_root):
        if path.is_dir():
            if path.resolve() not in seen:
                yield from _pictures_below(path, real_root, seen)
        elif path.suffix.lower() in SUFFIXES and path.is_file():
            yield path


def _decoded(files: Sequence[Path], data: ImagesData, reporter: Reporter, streamed: bool) -> Rows:
    """Keeps the pictures as bytes, shape (rows, height, width, channels)."""
    one = picture_shape(data)
    shape, folder = (len(files), *one), files[0].parent
    threads = os.cpu_count() or 1
    tasks = (partial(read_picture, path, one) for path in files)
    with (
        without_warnings(),
        reporter.stage("Decoding pictures", len(files)) as advance,
        # Closed, so that an error at one picture ends the decoding of those ahead of it.
        closing(ahead(tasks, threads, _AHEAD * threads)) as pictures,
    ):
        if streamed:
            check_space(math.prod(shape), f"{len(files):,} pictures of {folder}")
            scratch = ScratchFile()
            for picture in pictures:
                scratch.write(picture)
                advance(1)
            return scratch.array(np.uint8, shape)
        check_memory(
            _BYTES_OF_VALUE * math.prod(shape),
            f"{folder}: {len(files)} pictures do not fit in the memory",
            f"in the shape {shape}",
            "make `data.image_size` smaller, or let `engine.memory` be smaller: larger data is "
            "streamed",
        )
        x = np.empty(shape, np.uint8)
        for row, picture in enumerate(pictures):
            x[row] = picture
            advance(1)
        return x


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
        bits = _BITS_OF_GRAYS.get(_stored(opened)[0], 16)
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
    except _BROKEN as error:
        raise _broken(path, "the picture is truncated or damaged", str(error)) from error


def _why_not_bytes(image: Image.Image) -> str | None:
    """Returns why Pillow opens a picture, but gives other pixels of it than the file has."""
    kind, codec = _stored(image)
    if (kind, codec, getattr(image, "tag_v2", {}).get(_PHOTOMETRIC)) == ("RGBX", "raw", _YCBCR):
        return "an uncompressed TIFF file in the colours YCbCr"
    if "transparency" in image.info and kind.endswith((";2", ";4", "16B")):
        # Pillow compares the colour, as the file has it, with pixels that were made 8 bits.
        return "a transparent colour in a picture that does not have 8 bits"
    return _UNSCALED.get(image.mode)


def _stored(image: Image.Image) -> tuple[str, str]:
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
