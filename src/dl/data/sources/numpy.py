"""What numpy has saved: the source `npz`, and a `.npy` file for each row, in a folder of `media`.

The arrays of an `.npz` file, or of a folder of `.npy` files, have the names that Keras uses, or
those of `data.arrays`; each one's header is compared with its size in the zip file or on the disk
before anything is read. Other `.npy` files are mapped into memory. Nothing is ever unpickled:
objects could run code.
"""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import IO

import numpy as np
from numpy.lib import format as npy

from dl.config.data import Arrays, NpzData, target_is_input
from dl.data.files import DAMAGED, check_file, fingerprint_files
from dl.data.sources.found import Medium
from dl.data.storage import check_memory
from dl.data.types import Array, RawArrays, RawParts
from dl.errors import DataError, closest, first_line
from dl.progress import Reporter
from dl.text import listing

_USUAL = Arrays()
"""The names that Keras uses."""
_VERSIONS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}


class NpzFile:
    """An open `.npz` file, or a folder of `.npy` files; use it in a `with` block."""

    def __init__(self, path: Path) -> None:
        """Opens the file.

        Raises:
            DataError: It is not a zip file, or a folder without arrays.
        """
        self.title = str(path)
        self._zip: zipfile.ZipFile | None = None
        self._folder, self.files = path, [path]
        if path.is_dir():
            self.files = sorted(path.glob("*.npy"))
            self.names = tuple(file.stem for file in self.files)
            return
        check_file(path)
        try:
            self._zip = zipfile.ZipFile(path)
        except (*DAMAGED, MemoryError) as error:
            raise DataError(
                f"{path}: is not a complete .npz file",
                expected="a file that `numpy.savez` or `numpy.savez_compressed` wrote",
                found=f"a damaged or other file ({error})",
                hint=f"name the folder of the arrays: {path.parent}"
                if path.suffix == ".npy"
                else "save or copy the file again",
            ) from error
        self.names = tuple(
            name.removesuffix(".npy") for name in self._zip.namelist() if name.endswith(".npy")
        )

    def __enter__(self) -> NpzFile:
        return self

    def __exit__(self, *error: object) -> None:
        if self._zip is not None:
            self._zip.close()

    def read(self, name: str, key: str) -> Array:
        """Returns an array.

        Args:
            name: Its name in the file.
            key: The config key that gives the name, for messages.

        Raises:
            DataError: It is not there, damaged, no plain array, or larger than the memory.
        """
        if name not in self.names:
            near = closest(name, self.names)
            advice = f"name it in `data.arrays.{key}`"
            raise DataError(
                f"{self.title}: there is no array `{name}`",
                expected=f"the array that `data.arrays.{key}` names",
                found=self.shown,
                hint=f"did you mean `{near}`? Then {advice}" if near else advice,
            )
        try:
            with self._opened(f"{name}.npy") as member:
                self._check_header(name, member)
            with self._opened(f"{name}.npy") as member:
                return np.asarray(npy.read_array(member, allow_pickle=False))
        except (*DAMAGED, MemoryError) as error:
            raise DataError(
                f"{self.title}: the array `{name}` is damaged",
                expected="an array that numpy wrote",
                found=str(error) or "the file ends too early",
                hint="save or copy the file again",
            ) from error

    @property
    def shown(self) -> str:
        """The names, for messages."""
        return listing((f"`{name}`" for name in self.names), "", 10) or "no arrays"

    def _opened(self, name: str) -> IO[bytes]:
        if self._zip is not None:
            return self._zip.open(name)
        check_file(self._folder / name)
        return (self._folder / name).open("rb")

    def _check_header(self, name: str, member: IO[bytes]) -> None:
        version = npy.read_magic(member)
        if version not in _VERSIONS:
            raise ValueError(f"the unknown version {version} of the format")
        shape, _, dtype = _VERSIONS[version](member)
        if dtype.hasobject:
            raise DataError(
                f"{self.title}: the array `{name}` holds Python objects",
                expected="numbers or text: objects are never read, they could run code",
                found=f"the type {dtype} in the shape {shape}",
                hint="save rows of equal length, with a type such as float32 or int64",
            )
        size = dtype.itemsize * int(np.prod(shape, dtype=object)) if shape else dtype.itemsize
        member_name = f"{name}.npy"
        if self._zip is not None:
            declared = self._zip.getinfo(member_name).file_size
        else:
            declared = (self._folder / member_name).stat().st_size
        check_memory(
            size,
            f"{self.title}: the array `{name}` does not fit in the memory",
            f"in the shape {shape}",
            "save fewer rows, or a smaller type such as uint8 or float32",
        )
        if size + member.tell() != declared:
            raise ValueError(f"{declared} bytes for the shape {shape} of {dtype}")


