"""The source `images`: a folder that has a folder of pictures for each class.

Links to files and folders are followed where they lead to a place inside the folder, and refused
where they lead out of it: a data set is one folder. Names that begin with a dot are left out, as
are files that are no pictures by their name. Everything is taken in the order of its name, by code
point.
"""

from __future__ import annotations

import math
import os
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path

import numpy as np

from dl.config.data import ImagesData
from dl.data.files import ahead, check_file, check_folder, fingerprint_files, unchanged
from dl.data.raw import RawArrays, RawParts
from dl.data.sources.picture import SUFFIXES, read_picture, without_warnings
from dl.data.storage import ScratchFile, check_memory, check_space
from dl.data.types import Array, Rows
from dl.errors import DataError
from dl.progress import Advance, Reporter

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
    root = Path(data.path)
    others = [Path(path) if path else None for path in (data.validation_path, data.test_path)]
    found = {path: class_files(path) for path in [root, *filter(None, others)]}
    for other in filter(None, others):
        _refuse_other_classes(found[root], found[other], other)
    listed = [path for files in found.values() for _, path in files]
    with unchanged(listed):
        parts = {
            path: _labelled(path, files, data, reporter, streamed) for path, files in found.items()
        }
        fingerprint = fingerprint_files(listed)
    validation, test = (parts[path] if path else None for path in others)
    return RawParts(
        train=parts[root],
        validation=validation,
        test=test,
        image=True,
        fingerprint=fingerprint,
    )


def read_image_part(
    path: Path, data: ImagesData, reporter: Reporter, streamed: bool = False
) -> RawArrays:
    """Returns the labelled pictures of another folder of class folders.

    Raises:
        DataError: As in `read_images`.
    """
    return _labelled(path, class_files(path), data, reporter, streamed)


def read_image_inputs(
    path: Path, data: ImagesData, reporter: Reporter, streamed: bool = False
) -> RawArrays:
    """Returns pictures to predict: a single file, or all pictures of a folder at any depth.

    Raises:
        DataError: There is no picture, or one cannot be read.
    """
    files = picture_files(path)
    if not files:
        raise _no_picture(path, "a picture, or a folder with pictures")
    x = _decoded(files, data, reporter, streamed)
    return RawArrays(x, None, _numbered(files), str(path), tuple(map(str, files)))


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


def _labelled(
    root: Path,
    files: Sequence[tuple[str, Path]],
    data: ImagesData,
    reporter: Reporter,
    streamed: bool,
) -> RawArrays:
    paths = [path for _, path in files]
    y = np.array([name for name, _ in files])
    x = _decoded(paths, data, reporter, streamed)
    return RawArrays(x, y, _numbered(paths), str(root), tuple(map(str, paths)))


def _numbered(files: Sequence[Path]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.arange(len(files), dtype=np.int64)


def class_files(root: Path) -> list[tuple[str, Path]]:
    """Returns the pictures with their classes, by class and name."""
    check_folder(root)
    real_root = root.resolve()
    folders = [path for path in _entries(root, real_root) if path.is_dir()]
    if not folders:
        raise _no_classes(root, real_root)
    found = [(folder, list(_pictures_below(folder, real_root))) for folder in folders]
    empty = [folder.name for folder, files in found if not files]
    if empty:
        raise DataError(
            f"{root / empty[0]}: the class folder has no picture",
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


def _no_classes(root: Path, real_root: Path) -> DataError:
    loose = any(True for _ in _pictures_below(root, real_root))
    return DataError(
        f"{root}: has no class folders",
        expected="a folder of pictures for each class, such as cats/ and dogs/",
        found="pictures that lie in no class folder" if loose else "no folder",
        hint="move the pictures of each class into a folder with the name of the class",
    )


def _no_picture(path: Path, expected: str) -> DataError:
    return DataError(
        f"{path}: there is no picture",
        expected=expected,
        found="none of the suffixes " + ", ".join(sorted(SUFFIXES)),
        hint="name another file or folder",
    )


def _refuse_other_classes(
    train: Sequence[tuple[str, Path]], other: Sequence[tuple[str, Path]], folder: Path
) -> None:
    known = {name for name, _ in train}
    strangers = sorted({name for name, _ in other} - known)
    if strangers:
        shown = ", ".join(sorted(known)[:_MOST_LISTED]) + (", ..." if len(known) > 5 else "")
        raise DataError(
            f"{folder / strangers[0]}: is a class that the training folder does not have",
            expected=f"class folders among {shown}",
            found=strangers[0],
            hint="rename the folder, or add pictures of the class to the training folder",
        )


def picture_shape(data: ImagesData) -> tuple[int, int, int]:
    """Returns the shape of a picture as it is read: (height, width, channels)."""
    return *data.image_size, 1 if data.color == "grayscale" else 3


def _decoded(files: Sequence[Path], data: ImagesData, reporter: Reporter, streamed: bool) -> Rows:
    """Keeps the pictures as bytes, shape (rows, height, width, channels)."""
    shape = (len(files), *picture_shape(data))
    folder = files[0].parent
    with (
        without_warnings(),
        reporter.stage("Decoding pictures", len(files)) as advance,
        closing(_pictures(files, shape[1:], advance)) as pictures,
    ):
        if streamed:
            check_space(math.prod(shape), f"{len(files):,} pictures of {folder}")
            scratch = ScratchFile()
            for picture in pictures:
                scratch.write(picture)
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
        return x


def _pictures(
    files: Sequence[Path], shape: tuple[int, int, int], advance: Advance
) -> Generator[Array, None, None]:
    threads = os.cpu_count() or 1
    tasks = (partial(read_picture, path, shape) for path in files)
    for picture in ahead(tasks, threads, _AHEAD * threads):
        yield picture
        advance(1)
