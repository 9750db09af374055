"""What stands in the output of `dl predict` where it is not what is predicted at each place."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from dl.data.row_errors import QUANTILE, limit_of, measure_of, read_errors, row_errors
from dl.data.sources.masks import resized, upright_size
from dl.data.target import Target, classes_of, decode, own_numbers
from dl.data.types import Array, Inputs
from dl.errors import UsageError
from dl.predict.lite import PREDICTION, Columns, SavedFiles, Task
from dl.progress import Reporter
from dl.rundir.files import write_bytes
from dl.text import listing, number, percent, plural

MOST_COLUMNS = 10_000
"""More numbers of a layer are no table."""
_COLOURS = [(0, 0, 0), (0, 114, 178), (213, 94, 0), (0, 158, 115), (204, 121, 167), (240, 228, 66)]
"""Colours of classes in a palette, told apart also by colour-blind readers; then grays."""


def columns_of(files: SavedFiles, task: Task, reporter: Reporter) -> Columns:
    """Returns what makes columns of rows and outputs, as the task asks.

    Raises:
        UsageError: The model has no such predictions.
    """
    target = files.preprocessing.target
    if task.layer is not None:
        return lambda inputs, outputs: _of_layer(str(task.layer), outputs)
    if task.masks is not None:
        return _masks(files, task, task.masks)
    if task.join is not None:
        return _joined(files, task.join)
    if task.samples is not None:
        return _with_spread(files, task)
    if task.error or task.quantile is not None:
        return _with_errors(files, QUANTILE if task.quantile is None else task.quantile, reporter)
    return lambda inputs, outputs: decode(outputs, target)


def _of_layer(name: str, outputs: Array) -> dict[str, Array]:
    flat = outputs.reshape(len(outputs), -1)
    if flat.shape[1] == 1:
        return {name: flat[:, 0]}
    return {f"{name}_{place}": column for place, column in enumerate(flat.T, start=1)}


def _with_errors(files: SavedFiles, quantile: float, reporter: Reporter) -> Columns:
    target, loss = files.preprocessing.target, files.config.training.loss.type
    errors = read_errors(files.run)
    if errors is None:
        raise UsageError(
            f"--error has no meaning for {files.run.label}",
            expected="a run whose target is its inputs: the error tells how far a row came back "
            "from what it was",
            hint="train with `data.target: inputs`",
        )
    limit = limit_of(errors, quantile)
    reporter.note(
        f"error: the {measure_of(loss)} of a row; unusual: above {number(limit)}, as "
        f"{percent(1 - quantile)} of the training rows are"
    )

    def columns(inputs: Inputs, outputs: Array) -> dict[str, Array]:
        error = row_errors(loss, np.asarray(inputs.x[:]), outputs, target)
        said = {} if target.places else decode(outputs, target)
        return {**said, "error": error, "unusual": (error > limit).astype(np.int8)}

    return columns


def values_of(outputs: Array, target: Target) -> Array:
    """Returns the probability of each class, or numbers in the target's unit: what is averaged."""
    if target.form == "numbers":
        return own_numbers(outputs, target)
    return np.asarray(classes_of(outputs, target)[1])


def _with_spread(files: SavedFiles, task: Task) -> Columns:
    target = files.preprocessing.target
    if target.form != "numbers" and (target.units is None or not target.probabilities):
        raise UsageError(
            f"--samples has no meaning for {files.run.label}: its outputs are not probabilities",
            expected="a model that predicts numbers, or a probability of each class",
            hint="leave --samples out, or train with a loss such as `binary_crossentropy`",
        )
    plain = replace(target, activation="none", scaling="none")
    pair = target.form == "single"  # two classes of one output have two probabilities
    each = replace(plain, form="one_hot", units=2) if pair else plain

    def columns(inputs: Inputs, found: Array) -> dict[str, Array]:
        mean, spread = found[:, 0], found[:, 1]
        said = decode(mean[..., 1:] if pair else mean, plain)
        spreads = {
            f"{task.name if name == PREDICTION else name}_std": values
            for name, values in decode(spread, each).items()
            if target.form == "numbers" or name.startswith("probability_")
        }
        if twice := said.keys() & spreads.keys():
            raise UsageError(
                f"two columns of the output would be named {min(twice)!r}",
                hint="train with another name of this class or target",
            )
        return said | spreads

    return columns


