"""Rows to predict, in chunks: a table of any length takes little memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

import numpy as np

from dl.config.schema import Config
from dl.data.dataset import Preprocessing
from dl.data.files import ahead, check_file
from dl.data.load import load_split, read_inputs
from dl.data.preprocessing.features import UnseenCategories, transform_table
from dl.data.raw import RawTable
from dl.data.read import FORMATS, read_blocks
from dl.data.requirements import requirements_of
from dl.data.types import Array, Inputs
from dl.errors import DataError
from dl.progress import Advance, Reporter

_ROWS = 1 << 16
_BYTES = 1 << 26
"""Rows and bytes of a chunk of arrays; pictures may lie on the disk."""


@dataclass(frozen=True, slots=True)
class InputChunks:
    """Rows to predict, still to be read.

    Attributes:
        title: The file, or the part of the run's own data.
        total: Units of progress in all; None where that is not known.
        read: Yields the rows in chunks, in their order, and reports progress.
    """

    title: str
    total: int | None
    read: Callable[[Advance], Iterator[Inputs]]


def open_chunks(
    config: Config, fitted: Preprocessing, source: Path | BinaryIO, reporter: Reporter
) -> InputChunks:
    """Opens rows to predict; of a table, no more than a few chunks are in memory at a time.

    Arrays and images are read at once. Columns are matched by name; a target column and others
    that were not fitted are ignored.

    Args:
        config: The config of the run.
        fitted: The preprocessing of the run.
        source: A file or folder, or a stream of CSV.
        reporter: Is told what happens.

    Raises:
        DataError: The rows cannot be used with this run; also while they are read.
    """
    if fitted.array is None:
        return _open_table(config, fitted, source, reporter)
    if isinstance(source, Path):
        return _sliced(read_inputs(config, fitted, source, reporter), str(source))
    raise DataError(
        "standard input: can hold CSV rows only, but this model takes arrays or images",
        hint="name a file or folder instead of `-`",
    )


def split_chunks(
    config: Config, fitted: Preprocessing, split: str, reporter: Reporter
) -> InputChunks:
    """Opens a part of the run's own data; see `dl.data.load.load_split`."""
    x = load_split(config, fitted, split, reporter).x
    return _sliced(Inputs(x), f"the {split} part")


def _sliced(inputs: Inputs, title: str) -> InputChunks:
    row = 4 * int(np.prod(inputs.x.shape[1:]))
    step = min(_ROWS, max(1, _BYTES // row))

    def read(advance: Advance) -> Iterator[Inputs]:
        for begin in range(0, len(inputs), step):
            end = begin + step
            chunk = Inputs(inputs.x[begin:end], inputs.files[begin:end])
            yield chunk
            advance(len(chunk))

    return InputChunks(title, len(inputs), read)


def _open_table(
    config: Config, fitted: Preprocessing, source: Path | BinaryIO, reporter: Reporter
) -> InputChunks:
    title, total = "standard input", None
    if isinstance(source, Path):
        check_file(source)
        title, total = str(source), FORMATS[config.data.source].total(source)
    unseen, tokens = UnseenCategories(), requirements_of(config).tokens

    def numbers(table: Callable[[], RawTable]) -> Array:
        return transform_table(table(), fitted.columns, unseen, tokens)

    def read(advance: Advance) -> Iterator[Inputs]:
        tables = read_blocks(config, fitted, source, advance)
        yield from map(Inputs, ahead(partial(numbers, table) for table in tables))
        unseen.tell(reporter)

    return InputChunks(title, total, read)
