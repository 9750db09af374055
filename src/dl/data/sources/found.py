"""Which files hold the rows: a folder of them for each class, any folder, or those of a table.

Links to files and folders are followed where they lead to a place inside the folder, and refused
where they lead out of it: a data set is one folder. Names that begin with a dot are left out, as
are files that are of another kind by their name. Everything is taken in the order of its name, by
code point.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dl.config.data import FilesData
from dl.data.files import check_file, check_folder
from dl.data.types import Array, RawArrays, RawParts, RawTable
from dl.errors import DataError, Problem
from dl.text import listing

_MOST_LISTED = 5


@dataclass(frozen=True, slots=True)
class Medium:
    """A kind of files that hold a row each.

    Attributes:
        noun: What a file holds, for messages.
        examples: Folders of classes, for messages.
        suffixes: The endings of their names, in small letters.
        read: Returns the row of a file; raises `DataError`. Is called in several threads.
        stage: What is said while files are read.
        smaller: What makes a row smaller, for messages.
        shape: Shape of a row; None where the files tell.
        image: Whether a row is a picture.
        quiet: Keeps the library silent that reads them.
        summary: What the files were like that were read so far, in words.
    """

    noun: str
    examples: str
    suffixes: frozenset[str]
    read: Callable[[Path], Array]
    stage: str
    smaller: str
    shape: tuple[int, ...] | None = None
    image: bool = False
    quiet: Callable[[], AbstractContextManager[None]] = nullcontext
    summary: Callable[[], str] = str

    @property
    def nouns(self) -> str:
        """What several files hold."""
        return f"{self.noun}s"

    def numbers(self, files: Sequence[Path]) -> int:
        """Returns how many numbers all rows hold; raises `DataError`."""
        shape = self.shape or self.read(files[0]).shape if files else ()
        return len(files) * math.prod(shape)

    def takes(self, path: Path) -> bool:
        """Tells whether a file is of this kind, by its name."""
        return path.name.lower().endswith(tuple(self.suffixes))


def parts_of(found: Mapping[str, RawArrays], **known: Any) -> RawParts:
    """Returns the parts, by the keys of the config that name their files, and what is `known`."""
    validation, test = found.get("validation_path"), found.get("test_path")
    return RawParts(found["path"], validation, test, **known)


def class_folders(paths: Sequence[Path], medium: Medium) -> dict[Path, list[tuple[str, Path]]]:
    """Returns what `class_files` finds in the training folder, the first, and in those of parts.

    Raises:
        DataError: As in `class_files`; a part has a class that the training folder does not have.
    """
    found = {path: class_files(path, medium) for path in paths}
    known = {name for name, _ in found[paths[0]]}
    for path, files in found.items():
        strangers = sorted({name for name, _ in files} - known)
        if strangers:
            raise DataError(
                f"{path / strangers[0]}: is a class that the training folder does not have",
                expected=f"class folders among {listing(sorted(known), '', _MOST_LISTED)}",
                found=strangers[0],
                hint=f"rename the folder, or add {medium.nouns} of the class to the training "
                "folder",
            )
    return found


def listed_files(table: RawTable, data: FilesData, root: Path) -> list[Path]:
    """Returns the files that a table lists.

    Args:
        table: The table, as read.
        data: Its column of the names of files, and what they lack at their end.
        root: The folder that they are in.

    Raises:
        DataError: A row names no file, one that is not there, or one outside of the folder.
    """
    check_folder(root)
    column, real_root = table.columns[data.column or ""], root.resolve()
    files = []
    for row, code in enumerate(column.values.tolist()):
        if code < 0:
            raise DataError(
                f"{table.row_place(row)}: column {data.column!r} has no value",
                expected="the name of a file in each row",
                hint="fill it in, or delete the row",
            )
        file = root / (column.categories[code] + (data.ending or ""))
        try:
            inside = file.resolve().is_relative_to(real_root)
            if inside:
                check_file(file)
        except (DataError, ValueError, OSError) as error:
            raise _no_file(table.row_place(row), file, error) from error
        if not inside:
            raise DataError(
                f"{table.row_place(row)}: names a file outside of the folder of the data: {file}",
                expected=f"a file inside {real_root}: a data set is one folder",
                found=repr(column.categories[code]),
                hint="write its path from that folder on, or name a folder above it in `data.path`",
            )
        files.append(file)
    return files


def _no_file(place: str, file: Path, error: Exception) -> DataError:
    problem = error.problems[0] if isinstance(error, DataError) else Problem(f"{file}: {error}")
    hint = problem.hint or (
        None
        if file.suffix
        else "where the names lack the endings of the files, write `ending: .jpg` below `data`"
    )
    return DataError(f"{place}: {problem.message}", expected=problem.expected, hint=hint)


def root_of(table: RawTable, data: FilesData) -> Path:
    """Returns the folder of the files of another table: its own, if the first is there."""
    column, own = table.columns[data.column or ""], Path(table.source).parent
    named = [column.categories[code] for code in column.values[:1] if code >= 0]
    here = all((own / (name + (data.ending or ""))).is_file() for name in named)
    return own if here else Path(data.path)


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
