"""Rows to predict, as the network takes them: some at a time, so that a table has any length."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import BinaryIO

import numpy as np

from dl.config.data import Window
from dl.config.schema import Config
from dl.data.dataset import Preprocessing
from dl.data.drift import Drift
from dl.data.files import ahead, check_file
from dl.data.forecast import inputs_of, told_of
from dl.data.formats import FORMATS, form_of, read_table, table_files
from dl.data.load import load_split, numbers_of, read_part
from dl.data.read import is_listing, others_of_series, read_arrays, task_for, wanted_by
from dl.data.requirements import requirements_of
from dl.data.series import in_series
from dl.data.sources import characters, csv, texts
from dl.data.tables import ReadBlock, below_each_other, typed_table
from dl.data.tokens import transform_rows
from dl.data.transform import UnseenCategories
from dl.data.types import Inputs, RawTable
from dl.data.windows import WindowRows
from dl.errors import DataError, UsageError
from dl.progress import Advance, Reporter
from dl.text import listing

_ROWS = 1 << 16
_BYTES = 1 << 26
"""Rows and bytes of a block of arrays; pictures may lie on the disk."""


@dataclass(frozen=True, slots=True)
class InputBlocks:
    """Rows to predict, still to be read.

    Attributes:
        title: The file, or the part of the run's own data.
        total: Units of progress in all; None where that is not known.
        read: Yields the rows in blocks, in their order, and reports progress.
    """

    title: str
    total: int | None
    read: Callable[[Advance], Iterator[Inputs]]


@dataclass(frozen=True, slots=True)
class _Asked:
    """What `open_blocks` is asked for."""

    config: Config
    fitted: Preprocessing
    source: Path | BinaryIO
    reporter: Reporter
    kept: Sequence[str]
    drift: Drift
    lines: bool

    @property
    def title(self) -> str:
        """What the rows are called."""
        return str(self.source) if isinstance(self.source, Path) else "standard input"


def open_blocks(  # noqa: PLR0913 - the contract of the package
    config: Config,
    fitted: Preprocessing,
    source: Path | BinaryIO,
    reporter: Reporter,
    kept: Sequence[str] = (),
    drift: Drift | None = None,
    *,
    lines: bool = False,
) -> InputBlocks:
    """Opens rows to predict; of a table, no more than a few blocks are in memory at a time.

    Arrays and images are read at once. Columns are matched by name; a target column and others
    that were not fitted are ignored.

    Args:
        config: The config of the run.
        fitted: The preprocessing of the run.
        source: A file or folder, or a stream of CSV.
        reporter: Is told what happens.
        kept: Columns of a table that are handed on as they stand.
        drift: Compares the rows of a table with those of the training part.
        lines: Whether each line of the source is a text, that of the only column.

    Raises:
        DataError: The rows cannot be used with this run; also while they are read.
        UsageError: Lines or columns are asked for that the rows cannot have.
    """
    drift = drift or Drift((), "warn")
    asked = _Asked(config, fitted, source, reporter, kept, drift, lines)
    if fitted.window is not None:
        return _open_series(asked, fitted.window)
    if fitted.array is None:
        return _open_table(asked)
    if lines:
        _refuse_lines(fitted)
    if kept and not (isinstance(source, Path) and is_listing(config.data, source)):
        raise UsageError(
            "a column can be kept of the rows of a table alone",
            found=f"a model that takes {'images' if fitted.array.image else 'arrays'}",
            hint="leave --keep out",
        )
    if isinstance(source, Path):
        return _sliced(read_inputs(config, fitted, source, reporter, kept), str(source))
    raise DataError(
        "standard input: can hold CSV rows only, but this model takes arrays or images",
        hint="name a file or folder instead of `-`",
    )


def split_blocks(
    config: Config, fitted: Preprocessing, split: str, reporter: Reporter
) -> InputBlocks:
    """Opens a part of the run's own data; see `load_split`."""
    title = f"the {split} part"
    if fitted.window is None:
        return _sliced(Inputs(load_split(config, fitted, split, reporter).x), title)
    raw = read_part(config, fitted, split, reporter)
    if not isinstance(raw, RawTable) or raw.windows is None:
        raise TypeError("windows are over the rows of a table")
    ends, form = raw.windows.ends, raw.windows.form
    x = WindowRows(
        numbers_of(raw, split, config, fitted, reporter), ends, np.array(form.input_rows)
    )
    return _sliced(Inputs(x, told=told_of(raw, ends, form, config.data)), title)


