"""Rows to predict, in chunks: a table of any length takes little memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

import numpy as np

from dl.config.schema import Config
from dl.config.sections.data import ParquetData
from dl.data.dataset import Preprocessing
from dl.data.files import check_file
from dl.data.load import load_split, read_inputs
from dl.data.preprocessing.features import Feature, UnseenCategories, transform_table
from dl.data.requirements import requirements_of
from dl.data.tables.chunks import ReadChunk, csv_chunks, parquet_chunks, parquet_rows
from dl.data.tables.csv_file import no_rows
from dl.data.tables.pieces import Dialect, csv_pieces
from dl.data.tables.read import Wanted, dialect, missing_in
from dl.data.tokens import Tokens
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
    that were not learned are ignored.

    Args:
        config: The config of the run.
        fitted: The preprocessing of the run.
        source: A file or folder, or a stream of CSV.
        reporter: Is told what happens.

    Raises:
        DataError: The rows cannot be used with this run; also while they are read.
    """
    if fitted.array is None:
        title = str(source) if isinstance(source, Path) else "standard input"
        table = _Table(config, fitted.columns, source, title, reporter)
        return InputChunks(title, _size(config, source), table.read)
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


def _size(config: Config, source: Path | BinaryIO) -> int | None:
    """Returns the bytes of a CSV file, or the rows of a Parquet file."""
    if not isinstance(source, Path):
        return None
    check_file(source)
    return parquet_rows(source) if isinstance(config.data, ParquetData) else source.stat().st_size


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


@dataclass(frozen=True, slots=True)
class _Table:
    config: Config
    features: Sequence[Feature]
    source: Path | BinaryIO
    title: str
    reporter: Reporter

    def read(self, advance: Advance) -> Iterator[Inputs]:
        unseen = UnseenCategories()
        rows, tokens = 0, requirements_of(self.config).tokens
        readers = self._readers(advance)
        for x in _ahead(partial(_numbers, read, self.features, unseen, tokens) for read in readers):
            if x is not None:
                rows += len(x)
                yield Inputs(x)
        if not rows:
            raise no_rows(self.title)
        unseen.tell(self.reporter)

    def _readers(self, advance: Advance) -> Iterator[ReadChunk]:
        wanted = _wanted(self.config, self.features)
        if not isinstance(self.source, Path):
            yield from csv_chunks(csv_pieces(self.source, self._dialect()), wanted)
        elif isinstance(self.config.data, ParquetData):
            yield from parquet_chunks(self.source, wanted, advance)
        else:
            with _opened(self.source) as stream:
                done = 0
                for read in csv_chunks(csv_pieces(stream, self._dialect()), wanted):
                    yield read
                    advance(stream.tell() - done)
                    done = stream.tell()

    def _dialect(self) -> Dialect:
        separator, encoding = dialect(self.config)
        return Dialect(self.title, separator, encoding)


def _numbers(
    read: ReadChunk, features: Sequence[Feature], unseen: UnseenCategories, tokens: Tokens | None
) -> Array | None:
    table = read()
    return None if table is None else transform_table(table, features, unseen, tokens)


def _wanted(config: Config, features: Sequence[Feature]) -> Wanted:
    kinds = {feature.name: feature.kind for feature in features}
    return Wanted(
        features=tuple(kinds), targets=(), kinds=kinds, missing_in=missing_in(config), trained=True
    )


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from error


def _ahead(tasks: Iterable[Callable[[], Array | None]]) -> Iterator[Array | None]:
    """Yields what the tasks return, in their order; a thread does one while the last is used."""
    with ThreadPoolExecutor(max_workers=1) as thread:
        waiting: deque[Future[Array | None]] = deque()
        for task in tasks:
            waiting.append(thread.submit(task))
            if len(waiting) > 1:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