def read_npz(data: NpzData, reporter: Reporter) -> RawParts:
    """Returns the parts that the file has.

    Raises:
        DataError: The file cannot be read, or its arrays do not fit each other.
    """
    path, names, own = Path(data.path), data.arrays, target_is_input(data)
    with NpzFile(path) as file:
        if own:  # targets are not read
            names = replace(names, y_train="")
            if names.x_test is None and "x_test" in file.names:
                names = replace(names, x_test="x_test")
        train = _pair(file, names.x_train, names.y_train, "train")
        validation = _own_part(file, train, names, "validation")
        names = names if own else _with_test(names, file, reporter)
        test = _own_part(file, train, names, "test")
        fingerprint = fingerprint_files(file.files)
    image = looks_like_images(train.x[:])
    return RawParts(train, validation, test, image=image, fingerprint=fingerprint)


def read_npz_part(path: Path, arrays: Arrays) -> RawArrays:
    """Returns the labelled rows of another file; see `labelled_pair`.

    Raises:
        DataError: The file cannot be read, or has no such pair.
    """
    names = labelled_pair(path, arrays)
    with NpzFile(path) as file:
        return _pair(file, *names, "test")


def labelled_pair(path: Path, arrays: Arrays = _USUAL) -> tuple[str, str]:
    """Returns the names of the inputs and targets that `read_npz_part` takes from a file.

    The first pair that the file has is taken: the config's test arrays, `x` and `y`, the config's
    training arrays.

    Raises:
        DataError: The file cannot be read, or has none of these pairs.
    """
    pairs = [
        (arrays.x_test or "x_test", arrays.y_test or "y_test"),
        ("x", "y"),
        (arrays.x_train, arrays.y_train),
    ]
    with NpzFile(path) as file:
        for x_name, y_name in pairs:
            if x_name in file.names and y_name in file.names:
                return x_name, y_name
        raise _no_arrays(file, [f"`{x_name}` and `{y_name}`" for x_name, y_name in pairs])


def read_npz_inputs(path: Path, arrays: Arrays) -> RawArrays:
    """Returns the inputs of a file to predict: its `x`, test inputs, or only array.

    Raises:
        DataError: The file cannot be read, or it is unclear which array is meant.
    """
    wanted = ["x", arrays.x_test or "x_test", arrays.x_train]
    with NpzFile(path) as file:
        present = [name for name in wanted if name in file.names]
        if not present and len(file.names) != 1:
            raise _no_arrays(file, [f"`{name}`" for name in wanted])
        x = _inputs(file, (present or file.names)[0], "x_test")
        return RawArrays.whole(x, None, file.title)


def looks_like_images(x: Array) -> bool:
    """Whether rows look like pictures: bytes (height, width), or 1, 3 or 4 channels behind."""
    if x.ndim == 4:
        return x.shape[3] in (1, 3, 4) and min(x.shape[1:3]) > 4
    return x.ndim == 3 and x.dtype == np.uint8 and min(x.shape[1:]) > 4


def _with_test(names: Arrays, file: NpzFile, reporter: Reporter) -> Arrays:
    """Returns the names with those of Keras for the test part, where the file has both arrays."""
    present = [name for name in ("x_test", "y_test") if name in file.names]
    if names.x_test is not None or not present:
        return names
    if len(present) == 1:
        reporter.note(f"{file.title}: `{present[0]}` has no partner and is not used")
        return names
    return replace(names, x_test="x_test", y_test="y_test")


