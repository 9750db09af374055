"""What a network says: of rows, beside what is true, and over a plane of two inputs.

`outputs.npz` holds the part that tells most. With it, runs are compared row by row, reports are
made anew without the model, and a model is found out that says the same of every row.
"""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from dl.data.arrays import ArrayFeature
from dl.data.dataset import Preprocessing
from dl.data.features import NumericFeature
from dl.data.files import DAMAGED
from dl.data.target import Target, class_indexes, classes_of, own_numbers, unscale
from dl.data.types import Array, mean
from dl.rundir.directory import RunDirectory
from dl.rundir.manifest import damaged, publish, read_checked

_OTHER = "`y` and `outputs` must be those of the target in preprocess.json"
MOST_BYTES = 64_000_000
"""Outputs that take more are not kept."""
_FEWEST_ROWS = 10
"""Fewer answers may be alike by chance."""
_SPREAD = 0.05
"""Predictions that spread less than this fraction of the targets know next to nothing of them."""


@dataclass(frozen=True, slots=True)
class Predictions:
    """Rows of a part, in its order.

    Attributes:
        part: Name of the part: test, else validation, else train.
        y: Targets as the network was trained on.
        outputs: What the network gave, shape (rows, units) or (rows, *places, units).
        weights: How much each row counts, shape (rows,); None where all count the same.
    """

    part: str
    y: Array
    outputs: Array
    weights: Array | None = None


@dataclass(frozen=True, slots=True)
class Answers:
    """True and predicted values of the same rows.

    Where a row has several places, each of them counts as a row, in their order.

    Attributes:
        true: Class indexes, shape (rows,); multilabel: 0 or 1, shape (rows, labels); regression:
            values in the target's unit, shape (rows, targets).
        predicted: As `true`; None where the outputs name no class, or other numbers than targets;
            of several quantiles the median.
        probabilities: Shape (rows, classes), if the outputs are any.
        places: How many places a row of the data has.
        weights: How much each row counts, shape (rows,); None where all count the same.
    """

    true: Array
    predicted: Array | None
    probabilities: Array | None
    places: int = 1
    weights: Array | None = None


def answers(y: Array, outputs: Array, target: Target, weights: Array | None = None) -> Answers:
    """Returns what the outputs say, beside what is true.

    Args:
        y: Targets as the network was trained on.
        outputs: The model's outputs, shape (rows, units) or (rows, *places, units).
        target: What the model predicts.
        weights: How much each row counts, shape (rows,).
    """
    places = math.prod(target.places)
    rows = len(y) * places
    if target.form == "numbers":
        true, said = unscale(y, target), own_numbers(outputs, target)
        if 0.5 in target.quantiles:  # the median stands for the number; without it, nothing does
            middle = target.quantiles.index(0.5)
            said = said[:, middle : middle + 1]
        fits = true.size == said.size  # a loss such as CTC compares other numbers
        predicted = said.reshape(rows, -1) if fits else None
        return Answers(true.reshape(rows, -1), predicted, None, places, weights)
    shape = (rows, -1) if target.form == "multilabel" else (rows,)
    true = (y if target.form == "multilabel" else class_indexes(y, target)).reshape(shape)
    if target.units is None:
        return Answers(true, None, None, places, weights)
    chosen, probabilities = classes_of(outputs, target)
    flat = None if probabilities is None else probabilities.reshape(rows, -1)
    return Answers(true, chosen.reshape(shape), flat, places, weights)


def write_predictions(run: RunDirectory, rows: Predictions) -> None:
    """Publishes the rows, unless they are more than `MOST_BYTES`; raises `DiskError`."""
    if rows.y.nbytes + rows.outputs.nbytes > MOST_BYTES:
        return
    content = io.BytesIO()
    weights = {} if rows.weights is None else {"weights": rows.weights}
    arrays: dict[str, Any] = {"y": rows.y, "outputs": rows.outputs, **weights}
    np.savez(content, part=np.array(rows.part), **arrays)
    publish(run.outputs, content.getvalue())


