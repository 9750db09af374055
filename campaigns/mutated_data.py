"""Mutated npz, Parquet and picture files: read, or refused with what is wrong with them.

Small whole files are changed in bytes, or hold types, shapes and values that nobody wrote by hand.
Each is read by `dl init` and by `dl validate --build`, which splits, prepares and builds; one in
ten also by `dl predict` and `dl evaluate` with a model that was trained on the whole file.
"""

from __future__ import annotations

import contextlib
import datetime
import decimal
import io
import random
import shutil
import tempfile
import unittest.mock
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pyarrow.parquet
from PIL import Image

from campaigns.command import dl, options, report, with_progress
from dl.data import read

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


KINDS: dict[str, tuple[str, str, Make]] = {
    "npz": ("rows.npz", "{source: npz, path: rows.npz}", npz),
    "parquet": ("rows.parquet", "{source: parquet, path: rows.parquet, target: y}", parquet),
    "images": ("pictures/b/0.png", "{source: images, path: pictures, image_size: [4, 4]}", picture),
}


def campaign(seed: int, size: int, folder: Path) -> tuple[Counter[int], list[str]]:
    """Tries `size` files.

    Returns:
        How often each exit code of the build came, and what broke: the file and what it showed.
    """
    chance = random.Random(seed)
    codes: Counter[int] = Counter()
    failures = []
    with contextlib.chdir(folder):
        _train()
        for number in with_progress(range(size)):
            kind = chance.choice(list(KINDS))
            name, _, make = KINDS[kind]
            Path(name).write_bytes(mutated(make(chance), chance))
            _write_config(kind, chance)
            with _streamed() if chance.random() < 0.5 else contextlib.nullcontext():
                build = dl("validate", f"{kind}.yaml", "--build")
            codes[build.code] += 1
            broken = build.broken or _begun(kind)
            if number % USE_EVERY == 0:
                broken = broken or _used(kind)
            if broken:
                kept = shutil.copy(name, folder / f"failure-{number}{Path(name).suffix}")
                shutil.copy(f"{kind}.yaml", folder / f"failure-{number}.yaml")
                failures.append(f"{kept}\n{broken}")
    return codes, failures


def _train() -> None:
    """Trains a model on a whole file of each kind, in the working directory."""
    whole = random.Random(5)
    for label in ("a", "b"):
        Path("pictures", label).mkdir(parents=True)
        for number in range(4):
            picture_file = Path("pictures", label, f"{number}.png")
            Image.effect_noise((8, 8), 90).convert("RGB").save(picture_file)
    np.savez("rows.npz", x_train=np.ones((ROWS, 3)), y_train=np.arange(ROWS) % 2)
    table = {"numbers": np.arange(ROWS) / 7, "y": np.arange(ROWS) % 2}
    pyarrow.parquet.write_table(pyarrow.table(table), "rows.parquet")
    for kind in KINDS:
        _write_config(kind, whole, plain=True)
        trained = dl("train", f"{kind}.yaml", "-q", waiting=600)
        if trained.code:
            raise RuntimeError(trained.err)


def _write_config(kind: str, chance: random.Random, *, plain: bool = False) -> None:
    layers = ["Flatten, "] if plain or kind == "images" else ["", "Flatten, ", _EMBEDDING]
    text = _CONFIG.format(
        data=KINDS[kind][1],
        missing="error" if plain else chance.choice(["error", "drop", "mean"]),
        layers=chance.choice(layers),
    )
    Path(f"{kind}.yaml").write_text(text)


def _streamed() -> contextlib.AbstractContextManager[object]:
    """Has all that can be streamed from the disk be so."""
    return unittest.mock.patch.object(read, "memory_budget", return_value=0)


def _begun(kind: str) -> str | None:
    path = "pictures" if kind == "images" else KINDS[kind][0]
    target = ["--target", "y"] if kind == "parquet" else []
    return dl("init", path, *target).broken


def _used(kind: str) -> str | None:
    path = "pictures" if kind == "images" else KINDS[kind][0]
    predicted = dl("predict", f"runs/{kind}/0001", path, "-q")
    evaluated = dl("evaluate", f"runs/{kind}/0001", "--data", path, "-q")
    return predicted.broken or evaluated.broken


def main() -> None:
    """Runs the campaign at the size of the command line."""
    chosen = options(__doc__, 10_000)
    folder = Path(tempfile.mkdtemp(prefix="dl-data-"))
    codes, failures = campaign(chosen.seed, chosen.size, folder)
    if not failures:
        shutil.rmtree(folder)
    figure = f"{chosen.size} mutated data files, {codes[0]} read, {codes[2] + codes[3]} refused"
    report(figure, failures)


if __name__ == "__main__":
    main()
