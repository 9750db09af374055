"""Which source reads what: one table of the sources, and where their rows are held."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, Literal

from dl.config.data import Arrays, own_paths
from dl.config.schema import Config
from dl.data.dataset import Preprocessing
from dl.data.files import fingerprint_files, unchanged
from dl.data.raw import Raw, RawArrays, RawParts, RawTable
from dl.data.requirements import Requirements, requirements_of
from dl.data.sources.builtin import read_builtin
from dl.data.sources.csv import Dialect, csv_inputs, csv_numbers, read_csv
from dl.data.sources.images import (
    picture_files,
    picture_shape,
    read_image_inputs,
    read_image_part,
    read_images,
)
from dl.data.sources.keras import read_keras
from dl.data.sources.npz import read_npz, read_npz_inputs, read_npz_part
from dl.data.sources.parquet import parquet_blocks, parquet_numbers, parquet_rows, read_parquet
from dl.data.sources.synthetic import make_synthetic
from dl.data.tables import Block, ReadBlock, Wanted, require, typed_table
from dl.data.types import Storage
from dl.progress import Advance, Reporter
from dl.system import available_memory
from dl.vocabulary.traits import TAKES_CLASSES

_AUTO_SHARE = 10
"""A resident training takes about eight times the size of the numbers: the values as read, as
float64, as float32, and as tensors."""
_BYTES_PER_NUMBER = 4
_MEGABYTE = 1_000_000
_CLASSIFICATION = ("binary", "multiclass", "multilabel")


@dataclass(frozen=True, slots=True)
class TableFormat:
    """How the files of a kind of table are read.

    Attributes:
        read: Reads the wanted columns of a file whole; told whether to hold them on the disk.
        blocks: Yields readers of a file in blocks, and reports progress.
        total: Returns the units of that progress in all.
    """

    read: Callable[[Any, Path, Wanted, bool], Block]
    blocks: Callable[[Any, Path, Wanted, Advance], Iterator[ReadBlock]]
    total: Callable[[Path], int]


CSV = TableFormat(
    lambda data, path, wanted, on_disk: read_csv(path, _dialect(data, str(path)), wanted, on_disk),
    lambda data, path, wanted, advance: csv_inputs(
        path, _dialect(data, str(path)), wanted, advance
    ),
    lambda path: path.stat().st_size,
)
FORMATS = {
    "csv": CSV,
    "builtin": CSV,  # labelled rows and rows to predict, of a model that was trained on it
    "parquet": TableFormat(
        lambda data, path, wanted, on_disk: read_parquet(path, wanted, on_disk),
        lambda data, path, wanted, advance: parquet_blocks(path, wanted, advance),
        parquet_rows,
    ),
}


@dataclass(frozen=True, slots=True)
class _Task:
    """What is asked of the data that are read, with what was fitted, and whether onto the disk."""

    needs: Requirements
    reporter: Reporter
    streamed: bool
    fitted: Preprocessing | None = None


def _npz_part(data: Any, path: Path, task: _Task) -> RawArrays:
    return read_npz_part(path, getattr(data, "arrays", Arrays()))


def _npz_inputs(data: Any, path: Path, task: _Task) -> RawArrays:
    return read_npz_inputs(path, getattr(data, "arrays", Arrays()))


@dataclass(frozen=True, slots=True)
class Source:
    """What a source can do; the first argument of all is the section `data`.

    Attributes:
        parts: Reads all rows of the section.
        labelled: Reads another labelled file.
        inputs: Reads arrays to predict; rows of a table come in blocks.
        numbers: Estimates how many numbers a file holds; None where all rows are held in memory.
    """

    parts: Callable[[Any, _Task], RawParts]
    labelled: Callable[[Any, Path, _Task], Raw] = _npz_part
    inputs: Callable[[Any, Path, _Task], RawArrays] = _npz_inputs
    numbers: Callable[[Any, Path], int] | None = None


def read_parts(config: Config, reporter: Reporter) -> RawParts:
    """Reads all rows of the config's data, into memory or onto the disk: see `storage_of`."""
    needs = requirements_of(config)
    storage = storage_of(needs)
    task = _Task(needs, reporter, storage.streamed)
    return replace(SOURCES[config.data.source].parts(config.data, task), storage=storage)


def read_labelled(config: Config, fitted: Preprocessing, path: Path, reporter: Reporter) -> Raw:
    """Reads another labelled file, for a model that was trained on the config's data.

    A model trained on a table takes a table, one trained on an image folder another folder or an
    `.npz` file, any other an `.npz` file.
    """
    source, needs = _source_for(config, path), requirements_of(config)
    task = _Task(needs, reporter, storage_of(needs, [path], source).streamed, fitted)
    return source.labelled(config.data, path, task)


def read_arrays(config: Config, path: Path, reporter: Reporter) -> RawArrays:
    """Reads arrays or images to predict; targets are ignored."""
    source, needs = _source_for(config, path), requirements_of(config)
    task = _Task(needs, reporter, storage_of(needs, [path], source).streamed)
    return source.inputs(config.data, path, task)


def read_blocks(
    config: Config, fitted: Preprocessing, rows: Path | BinaryIO, advance: Advance
) -> Iterator[Callable[[], RawTable]]:
    """Yields readers of the rows of a table to predict; a stream holds CSV.

    Raises:
        DataError: The rows cannot be used with this run; the readers raise it, too.
    """
    wanted = _wanted(config.data, fitted, targets=())
    if isinstance(rows, Path):
        blocks = FORMATS[config.data.source].blocks(config.data, rows, wanted, advance)
    else:
        blocks = csv_inputs(rows, _dialect(config.data, "standard input"), wanted, advance)
    for block in blocks:
        yield partial(_typed, block, wanted)