def read_predictions(run: RunDirectory) -> Predictions | None:
    """Reads the rows; None where the run kept none.

    Raises:
        RunError: The file is damaged.
    """
    if not run.outputs.exists():
        return None
    content = read_checked(run.outputs)
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            weights = file["weights"] if "weights" in file.files else None
            rows = Predictions(str(file["part"]), file["y"], file["outputs"], weights)
    except (*DAMAGED, MemoryError) as error:
        raise damaged(run.outputs) from error
    if rows.y.dtype.kind not in "iuf" or rows.outputs.dtype.kind not in "iuf":
        raise damaged(run.outputs, "`y` and `outputs` must be numbers")
    if rows.y.ndim == 0 or rows.y.shape[:1] != rows.outputs.shape[:1] or not len(rows.y):
        raise damaged(run.outputs, "`y` and `outputs` must have the same rows")
    if rows.weights is not None and not _are_weights(rows.weights, len(rows.y)):
        raise damaged(run.outputs, "`weights` must have a number from 0 for each row")
    return rows


def _are_weights(weights: Array, rows: int) -> bool:
    if weights.dtype.kind != "f" or weights.shape != (rows,) or not np.isfinite(weights).all():
        return False
    return bool(weights.min() >= 0 and weights.max() > 0)


def read_answers(run: RunDirectory, target: Target) -> tuple[str, Answers] | None:
    """Reads the part, and the true and predicted values of its rows.

    None where the run kept none, or what its model says of a row is not finite.

    Args:
        run: The run.
        target: What its model predicts.

    Raises:
        RunError: The file is damaged, or of another target.
    """
    rows = read_predictions(run)
    if rows is None or not np.isfinite(rows.outputs).all():
        return None
    try:
        with np.errstate(all="ignore"):  # numbers that are not classes are refused below
            said = answers(rows.y, rows.outputs, target, rows.weights)
    except (ValueError, IndexError) as error:  # shapes that cannot be brought into those wanted
        raise damaged(run.outputs, _OTHER) from error
    if not np.isfinite(said.true).all() or not _fits(said, target):
        raise damaged(run.outputs, _OTHER)
    if said.predicted is not None and not np.isfinite(said.predicted).all():
        return None
    return rows.part, said


def _fits(said: Answers, target: Target) -> bool:
    """Tells whether the values are those of the target."""
    true, predicted, classes = said.true, said.predicted, len(target.classes)
    if predicted is not None and predicted.shape != true.shape:
        return False
    if target.form == "numbers":
        # Earlier versions took a row of several axes for one of as many numbers.
        several_axes = bool(target.places) or target.units is None
        return several_axes or len(true[0]) == len(target.names)
    if said.probabilities is not None and said.probabilities.shape != (len(true), classes):
        return False
    if target.form == "multilabel":
        return true.shape[1] == classes and bool(np.isin(true, (0, 1)).all())
    named = true if predicted is None else np.concatenate([true, predicted])
    return bool(named.min() >= 0 and named.max() < classes)


def one_answer(answered: tuple[str, Answers] | None, target: Target) -> str:
    """Returns in words what a model answers always; empty if its answers differ, or are few.

    Args:
        answered: The part, and what the model said of its rows; None if that was not kept.
        target: What the model predicts.
    """
    if answered is None:
        return ""
    part, said = answered
    if said.predicted is None or len(said.true) < _FEWEST_ROWS:
        return ""
    what = "rows" if said.places == 1 else "places"
    where = f"{len(said.true):,} {what} of the {part} part"
    if target.form == "numbers":
        return _of_numbers(said.true, said.predicted, where)
    if np.all(said.true == said.true[0]) or not np.all(said.predicted == said.predicted[0]):
        return ""
    return _of_classes(said, said.predicted[0], where, target)


def _of_classes(said: Answers, answer: Array, where: str, target: Target) -> str:
    if target.form == "multilabel":
        chosen = [f"`{target.classes[place]}`" for place in np.flatnonzero(answer)]
        return f"always answers {' and '.join(chosen) or 'no label'}, for each of {where}"
    fraction = float(mean(said.true == answer, said.weights))
    commonest = np.bincount(said.true.astype(np.int64), said.weights).argmax()
    which = "the most frequent class" if answer == commonest else "that class"
    return (
        f"always answers `{target.classes[int(answer)]}`, for each of {where}: the accuracy "
        f"{fraction:.3f} is the fraction of {which}"
    )


def _of_numbers(true: Array, predicted: Array, where: str) -> str:
    spread, wanted = predicted.std(axis=0), true.std(axis=0)
    if not np.all(wanted > 0) or not np.all(spread < _SPREAD * wanted):
        return ""
    words = " and ".join(f"{value:.4g}" for value in predicted.mean(axis=0)[:3])
    return (
        f"always answers about {words}: over {where} the predictions have a standard deviation "
        f"of {spread[0]:.2g}, the true values one of {wanted[0]:.2g}"
    )