def _own_part(file: NpzFile, train: RawArrays, names: Arrays, part: str) -> RawArrays | None:
    """Returns the rows of a part that has arrays of its own; a rule has them come in pairs."""
    x_name, y_name = getattr(names, f"x_{part}"), getattr(names, f"y_{part}")
    if x_name is None:
        return None
    # The rows of each part are counted from 0, so a message says which part it is.
    rows = replace(_pair(file, x_name, y_name, part), source=f"{file.title} ({part} part)")
    if rows.x.shape[1:] != train.x.shape[1:]:
        raise DataError(
            f"{rows.source}: the rows of `{x_name}` and `{names.x_train}` have different shapes",
            expected=f"the shape {train.x.shape[1:]}, as in `{names.x_train}`",
            found=f"{rows.x.shape[1:]} in `{x_name}`",
            hint="save both with rows of one shape",
        )
    return rows


def _pair(file: NpzFile, x_name: str, y_name: str | None, part: str) -> RawArrays:
    """Returns inputs and targets; without a name of targets the inputs alone."""
    x = _inputs(file, x_name, f"x_{part}")
    if not y_name:
        return RawArrays.whole(x, None, file.title)
    y = file.read(y_name, f"y_{part}")
    if y.ndim > 1 and y.size == 0:
        raise _empty(file, y_name, y)
    if y.ndim == 0 or len(y) != len(x):
        raise DataError(
            f"{file.title}: the arrays `{x_name}` and `{y_name}` do not have the same rows",
            expected=f"{len(x)} targets in `{y_name}`, as `{x_name}` has {len(x)} rows",
            found=f"the shape {y.shape}",
            hint="save one target for each row",
        )
    return RawArrays.whole(x, y, file.title)


def _inputs(file: NpzFile, name: str, key: str) -> Array:
    x = file.read(name, key)
    if x.dtype.kind not in "biuf":
        raise DataError(
            f"{file.title}: the array `{name}` does not hold numbers",
            expected="integers, floats or truth values as inputs",
            found=f"the type {x.dtype}",
            hint="turn the inputs into numbers, or use the source `csv` for columns of text",
        )
    if x.ndim == 0 or x.size == 0:
        raise _empty(file, name, x)
    return x.reshape(-1, 1) if x.ndim == 1 else x


def _empty(file: NpzFile, name: str, array: Array) -> DataError:
    return DataError(
        f"{file.title}: the array `{name}` is empty",
        expected="one row or more, of one value or more",
        found=f"the shape {array.shape}",
        hint="save the rows along the first axis",
    )


def _no_arrays(file: NpzFile, wanted: Sequence[str]) -> DataError:
    return DataError(
        f"{file.title}: has none of the arrays that are looked for",
        expected=", or ".join(wanted),
        found=file.shown,
        hint="save the rows under one of these names: `numpy.savez(FILE, x=...)`",
    )


def medium() -> Medium:
    """Returns how the files of a config are read."""
    return Medium(
        noun="array",
        examples="healthy/ and ill/",
        suffixes=frozenset({".npy"}),
        read=read_row,
        stage="Reading arrays",
        smaller="save smaller arrays, or a smaller type such as uint8 or float32",
    )


def read_row(path: Path) -> Array:
    """Returns the array of a file, of numbers in the order and byte order of this machine.

    Raises:
        DataError: As in `mapped`, or it is a single number.
    """
    values = mapped(path)
    if values.ndim == 0:
        raise _no_array(path, "is a single number", "the shape ()")
    return np.ascontiguousarray(values, values.dtype.newbyteorder("="))


def mapped(path: Path) -> Array:
    """Returns the array of a file, which stays on the disk until it is used.

    Raises:
        DataError: It is no file of numpy, is not complete, empty, or holds no numbers.
    """
    check_file(path)
    try:
        values: Array = npy.open_memmap(path, mode="r")
    except (*DAMAGED, MemoryError) as error:
        if "Python objects" in str(error):
            raise _no_array(path, "holds Python objects", "the type object") from error
        raise _no_array(path, "is not a complete .npy file", first_line(error)) from error
    if values.dtype.kind not in "biuf":
        raise _no_array(path, "does not hold numbers", f"the type {values.dtype}")
    return values


def _no_array(path: Path, message: str, found: str) -> DataError:
    return DataError(
        f"{path}: {message}",
        expected="an array of integers, floats or truth values, as numpy.save writes it: objects "
        "are never read, they could run code",
        found=found,
        hint="save it again: numpy.save(FILE, array)",
    )
