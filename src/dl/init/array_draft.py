"""Drafts a config for an `.npz` file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from dl.config.data import Arrays, NpzData
from dl.data.files import check_file
from dl.data.raw import RawArrays
from dl.data.sources.npz import NpzFile, read_npz
from dl.data.targets.values import target_values
from dl.errors import DataError
from dl.init.draft import Draft
from dl.init.facts import Size, Target
from dl.init.network import dense_layers, image_layers, training_lines
from dl.init.plan import Plan, image_plan, plan
from dl.init.targets import judge_target
from dl.init.words import run_name, split_lines, target_scaling, target_words
from dl.init.yaml_text import commented, path_line, scalar, shown
from dl.progress import SilentReporter
from dl.text import plural

_X_TRAIN = ("x_train", "X_train", "train_x", "train_images", "x", "X", "data", "images", "inputs")
_Y_TRAIN = (
    "y_train",
    "Y_train",
    "train_y",
    "train_labels",
    "y",
    "Y",
    "target",
    "labels",
    "targets",
)
_X_TEST = ("x_test", "X_test", "test_x", "test_images")
_Y_TEST = ("y_test", "Y_test", "test_y", "test_labels")
_BRIGHTEST = 255


def draft_arrays(path: Path) -> Draft:
    """Reads the arrays as training will and drafts a config for them.

    Raises:
        DataError: The file cannot be used.
    """
    check_file(path)
    with NpzFile(path) as file:
        names = _names(path, file.names)
    data = NpzData(source="npz", path=str(path), arrays=Arrays(**names))
    parts = read_npz(data, SilentReporter())
    if not isinstance(parts.train, RawArrays):
        raise TypeError("an npz file holds arrays")
    return _draft(path, names, parts.train, parts.image, own_test=parts.test is not None)


def _names(path: Path, present: Sequence[str]) -> Mapping[str, str]:
    """Returns which arrays are inputs and targets: the first usual name that the file has."""
    wanted = {"x_train": _X_TRAIN, "y_train": _Y_TRAIN, "x_test": _X_TEST, "y_test": _Y_TEST}
    found = {
        key: next(name for name in usual if name in present)
        for key, usual in wanted.items()
        if any(name in present for name in usual)
    }
    if "x_train" not in found or "y_train" not in found:
        raise DataError(
            f"{path}: it is unclear which arrays are the inputs and the targets",
            expected="arrays named `x_train` and `y_train`",
            found=", ".join(f"`{name}`" for name in present[:10]) or "no arrays",
            hint="numpy.savez(FILE, x_train=..., y_train=...)",
        )
    if "x_test" not in found or "y_test" not in found:
        return {key: name for key, name in found.items() if not key.endswith("test")}
    return found


def _draft(
    path: Path, names: Mapping[str, str], train: RawArrays, image: bool, own_test: bool
) -> Draft:
    target = judge_target(target_values(train))
    shape = train.x.shape[1:]
    size = Size(len(train), int(np.prod(shape)))
    chosen = image_plan(size.rows) if image else plan(size, target.task)
    rows = f"{plural(size.rows, 'row')} of shape {shape}"
    return Draft(
        name=run_name(path),
        title=[f"{shown(path.name)}: {rows}.", target_words(target)],
        data=[*_source(path, names), *split_lines(chosen, target, own_test)],
        preprocess=[*_scaling(train, image), *target_scaling(target)],
        layers=_layers(shape, image, chosen, target),
        training=training_lines(chosen, target, size.rows),
    )


def _source(path: Path, names: Mapping[str, str]) -> list[str]:
    lines = ["  source: npz", path_line(path)]
    other = [f"{key}: {scalar(name)}" for key, name in names.items() if key != name]
    return [*lines, f"  arrays: {{{', '.join(other)}}}"] if other else lines


def _scaling(train: RawArrays, image: bool) -> list[str]:
    if not image:
        return [commented("  numeric: standardize", "mean 0, standard deviation 1")]
    if train.x.dtype == np.uint8 or float(train.x[:].max()) > 1:
        return [commented(f"  scale: {_BRIGHTEST}", "pixels between 0 and 1")]
    return []


def _layers(shape: tuple[int, ...], image: bool, chosen: Plan, target: Target) -> list[str]:
    if image:
        return image_layers(shape[0], shape[1], target)
    flat = [] if len(shape) == 1 else [commented("    - Flatten", f"{shape} in a row")]
    return [*flat, *dense_layers(chosen, target)]
