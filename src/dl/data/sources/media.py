"""Rows that are files, such as pictures: a folder of them for each class, or listed in a table.

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
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from dl.config.data import FilesData, target_is_input
from dl.config.files import own_files, own_paths
from dl.data.files import (
    ahead,
    check_file,
    check_folder,
    fingerprint_arrays,
    fingerprint_files,
    unchanged,
)
from dl.data.storage import ScratchFile, check_memory, check_space
from dl.data.target_values import target_values
from dl.data.types import Array, Place, Raw, RawArrays, RawParts, RawTable, Rows
from dl.errors import DataError, Problem
from dl.progress import Reporter
from dl.text import listing

_MOST_LISTED, _MOST_TOLD = 5, 10
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
        return path.suffix.lower() in self.suffixes


@dataclass(frozen=True, slots=True)
class FileReader:
    """Reads files that hold a row each.

    Attributes:
        medium: How a file is read.
        reporter: Told what happens.
        streamed: Whether the rows are kept on the disk.
        skip: Whether files that cannot be read are left out.
    """

    medium: Medium
    reporter: Reporter
    streamed: bool = False
    skip: bool = False

    def parts(self, data: FilesData) -> RawParts:
        """Returns the parts: the folder, and those of `validation_path` and `test_path`.

        Raises:
            DataError: A folder has no classes, a class has no file, or a file cannot be read.
        """
        if target_is_input(data):
            return self._without_classes(data)
        root, *others = own_paths(data)
        found = {path: class_files(path, self.medium) for path in (root, *others)}
        known = {name for name, _ in found[root]}
        for path in others:
            refuse_strangers(path, {name for name, _ in found[path]}, known, self.medium)
        listed = [file for files in found.values() for _, file in files]
        with unchanged(listed):
            parts = {str(path): self.part(path, files) for path, files in found.items()}
            fingerprint = fingerprint_files(listed)
        validation, test = (
            None if path is None else parts[str(Path(path))]
            for path in (data.validation_path, data.test_path)
        )
        train, image = parts[str(root)], self.medium.image
        return RawParts(train, validation, test, image=image, fingerprint=fingerprint)

    def _without_classes(self, data: FilesData) -> RawParts:
        """Returns the parts of files at any depth of their folders, whose inputs are the target."""
        found = {key: self.inputs(path) for key, (path,) in own_files(data).items()}
        return RawParts(
            found["path"],
            found.get("validation_path"),
            found.get("test_path"),
            image=self.medium.image,
            fingerprint=fingerprint_files(
                [Path(file) for rows in found.values() for file in rows.files]
            ),
        )

    def part(self, path: Path, files: Sequence[tuple[str, Path]] | None = None) -> RawArrays:
        """Returns the labelled rows of a folder of class folders.

        Args:
            path: The folder.
            files: What `class_files` found in it, if that is known.

        Raises:
            DataError: As in `parts`.
        """
        files = class_files(path, self.medium) if files is None else files
        labels = np.array([name for name, _ in files])
        rows = self.rows([file for _, file in files], str(path), y=labels)
        lost = sorted(set(labels) - set(labels[rows.rows]))
        if lost:
            raise DataError(
                f"{path / lost[0]}: no {self.medium.noun} of the class can be read",
                expected="one or more",
                found=f"{int((labels == lost[0]).sum())} that are left out (`corrupt: skip`)",
                hint="replace them, or delete or move the folder",
            )
        return rows

    def inputs(self, path: Path) -> RawArrays:
        """Returns rows to predict: a single file, or all files of a folder at any depth.

        Raises:
            DataError: There is no file, or one cannot be read.
        """
        files = media_files(path, self.medium)
        if not files:
            raise DataError(
                f"{path}: there is no {self.medium.noun}",
                expected=f"a {self.medium.noun}, or a folder with {self.medium.nouns}",
                found="none of the suffixes " + ", ".join(sorted(self.medium.suffixes)),
                hint="name another file or folder",
            )
        return self.rows(files, str(path))

    def listed_parts(self, tables: RawParts, data: FilesData) -> RawParts:
        """Returns the parts whose files tables list.

        Args:
            tables: The tables, as read, with their fingerprint.
            data: What the columns of the tables are for, and where the files are.

        Raises:
            DataError: A table does not list files inside the folder, each once, or one of them
                cannot be read.
        """
        seen: dict[Path, str] = {}
        found: dict[str, list[Path]] = {}
        for name, table in tables.named.items():
            found[name] = listed_files(table, data, Path(data.path))
            for row, file in enumerate(found[name]):
                first = seen.setdefault(file, table.row_place(row))
                if first != table.row_place(row):
                    raise DataError(
                        f"{table.row_place(row)}: names a file for the second time: {file}",
                        expected="one row for each file: its copies in several parts would be "
                        "known by heart",
                        found=f"the same file at {first}",
                        hint="delete one of the rows",
                    )
        with unchanged(list(seen)):
            parts = {n: self.listed(table, data, found[n]) for n, table in tables.named.items()}
            fingerprint = fingerprint_arrays(
                np.array([tables.fingerprint, fingerprint_files(seen)])
            )
        validation, test = parts.get("validation"), parts.get("test")
        image = self.medium.image
        return RawParts(parts["train"], validation, test, image=image, fingerprint=fingerprint)

    def listed(self, table: Raw, data: FilesData, files: Sequence[Path] | None = None) -> RawArrays:
        """Returns the rows whose files a table lists, with its targets, if it has any.

        Args:
            table: The table, as read.
            data: What its columns are for, and where the files are.
            files: What `listed_files` found in it, if that is known.

        Raises:
            DataError: As in `listed_parts`.
        """
        if not isinstance(table, RawTable):
            raise TypeError("files are listed in a table")
        if files is None:
            files = listed_files(table, data, root_of(table, data))
        y = None
        if table.targets:
            target = target_values(table)
            y = target.values if target.words is None else np.array(target.words)[target.values]
        return self.rows(
            files,
            table.source,
            y=y,
            rows=table.rows,
            names=tuple(table.targets),
            others=table.others,
            place=table.place,
            kept=table.kept,
        )

    def rows(self, files: Sequence[Path], source: str, **known: Any) -> RawArrays:
        """Reads the files; `known` is what is known of their rows."""
        numbers = known.pop("rows", np.arange(len(files), dtype=np.int64))
        told = tuple(map(str, files))
        rows = RawArrays(np.empty(len(files)), known.pop("y", None), numbers, source, told, **known)
        x, good, about = self._decoded(files, rows.row_place)
        return replace(rows if len(good) == len(files) else rows.take(good), x=x, about=about)

    def _decoded(self, files: Sequence[Path], place: Place) -> tuple[Rows, Array, tuple[str, ...]]:
        """Returns the rows as they are read, their positions, and what is to be told of them."""
        medium, threads = self.medium, os.cpu_count() or 1
        room: _Room | None = None
        good: list[int] = []
        faults: list[DataError] = []
        tasks = (partial(_attempt, medium, path) for path in files)
        with (
            medium.quiet(),
            self.reporter.stage(medium.stage, len(files)) as advance,
            # Closed, so that an error at one file ends the reading of those ahead of it.
            closing(ahead(tasks, threads, _AHEAD * threads)) as decoded,
        ):
            for position, (file, row) in enumerate(zip(files, decoded, strict=True)):
                fault = row if isinstance(row, DataError) else None
                if not isinstance(row, DataError):
                    room = room or self._room(row, len(files), file)
                    fault = room.keep(row, file)
                if fault is None:
                    good.append(position)
                else:
                    faults.append(_placed(fault, file, place(position)))
                    if not self.skip:
                        raise faults[0]
                advance(1)
        if room is None:
            raise faults[0]
        return room.rows, np.array(good), self._about(faults, len(files))

    def _room(self, first: Array, rows: int, file: Path) -> _Room:
        """Returns what keeps rows that are like the first one; refuses more than there is room."""
        medium, size = self.medium, rows * first.size
        if self.streamed:
            check_space(size * first.itemsize, f"{rows:,} {medium.nouns} of {file.parent}")
            return _Room(first, file, ScratchFile())
        check_memory(
            (first.itemsize + _BYTES_OF_NUMBER) * size,
            f"{file.parent}: {rows} {medium.nouns} do not fit in the memory",
            f"in the shape {(rows, *first.shape)}",
            f"{medium.smaller}, or let `engine.memory` be smaller: larger data is streamed",
        )
        return _Room(first, file, np.empty((rows, *first.shape), first.dtype))

    def _about(self, faults: Sequence[DataError], files: int) -> tuple[str, ...]:
        """Returns what the files were like, and which are left out, in words."""
        nouns, told = self.medium.nouns, self.medium.summary()
        said = [f"{nouns}: {told}"] if told else []
        if faults:
            named = listing((fault.problems[0].message for fault in faults), "", _MOST_TOLD)
            said.append(
                f"left out: {len(faults)} of {files:,} {nouns} (data.corrupt: skip): {named}"
            )
        for text in said:
            self.reporter.note(text)
        return tuple(said)


class _Room:
    """Keeps rows, one by one, in memory or on the disk.

    Args:
        first: A row; all others are to be like it.
        file: Its file.
        place: The memory, shape (rows, *shape), or the file on the disk.
    """

    def __init__(self, first: Array, file: Path, place: Array | ScratchFile) -> None:
        self._first, self._file, self._place, self._count = first, file, place, 0

    def keep(self, row: Array, file: Path) -> DataError | None:
        """Keeps a row; returns what is wrong with it."""
        first = self._first
        for what, own, others in (
            ("shape", row.shape, first.shape),
            ("type of numbers", row.dtype, first.dtype),
        ):
            if own != others:
                return DataError(
                    f"{file}: has another {what} than the other files",
                    expected=f"{others}, as in {self._file}",
                    found=str(own),
                    hint="save all files alike",
                )
        if isinstance(self._place, ScratchFile):
            self._place.write(row)
        else:
            self._place[self._count] = row
        self._count += 1
        return None

    @property
    def rows(self) -> Rows:
        """The rows that are kept."""
        if isinstance(self._place, ScratchFile):
            return self._place.array(self._first.dtype, (self._count, *self._first.shape))
        return self._place[: self._count]


def refuse_strangers(path: Path, classes: set[str], known: set[str], medium: Medium) -> None:
    """Refuses classes of a folder that the training folder does not have; raises `DataError`."""
    strangers = sorted(classes - known)
    if strangers:
        raise DataError(
            f"{path / strangers[0]}: is a class that the training folder does not have",
            expected=f"class folders among {listing(sorted(known), '', _MOST_LISTED)}",
            found=strangers[0],
            hint=f"rename the folder, or add {medium.nouns} of the class to the training folder",
        )


def _attempt(medium: Medium, path: Path) -> Array | DataError:
    try:
        return medium.read(path)
    except DataError as error:
        return error


def _placed(error: DataError, file: Path, place: str) -> DataError:
    """Returns the error of a file with the row of the table that lists it."""
    (problem,) = error.problems
    return DataError.of([replace(problem, message=problem.message.replace(str(file), place, 1))])


def listed_files(table: Raw, data: FilesData, root: Path) -> list[Path]:
    """Returns the files that a table lists.

    Args:
        table: The table, as read.
        data: Its column of the names of files, and what they lack at their end.
        root: The folder that they are in.

    Raises:
        DataError: A row names no file, one that is not there, or one outside of the folder.
    """
    if not isinstance(table, RawTable):
        raise TypeError("files are listed in a table")
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
