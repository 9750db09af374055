"""What the pictures are made of: `PlotInput`, and how its arrays are brought into one form."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dl.config.sections.data import Task
from dl.data.parameter_path import ParameterPath
from dl.data.plane import Boundary
from dl.data.types import Array
from dl.report.history import History
from dl.text import one_line


@dataclass(frozen=True, slots=True)
class PlotInput:
    """A run as the pictures show it.

    All arrays are about the same rows: those of `part`. Without them only the history is drawn.
    Where a row has several places, such as steps or pixels, `y_true`, `predictions` and
    `probabilities` have a row for each place.

    Attributes:
        name: The run, as a title: `digits/0003`.
        history: The rows of `history.csv`.
        task: Kind of task.
        loss: The name of the loss, for the axis; may be empty.
        classes: Names of the classes (multilabel: of the labels); empty for regression.
        targets: Names of the target columns.
        units: The unit of each target for the axes; empty, or as many as there are targets.
        part: The part of the data that the rows are from: `test` or `validation`.
        part_rows: Rows of the whole part, where the arrays may be about a sample of them.
        x: Inputs, best in their original values, shape (rows, ...); only pictures use them.
        y_true: Class indexes, shape (rows,); multilabel: 0 or 1, shape (rows, labels); regression:
            values in the target's unit, shape (rows,) or (rows, targets).
        predictions: As `y_true`.
        probabilities: Shape (rows, classes); binary: also (rows,) or (rows, 1) of the second class.
        image: Whether a row of `x` is a picture: (height, width) or (height, width, channels).
        pixel_max: The value of `x` that is full brightness. Default: by the values shown.
        picture_shape: How to fold a row of `x` that is a picture in disguise, such as (8, 8).
        boundary: How the network divides the plane, where its inputs are two numbers.
        path: The way of the parameters, where the network is a unit with one input.
        places: How many places each row has.
    """

    name: str
    history: History
    task: Task
    loss: str = ""
    classes: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    part: str = "test"
    part_rows: int | None = None
    x: Array | None = None
    y_true: Array | None = None
    predictions: Array | None = None
    probabilities: Array | None = None
    image: bool = False
    pixel_max: float | None = None
    picture_shape: tuple[int, ...] | None = None
    boundary: Boundary | None = None
    path: ParameterPath | None = None
    places: int = 1

    @property
    def counted(self) -> str:
        """What `y_true` has one of each: rows, or the places of rows."""
        return "places" if self.places > 1 else "rows"


def class_name(run: PlotInput, index: int) -> str:
    """Returns the name of a class; its index where it has none."""
    if 0 <= index < len(run.classes):
        return one_line(run.classes[index]) or "(empty)"
    return str(index)


def class_probabilities(run: PlotInput) -> Array | None:
    """Returns the probability of every class, shape (rows, classes), if there are any."""
    if run.probabilities is None:
        return None
    given = np.asarray(run.probabilities, dtype=np.float64)
    if given.ndim == 1:
        given = given[:, None]
    if run.task == "binary" and given.shape[1] == 1:
        return np.hstack([1 - given, given])
    return given


def class_indexes(values: Array) -> Array:
    """Returns class indexes as integers, shape (rows,), also from shape (rows, 1)."""
    return np.asarray(values).reshape(len(values)).astype(np.int64)


def as_columns(values: Array) -> Array:
    """Returns values as float64 columns, shape (rows, columns)."""
    numbers = np.asarray(values, dtype=np.float64)
    return numbers.reshape(len(numbers), -1)


def describe_part(run: PlotInput) -> str:
    """Returns the part and its number of rows in words: `test part, 360 rows`."""
    count = 0 if run.y_true is None else len(run.y_true) // run.places
    each = f" of {run.places:,} places" if run.places > 1 else ""
    if run.part_rows is not None and run.part_rows > count:
        return f"{run.part} part, {count:,} of {run.part_rows:,} rows{each}"
    return f"{run.part} part, {count:,} row{'' if count == 1 else 's'}{each}"
