"""Which source reads what: the config's own data, another labelled file, rows to predict."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

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
from dl.data.arrays.images import (
    Keep,
    in_memory,
    read_image_inputs,
    read_image_part,
    read_images,
)
from dl.data.arrays.keras_sets import read_keras
from dl.data.arrays.npz import read_npz, read_npz_inputs, read_npz_part
from dl.data.arrays.synthetic import make_synthetic
from dl.data.dataset import Preprocessing
from dl.data.raw import Raw, RawArrays, RawParts
from dl.data.requirements import requirements_of
from dl.data.streaming.budget import held
from dl.data.streaming.pictures import on_disk
from dl.data.streaming.tables import stream_table, stream_tables
from dl.data.tables.read import Wanted, missing_in, read_table_from, read_tables
from dl.data.types import Storage
from dl.progress import Reporter


def read_parts(config: Config, reporter: Reporter) -> RawParts:
    """Reads all rows of the config's data, into memory or onto the disk: see `held`."""
    where = held(requirements_of(config))
    return replace(_parts(config, where, reporter), storage=where)


def _parts(config: Config, where: Storage, reporter: Reporter) -> RawParts:
    match config.data:
        case CsvData() | ParquetData() as data if where.streamed:
            return stream_tables(config, data)
        case CsvData() | ParquetData() | BuiltinData():
            return read_tables(config)
        case NpzData() as data:
            return read_npz(data, reporter)
        case ImagesData() as data:
            return read_images(data, reporter, on_disk if where.streamed else in_memory)
        case KerasData() as data:
            return read_keras(data, reporter)
        case SyntheticData() as data:
            return make_synthetic(data, config.seed)


def read_labelled(config: Config, fitted: Preprocessing, path: Path, reporter: Reporter) -> Raw:
    """Reads another labelled file, for a model that was trained on the config's data.

    A model trained on a table takes a table, one trained on an image folder another folder or an
    `.npz` file, any other an `.npz` file.
    """
    match config.data:
        case CsvData() | ParquetData() if held(requirements_of(config), [path]).streamed:
            return stream_table(config, path, _wanted(config, fitted))
        case CsvData() | ParquetData() | BuiltinData():
            return read_table_from(config, path, _wanted(config, fitted))
        case ImagesData() as data if not _is_npz(path):
            return read_image_part(path, data, reporter, _keep(config, path))
        case _:
            return read_npz_part(path, _arrays(config))


def read_arrays(config: Config, path: Path, reporter: Reporter) -> RawArrays:
    """Reads arrays or images to predict; targets are ignored."""
    if isinstance(config.data, ImagesData) and not _is_npz(path):
        return read_image_inputs(path, config.data, reporter, _keep(config, path))
    return read_npz_inputs(path, _arrays(config))


def _keep(config: Config, path: Path) -> Keep:
    return on_disk if held(requirements_of(config), [path]).streamed else in_memory


def source_title(config: Config) -> str:
    """Words for the config's data: its file, or the name of the data set."""
    match config.data:
        case CsvData() | ParquetData() | NpzData() | ImagesData():
            return config.data.path
        case BuiltinData() | KerasData() | SyntheticData():
            return str(config.data.dataset)


def _is_npz(path: Path) -> bool:
    return path.suffix.lower() == ".npz"


def _arrays(config: Config) -> Arrays:
    return config.data.arrays if isinstance(config.data, NpzData) else Arrays()


def _wanted(config: Config, fitted: Preprocessing) -> Wanted:
    features, target = fitted.columns, fitted.target
    return Wanted(
        features=tuple(feature.name for feature in features),
        targets=target.names,
        classes=target.values,
        kinds={feature.name: feature.kind for feature in features},
        missing_in=missing_in(config),
        trained=True,
    )
