"""Rows that are files, such as pictures: decoded in threads, in memory or on the disk."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from dl.config.data import FilesData, target_is_input
from dl.config.files import own_files, own_paths
from dl.data.files import ahead, fingerprint_arrays, fingerprint_files, unchanged
from dl.data.sources.found import (
    Medium,
    class_files,
    class_folders,
    listed_files,
    media_files,
    parts_of,
    root_of,
)
from dl.data.storage import ScratchFile, check_memory, check_space
from dl.data.target_values import target_values
from dl.data.types import Array, Place, RawArrays, RawParts, RawTable, Rows
from dl.errors import DataError
from dl.progress import Reporter
from dl.text import listing

_MOST_TOLD = 10
_BYTES_OF_NUMBER = 4
"""Of the float32 that the model takes, beside the value as it is read."""
_AHEAD = 8
"""Files that are read ahead, for each thread."""


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
        found = class_folders(own_paths(data), self.medium)
        listed = [file for files in found.values() for _, file in files]
        with unchanged(listed):
            read = {path: self.part(path, files) for path, files in found.items()}
            fingerprint = fingerprint_files(listed)
        parts = {key: read[path] for key, (path,) in own_files(data).items()}
        return parts_of(parts, image=self.medium.image, fingerprint=fingerprint)

    def _without_classes(self, data: FilesData) -> RawParts:
        """Returns the parts of files at any depth of their folders, whose inputs are the target."""
        found = {key: self.inputs(path) for key, (path,) in own_files(data).items()}
        files = [Path(file) for rows in found.values() for file in rows.files]
        return parts_of(found, image=self.medium.image, fingerprint=fingerprint_files(files))

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
        named = {name: t for name, t in tables.named.items() if isinstance(t, RawTable)}
        for name, table in named.items():
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
            parts: dict[str, Any] = {
                name: self.listed(table, data, found[name]) for name, table in named.items()
            }
            fingerprint = fingerprint_arrays(
                np.array([tables.fingerprint, fingerprint_files(seen)])
            )
        return RawParts(**parts, image=self.medium.image, fingerprint=fingerprint)

    def listed(
        self, table: RawTable, data: FilesData, files: Sequence[Path] | None = None
    ) -> RawArrays:
        """Returns the rows whose files a table lists, with its targets, if it has any.

        Args:
            table: The table, as read.
            data: What its columns are for, and where the files are.
            files: What `listed_files` found in it, if that is known.

        Raises:
            DataError: As in `listed_parts`.
        """
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


def _attempt(medium: Medium, path: Path) -> Array | DataError:
    try:
        return medium.read(path)
    except DataError as error:
        return error


def _placed(error: DataError, file: Path, place: str) -> DataError:
    """Returns the error of a file with the row of the table that lists it."""
    (problem,) = error.problems
    return DataError.of([replace(problem, message=problem.message.replace(str(file), place, 1))])
