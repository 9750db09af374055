"""Mutated npz, Parquet, picture and NIfTI files: read, or refused with what is wrong with them.

Small whole files are changed in bytes, or hold types, shapes and values that nobody wrote by hand.
"""

from __future__ import annotations

import contextlib
import datetime
import decimal
import gzip
import io
import random
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pyarrow.parquet
from PIL import Image

from campaigns import mutating

USE_EVERY = 10
ROWS = 24
_CONFIG = """\
data: {data}
preprocess: {{missing: {missing}}}
model: {{layers: [{layers}{{type: Dense, units: 1, activation: sigmoid}}]}}
training: {{loss: binary_crossentropy, epochs: 1}}
"""
_EMBEDDING = "{type: Embedding, input_dim: 9, output_dim: 2}, Flatten, "
_MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "I;16", "F")
_FORMATS = ("png", "jpg", "tiff", "gif", "webp", "bmp")
Make = Callable[[random.Random], bytes]


def npz(chance: random.Random) -> bytes:
    """Returns an npz file, whose arrays have any type and any shape in half of all cases."""
    numbers = np.random.default_rng(chance.randrange(2**32))
    x: Any = numbers.integers(0, 9, (ROWS, 3))
    y: Any = np.arange(ROWS) % 2
    if chance.random() < 0.5:
        x = _odd(x, numbers, chance)
    if chance.random() < 0.3:
        y = _odd(y, numbers, chance)
    content = io.BytesIO()
    save = chance.choice([np.savez, np.savez_compressed])
    save(content, x_train=x, y_train=y)
    return content.getvalue()


def _odd(array: Any, numbers: np.random.Generator, chance: random.Random) -> Any:
    types = ["?", "u1", "i1", "i8", ">i4", "u8", "f2", "f4", ">f8", "g", "c8", "U3", "S3", "M8[D]"]
    types += ["m8[s]", "V4", "i4,f4", "O"]
    values = [np.nan, np.inf, -np.inf, -1, 1e300, 2.0**31, 2.0**53, 1e-320, 0.5, 10]
    match chance.randrange(4):
        case 0:
            with contextlib.suppress(TypeError, ValueError):
                return array.astype(chance.choice(types))
        case 1:
            odd = array.astype("f8")
            odd.flat[numbers.integers(0, odd.size, chance.choice([1, 3, 60]))] = chance.choice(
                values
            )
            return odd
        case 2:
            shapes = [(), (0,), (ROWS,), (ROWS, 0), (ROWS, 1), (ROWS, 2, 2), (ROWS, 5, 5, 3), (1,)]
            return numbers.integers(0, 9, chance.choice([*shapes, (ROWS, 1, 1, 1, 1), (2, 3)]))
        case _:
            return np.asfortranarray(array[:: chance.choice([-1, 2, 50])])
    return array


_COLUMNS: dict[str, Callable[[int], object]] = {
    "numbers": lambda i: i / 7,
    "words": lambda i: "abc"[i % 3],
    "truths": lambda i: i % 2 == 0,
    "days": lambda i: datetime.date(1960, 1, 1) + datetime.timedelta(days=997 * i),
    "times": lambda i: datetime.datetime(2024, 1, 1) + datetime.timedelta(hours=i),
    "hours": lambda i: datetime.time(i % 24),
    "spans": lambda i: datetime.timedelta(seconds=i),
    "money": lambda i: decimal.Decimal(i) / 4,
    "lists": lambda i: [i, i + 1],
    "records": lambda i: {"a": i, "b": "x"},
    "bytes": lambda i: bytes([i, 255]),
    "nothing": lambda i: None,
    "large": lambda i: 2**62 + i,
    "odd": lambda i: [float("nan"), float("inf"), -0.0, 1e308][i % 4],
}


def parquet(chance: random.Random) -> bytes:
    """Returns a Parquet file with a few columns of any type, some with gaps."""
    names = chance.sample(sorted(_COLUMNS), chance.randint(1, 4))
    gap = chance.choice([0, 0, 5, 1])
    made: dict[str, Any] = {
        name: [None if gap and i % 9 < gap else _COLUMNS[name](i) for i in range(ROWS)]
        for name in names
    }
    made["y"] = [i % 2 for i in range(ROWS)]
    table = pyarrow.table(made)
    content = io.BytesIO()
    codec = chance.choice(["snappy", "gzip", "zstd", "none"])
    pyarrow.parquet.write_table(table, content, compression=codec, row_group_size=10)
    return content.getvalue()


def picture(chance: random.Random) -> bytes:
    """Returns a picture of any mode and format."""
    size = chance.choice([(8, 8), (1, 1), (9, 3)])
    image = Image.effect_noise(size, 90).convert("RGB")
    for mode, kind in zip(chance.choices(_MODES, k=9), chance.choices(_FORMATS, k=9), strict=True):
        content = io.BytesIO()
        with contextlib.suppress(OSError, ValueError, KeyError):
            image.convert("L" if mode.startswith("I") or mode == "F" else mode).convert(mode).save(
                content, Image.registered_extensions()[f".{kind}"]
            )
            return content.getvalue()
    return content.getvalue()


