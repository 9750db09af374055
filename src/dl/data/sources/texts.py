"""The source `text`: a folder with a folder of texts for each class, as a table of two columns; and
rows to predict that are texts alone, a file or a line each.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow

from dl.config.data import TextData
from dl.config.files import own_paths
from dl.data.sources.found import Medium, class_files, class_folders, media_files
from dl.data.sources.text import BLOCK, decoded, opened, pieces, unpacked
from dl.data.tables import Block, ReadBlock, Wanted, appended, joined, require
from dl.errors import DataError
from dl.progress import Advance

TEXT, CLASS = "text", "class"
"""What the columns of such a table are called."""
_FILES = 1024
"""Files of a block."""
_BYTES_OF_NUMBER = 4


MEDIUM = Medium(
    noun="text",
    examples="neg/ and pos/",
    suffixes=frozenset({".txt"}),
    read=lambda path: np.array(read_text(path, "utf-8")),
    stage="Reading texts",
    smaller="take fewer texts",
)
"""The files: no more is asked of them than which they are."""


def read_text(path: Path, encoding: str) -> str:
    """Returns the text of a file; raises `DataError` with the line of what is none."""
    with opened(path) as file:
        return b"".join(decoded(pieces(file, str(path)), str(path), encoding)).decode()


def read(data: TextData, path: Path, wanted: Wanted, on_disk: bool = False) -> Block:
    """Reads the texts of a folder, with the names of their class folders; see `TableFormat`."""
    files = _listed(path, wanted)
    found = blocks(data, path, wanted, lambda size: None)
    return (appended if on_disk else joined)(found, lambda row: str(files[row][1]), wanted.rows)


def blocks(data: TextData, rows: Path, wanted: Wanted, advance: Advance) -> Iterator[ReadBlock]:
    """Yields readers of the texts, some files at a time."""
    found = _listed(rows, wanted)
    for begin in range(0, len(found), _FILES):
        some = found[begin : begin + _FILES]
        yield partial(_block, some, getattr(data, "encoding", "utf-8"), str(rows), wanted)
        advance(len(some))


def total(path: Path) -> int:
    """Returns the number of texts."""
    return len(media_files(path, MEDIUM))


def numbers(data: TextData, path: Path) -> int:
    """Estimates by the size of the files how many numbers the tokens are."""
    return sum(file.stat().st_size for file in media_files(path, MEDIUM)) // _BYTES_OF_NUMBER


def _listed(path: Path, wanted: Wanted) -> list[tuple[str, Path]]:
    """Returns the files with their classes; of rows to predict, wherever they are."""
    if wanted.targets:
        return class_files(path, MEDIUM)
    files = media_files(path, MEDIUM)
    if not files:
        raise DataError(
            f"{path}: there is no text",
            expected="a .txt file, or a folder with some",
            hint="name another file or folder",
        )
    return [("", file) for file in files]


def _block(found: Sequence[tuple[str, Path]], encoding: str, source: str, wanted: Wanted) -> Block:
    texts = pyarrow.array([read_text(file, encoding) for _, file in found], pyarrow.string())
    classes = pyarrow.array([name for name, _ in found], pyarrow.string())
    names = [*(wanted.features or (TEXT,)), *wanted.targets]
    whole = (pyarrow.chunked_array([values]) for values in (texts, classes))
    columns = dict(zip(names, whole, strict=False))
    require(source, wanted.kept, names, "column")
    return Block(names, columns.__getitem__, len(found), source, lambda row: str(found[row][1]))


def line_blocks(
    rows: Path | BinaryIO, encoding: str, wanted: Wanted, advance: Advance
) -> Iterator[ReadBlock]:
    """Yields readers of the lines of a file or a stream, each of which is a text."""
    source = str(rows) if isinstance(rows, Path) else "standard input"
    stream = opened(rows) if isinstance(rows, Path) else rows
    content = pieces(unpacked(stream), source, BLOCK, advance)
    line, rest = 1, b""
    for piece in itertools.chain(decoded(content, source, encoding), [b"\n"]):
        whole, end, rest = (rest + piece).rpartition(b"\n")
        if end and (whole or rest or line == 1):
            lines = whole.decode().split("\n")
            yield partial(_lines, lines, line, source, wanted)
            line += len(lines)


def _lines(lines: list[str], first: int, source: str, wanted: Wanted) -> Block:
    [name] = wanted.features or (TEXT,)
    texts = pyarrow.array([text.removesuffix("\r") for text in lines], pyarrow.string())
    column = {name: pyarrow.chunked_array([texts])}
    return Block(
        [name], column.__getitem__, len(lines), source, lambda row: f"{source}:{first + row}"
    )


def check_classes(data: TextData) -> list[Path]:
    """Returns the files of all parts, whose classes are those of the training folder.

    Raises:
        DataError: A part has another class.
    """
    found = class_folders(own_paths(data), MEDIUM)
    return [file for files in found.values() for _, file in files]
