"""Data sets that have a name: Keras', which it downloads, scikit-learn's, and made-up rows.

Keras compares the SHA-256 of a download with a known one for all sets but Fashion-MNIST, whose
four files it takes as they come. CIFAR, IMDB and Reuters hold pickles, which Keras reads with an
unpickler that allows numpy arrays and nothing else; the others hold none. Keras' own test part is
the test part.

Made-up rows are the logic gates, curves in the plane, and a line with noise. They depend on the
seed, the data set, their number and the noise alone. `moons` and `circles` are those of
scikit-learn: half of the rows on an outer and half on an inner curve, with gaussian noise on both
coordinates.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import zlib
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow

from dl.config.data import BuiltinData, KerasData, SyntheticData, target_is_input
from dl.data.columns import Cell, to_column
from dl.data.files import DAMAGED, fingerprint_arrays
from dl.data.tables import require
from dl.data.types import Array, Column, RawArrays, RawParts, RawTable
from dl.errors import DataError, first_line
from dl.imports import quiet_stderr
from dl.progress import Reporter
from dl.variables import data_sets_of_keras
from dl.vocabulary.traits import BUILTIN, KERAS, LENGTH, SYNTHETIC, WORDS


def read_keras(data: KerasData, reporter: Reporter) -> RawParts:
    """Returns Keras' training and test parts.

    Sequences of word numbers are cut or padded to one length, at their beginning as Keras does.

    Raises:
        DataError: The data set is not there and cannot be downloaded, or is damaged.
    """
    name, texts = str(data.dataset), text_settings(data)
    (x_train, y_train), (x_test, y_test) = _loaded(name, texts)
    if texts:
        x_train, x_test = (padded(x, texts["length"]) for x in (x_train, x_test))

    own = target_is_input(data)

    def rows(x: Array, y: Array) -> RawArrays:
        targets = None if own else y.reshape(-1) if y.shape[1:] == (1,) else y
        return RawArrays.whole(x, targets, name)

    return RawParts(
        train=rows(x_train, y_train),
        test=rows(x_test, y_test),
        class_names=KERAS[name].classes or None,
        image=KERAS[name].picture,
        fingerprint=fingerprint_arrays([x_train, y_train, x_test, y_test]),
    )


def text_settings(data: KerasData) -> dict[str, int]:
    """Returns `words` and `length`, given or default, of a data set of texts; else nothing."""
    if KERAS[data.dataset].shape is not None:
        return {}
    return {"words": data.words or WORDS, "length": data.length or LENGTH}


def padded(sequences: Sequence[Sequence[int]], length: int) -> Array:
    """Returns sequences as int32 rows of one length: the last words, zeros before short ones."""
    rows = np.zeros((len(sequences), length), np.int32)
    for row, sequence in zip(rows, sequences, strict=True):
        words = sequence[-length:]
        if words:
            row[-len(words) :] = words
    return rows


def _loaded(name: str, texts: Mapping[str, int]) -> Any:
    """Returns what Keras' loader returns; all that it and TensorFlow say is swallowed."""
    options = {"num_words": texts["words"]} if texts else {}
    cache = Path(data_sets_of_keras(os.environ))
    with quiet_stderr(), contextlib.redirect_stdout(io.StringIO()):
        module = importlib.import_module(f"keras.datasets.{name}")
        # The folder that Keras found when it was imported does not exist: see `dl.variables`.
        settings: Any = importlib.import_module("keras.src.backend.config")
        settings._KERAS_DIR = str(cache.parent)
        try:
            return module.load_data(**options)
        except Exception as caught:
            error = caught
    place = cache / KERAS[name].file
    mistake = isinstance(error, AssertionError | AttributeError | NameError)  # in a loader
    if isinstance(error, DAMAGED) and not mistake:
        raise DataError(
            f"{name}: the data set cannot be read",
            expected=f"what Keras downloads, whole, in {place}",
            found=first_line(error),
            hint=f"delete {place}, so that it is downloaded again",
        ) from error
    # Keras wraps every failure of a download, whatever it was, in a bare `Exception`.
    if type(error) is Exception:
        other = f"another file than Keras knows is {place}; " if place.is_file() else ""
        raise DataError(
            f"{name}: the data set cannot be downloaded",
            expected=f"a connection to the network, or the data set in {place}",
            found=other + first_line(error),
            hint=f"copy it from another machine to {place}, or save the arrays in an .npz file and "
            "write `source: npz` with its `path`",
        ) from error
    raise error


def read_builtin(data: BuiltinData) -> RawParts:
    """Reads a data set; its class names, where it has some, are in scikit-learn's order.

    Raises:
        DataError: `features` or `columns` names a column that the data set does not have, or a
            column of numbers is to hold dates.
    """
    names, rows, answers = _rows_of_builtin(data.dataset)
    for wanted in (data.features, data.exclude, data.columns):
        require(data.dataset, wanted or (), names, "column")

    left_out = data.exclude or ()

    def place(row: int) -> str:
        return f"{data.dataset}: row {row + 1}"

    def column(name: str) -> Column:
        numbers = rows[:, names.index(name)].astype(np.float64)
        kind = data.kinds.get(name, "numeric")
        written = numbers if kind == "numeric" else [f"{number:g}" for number in numbers]
        return to_column(pyarrow.array(written), Cell(name, place), kind)

    # Classes are numbers, which `class_names` names.
    known = BUILTIN[data.dataset]
    target = Column("numeric", answers.astype(np.float64), integral=bool(known.classes))
    return RawParts(
        train=RawTable(
            columns={name: column(name) for name in data.features or names if name not in left_out},
            targets={} if target_is_input(data) else {known.target: target},
            rows=np.arange(len(answers), dtype=np.int64),
            source=data.dataset,
            place=place,
        ),
        class_names=known.classes or None,
        fingerprint=fingerprint_arrays([rows, answers]),
    )