# Over a plane of two inputs

_MARGIN = 0.08
"""Room around the rows, as a fraction of their range."""
Pair = tuple[float, float]


@dataclass(frozen=True, slots=True)
class InputPlane:
    """A plane of two inputs; the values of both axes are in the data's own unit.

    Attributes:
        names: What the axes are called.
        center: What is subtracted from a value to give `x`.
        spread: What the difference is divided by.
        low: The least values shown.
        high: The greatest values shown.
    """

    names: tuple[str, str]
    center: Pair
    spread: Pair
    low: Pair
    high: Pair

    def original(self, x: Array) -> Array:
        """Returns rows of `x`, shape (rows, 2), in the data's own unit."""
        return np.asarray(x * np.array(self.spread) + np.array(self.center))

    def grid(self, side: int) -> Array:
        """Returns `x` of side * side points, from the lower left, one row of points after another.

        Shape (side * side, 2).
        """
        axes = (np.linspace(self.low[axis], self.high[axis], side) for axis in (0, 1))
        points = np.stack(np.meshgrid(*axes), axis=-1).reshape(-1, 2)
        return np.asarray((points - self.center) / self.spread, np.float32)


@dataclass(frozen=True, slots=True)
class SurfaceFrame:
    """What the network says on the grid after an epoch.

    Attributes:
        epoch: Finished epochs; 0 for the initial weights.
        values: Probability of each class on a grid of side * side points, shape
            (side * side, classes); or the predicted numbers, shape (side * side, 1).
        final: Whether these are the weights that were kept.
    """

    epoch: int
    values: Array
    final: bool = False

    @property
    def side(self) -> int:
        """Points of the grid along each axis."""
        return math.isqrt(len(self.values))


@dataclass(frozen=True, slots=True)
class DecisionSurface:
    """How a network divides a plane, epoch by epoch.

    Attributes:
        plane: The plane.
        frames: Ordered by epoch; the last has the weights that were kept.
        rows: Training rows in the data's own unit, shape (rows, 2).
        y: Their class indexes, or values in the target's unit, shape (rows,).
        probabilities: Whether the values for classes are probabilities, not 0 or 1.
        threshold: The value from which a point is of the second of two classes.
    """

    plane: InputPlane
    frames: tuple[SurfaceFrame, ...]
    rows: Array
    y: Array
    probabilities: bool = True
    threshold: float = 0.5


@dataclass(frozen=True, slots=True)
class ParameterPath:
    """Where training took the bias and the weight of a unit with one input.

    Attributes:
        points: Bias and weight at the start and then as training went on, shape (points, 2).
        steps: Updates between two points; 0 where they were found without steps.
        biases: The biases of the grid, rising, shape (side,).
        weights: The weights of the grid, rising, shape (side,).
        loss: The loss of the training rows at each weight (row) and bias (column) of the grid.
        rows: Number of the training rows.
        least: Bias and weight of the least mean squared error; None for another loss or activation.
    """

    points: Array
    steps: int
    biases: Array
    weights: Array
    loss: Array
    rows: int
    least: Pair | None


def input_plane(fitted: Preprocessing, x: Array) -> InputPlane | None:
    """Returns the plane of the rows `x`, or None where the inputs are not two numbers."""
    match () if fitted.window else fitted.features:
        case (NumericFeature() as first, NumericFeature() as second) if len(x):
            if not first.is_linear or not second.is_linear:
                return None
            names = (first.name, second.name)
            center, spread = (first.center, second.center), (first.spread, second.spread)
        case (ArrayFeature(dtype="float32", input_shape=(2,)) as array,) if len(x):
            names = ("x1", "x2")
            center, spread = (_pair(np.resize(e, 2)) for e in array.own_scaling or (0.0, 1.0))
        case _:
            return None
    original = x * np.array(spread) + np.array(center)
    low, high = original.min(axis=0), original.max(axis=0)
    room = np.where(high > low, _MARGIN * (high - low), 1.0)
    return InputPlane(names, center, spread, _pair(low - room), _pair(high + room))


def _pair(values: Array) -> Pair:
    return float(values[0]), float(values[1])