def _joined(files: SavedFiles, text: str) -> Columns:
    target = files.preprocessing.target
    if len(target.places) != 1 or target.form in ("numbers", "multilabel"):
        raise UsageError(
            f"--join has no meaning for {files.run.label}",
            expected="a model that predicts a class at each step of a sequence",
            hint="leave --join out",
        )

    def columns(inputs: Inputs, outputs: Array) -> dict[str, Array]:
        named = np.array(target.classes)[classes_of(outputs, target)[0]]
        return {"prediction": np.array([text.join(row) for row in named], dtype=object)}

    return columns


def _masks(files: SavedFiles, task: Task, folder: Path) -> Columns:
    target = files.preprocessing.target
    if len(target.places) != 2 or target.form in ("numbers", "multilabel"):
        raise UsageError(
            f"--masks has no meaning for {files.run.label}",
            expected="a model that predicts a class at each pixel",
            hint="leave --masks out",
        )
    root = task.source if isinstance(task.source, Path) and task.source.is_dir() else None
    draw, written = _painter(target), 0

    def columns(inputs: Inputs, outputs: Array) -> dict[str, Array]:
        nonlocal written
        chosen = classes_of(outputs, target)[0]
        paths = []
        for row, mask in enumerate(chosen):
            name, size = Path(f"{written + row:06d}"), (mask.shape[1], mask.shape[0])
            if inputs.files:
                file = Path(inputs.files[row])
                below = root is not None and file.is_relative_to(root)
                name = file.relative_to(root) if root is not None and below else Path(file.name)
                size = upright_size(file)
            path = (folder / name).with_suffix(".png")
            path.parent.mkdir(parents=True, exist_ok=True)
            write_bytes(path, draw(resized(mask, size[::-1])))
            paths.append(str(path))
        written += len(paths)
        shares = {
            f"fraction_{name}": (chosen == place).mean(axis=(1, 2))
            for place, name in enumerate(target.classes)
        }
        return {"mask": np.array(paths, dtype=object), **shares}

    return columns


def _painter(target: Target) -> Callable[[Array], bytes]:
    """Returns what makes a PNG file of positions of classes: what stood in the masks for them."""
    values = target.values
    if all(value.startswith("#") for value in values):
        colours = np.array([bytes.fromhex(value[1:]) for value in values])
        table = np.frombuffer(b"".join(colours.tolist()), np.uint8).reshape(-1, 3)
    else:
        known = all(value.isdecimal() and int(value) < 65536 for value in values)
        table = np.array([int(v) for v in values] if known else range(len(values)), np.uint16)
        if table.max() < 256:
            table = table.astype(np.uint8)

    def draw(mask: Array) -> bytes:
        image = Image.fromarray(table[mask])
        if table.dtype == np.uint8 and table.ndim == 1:
            palette = np.repeat(np.arange(256, dtype=np.uint8), 3)
            for place, value in enumerate(table[: len(_COLOURS)].tolist()):
                palette[3 * value : 3 * value + 3] = _COLOURS[place]
            image = image.convert("L")
            image.putpalette(palette.tolist())
        content = io.BytesIO()
        image.save(content, "PNG")
        return content.getvalue()

    return draw


def check_task(task: Task) -> None:
    """Refuses forms of the output that exclude each other."""
    if task.samples is not None and task.samples < 2:
        raise UsageError(
            f"--samples {task.samples} is too few",
            expected="at least 2: what is told is how far samples are apart",
            hint="--samples 50",
        )
    asked = {
        "--layer": task.layer is not None,
        "--error": task.error or task.quantile is not None,
        "--masks": task.masks is not None,
        "--join": task.join is not None,
        "--samples": task.samples is not None,
    }
    given = [name for name, is_given in asked.items() if is_given]
    if len(given) > 1:
        why = "" if task.samples is None else ": samples are taken of predictions"
        raise UsageError(
            f"{listing(given, 'and')} exclude each other{why}",
            hint="leave all but one of them out",
        )


def unknown_layer(name: str, known: list[str]) -> UsageError:
    """Returns the error for a layer that a model does not have."""
    return UsageError(
        f"there is no layer {name!r}",
        expected=f"one of {plural(len(known), 'layer')}: {listing(known, '', 30)}",
        hint="name a layer by `name` in the config",
    )
