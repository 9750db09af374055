"""The source `nifti`: volumes of scanners, NIfTI-1 files, in a folder read as `media` tells.

A file is a header of 348 bytes and the values of one volume, perhaps packed by gzip. How large it
is, is compared with what the header promises before anything is read.
Format: https://nifti.nimh.nih.gov/pub/dist/src/niftilib/nifti1.h
"""

from __future__ import annotations

import gzip
import math
import struct
from functools import partial
from pathlib import Path
from typing import IO, NamedTuple, cast

import numpy as np

from dl.config.data import NiftiData
from dl.data.files import DAMAGED, check_file
from dl.data.sources.found import Medium
from dl.data.storage import check_memory
from dl.data.types import Array
from dl.errors import DataError, first_line

SUFFIXES = (".nii", ".nii.gz")
MOST_VOXELS = 2**29
"""Ten times those of a scan of the whole body in slices of 512 x 512."""

_HEADER = 348
_STARTS = range(352, 2**24)
"""Where the values may begin: behind the header; from 2^24 on, float32 tells no exact byte."""
_TYPES = {
    **{2: "u1", 4: "i2", 8: "i4", 16: "f4", 64: "f8"},
    **{256: "i1", 512: "u2", 768: "u4", 1024: "i8", 1280: "u8"},
}
"""NumPy's names of the codes of types; the others are colours, complex numbers and long floats."""
_MOST_PACKED = 1032
"""No byte of DEFLATE stands for more: a smaller file cannot hold what its header promises."""


class _Header(NamedTuple):
    """What a header tells: of the values their type, shape and first byte, and how they scale."""

    dtype: np.dtype[np.generic]
    shape: tuple[int, ...]
    start: int
    slope: float
    intercept: float

    @property
    def end(self) -> int:
        """The byte behind the last value."""
        return self.start + math.prod(self.shape) * self.dtype.itemsize


def medium(data: NiftiData) -> Medium:
    """Returns how the volumes of a config are read."""
    return Medium(
        noun="volume",
        examples="healthy/ and ill/",
        suffixes=frozenset(SUFFIXES),
        shape=data.volume_size,
        read=partial(read_volume, size=data.volume_size, limits=data.intensity),
        stage="Reading volumes",
        smaller="make `data.volume_size` smaller",
    )


def read_volume(
    path: Path, size: tuple[int, int, int], limits: tuple[float, float] | None = None
) -> Array:
    """Returns the volume of a file, float32 of a shape (x, y, z), its axes as in the file.

    Args:
        path: The file.
        size: The shape, to which it is resized: linear, the corners stay at their places.
        limits: The values that become 0 and 1, with what is beyond them; None to keep all.

    Raises:
        DataError: It is no such file, damaged, or holds no single volume of numbers.
    """
    from scipy.ndimage import zoom  # which takes long to load

    volume = _values(path)
    if limits is not None:
        low, high = limits
        np.clip(volume, low, high, out=volume)
        volume -= low
        volume /= high - low
    if volume.shape == size:
        return volume
    factors = [new / old for new, old in zip(size, volume.shape, strict=True)]
    return np.asarray(zoom(volume, factors, order=1))


def shape_of(path: Path) -> tuple[int, ...]:
    """Returns the shape of the volume of a file, of which only the header is read.

    Raises:
        DataError: As in `read_volume`, but for damaged values.
    """
    check_file(path)
    try:
        with _opened(path) as file:
            return _header(path, file.read(_HEADER)).shape
    except DAMAGED as error:
        raise _broken(path, "the volume is truncated or damaged", first_line(error)) from error


def _values(path: Path) -> Array:
    """Returns the values that a file stands for, float32; raises `DataError`."""
    check_file(path)
    try:
        with _opened(path) as file:
            header = _header(path, file.read(_HEADER))
            length = path.stat().st_size * (_MOST_PACKED if _packed(path) else 1)
            if header.end > length:
                raise EOFError(f"{header.end:,} bytes by its header, {length:,} at most in it")
            voxels = math.prod(header.shape)
            check_memory(
                # The bytes, the numbers, and the numbers as they are resized.
                voxels * (header.dtype.itemsize + 2 * np.dtype(np.float32).itemsize),
                f"{path}: is too large for the memory",
                f"in the shape {header.shape}",
                "save it with fewer voxels",
            )
            file.seek(header.start)
            content = file.read(header.end - header.start)
            file.read(1)  # at its end, gzip compares the checksum
        if len(content) < header.end - header.start:
            raise EOFError(f"{header.end - header.start - len(content):,} bytes are missing")
    except (*DAMAGED, MemoryError) as error:
        raise _broken(path, "the volume is truncated or damaged", first_line(error)) from error
    stored = np.frombuffer(content, header.dtype).reshape(header.shape, order="F")
    with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is refused with its row
        values = np.array(stored, np.float32, order="C")
        if header.slope != 1 or header.intercept:
            values = values * np.float32(header.slope) + np.float32(header.intercept)
    return values


def _packed(path: Path) -> bool:
    return path.suffix.lower() == ".gz"


def _opened(path: Path) -> IO[bytes]:
    return cast(IO[bytes], gzip.open(path)) if _packed(path) else path.open("rb")


def _header(path: Path, content: bytes) -> _Header:
    """Returns what the first bytes of a file tell; raises `DataError`."""
    order = next((o for o in "<>" if content[:4] == struct.pack(f"{o}i", _HEADER)), "")
    if len(content) < _HEADER or not order:
        raise _broken(path, "is not a NIfTI-1 file", "a file of another kind, or its beginning")
    if (magic := content[344:348]) != b"n+1\0":
        pair = "an .hdr file, whose values lie in another one"
        raise _broken(path, "is not a NIfTI-1 file", pair if magic == b"ni1\0" else repr(magic))
    count, *sizes = struct.unpack_from(f"{order}8h", content, 40)
    code, _ = struct.unpack_from(f"{order}2h", content, 70)
    start, slope, intercept = struct.unpack_from(f"{order}3f", content, 108)
    shape = tuple(sizes[: max(0, count)])
    if not 3 <= count <= 7 or min(shape) < 1 or math.prod(shape[3:]) != 1:
        raise _broken(path, "does not hold a single volume", f"the shape {shape}")
    if math.prod(shape) > MOST_VOXELS:
        raise _broken(path, "the volume is too large", f"the shape {shape}")
    if code not in _TYPES:
        raise _broken(path, "does not hold numbers that can be read", f"values of the type {code}")
    if not _STARTS.start <= start < _STARTS.stop:
        raise _broken(path, "does not tell where its values begin", f"vox_offset {start:g}")
    if slope == 0 or math.isnan(slope):  # by the format: the values are what is stored
        slope, intercept = 1.0, 0.0
    if not math.isfinite(slope) or not math.isfinite(intercept):
        raise _broken(path, "scales its values by no number", f"{slope:g} and {intercept:g}")
    return _Header(np.dtype(f"{order}{_TYPES[code]}"), shape[:3], int(start), slope, intercept)


def _broken(path: Path, message: str, found: str) -> DataError:
    return DataError(
        f"{path}: {message}",
        expected="a complete NIfTI-1 file, .nii or .nii.gz, with one volume of whole numbers or "
        f"floats, at most {MOST_VOXELS:,} of them",
        found=found,
        hint="replace it, or save it again: nibabel.save(nibabel.Nifti1Image(array, affine), FILE)",
    )
