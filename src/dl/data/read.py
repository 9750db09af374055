"""Which source reads what: the config's own data, another labelled file, rows to predict."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

from dl.config.schema import Config
from dl.config.sections.data import (
    Arrays,
    BuiltinData,
    CsvData,
    ImagesData,
    KerasData,
    NpzData,
    ParquetData,
    SyntheticData,
)
from dl.data.arrays.npz import read_npz, read_npz_inputs, read_npz_part
from dl.data.arrays.synthetic import make_synthetic
from dl.data.preprocessing.features import feature_of
from dl.data.raw import Raw, RawParts
from dl.data.tables.read import Wanted, read_table_from, read_table_stream, read_tables
from dl.data.targets import target_of
from dl.errors import DataError
from dl.progress import Reporter


def read_parts(config: Config, reporter: Reporter) -> RawParts:
    """Reads all rows of the config's data."""
    match config.data:
        case CsvData() | ParquetData() | BuiltinData():
            return read_tables(config)
        case NpzData():
            return read_npz(config.data, reporter)
        case SyntheticData():
            return make_synthetic(config.data, config.seed)
        case _:
            raise DataError(f"{config.data.source}: this source cannot be read")


def read_labelled(
    config: Config, learned: Mapping[str, Any], path: Path, reporter: Reporter
) -> Raw:
    """Reads another labelled file or folder, for a model that was trained on the config's data."""
    match config.data:
        case CsvData() | ParquetData() | BuiltinData():
            return read_table_from(config, path, _wanted(learned, labelled=True))
        case NpzData() | KerasData() | SyntheticData():
            return read_npz_part(path, _arrays(config))
        case _:
            raise DataError(f"{config.data.source}: this source cannot be read")


def read_unlabelled(
    config: Config, learned: Mapping[str, Any], source: Path | BinaryIO, reporter: Reporter
) -> Raw:
    """Reads rows to predict; targets are ignored."""
    match config.data:
        case CsvData() | ParquetData() | BuiltinData():
            wanted = _wanted(learned, labelled=False)
            if isinstance(source, Path):
                return read_table_from(config, source, wanted)
            return read_table_stream(config, source, wanted)
        case NpzData() | KerasData() | SyntheticData():
            return read_npz_inputs(source, _arrays(config))
        case _:
            raise DataError(f"{config.data.source}: this source cannot be read")


def source_title(config: Config) -> str:
    """Words for the config's data: its file, or the name of the data set."""
    match config.data:
        case CsvData() | ParquetData() | NpzData() | ImagesData():
            return config.data.path
        case BuiltinData() | KerasData() | SyntheticData():
            return str(config.data.dataset)


def _arrays(config: Config) -> Arrays:
    return config.data.arrays if isinstance(config.data, NpzData) else Arrays()


def _wanted(learned: Mapping[str, Any], labelled: bool) -> Wanted:
    features = [feature_of(feature) for feature in learned["features"]]
    return Wanted(
        features=tuple(feature.name for feature in features),
        targets=target_of(learned).names if labelled else (),
        kinds={feature.name: feature.kind for feature in features},
    )