_TYPES = {2: "u1", 4: "i2", 8: "i4", 16: "f4", 64: "f8", 1024: "i8", 128: "u1", 32: "c8", 1: "?"}
_FIELDS = {40: "h", 42: "h", 44: "h", 46: "h", 70: "h", 72: "h", 108: "f", 112: "f", 116: "f"}
"""Places of a header of NIfTI: axes and lengths, the type, its bits, where values are, scale."""


def volume(chance: random.Random, odd: float = 0.5) -> bytes:
    """Returns a NIfTI file, packed or not, whose header promises anything in so many cases."""
    code = chance.choice(list(_TYPES)) if chance.random() < odd else 4
    order, shape = chance.choice("<>"), (3, 2, 4)
    values = np.random.default_rng(chance.randrange(2**32)).integers(0, 99, shape)
    header = bytearray(352)
    struct.pack_into(f"{order}i", header, 0, 348)
    struct.pack_into(f"{order}8h", header, 40, 3, *shape, 1, 1, 1, 1)
    struct.pack_into(f"{order}h", header, 70, code)
    struct.pack_into(f"{order}f", header, 108, 352)
    header[344:348] = b"n+1\0"
    if chance.random() < odd:
        place, form = chance.choice(list(_FIELDS.items()))
        found = [0, -1, 1, 7, 32767] if form == "h" else [0, -1, np.nan, np.inf, 1e30, 353]
        struct.pack_into(f"{order}{form}", header, place, chance.choice(found))
    content = bytes(header) + values.astype(f"{order}{_TYPES[code]}").tobytes()
    return gzip.compress(content, 1, mtime=0) if chance.random() < 0.3 * odd else content


def mutated(content: bytes, chance: random.Random) -> bytes:
    """Changes a few bytes, cuts the file, or repeats a part of it; or leaves it whole."""
    if chance.random() < 0.4:
        return content
    made = bytearray(content)
    for _ in range(chance.choice([1, 1, 2, 8])):
        place = chance.randrange(len(made) + 1)
        match chance.randrange(6):
            case 0 | 1:
                made[place : place + 1] = bytes([chance.randrange(256)])
            case 2:
                made[place : place + 4] = chance.choice(
                    [b"\xff" * 4, bytes(4), b"\x7f\xff\xff\xff"]
                )
            case 3:
                del made[place : place + chance.choice([1, 4, 100])]
            case 4:
                made[place:place] = made[place : place + chance.choice([1, 8, 200])]
            case _:
                del made[place if chance.random() < 0.3 else len(made) :]
    return bytes(made)


def _pictures() -> None:
    for label in ("a", "b"):
        Path("pictures", label).mkdir(parents=True)
        for number in range(4):
            picture_file = Path("pictures", label, f"{number}.png")
            Image.effect_noise((8, 8), 90).convert("RGB").save(picture_file)


def _volumes() -> None:
    for label in ("a", "b"):
        Path("volumes", label).mkdir(parents=True)
        for number in range(4):
            content = volume(random.Random(number), odd=0)
            Path("volumes", label, f"{number}.nii").write_bytes(content)


def _arrays() -> None:
    np.savez("rows.npz", x_train=np.ones((ROWS, 3)), y_train=np.arange(ROWS) % 2)


def _table() -> None:
    table = {"numbers": np.arange(ROWS) / 7, "y": np.arange(ROWS) % 2}
    pyarrow.parquet.write_table(pyarrow.table(table), "rows.parquet")


def _kind(
    file: str, data: str, make: Make, begin: Callable[[], None], **given: Any
) -> mutating.Kind:
    def made(chance: random.Random) -> bytes:
        return mutated(make(chance), chance)

    def config(chance: random.Random | None) -> str:
        missing, layers = "error", "Flatten, "
        if chance:
            missing = chance.choice(["error", "drop", "mean"])
            layers = (
                layers if make in (picture, volume) else chance.choice(["", layers, _EMBEDDING])
            )
        return _CONFIG.format(data=data, missing=missing, layers=layers)

    return mutating.Kind(file, made, config, begin, **{"path": file, **given})


KINDS = {
    "npz": _kind("rows.npz", "{source: npz, path: rows.npz}", npz, _arrays),
    "parquet": _kind(
        "rows.parquet",
        "{source: parquet, path: rows.parquet, target: y}",
        parquet,
        _table,
        target="y",
    ),
    "images": _kind(
        "pictures/b/0.png",
        "{source: images, path: pictures, image_size: [4, 4]}",
        picture,
        _pictures,
        path="pictures",
    ),
    "nifti": _kind(
        "volumes/b/0.nii",
        "{source: nifti, path: volumes, volume_size: [4, 4, 4]}",
        volume,
        _volumes,
        path="volumes",
    ),
}


def main() -> None:
    """Runs the campaign at the size of the command line."""
    mutating.run(KINDS, "data", __doc__, 10_000, USE_EVERY)


if __name__ == "__main__":
    main()
