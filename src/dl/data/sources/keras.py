"""The source `keras`: data sets that Keras downloads into `~/.keras/datasets`.

Keras compares the SHA-256 of a download with a known one for all sets but Fashion-MNIST, whose
four files it takes as they come. CIFAR, IMDB and Reuters hold pickles, which Keras reads with an
unpickler that allows numpy arrays and nothing else; the others hold none. Keras' own test part is
the test part.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import pickle
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dl.config.data import KerasData, target_is_input
from dl.data.files import fingerprint_arrays
from dl.data.types import Array, RawArrays, RawParts
from dl.errors import DataError, first_line
from dl.imports import quiet_stderr
from dl.progress import Reporter
from dl.variables import data_sets_of_keras
from dl.vocabulary.traits import KERAS, LENGTH, WORDS

_BROKEN = (
    OSError,
    EOFError,
    LookupError,
    TypeError,
    ValueError,
    pickle.UnpicklingError,
    struct.error,
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
)
"""What Keras' loaders raise for a damaged file."""


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
    if isinstance(error, _BROKEN):
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
