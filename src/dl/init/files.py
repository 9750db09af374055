"""A first config of files that hold a row each: in class folders, or listed in a table."""

from __future__ import annotations

import math
import os
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dl.config.data import AudioData, ImagesData, NiftiData, Task
from dl.data.columns import Cell, to_column
from dl.data.sources import audio, images, nifti, texts
from dl.data.sources.audio import read_wav
from dl.data.sources.found import Medium, class_files
from dl.data.sources.images import opened_picture, without_warnings
from dl.data.tables import Block
from dl.errors import DataError
from dl.init.columns import open_table, target_of
from dl.init.plan import (
    PIXELS,
    TEXT_LINES,
    Plan,
    Target,
    commented,
    config_text,
    dense_layers,
    image_layers,
    path_line,
    plan,
    scalar,
    split_line,
    training_lines,
)
from dl.text import plural, shape

_LARGEST_SIDE = 64
"""Pixels: a network for larger pictures takes minutes an epoch without a GPU."""
_SMALLEST_SIDE = 8
"""Pixels that the convolutions need."""
_FEW_PICTURES = 5_000
"""Fewer are learned by heart before the network has seen enough of each class."""
_LOOK_AT = 50
"""Files of which the size is looked at."""
_GREY = ("1", "L", "LA", "I;16", "I;16B")
_BASE = [
    "    # Of few photographs, a network that was trained on a million of them learns more:",
    "    # - {type: MobileNetV2, weights: imagenet, pooling: avg, trainable: false}",
    "    # in the place of all layers but the last, with image_size: [160, 160] and without",
    "    # preprocess.scale. Keras downloads its weights.",
]
_READ = 5
"""Volumes of which all values are read: each may take seconds."""
_AIR = -900.0
"""Hounsfield units, below all tissue: no other scanner has such values."""
_HOUNSFIELD = (-1000.0, 400.0)
"""From air to dense bone, as in Keras' example of CT scans."""
_SPEECH = 16_000
"""Samples of a second that hold all of speech; twice as many cost twice as much."""
_FRAME = 0.02
"""Seconds of a frame of a spectrogram: the vowels of a word last five times as long."""
_SIDE = 32
"""Pixels of a side of a spectrogram, as in TensorFlow's tutorial on simple audio."""
_USUAL = 0.9
"""Nine of ten sounds are no longer than a row."""
_FOLDERS = {
    "path": ("train", "training"),
    "validation_path": ("validation", "valid", "val"),
    "test_path": ("test",),
}
"""Names of the folder of each part."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Files of a kind.

    Attributes:
        source: Its name in a config.
        medium: How a file is read.
        files: The files.
    """

    source: str
    medium: Medium
    files: Sequence[Path]

    @property
    def some(self) -> Sequence[Path]:
        """Files to look at, from all over."""
        return self.files[:: max(1, len(self.files) // _LOOK_AT)]


Sections = tuple[list[str], list[str], list[str]]
"""Lines of the sections data, preprocess and model that the files decide."""


def config_of_folder(path: Path) -> str:
    """Returns the config of a folder of class folders, or of one of such a folder for each part.

    Raises:
        DataError: There are no class folders, or no files in one of them, or one is broken.
    """
    folders = _folders(path)
    source, medium = _kind_in(folders["path"])
    found = class_files(folders["path"], medium)
    counts = Counter(name for name, _ in found)
    if len(counts) < 2:
        raise DataError(
            f"{folders['path']}: has a single class folder, {next(iter(counts))!r}",
            expected=f"a folder of {medium.nouns} for each class, two or more",
            hint=f"add a folder with {medium.nouns} of something else",
        )
    task: Task = "binary" if len(counts) == 2 else "multiclass"
    second = [*counts.values()][1] if task == "binary" else 0
    target = Target(("folder",), task, tuple(counts), rarest=min(counts.values()), second=second)
    places = [
        path_line(folders["path"]),
        *(f"  {key}: {scalar(str(at))}" for key, at in folders.items() if key != "path"),
    ]
    rows = Rows(source, medium, [file for _, file in found])
    return _config(path, rows, target, places, own_test="test_path" in folders)


def config_of_listing(path: Path, targets: Sequence[str]) -> str | None:
    """Returns the config of a table that lists pictures, sounds or volumes; None where it does not.

    Raises:
        DataError: The target cannot be used, or a file is broken.
    """
    folders = _folders_of_media(path)
    if not folders or not targets:
        return None
    written, block, words, _ = open_table(path, targets)
    plain = written is None or (written.header is True and written.separator == ",")
    if not plain or not set(targets) <= set(block.names):
        return None
    for name in block.names:
        listed = None if name in targets else _listed(block, name, folders)
        if listed is None:
            continue
        rows, folder, ending = listed
        places = [
            path_line(folder),
            f"  table: {scalar(str(path))}",
            commented(f"  column: {scalar(name)}", f"names the {rows.medium.nouns}"),
            *([f"  ending: {ending}"] if ending else []),
            f"  target: {scalar(targets[0]) if len(targets) == 1 else _list(targets)}",
        ]
        return _config(path, rows, target_of(block, targets, words), places)
    return None


def _list(names: Sequence[str]) -> str:
    return f"[{', '.join(map(scalar, names))}]"


def _folders_of_media(table: Path) -> dict[Path, set[str]]:
    """Returns the folder of a table and those in it, with the endings of files that are rows."""
    if not table.is_file():
        return {}
    folders = [table.parent, *sorted(each for each in table.parent.iterdir() if each.is_dir())]
    known = (*images.SUFFIXES, *audio.SUFFIXES, *nifti.SUFFIXES)
    endings = {
        folder: {
            each.name[-len(end) :]
            for each in os.scandir(folder)
            for end in known
            if each.name.lower().endswith(end)
        }
        for folder in folders
    }
    return endings if any(endings.values()) else {}


def _listed(
    block: Block, name: str, folders: Mapping[Path, set[str]]
) -> tuple[Rows, Path, str] | None:
    """Returns the files that a column names, their folder, and what its values lack at the end."""
    column = to_column(block.column(name), Cell(name, block.place), "categorical")
    values = [column.categories[code] for code in column.values.tolist() if code >= 0]
    for folder, endings in folders.items():
        for ending in ("", *sorted(endings)):
            files = [folder / f"{value}{ending}" for value in values]
            rows = _rows_of(files) if files and all(map(Path.is_file, files[:_LOOK_AT])) else None
            if rows is not None:
                return rows, folder, ending
    return None


def _rows_of(files: Sequence[Path]) -> Rows | None:
    for source, medium in (kind(files[0].parent) for kind in (_pictures, _sounds, _volumes)):
        if all(map(medium.takes, files)):
            return Rows(source, medium, files)
    return None


def _pictures(path: Path) -> tuple[str, Medium]:
    return "images", images.medium(ImagesData(source="images", path=str(path)))


def _sounds(path: Path) -> tuple[str, Medium]:
    return "audio", audio.medium(AudioData(source="audio", path=str(path)))


def _volumes(path: Path) -> tuple[str, Medium]:
    return "nifti", nifti.medium(NiftiData(source="nifti", path=str(path)))


def _kind_in(folder: Path) -> tuple[str, Medium]:
    """Returns the kind of the files in the folders of a folder: pictures, if there is no other."""
    inside = [file for each in folder.iterdir() if each.is_dir() for file in each.iterdir()]
    for kind in (("text", texts.MEDIUM), _sounds(folder), _volumes(folder)):
        if any(map(kind[1].takes, inside)):
            return kind
    return _pictures(folder)


def _folders(path: Path) -> dict[str, Path]:
    """Returns the folders of the parts, where the path holds `train`, `test`…, else the path."""
    try:
        below = {entry.name.lower(): entry for entry in sorted(path.iterdir()) if entry.is_dir()}
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from error
    found = {
        key: next((below[name] for name in usual if name in below), None)
        for key, usual in _FOLDERS.items()
    }
    parts = {key: folder for key, folder in found.items() if folder is not None}
    return parts if "path" in parts else {"path": path}


def _config(
    path: Path, rows: Rows, target: Target, places: list[str], *, own_test: bool = False
) -> str:
    count = len(rows.files)
    chosen = plan(count, target.task, pictures=rows.source != "text")
    sections = {
        "images": _of_pictures,
        "audio": _of_sounds,
        "nifti": _of_volumes,
        "text": _of_texts,
    }
    data, preprocess, layers = sections[rows.source](rows, target, chosen)
    return config_text(
        path,
        plural(count, rows.medium.noun),
        target,
        count,
        data=[
            f"  source: {rows.source}",
            *places,
            *data,
            split_line(chosen, target, own_test=own_test),
        ],
        preprocess=preprocess,
        model=["  layers:", *layers],
        training=training_lines(chosen, target, count),
    )


def _of_texts(rows: Rows, target: Target, chosen: Plan) -> Sections:
    return [], [*TEXT_LINES], dense_layers(chosen, target)


def _of_pictures(rows: Rows, target: Target, chosen: Plan) -> Sections:
    """Looks at some of the pictures: the usual shape, no side longer than 64."""
    seen: list[tuple[int, int, bool]] = []
    with without_warnings():
        for path in rows.some:
            with opened_picture(path) as image:  # only its header is read
                seen.append((image.height, image.width, image.mode in _GREY))
    usual = [int(statistics.median(look[side] for look in seen)) for side in (0, 1)]
    grey, few = all(grey for *_, grey in seen), len(rows.files) < _FEW_PICTURES
    scale = min(1.0, _LARGEST_SIDE / max(usual))
    height, width = (max(_SMALLEST_SIDE, round(side * scale)) for side in usual)
    told = f"height, width; usually they have {shape(usual)}"
    why = "few pictures: vary them a little in each epoch"
    augmentation = [
        commented("    - {type: RandomRotation, factor: 0.03}", why),
        "    - {type: RandomTranslation, height_factor: 0.1, width_factor: 0.1}",
    ]
    return (
        [
            commented(f"  image_size: [{height}, {width}]", told),
            f"  color: {'grayscale' if grey else 'rgb'}",
        ],
        [PIXELS],
        [
            *(_BASE if few and not grey else []),
            *(augmentation if few else []),
            *image_layers((height, width), target),
        ],
    )


def _of_volumes(rows: Rows, target: Target, chosen: Plan) -> Sections:
    """Looks at some of the volumes: the usual shape, no side longer than 64, and their values."""
    shapes = zip(*map(nifti.shape_of, rows.some), strict=True)
    usual = [int(statistics.median(sides)) for sides in shapes]
    scale = min(1.0, _LARGEST_SIDE / max(usual))
    x, y, z = (max(_SMALLEST_SIDE, round(side * scale)) for side in usual)
    seen = np.stack([nifti.read_volume(path, (x, y, z)) for path in rows.some[:_READ]])
    values = seen[np.isfinite(seen)] if np.isfinite(seen).any() else np.zeros(1)
    low, high = (float(f"{value:.3g}") for value in np.percentile(values, (1, 99)))
    told = "become 0 and 1: of 98 of 100 values"
    if values.min() <= _AIR:
        low, high, told = *_HOUNSFIELD, "become 0 and 1: of CT, air and dense bone"
    return (
        [
            commented(f"  volume_size: [{x}, {y}, {z}]", f"usually they have {shape(usual)}"),
            *([commented(f"  intensity: [{low:g}, {high:g}]", told)] if low < high else []),
        ],
        [],
        image_layers((x, y, z), target),
    )


def _of_sounds(rows: Rows, target: Target, chosen: Plan) -> Sections:
    """Listens to some of the sounds: their usual rate, and how long nine of ten are."""
    seen = [(rate, len(sound) / rate) for rate, sound in map(read_wav, rows.some)]
    usual = Counter(rate for rate, _ in seen).most_common(1)[0][0]
    rate = min(usual, _SPEECH)
    lengths = sorted(seconds for _, seconds in seen)
    long = lengths[math.ceil(_USUAL * len(lengths)) - 1]
    seconds = float(f"{long:.2g}")
    told = f"usually they have {usual:,} samples a second" if usual != rate else "samples a second"
    frame = 2 ** max(5, round(math.log2(rate * _FRAME)))
    frames = f"frame_length: {frame}, frame_step: {frame // 2}, fft_length: {frame}"
    spectrogram = [
        commented("    - {type: STFTSpectrogram, mode: magnitude,", "a picture: time, pitch"),
        f"       {frames},",
        "       scaling: null, expand_dims: true, trainable: false}",
        f"    - {{type: Resizing, height: {_SIDE}, width: {_SIDE}}}",
        "    - {type: BatchNormalization, momentum: 0.8}",
    ]
    span = f"{lengths[0]:.2g} to {lengths[-1]:.2g} s; longer ones are cut, others end in silence"
    return (
        [commented(f"  rate: {rate}", told), commented(f"  seconds: {seconds:g}", span)],
        [],
        [*spectrogram, *image_layers((_SIDE, _SIDE), target)],
    )
