"""The facts of a run, computed once: what its pictures, its page and the terminal show of it."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dl.config.data import Task
from dl.data.dataset import Preprocessing
from dl.data.predictions import Answers, DecisionSurface, ParameterPath
from dl.data.target import quantile_names
from dl.data.transform import original_columns
from dl.data.types import Array, Part
from dl.report.charts import History
from dl.text import number, one_line, plural

# Below it a logarithm would make one mistake greater than all others; 0 would be infinite.
_LEAST_PROBABILITY = 1e-12
# Pixels; pictures are shown at this width in a page.
_SIDE = 84
# Fraction of values at each end that may be darker or brighter than the rest is shown for.
_RARE = 0.005
# Samples of a column of a spectrogram, and how much fainter than the loudest is black.
_WINDOW, _DECIBELS = 256, 60
# How high a spectrogram is beside its width: time and pitch have no common measure.
_FLAT = 0.75


@dataclass(frozen=True, slots=True)
class Pictures:
    """Rows that can be shown as pictures.

    Attributes:
        values: Shape (rows, height, width) or (rows, height, width, channels); of sounds
            (rows, samples) or (rows, samples, 1).
        pixel_max: The value that is full brightness. Default: by the values shown.
        sounds: Whether the rows are sounds, which are shown as spectrograms.
    """

    values: Array
    pixel_max: float | None = None
    sounds: bool = False

    def pixels(self, rows: Sequence[int] | Array, wide: int) -> Array:
        """Returns rows as colours from 0 to 255, shape (pictures, height, `wide`, 3)."""
        values = self.values[np.asarray(rows)].astype(np.float32)
        values = _spectrograms(values) if self.sounds else values
        values = _reduced(values[..., None] if values.ndim == 3 else values, wide)
        values = values[..., : 3 if values.shape[3] >= 3 else 1]
        values = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
        low, high = 0.0, self.pixel_max
        if not high:  # the range of nearly all: a column scaled by itself may have a few far out
            low, most = np.quantile(values, [_RARE, 1 - _RARE])
            low, high = min(0.0, float(low)), float(most if most > max(0.0, low) else values.max())
        shares = np.clip((values - low) / ((high - low) or 1.0), 0.0, 1.0)
        tall = _FLAT if self.sounds else values.shape[1] / values.shape[2]
        shown = _of_size((255 * shares).astype(np.uint8), max(1, round(wide * tall)), wide)
        return np.repeat(shown, 3, axis=3) if shown.shape[3] == 1 else shown

    def data_uris(self, rows: Array) -> list[str]:
        """Returns the address that holds the picture of each row."""
        return [_uri_of(picture) for picture in self.pixels(rows, _SIDE)]


def pictures_of(part: Part, preprocessing: Preprocessing) -> Pictures | None:
    """Returns the rows of a part as pictures, where the data are any: images, or their pixels.

    The columns of a table are the pixels of a square picture where their names say so by their
    endings: `pixel_0_0`, `pixel_0_1`… They are shown in their original values. Of the volumes of
    scanners the middle slice along z is shown, x to the right and y upwards.
    """
    array, names = preprocessing.array, preprocessing.feature_names
    if array is not None and preprocessing.source == "audio":
        return Pictures(part.x[:], pixel_max=1.0, sounds=True)
    if array is not None and preprocessing.source == "nifti":
        x = part.x[:]
        return Pictures(x.reshape(x.shape[:4])[..., x.shape[3] // 2].swapaxes(1, 2)[:, ::-1])
    if array is not None and array.image and len(array.input_shape) < 4:  # no volumes
        return Pictures(part.x[:], array.pixel_max)
    side = math.isqrt(len(names))
    endings = [f"{row}_{column}" for row in range(side) for column in range(side)]
    if side < 4 or len(endings) != len(names):
        return None
    if not all(name.endswith(end) for name, end in zip(names, endings, strict=True)):
        return None
    columns = original_columns(part.x[:], preprocessing.columns).values()
    return Pictures(np.column_stack(list(columns)).reshape(-1, side, side))


def _spectrograms(sounds: Array) -> Array:
    """Returns how loud each pitch is at each time, shape (sounds, pitches, times): low ones below.

    The loudest of each sound is 1, and what is 60 decibels below it, or less, is 0.
    """
    from scipy.signal import spectrogram  # which takes long to load, for sounds alone

    samples = sounds.reshape(len(sounds), -1)
    window = min(_WINDOW, samples.shape[1])
    _, _, power = spectrogram(samples, nperseg=window, noverlap=window // 2)
    loudest = power.max(axis=(1, 2), keepdims=True)
    decibels = 10 * np.log10(np.maximum(power / np.where(loudest > 0, loudest, 1), 1e-6))
    return np.asarray(1 + decibels[:, ::-1] / _DECIBELS, np.float32)


def _reduced(values: Array, wide: int) -> Array:
    """Averages pixels of pictures, (pictures, height, width, channels), far wider than `wide`."""
    step = max(1, values.shape[2] // wide)
    if step == 1:
        return values
    rows, columns = (size // step * step for size in values.shape[1:3])
    whole = values[:, :rows, :columns]
    blocks = whole.reshape(len(whole), rows // step, step, columns // step, step, -1)
    return np.asarray(blocks.mean(axis=(2, 4)))


def _of_size(values: Array, tall: int, wide: int) -> Array:
    """Brings pictures to a size: pixels are repeated or left out."""
    rows_taken = np.arange(tall) * values.shape[1] // tall
    columns_taken = np.arange(wide) * values.shape[2] // wide
    return np.asarray(values[:, rows_taken][:, :, columns_taken])


def _uri_of(picture: Array) -> str:
    from PIL import Image  # for the page alone: a training shows its result before that

    content = io.BytesIO()
    Image.fromarray(picture).convert("RGB").quantize(64).save(content, "PNG", optimize=True)
    return png_uri(content.getvalue())


def png_uri(content: bytes) -> str:
    """Returns the address that holds the content of a PNG file."""
    return "data:image/png;base64," + base64.b64encode(content).decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """A run as it is shown.

    All arrays are about the same rows: those of `part`. Without them only the history is shown.
    Where a row has several places, such as steps or pixels, `true`, `predicted` and
    `probabilities` have a row for each place.

    Attributes:
        name: The run, as a title: `digits/0003`.
        history: The rows of `history.csv`.
        task: Kind of task.
        loss: The name of the loss, for the axis; may be empty.
        classes: Names of the classes (multilabel: of the labels); empty for regression.
        targets: Names of the target columns.
        part: The part of the data that the rows are from: `test` or `validation`.
        part_rows: Rows of the whole part, where the arrays may be about a sample of them.
        true: Class indexes, shape (rows,); multilabel: 0 or 1, shape (rows, labels); regression:
            values in the target's unit, shape (rows, targets).
        predicted: As `true`; None where the outputs name no class.
        probabilities: Shape (rows, classes), if the outputs are any.
        places: How many places each row has.
        grid: Their shape; empty where a row has one answer.
        inputs: The inputs, where they are pictures and rows have places, or are to come back.
        errors: How far each row came back from what it was, where the inputs are the target.
        limit: The error from which a row is unusual.
        threshold: The probability from which a row is of the second class, or has a label.
        pictures: The inputs, where they are pictures.
        surface: What the network says on the plane of its inputs, where they are two numbers.
        path: The way of the parameters, where the network is a unit with one input.
        steps: Steps that follow a window; 0 where rows are no series.
        simple: The mean absolute error of simple forecasts at each of several steps, by name.
        weights: How much each row counts, shape (rows,); None where all count the same.
    """

    name: str
    history: History
    task: Task
    loss: str = ""
    classes: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    part: str = "test"
    part_rows: int | None = None
    true: Array = field(default_factory=lambda: np.zeros(0))
    predicted: Array | None = None
    probabilities: Array | None = None
    places: int = 1
    grid: tuple[int, ...] = ()
    inputs: Pictures | None = None
    errors: Array | None = None
    limit: float | None = None
    threshold: float = 0.5
    pictures: Pictures | None = None
    surface: DecisionSurface | None = None
    path: ParameterPath | None = None
    steps: int = 0
    simple: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    weights: Array | None = None

    @property
    def counted(self) -> str:
        """What `true` has one of each: rows, or the steps, the pixels or the places of rows."""
        if self.places == 1:
            return "rows"
        return {1: "steps", 2: "pixels"}.get(len(self.grid), "places")

    @property
    def about(self) -> str:
        """The part and its number of rows: `test part, 360 rows`."""
        count = len(self.true) // self.places
        each = f" of {self.places:,} {self.counted}" if self.places > 1 else ""
        each += "" if self.weights is None else ", weighted"
        if self.part_rows is not None and self.part_rows > count:
            return f"{self.part} part, {count:,} of {self.part_rows:,} rows{each}"
        return f"{self.part} part, {plural(count, 'row')}{each}"

    @property
    def in_classes(self) -> bool:
        """Whether each row is of one class."""
        return self.task in ("binary", "multiclass")

    def class_name(self, index: int) -> str:
        """Returns the name of a class; its index where it has none."""
        if 0 <= index < len(self.classes):
            return one_line(self.classes[index]) or "(empty)"
        return str(index)

    def worded(self, values: Array) -> list[str]:
        """Returns true or predicted values in words: class names, the labels that are set."""
        if self.task == "regression":
            return [", ".join(number(float(value)) for value in row) for row in values]
        if self.task == "multilabel":
            labels = [map(self.class_name, np.flatnonzero(row > 0.5).tolist()) for row in values]
            return [", ".join(names) or "none" for names in labels]
        return [self.class_name(int(index)) for index in values]

    def surety(self, rows: Array) -> list[str]:
        """Returns the probability of the predicted class of some rows: ` (0.98)`, or nothing."""
        if not self.in_classes or self.probabilities is None or self.predicted is None:
            return [""] * len(rows)
        shown = self.probabilities[rows, self.predicted[rows].astype(np.int64)]
        return [f" ({probability:.2f})" for probability in shown]

    def worst_rows(self, most: int) -> Array:
        """Returns the positions of wrongly predicted rows, the largest loss first.

        The loss is the cross-entropy where there are probabilities (so that the confident mistakes
        come first), the squared error for regression; else all mistakes are equal and keep their
        order.
        """
        if self.predicted is None or not len(self.true):
            return np.zeros(0, np.int64)
        true, given = self.true, self.probabilities
        if self.task == "regression":
            deviation = true.std(axis=0)
            errors = (self.predicted - true) / np.where(deviation > 0, deviation, 1.0)
            loss = np.square(errors).mean(axis=1)
            wrong = loss > 0
        else:
            unequal = true != self.predicted
            wrong = unequal if unequal.ndim == 1 else unequal.any(axis=1)
            loss = np.zeros(len(true))
            if given is not None and self.task == "multilabel":
                loss = _surprise(np.where(true > 0.5, given, 1 - given)).mean(axis=1)
            elif given is not None:
                loss = _surprise(given[np.arange(len(true)), true.astype(np.int64)])
        order = np.argsort(-loss, kind="stable")
        return np.asarray(order[wrong[order]][:most])


def _surprise(probabilities: Array) -> Array:
    return np.asarray(-np.log(np.maximum(probabilities, _LEAST_PROBABILITY)))


def answer_facts(answers: Answers, preprocessing: Preprocessing) -> dict[str, Any]:
    """Returns the fields of `RunFacts` that the data and the answers of a model decide."""
    target, window = preprocessing.target, preprocessing.window
    return {
        "task": target.task,
        "classes": target.classes,
        # Of several quantiles, what stands beside the truth is the median.
        "targets": tuple(n for n in quantile_names(target) if n.endswith("_q50")) or target.names,
        "true": answers.true,
        "predicted": answers.predicted,
        "probabilities": answers.probabilities,
        "places": answers.places,
        "grid": target.places,
        "weights": answers.weights,
        "threshold": target.cut,
        "steps": len(window.target_rows) if window and window.ahead else 0,
    }
