"""Decides whether rows are held in memory or streamed from the disk, by their estimated size."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import pyarrow
import pyarrow.parquet

from dl.config.sections.data import CsvData, ImagesData, ParquetData, own_paths
from dl.data.arrays.images import picture_files
from dl.data.files import check_file
from dl.data.requirements import Requirements
from dl.data.tables.parquet_file import BROKEN_PARQUET
from dl.data.types import Storage
from dl.system import available_memory

_AUTO_SHARE = 10
"""A resident training takes about eight times the size of the numbers: the values as read, as
float64, as float32, and as tensors."""

_BYTES_PER_NUMBER = 4
_SAMPLE = 1 << 20
_MEGABYTE = 1_000_000


def held(needs: Requirements, paths: Iterable[Path] | None = None) -> Storage:
    """Decides where the rows of a config are held, or those of other files read in its way.

    Raises:
        DataError: A file cannot be read.
    """
    if not isinstance(needs.data, CsvData | ParquetData | ImagesData):
        return Storage(False, f"the source {needs.data.source} is held in memory")
    chosen = list(own_paths(needs.data) if paths is None else paths)
    size = sum(_size(needs.data, path) for path in chosen)
    budget = memory_budget(needs.memory)
    words = f"{_about(size)} as numbers"
    limit = f"the budget of {_megabytes(budget)} (engine.memory: {needs.memory})"
    if size <= budget:
        return Storage(False, f"{words}, within {limit}")
    if paths is None and needs.all_rows:
        return Storage(False, f"{words}, beyond {limit}, but each step needs all rows at once")
    return Storage(True, f"{words}, beyond {limit}")


def memory_budget(setting: int | Literal["auto"]) -> float:
    """Returns the bytes that rows may take in memory, as float32."""
    if setting == "auto":
        return available_memory() // _AUTO_SHARE
    return setting * _MEGABYTE


def _size(data: CsvData | ParquetData | ImagesData, path: Path) -> int:
    """Estimates the bytes of the rows as float32; 0 for a file that will be refused anyway."""
    match data:
        case CsvData():
            return _csv_numbers(path, data.separator) * _BYTES_PER_NUMBER
        case ParquetData():
            return _parquet_numbers(path) * _BYTES_PER_NUMBER
        case ImagesData():
            channels = 1 if data.color == "grayscale" else 3
            pixels = math.prod(data.image_size) * channels
            return len(picture_files(path)) * pixels * _BYTES_PER_NUMBER


def _parquet_numbers(path: Path) -> int:
    check_file(path)
    try:
        metadata = pyarrow.parquet.read_metadata(path)
    except BROKEN_PARQUET:
        return 0
    return int(metadata.num_rows) * int(metadata.num_columns)


def _csv_numbers(path: Path, separator: str) -> int:
    """Counts the values at the start of the file, and takes the rest to be alike."""
    check_file(path)
    try:
        with path.open("rb") as file:
            sample = file.read(_SAMPLE)
    except OSError:
        return 0
    values = sample.count(b"\n") + sample.count(separator.encode())
    return int(values * path.stat().st_size / max(1, len(sample)))


def _about(size: int) -> str:
    return f"about {_megabytes(size)}" if size >= _MEGABYTE else "less than 1 MB"


def _megabytes(size: float) -> str:
    return f"{size / _MEGABYTE:,.1f} MB" if size < 100 * _MEGABYTE else f"{size / 1e6:,.0f} MB"
