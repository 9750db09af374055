"""The source `characters`: one long text, as a table of one column with a character in each row."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow

from dl.config.data import CHARACTER
from dl.data.sources.text import BLOCK, decoded, opened, pieces, sampled, unpacked
from dl.data.tables import Block, ReadBlock, Wanted, appended, joined
from dl.errors import DataError
from dl.progress import Advance

SPACE = "\u2423"
"""The sign that stands for a blank."""


def read(data: Any, path: Path, wanted: Wanted, on_disk: bool = False) -> Block:
    """Reads the characters of a file into memory or onto the disk; see `TableFormat`."""
    found = blocks(data, path, wanted, lambda size: None)
    return (appended if on_disk else joined)(found, partial(_place, str(path), 0), wanted.rows)


def blocks(
    data: Any, rows: Path | BinaryIO, wanted: Wanted, advance: Advance
) -> Iterator[ReadBlock]:
    """Yields readers of the characters of a file or a stream, some bytes at a time.

    Raises:
        DataError: The file is empty, or not text; the message has the line and the byte.
    """
    source, first = str(rows) if isinstance(rows, Path) else "standard input", 0
    with opened(rows) if isinstance(rows, Path) else contextlib.nullcontext(rows) as stream:
        content = pieces(unpacked(stream), source, BLOCK, advance)
        for piece in decoded(content, source, data.encoding):
            text = piece.decode()
            if text:
                text = text.lower() if data.lower else text
                yield partial(_block, text, first, source, wanted)
                first += len(text)
    if not first:
        raise DataError(f"{source}: is empty", expected="a text", hint="name another file")


def total(path: Path) -> int:
    """Returns the bytes of a file, about those of its text where it is packed."""
    return int(sampled(path)[1])


def numbers(data: Any, path: Path) -> int:
    """Estimates how many numbers the characters are, each with an input for each one there is."""
    sample, size = sampled(path)
    rows = size if data.rows is None else min(size, data.rows)
    return int(rows) * len(set(sample.decode(data.encoding, "ignore")))


def _block(text: str, first: int, source: str, wanted: Wanted) -> Block:
    points, which = np.unique(np.frombuffer(text.encode("utf-32-le"), "<u4"), return_inverse=True)
    names = pyarrow.array([_name(chr(point)) for point in points], pyarrow.string())
    column = pyarrow.chunked_array([names.take(pyarrow.array(which))])
    header = wanted.selected(source, [CHARACTER])
    return Block(header, lambda name: column, len(text), source, partial(_place, source, first))


def _name(character: str) -> str:
    r"""Returns a character as it is shown; blanks, which a table takes for nothing, as `␣`, `\n`.

    No two have the same name: those that are not the character itself are longer, but for `␣`.
    """
    if character == " ":
        return SPACE
    plain = character.isprintable() and character != SPACE
    return character if plain else ascii(character)[1:-1]


def _place(source: str, first: int, row: int) -> str:
    return f"{source}: character {first + row + 1:,}"
