"""Which array source reads what: the config's own data, and another file or folder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from dl.config.schema import Config
from dl.config.sections.data import Arrays, ImagesData, KerasData, NpzData, SyntheticData
from dl.data.arrays.first_layers import takes_channels
from dl.data.arrays.images import read_image_inputs, read_image_part, read_images
from dl.data.arrays.keras_sets import read_keras
from dl.data.arrays.npz import read_npz, read_npz_inputs, read_npz_part
from dl.data.arrays.scaling import wants_channel_axis
from dl.data.arrays.synthetic import make_synthetic
from dl.data.raw import RawArrays, RawParts
from dl.progress import Reporter


def read_arrays(config: Config, reporter: Reporter) -> RawParts:
    """Reads all rows of the config's data, and notes where a channel axis will be added.

    Raises:
        DataError: The data cannot be read.
    """
    parts = _read(config, reporter)
    if not isinstance(parts.train, RawArrays):
        return parts
    shape = parts.train.x.shape[1:]
    if wants_channel_axis(shape, config):
        reporter.note(
            f"{parts.train.source}: a channel axis is added to each row: {list(shape)} becomes "
            f"{[*shape, 1]}"
        )
        return replace(parts, image=parts.image or len(shape) == 2)
    pictures = len(shape) == 3 and takes_channels(config.model.layers)
    return replace(parts, image=parts.image or pictures)


def read_arrays_from(config: Config, path: Path, labelled: bool, reporter: Reporter) -> RawArrays:
    """Reads another file or folder, for a model that was trained on the config's data.

    A model that was trained on images takes images or an `.npz` file, any other an `.npz` file.

    Args:
        config: The config of the run.
        path: The file or folder.
        labelled: Whether to read targets too.
        reporter: Is told how far the reading is.

    Raises:
        DataError: The rows cannot be read.
    """
    data = config.data
    if isinstance(data, ImagesData) and path.suffix.lower() != ".npz":
        if labelled:
            return read_image_part(path, data, reporter)
        return read_image_inputs(path, data, reporter)
    arrays = data.arrays if isinstance(data, NpzData) else Arrays()
    return read_npz_part(path, arrays) if labelled else read_npz_inputs(path, arrays)


def _read(config: Config, reporter: Reporter) -> RawParts:
    match config.data:
        case NpzData() as data:
            return read_npz(data, reporter)
        case ImagesData() as data:
            return read_images(data, reporter)
        case KerasData() as data:
            return read_keras(data, reporter)
        case SyntheticData() as data:
            return make_synthetic(data, config.seed)
        case _:
            raise TypeError(f"the source {config.data.source!r} is no source of arrays")