def _typed(block: ReadBlock, wanted: Wanted) -> RawTable:
    return typed_table(block(), wanted)


def source_title(config: Config) -> str:
    """Words for the config's data: its file, or the name of the data set."""
    return str(getattr(config.data, "path", None) or getattr(config.data, "dataset", ""))


def storage_of(
    needs: Requirements, paths: Iterable[Path] | None = None, source: Source | None = None
) -> Storage:
    """Decides where the rows of a config are held, or those of other files read in its way.

    Raises:
        DataError: A file cannot be read.
    """
    numbers = (source or SOURCES[needs.data.source]).numbers
    if numbers is None:
        return Storage(False, f"the source {needs.data.source} is held in memory")
    chosen = own_paths(needs.data) if paths is None else paths
    size = _BYTES_PER_NUMBER * sum(numbers(needs.data, path) for path in chosen)
    budget = memory_budget(needs.memory)
    about = f"about {_megabytes(size)}" if size >= _MEGABYTE else "less than 1 MB"
    limit = f"the budget of {_megabytes(budget)} (engine.memory: {needs.memory})"
    if size <= budget:
        return Storage(False, f"{about} as numbers, within {limit}")
    if paths is None and needs.all_rows:
        reason = f"{about} as numbers, beyond {limit}, but each step needs all rows at once"
        return Storage(False, reason)
    return Storage(True, f"{about} as numbers, beyond {limit}")


def memory_budget(setting: int | Literal["auto"]) -> float:
    """Returns the bytes that rows may take in memory, as float32."""
    return available_memory() // _AUTO_SHARE if setting == "auto" else setting * _MEGABYTE


def _megabytes(size: float) -> str:
    return f"{size / _MEGABYTE:,.1f} MB" if size < 100 * _MEGABYTE else f"{size / 1e6:,.0f} MB"


def _source_for(config: Config, path: Path) -> Source:
    """Returns what reads another file; `.npz` may stand for a folder of pictures."""
    name = config.data.source
    return SOURCES["npz" if name == "images" and path.suffix.lower() == ".npz" else name]


def _dialect(data: Any, title: str) -> Dialect:
    return Dialect(title, getattr(data, "separator", ","), getattr(data, "encoding", "utf-8"))


def _wanted(data: Any, fitted: Preprocessing, targets: Sequence[str]) -> Wanted:
    return Wanted(
        features=tuple(feature.name for feature in fitted.columns),
        targets=targets,
        classes=fitted.target.values,
        kinds={feature.name: feature.kind for feature in fitted.columns},
        missing_in=getattr(data, "missing_in", lambda name: ()),
        trained=True,
    )


def _table_part(data: Any, path: Path, task: _Task) -> RawTable:
    if task.fitted is None:
        raise TypeError("a table is read with what was fitted")
    wanted = _wanted(data, task.fitted, task.fitted.target.names)
    block = FORMATS[data.source].read(data, path, wanted, task.streamed)
    return typed_table(block, wanted, task.streamed)


def _table_parts(data: Any, task: _Task) -> RawParts:
    """Reads the files of a table; the first decides the kinds of columns."""
    read = FORMATS[data.source].read
    strict = task.needs.loss not in TAKES_CLASSES | {"KLDivergence"}
    wanted = Wanted(
        features=data.features,
        targets=(data.target,) if isinstance(data.target, str) else data.target,
        kinds=data.columns or {},
        strict_target=strict if data.task is None else data.task not in _CLASSIFICATION,
        classes=data.classes or (),
        missing_in=data.missing_in,
    )

    def table(path: str) -> RawTable:
        block = read(data, Path(path), wanted, task.streamed)
        return typed_table(block, wanted, task.streamed)

    paths = own_paths(data)
    with unchanged(paths):
        train = table(data.path)
        require(train.source, data.columns or (), tuple(train.columns), "input column")
        if isinstance(data.missing_values, dict):
            names = (*train.columns, *train.targets)
            require(train.source, data.missing_values, names, "column")
        kinds = {name: c.kind for name, c in (*train.columns.items(), *train.targets.items())}
        wanted = replace(wanted, features=tuple(train.columns), kinds=kinds)
        validation = table(data.validation_path) if data.validation_path else None
        test = table(data.test_path) if data.test_path else None
        fingerprint = fingerprint_files(paths)
    return RawParts(train, validation, test, fingerprint=fingerprint)


def _image_numbers(data: Any, path: Path) -> int:
    return len(picture_files(path)) * math.prod(picture_shape(data))


SOURCES = {
    "csv": Source(
        _table_parts, _table_part, numbers=lambda data, path: csv_numbers(path, data.separator)
    ),
    "parquet": Source(_table_parts, _table_part, numbers=lambda data, path: parquet_numbers(path)),
    "builtin": Source(lambda data, task: read_builtin(data), _table_part),
    "npz": Source(lambda data, task: read_npz(data, task.reporter)),
    "images": Source(
        lambda data, task: read_images(data, task.reporter, task.streamed),
        lambda data, path, task: read_image_part(path, data, task.reporter, task.streamed),
        lambda data, path, task: read_image_inputs(path, data, task.reporter, task.streamed),
        _image_numbers,
    ),
    "keras": Source(lambda data, task: read_keras(data, task.reporter)),
    "synthetic": Source(lambda data, task: make_synthetic(data, task.needs.seed)),
}
