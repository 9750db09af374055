"""A first config of pictures with masks: a folder that holds `images` and `masks`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from dl.config.data import ImagesData
from dl.data.sources.found import media_files
from dl.data.sources.images import medium, opened_picture, without_warnings
from dl.data.sources.masks import FOLDERS, codes_of, text_of
from dl.errors import DataError
from dl.init.plan import Target, commented, path_line, plan, scalar
from dl.text import listing, plural

_MOST_READ = 300
"""Masks that are looked at; a value that only others have is told when they are trained on."""
_MOST_VALUES, _LARGEST_SIDE = 60, 96
_IGNORED = 255
_GREY = ("1", "L", "I;16")


def has_masks(path: Path) -> bool:
    """Tells whether a folder holds pictures and their masks."""
    return path.is_dir() and all((path / name).is_dir() for name in FOLDERS)


def draft(path: Path) -> tuple[str, Target, int, Mapping[str, Sequence[str]]]:
    """Returns what is in the folder, what is to be predicted, the rows, and the sections.

    Raises:
        DataError: There is no picture or mask, or the masks are none.
    """
    images, masks = (path / name for name in FOLDERS)
    kind = medium(ImagesData(source="images", path=str(images)))
    files, drawn = media_files(images, kind), media_files(masks, kind)
    if not files or not drawn:
        raise DataError(
            f"{images if not files else masks}: there is no picture",
            expected="pictures in `images`, and a mask of the same name for each in `masks`",
        )
    with without_warnings():
        with opened_picture(files[0]) as first:
            size, grey = (first.height, first.width), first.mode in _GREY
        values, ignored = _values(drawn[:: max(1, len(drawn) // _MOST_READ)])
    scale = min(1.0, _LARGEST_SIDE / max(size))
    height, width = (max(8, 4 * round(side * scale / 4)) for side in size)
    target = Target(("mask",), "binary" if len(values) == 2 else "multiclass", values)
    listed = listing((value if value.isdecimal() else f'"{value}"' for value in values), "")
    chosen = plan(len(files), target.task, pictures=True)
    ignoring = commented(f"  mask_ignore: {ignored}", "pixels that do not count")
    return (
        f"{plural(len(files), 'picture')} with masks",
        target,
        len(files),
        {
            "data": [
                "  source: images",
                path_line(images),
                f"  masks: {scalar(str(masks))}",
                commented(f"  mask_values: [{listed}]", "name them in this order: classes: [...]"),
                *([ignoring] if ignored is not None else []),
                commented(f"  image_size: [{height}, {width}]", "height, width; multiples of 4"),
                f"  color: {'grayscale' if grey else 'rgb'}",
                f"  split: {{validation: {chosen.validation}, test: {chosen.test}}}",
            ],
            "preprocess": [commented("  scale: 255", "pixels between 0 and 1")],
            "model": ["  layers:", *_layers(len(values))],
            "training": _training(len(values)),
        },
    )


def _values(files: Sequence[Path]) -> tuple[tuple[str, ...], int | None]:
    """Returns the values that masks hold, and the one that stands for pixels that do not count."""
    found: set[int] = set()
    for file in files:
        found |= set(codes_of(file, colours=False).ravel().tolist())
        if len(found) > _MOST_VALUES:
            raise DataError(
                f"{file}: the masks hold more than {_MOST_VALUES} values up to this one",
                expected="a value for each class, in PNG files",
                hint="a folder that is called `masks` holds masks; JPEG changes values",
            )
    rest = sorted(found - {_IGNORED})
    ignoring = _IGNORED in found and len(rest) > 1 and rest == list(range(rest[0], rest[-1] + 1))
    numbers = rest if ignoring else sorted(found, key=lambda code: (code < 0, abs(code)))
    return tuple(map(text_of, numbers)), _IGNORED if ignoring else None


def _layers(classes: int) -> list[str]:
    convolution = "    - {{type: Conv2D{}, filters: {}, kernel_size: 3, {}padding: same, {}}}"
    down, relu = "strides: 2, ", "activation: relu"
    units, end = (1, "sigmoid") if classes == 2 else (classes, "softmax")
    return [
        convolution.format("", 32, down, relu),
        convolution.format("", 32, "", relu),
        convolution.format("", 64, down, relu),
        convolution.format("", 64, "", relu),
        convolution.format("Transpose", 64, "", relu),
        convolution.format("Transpose", 32, down, relu),
        convolution.format("Transpose", 32, down, relu),
        convolution.format("", units, "", f"activation: {end}"),
    ]


def _training(classes: int) -> list[str]:
    loss = "binary_crossentropy" if classes == 2 else "sparse_categorical_crossentropy"
    return [
        f"  loss: {loss}",
        "  optimizer: {type: adam, learning_rate: 3e-3}",
        f"  metrics: [accuracy, {{type: MeanIoU, num_classes: {max(2, classes)}}}]",
        "  batch_size: 8",
        commented("  epochs: 150", "at most: it stops when validation no longer improves"),
        "  callbacks:",
        "    - {type: EarlyStopping, monitor: val_loss, patience: 30, restore_best_weights: true}",
    ]
