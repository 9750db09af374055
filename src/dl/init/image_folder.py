"""Looks at a folder of pictures: its classes, their numbers, and how large the pictures are."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dl.data.sources.images import class_files
from dl.data.sources.picture import opened_picture, without_warnings
from dl.errors import DataError

_LOOK_AT = 50
_GREY = ("1", "L", "LA", "I;16", "I;16B")
_TRAIN, _VALIDATION, _TEST = ("train", "training"), ("validation", "valid", "val"), ("test",)


@dataclass(frozen=True, slots=True)
class Folders:
    """The folder of each part; all rows are in `train` where there is no other."""

    train: Path
    validation: Path | None = None
    test: Path | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """What the pictures are like.

    Attributes:
        counts: Number of pictures of each class.
        height: The usual height in pixels.
        width: The usual width in pixels.
        grey: Whether they have no colour.
    """

    counts: Mapping[str, int]
    height: int
    width: int
    grey: bool


def find_folders(path: Path) -> Folders:
    """Returns the folders of the parts, where the path holds `train`, `test`…, else the path."""
    names = {folder.name.lower(): folder for folder in _subfolders(path)}

    def named(usual: tuple[str, ...]) -> Path | None:
        return next((names[name] for name in usual if name in names), None)

    train = named(_TRAIN)
    if train is None:
        return Folders(path)
    return Folders(train, named(_VALIDATION), named(_TEST))


def look_at(folder: Path) -> Look:
    """Counts the pictures of each class folder and opens a few of them.

    Raises:
        DataError: There are not two class folders, one has no picture, or a picture is broken.
    """
    files = class_files(folder)
    counts = Counter(name for name, _ in files)
    if len(counts) < 2:
        raise DataError(
            f"{folder}: has a single class folder, {next(iter(counts))!r}",
            expected="a folder of pictures for each class, two or more",
            hint="add a folder with pictures of something else",
        )
    with without_warnings():
        sample = [_look(path) for _, path in files[:: max(1, len(files) // _LOOK_AT)]]
    return Look(
        counts=counts,
        height=int(statistics.median(height for height, _, _ in sample)),
        width=int(statistics.median(width for _, width, _ in sample)),
        grey=all(grey for _, _, grey in sample),
    )


def _subfolders(path: Path) -> list[Path]:
    try:
        return [entry for entry in sorted(path.iterdir()) if entry.is_dir()]
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from error


def _look(path: Path) -> tuple[int, int, bool]:
    """Returns height, width and whether a picture is grey; only its header is read."""
    with opened_picture(path) as image:
        return image.height, image.width, image.mode in _GREY