_FILES: Mapping[str, tuple[str, int, Sequence[str]]] = {
    "digits": ("digits.csv.gz", 0, [f"pixel_{place // 8}_{place % 8}" for place in range(64)]),
    "iris": (
        "iris.csv",
        1,
        [f"{leaf} {side} (cm)" for leaf in ("sepal", "petal") for side in ("length", "width")],
    ),
}
"""Where scikit-learn keeps a data set: the file, its lines before the rows, and the columns."""


def _rows_of_builtin(name: str) -> tuple[Sequence[str], Array, Array]:
    """Returns the columns, the rows and their answers; to import scikit-learn takes a second."""
    found = find_spec("sklearn")
    file, skipped, columns = _FILES.get(name, ("", 0, ()))
    for folder in (found and found.submodule_search_locations) or ():
        path = Path(folder) / "datasets" / "data" / file
        if path.is_file():
            table = np.loadtxt(path, delimiter=",", skiprows=skipped)
            return columns, table[:, :-1], table[:, -1].astype(np.int64)
    from sklearn import datasets

    bunch: Any = getattr(datasets, f"load_{name}")()
    return [str(name) for name in bunch.feature_names], bunch.data, bunch.target


_GATES = {"and": (0, 0, 0, 1), "or": (0, 1, 1, 1), "xor": (0, 1, 1, 0)}
"""The values at (0, 0), (0, 1), (1, 0) and (1, 1)."""
_CIRCLES_FACTOR = 0.8
_SPIRAL_TURNS = 1.5
_BLOB_CENTERS = ((-4.0, -4.0), (4.0, 4.0))


def make_synthetic(data: SyntheticData, seed: int) -> RawParts:
    """Returns the rows of a made-up problem: x as float32 (rows, 1 or 2), y as int or float.

    Args:
        data: The section `data`.
        seed: The config's seed.
    """
    name, rows, noise = data.dataset, default_rows(data), default_noise(data)
    random = np.random.default_rng([seed, zlib.crc32(b"synthetic"), zlib.crc32(name.encode())])
    x: Array
    if name == "linear":  # y = 4 + 3x for x from 0 to 2, with noise on y
        x = random.uniform(0, 2, (rows, 1))
        y: Array = 4 + 3 * x[:, 0] + random.normal(0, noise, rows)
    else:
        x, y = _points(name, rows)
        x = x + random.normal(0, noise, x.shape) if noise else x
        if name not in _GATES:
            order = random.permutation(rows)
            x, y = x[order], y[order]
    x = x.astype(np.float32)
    return RawParts(
        train=RawArrays.whole(x, None if target_is_input(data) else y, name),
        class_names=SYNTHETIC[name].classes or None,
        fingerprint=fingerprint_arrays([x, y]),
    )


def default_rows(data: SyntheticData) -> int:
    """Returns the number of rows: as given, else 4 for the gates and 1000 for others."""
    return data.rows or SYNTHETIC[data.dataset].rows


def default_noise(data: SyntheticData) -> float:
    """Returns the standard deviation of the noise: as given, else 0 (gates), 1 or 0.1."""
    if data.noise is not None:
        return data.noise
    return SYNTHETIC[data.dataset].noise


def is_whole_truth(data: SyntheticData) -> bool:
    """Whether the rows are all that there is: a gate's four corners, which are not to be split."""
    return default_rows(data) <= SYNTHETIC["and"].rows


def _points(name: str, rows: int) -> tuple[Array, Array]:
    """Returns points in the plane without noise, and the class of each."""
    if name in _GATES:
        corner = np.arange(rows) % 4
        x = np.column_stack([corner // 2, corner % 2]).astype(np.float64)
        return x, np.array(_GATES[name], np.int64)[corner]
    if name == "blobs":  # two clouds, 11 apart: a line separates them but for noise far above 1
        y = np.arange(rows, dtype=np.int64) % len(_BLOB_CENTERS)
        return np.array(_BLOB_CENTERS)[y], y
    halves = rows // 2, rows - rows // 2
    if name == "moons":
        outer, inner = (np.linspace(0, np.pi, half) for half in halves)
        curves = [_circle(outer), np.column_stack([1 - np.cos(inner), 0.5 - np.sin(inner)])]
    elif name == "circles":
        outer, inner = (np.linspace(0, 2 * np.pi, half, endpoint=False) for half in halves)
        curves = [_circle(outer), _CIRCLES_FACTOR * _circle(inner)]
    else:  # spiral: two arms from the middle outwards, the second turned by half a circle
        parts = [np.linspace(0.05, 1, half)[:, None] for half in halves]
        arms = [_circle(2 * np.pi * _SPIRAL_TURNS * part[:, 0]) * part for part in parts]
        curves = [4 * arms[0], 4 * -arms[1]]
    return np.concatenate(curves), np.repeat(np.array([0, 1], np.int64), halves)


def _circle(angles: Array) -> Array:
    return np.column_stack([np.cos(angles), np.sin(angles)])