def _sliced(inputs: Inputs, title: str) -> InputBlocks:
    row = 4 * int(np.prod(inputs.x.shape[1:]))
    step = min(_ROWS, max(1, _BYTES // row))

    def read(advance: Advance) -> Iterator[Inputs]:
        for begin in range(0, len(inputs), step):
            end = begin + step
            kept = {name: column[begin:end] for name, column in inputs.kept.items()}
            told = {name: values[begin:end] for name, values in inputs.told.items()}
            block = Inputs(inputs.x[begin:end], inputs.files[begin:end], kept, told)
            yield block
            advance(len(block))

    return InputBlocks(title, len(inputs), read)


def _open_table(asked: _Asked) -> InputBlocks:
    data, source = asked.config.data, asked.source
    wanted = replace(wanted_by(data, asked.fitted), targets=(), others={}, kept=asked.kept)
    total, form, files = None, "csv", list[Path]()
    if isinstance(source, Path):
        files = [source] if asked.lines else table_files(str(source), data)
        form = "csv" if asked.lines else form_of(files[0], data.source)
        for file in () if form == "text" else files:
            check_file(file)
        total = sum(map(FORMATS[form].total, files))
    if asked.lines:
        _refuse_lines(asked.fitted)
    unseen, tokens = UnseenCategories(), requirements_of(asked.config).tokens

    def blocks(advance: Advance) -> Iterator[ReadBlock]:
        if asked.lines:
            encoding = getattr(data, "encoding", "utf-8")
            return texts.line_blocks(source, encoding, wanted, advance)
        if not isinstance(source, Path):
            return csv.blocks(data, source, wanted, advance)
        of_file = FORMATS[form].blocks
        return itertools.chain.from_iterable(of_file(data, f, wanted, advance) for f in files)

    def prepared(read_block: ReadBlock) -> Inputs:
        table = typed_table(read_block(), wanted)
        asked.drift.add(table)
        names = tuple(map(table.row_place, range(len(table)))) if form == "text" else ()
        x = transform_rows(table, asked.fitted.columns, unseen, tokens)
        return Inputs(x, names, table.kept)

    def read(advance: Advance) -> Iterator[Inputs]:
        yield from ahead(partial(prepared, block) for block in blocks(advance))
        asked.drift.tell(asked.title, list(unseen.messages(asked.title)), asked.reporter)

    return InputBlocks(asked.title, total, read)


def _open_series(asked: _Asked, window: Window) -> InputBlocks:
    """Opens the rows of series, which are read at once: a window for each row that has its past."""
    config, title, reporter = asked.config, asked.title, asked.reporter
    with reporter.stage(f"Reading {title}"):
        read = _whole_table(asked)
        raw = in_series(read, config.data, window, reporter.note)
        x = numbers_of(raw, title, config, asked.fitted, reporter)
    asked.drift.add(raw)
    asked.drift.tell(title, [], reporter)
    row = 4 * window.length * int(np.prod(x.shape[1:]))
    blocks = inputs_of(
        raw, x, window, config.data, dict(read.kept), min(_ROWS, max(1, _BYTES // row))
    )
    first = next(blocks)  # refuses rows in which no window fits, before anything is written

    def yielded(advance: Advance) -> Iterator[Inputs]:
        for block in itertools.chain([first], blocks):
            yield block
            advance(len(block))

    return InputBlocks(title, None, yielded)


def _whole_table(asked: _Asked) -> RawTable:
    """Reads all rows of a table at once: windows reach over any of them."""
    data, source = asked.config.data, asked.source
    others, kept = others_of_series(data), asked.kept
    wanted = replace(wanted_by(data, asked.fitted), targets=(), others=others, kept=kept)
    if isinstance(source, Path):
        _, task = task_for(asked.config, source, asked.reporter)
        form = form_of(table_files(str(source), data)[0], data.source)
        return read_table(form, data, str(source), wanted, task.streamed)
    blocks = (characters if data.source == "characters" else csv).blocks
    read = [block() for block in blocks(data, source, wanted, lambda done: None)]
    return typed_table(replace(below_each_other(read), source=read[0].source), wanted)


def _refuse_lines(fitted: Preprocessing) -> None:
    """Refuses lines for a model that does not take a text and nothing else."""
    if list(fitted.kinds.values()) != ["text"]:
        raise UsageError(
            "--lines is for a model that takes a text and nothing else",
            found=f"one that takes {listing(fitted.kinds, 'and', most=6) or 'arrays'}",
            hint="leave it out, and name a file of rows like those of the training",
        )


def read_inputs(
    config: Config,
    fitted: Preprocessing,
    path: Path,
    reporter: Reporter,
    kept: Sequence[str] = (),
) -> Inputs:
    """Reads arrays or images to predict; rows of a table come in blocks: `open_blocks`.

    Raises:
        DataError: The rows cannot be used with this run.
    """
    with reporter.stage(f"Reading {path}"):
        raw = read_arrays(config, path, reporter, kept)
    with reporter.stage("Preparing the rows"):
        x = numbers_of(raw, str(path), config, fitted, reporter)
        return Inputs(x, raw.files, raw.kept)
