"""The formats of tables: which module of `dl.data.sources` reads which, and the files of a path."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from dl.config.data import TextData
from dl.config.files import files_at
from dl.data.sources import characters, csv, parquet, texts
from dl.data.sources.other import OTHERS
from dl.data.tables import Block, ReadBlock, Wanted, below_each_other, typed_table
from dl.data.types import RawTable
from dl.errors import DataError
from dl.progress import Advance
from dl.text import listing

ENDINGS = {
    **dict.fromkeys((".csv", ".tsv", ".txt", ".data"), "csv"),
    **dict.fromkeys((".parquet", ".pq"), "parquet"),
    **dict.fromkeys((".jsonl", ".ndjson"), "jsonl"),
    **dict.fromkeys((".feather", ".arrow"), "feather"),
    **dict.fromkeys((".xlsx", ".xls", ".ods"), "excel"),
    **dict.fromkeys((".sas7bdat", ".xpt"), "sas"),
    **dict.fromkeys((".sav", ".zsav"), "spss"),
    ".dta": "stata",
}
"""The format that the ending of a file's name tells."""
_PACKED = r"\.(?:gz|bz2|xz|zst)$"


class TableFormat(Protocol):
    """How the files of a kind of table are read: a module of `dl.data.sources`."""

    def read(self, data: Any, path: Path, wanted: Wanted, on_disk: bool) -> Block:
        """Reads the wanted columns of a file whole, into memory or onto the disk."""

    def blocks(
        self, data: Any, rows: Path, wanted: Wanted, advance: Advance
    ) -> Iterator[ReadBlock]:
        """Yields readers of a file in blocks, and reports progress."""

    def total(self, path: Path) -> int:
        """Returns the units of that progress in all."""


FORMATS: dict[str, TableFormat] = {
    "csv": csv,
    "characters": characters,
    "text": texts,
    "builtin": csv,  # labelled rows and rows to predict, of a model that was trained on it
    "parquet": parquet,
    **OTHERS,
}


def form_of(path: Path, usual: str) -> str:
    """Returns the format of a file: what its name says, else the usual one."""
    if usual in ("text", "characters") and path.suffix.lower() in ("", ".txt"):
        return usual
    return ENDINGS.get(Path(re.sub(_PACKED, "", path.name)).suffix.lower(), usual)


def is_packed(path: Path) -> bool:
    """Tells whether the name of a file says that its bytes are packed."""
    return re.search(_PACKED, path.name) is not None


def read_table(
    form: str, data: Any, path: str | Sequence[str], wanted: Wanted, streamed: bool = False
) -> RawTable:
    """Reads the files that a path means, one below the other."""
    left, read = wanted.rows, []
    for file in table_files(path, data):
        some = replace(wanted, rows=left)
        read.append(FORMATS[form].read(data, file, some, streamed))
        left = None if left is None else left - read[-1].length
        if left == 0:
            break
    header = ":1" if form == "csv" and getattr(data, "header", None) is True else ""
    return typed_table(below_each_other(read, header), wanted, streamed)


def table_files(path: str | Sequence[str], data: Any = None) -> list[Path]:
    """Returns the files that a path means; refuses a folder of several kinds, or of none.

    Args:
        path: The path, or several.
        data: The section `data`, which says whether it may be in a store.
    """
    if isinstance(data, TextData) and form_of(Path(str(path)), "text") == "text":
        return [Path(str(path))]
    if not isinstance(path, str):
        return [file for each in path for file in table_files(each, data)]
    files = files_at(path, getattr(data, "remote", False))
    if os.path.isdir(files[0]):
        raise DataError(
            f"{path}: is a folder without files",
            expected="a folder of files of one kind",
            hint="name another one; or files in its folders by a pattern: "
            + os.path.join(path, "*/*"),
        )
    kinds = sorted({Path(re.sub(_PACKED, "", file.name)).suffix for file in files})
    if os.path.isdir(path) and len(kinds) > 1:
        raise DataError(
            f"{path}: holds files of several kinds",
            expected="a folder of files of one kind",
            found=listing((kind or "no ending" for kind in kinds), "and"),
            hint=f"name those to read by a pattern: {os.path.join(path, '*' + kinds[-1])}",
        )
    return files
