"""Rows that are files, such as pictures: a folder that has a folder of them for each class.

Links to files and folders are followed where they lead to a place inside the folder, and refused
where they lead out of it: a data set is one folder. Names that begin with a dot are left out, as
are files that are of another kind by their name. Everything is taken in the order of its name, by
code point.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from dl.config.data import ImagesData, own_paths
from dl.data.files import ahead, check_file, check_folder, fingerprint_files, unchanged
from dl.data.storage import ScratchFile, check_memory, check_space
from dl.data.types import Array, RawArrays, RawParts, Rows
from dl.errors import DataError
from dl.progress import Reporter
from dl.text import listing

_MOST_LISTED = 5
_BYTES_OF_NUMBER = 4
"""Of the float32 that the model takes, beside the value as it is read."""
_AHEAD = 8
"""Files that are read ahead, for each thread."""


@dataclass(frozen=True, slots=True)
class Medium:
    """A kind of files that hold a row each.

    Attributes:
        noun: What a file holds, for messages.
        examples: Folders of classes, for messages.
        suffixes: The endings of their names, in small letters.
        shape: Shape of a row.
        dtype: Type of its numbers.
        read: Returns the row of a file; raises `DataError`. Is called in several threads.
        stage: What is said while files are read.
        smaller: What makes a row smaller, for messages.
        image: Whether a row is a picture.
        quiet: Keeps the library silent that reads them.
    """

    noun: str
    examples: str
    suffixes: frozenset[str]
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    read: Callable[[Path], Array]
    stage: str
    smaller: str
    image: bool = False
    quiet: Callable[[], AbstractContextManager[None]] = nullcontext

    @property
    def nouns(self) -> str:
        """What several files hold."""
        return f"{self.noun}s"

    def takes(self, path: Path) -> bool:
        """Tells whether a file is of this kind, by its name."""
        return path.suffix.lower() in self.suffixes


def read_media(
    data: ImagesData, medium: Medium, reporter: Reporter, streamed: bool = False
) -> RawParts:
    """Returns the parts: the folder, and those of `validation_path` and `test_path`.

    Raises:
        DataError: A folder has no classes, a class has no file, or a file cannot be read.
    """
    root, *others = own_paths(data)
    found = {path: class_files(path, medium) for path in (root, *others)}
    known = {name for name, _ in found[root]}
    for path in others:
        strangers = sorted({name for name, _ in found[path]} - known)
        if strangers:
            raise DataError(
                f"{path / strangers[0]}: is a class that the training folder does not have",
                expected=f"class folders among {listing(sorted(known), '', _MOST_LISTED)}",
                found=strangers[0],
                hint=f"rename the folder, or add {medium.nouns} of the class to the training "
                "folder",
            )
    listed = [file for files in found.values() for _, file in files]
    with unchanged(listed):
        parts = {
            str(path): read_media_part(path, medium, reporter, streamed, files)
            for path, files in found.items()
        }
        fingerprint = fingerprint_files(listed)
    validation, test = (
        None if path is None else parts[str(Path(path))]
        for path in (data.validation_path, data.test_path)
    )
    train = parts[str(root)]
    return RawParts(train, validation, test, image=medium.image, fingerprint=fingerprint)


def read_media_part(
    path: Path,
    medium: Medium,
    reporter: Reporter,
    streamed: bool = False,
    files: Sequence[tuple[str, Path]] | None = None,
) -> RawArrays:
    """Returns the labelled rows of a folder of class folders.

    Args:
        path: The folder.
        medium: How its files are read.
        reporter: Told what happens.
        streamed: Keep the rows on the disk.
        files: What `class_files` found in it, if that is known.

    Raises:
        DataError: As in `read_media`.
    """
    files = class_files(path, medium) if files is None else files
    paths = [file for _, file in files]
    x = _decoded(paths, medium, reporter, streamed)
    y = np.array([name for name, _ in files])
    return RawArrays.whole(x, y, str(path), tuple(map(str, paths)))


def read_media_inputs(
    path: Path, medium: Medium, reporter: Reporter, streamed: bool = False
) -> RawArrays:
    """Returns rows to predict: a single file, or all files of a folder at any depth.

    Raises:
        DataError: There is no file, or one cannot be read.
    """
    files = media_files(path, medium)
    if not files:
        raise DataError(
            f"{path}: there is no {medium.noun}",
            expected=f"a {medium.noun}, or a folder with {medium.nouns}",
            found="none of the suffixes " + ", ".join(sorted(medium.suffixes)),
            hint="name another file or folder",
        )
    x = _decoded(files, medium, reporter, streamed)
    return RawArrays.whole(x, None, str(path), tuple(map(str, files)))


def media_files(path: Path, medium: Medium) -> list[Path]:
    """Returns a single file, or all files of a folder at any depth, by name.

    Raises:
        DataError: It cannot be read.
    """
    if path.is_file():
        check_file(path)
        return [path]
    check_folder(path)
    return list(_files_below(path, path.resolve(), medium))


def class_files(root: Path, medium: Medium) -> list[tuple[str, Path]]:
    """Returns the files with their classes, by class and name."""
    check_folder(root)
    real_root = root.resolve()
    folders = [path for path in _entries(root, real_root) if path.is_dir()]
    if not folders:
        loose = any(True for _ in _files_below(root, real_root, medium))
        raise DataError(
            f"{root}: has no class folders",
            expected=f"a folder of {medium.nouns} for each class, such as {medium.examples}",
            found=f"{medium.nouns} that are not in a class folder" if loose else "no folder",
            hint=f"move the {medium.nouns} of each class into a folder with the name of the class",
        )
    found = [(folder, list(_files_below(folder, real_root, medium))) for folder in folders]
    empty = [folder for folder, files in found if not files]
    if empty:
        raise DataError(
            f"{empty[0]}: the class folder has no {medium.noun}",
            expected=f"a {medium.noun} or more in each class folder: "
            + ", ".join(sorted(medium.suffixes)),
            found="none" if len(empty) == 1 else f"none, as in {len(empty) - 1} other folders",
            hint=f"add {medium.nouns}, or delete or move the folder",
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


def _files_below(
    folder: Path, real_root: Path, medium: Medium, above: frozenset[Path] = frozenset()
) -> Iterator[Path]:
    """Yields the files of a folder and its folders; a link to a folder above is not entered."""
    seen = above | {folder.resolve()}
    for path in _entries(folder, real_root):
        if path.is_dir():
            if path.resolve() not in seen:
                yield from _files_below(path, real_root, medium, seen)
        elif medium.takes(path) and path.is_file():
            yield path


def _decoded(files: Sequence[Path], medium: Medium, reporter: Reporter, streamed: bool) -> Rows:
    """Returns the rows as they are read, shape (rows, *shape)."""
    shape, folder = (len(files), *medium.shape), files[0].parent
    threads, size = os.cpu_count() or 1, math.prod(shape)
    tasks = (partial(medium.read, path) for path in files)
    with (
        medium.quiet(),
        reporter.stage(medium.stage, len(files)) as advance,
        # Closed, so that an error at one file ends the reading of those ahead of it.
        closing(ahead(tasks, threads, _AHEAD * threads)) as decoded,
    ):
        if streamed:
            room = size * medium.dtype.itemsize
            check_space(room, f"{len(files):,} {medium.nouns} of {folder}")
            scratch = ScratchFile()
            for row in decoded:
                scratch.write(row)
                advance(1)
            return scratch.array(medium.dtype, shape)
        check_memory(
            (medium.dtype.itemsize + _BYTES_OF_NUMBER) * size,
            f"{folder}: {len(files)} {medium.nouns} do not fit in the memory",
            f"in the shape {shape}",
            f"{medium.smaller}, or let `engine.memory` be smaller: larger data is streamed",
        )
        x = np.empty(shape, medium.dtype)
        for place, row in enumerate(decoded):
            x[place] = row
            advance(1)
        return x
