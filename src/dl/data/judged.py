"""`outputs.npz`: what a trained model said of the rows of the part that tells most.

With it, runs are compared row by row and reports are made anew without the model.
"""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass

import numpy as np

from dl.data.targets.target import Answers, Target, answers
from dl.data.types import Array
from dl.runs.directory import RunDirectory
from dl.runs.manifest import damaged, publish, read_checked

_UNREADABLE = (OSError, ValueError, KeyError, EOFError, MemoryError, zipfile.BadZipFile)
_OTHER = "`y` and `outputs` must be those of the target in preprocess.json"
MOST_BYTES = 64_000_000
"""Outputs that take more are not kept."""


@dataclass(frozen=True, slots=True)
class JudgedRows:
    """Rows of a part, in its order.

    Attributes:
        part: Name of the part: test, else validation, else train.
        y: Targets as the network was trained on.
        outputs: What the network gave, shape (rows, units) or (rows, *places, units).
    """

    part: str
    y: Array
    outputs: Array


def write_judged(run: RunDirectory, rows: JudgedRows) -> None:
    """Publishes the rows, unless they are more than `MOST_BYTES`; raises `DiskError`."""
    if rows.y.nbytes + rows.outputs.nbytes > MOST_BYTES:
        return
    content = io.BytesIO()
    np.savez(content, part=np.array(rows.part), y=rows.y, outputs=rows.outputs)
    publish(run.outputs, content.getvalue())


def read_judged(run: RunDirectory) -> JudgedRows | None:
    """Reads the rows; None where the run kept none.

    Raises:
        RunError: The file is damaged.
    """
    if not run.outputs.exists():
        return None
    content = read_checked(run.outputs)
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            rows = JudgedRows(str(file["part"]), file["y"], file["outputs"])
    except _UNREADABLE as error:
        raise damaged(run.outputs) from error
    if rows.y.dtype.kind not in "iuf" or rows.outputs.dtype.kind not in "iuf":
        raise damaged(run.outputs, "`y` and `outputs` must be numbers")
    if rows.y.ndim == 0 or rows.y.shape[:1] != rows.outputs.shape[:1] or not len(rows.y):
        raise damaged(run.outputs, "`y` and `outputs` must have the same rows")
    return rows


def read_answers(run: RunDirectory, target: Target) -> tuple[str, Answers] | None:
    """Reads the part, and the true and predicted values of its rows.

    None where the run kept none, or an output of its model is not finite.

    Args:
        run: The run.
        target: What its model predicts.

    Raises:
        RunError: The file is damaged, or of another target.
    """
    rows = read_judged(run)
    if rows is None or not np.isfinite(rows.outputs).all():
        return None
    try:
        with np.errstate(all="ignore"):  # numbers that are no classes are refused below
            said = answers(rows.y, rows.outputs, target)
    except (ValueError, IndexError) as error:  # shapes that cannot be brought into those wanted
        raise damaged(run.outputs, _OTHER) from error
    if not np.isfinite(said.true).all() or not _fits(said, target):
        raise damaged(run.outputs, _OTHER)
    return rows.part, said


def _fits(said: Answers, target: Target) -> bool:
    """Tells whether the values are those of the target."""
    true, predicted = said.true, said.predicted
    if predicted is not None and predicted.shape != true.shape:
        return False
    if target.form == "numbers":
        # Earlier versions took a row of several axes for one of as many numbers.
        several_axes = bool(target.places) or target.units is None
        return several_axes or len(true[0]) == len(target.names)
    classes = len(target.classes)
    if said.probabilities is not None and said.probabilities.shape != (len(true), classes):
        return False
    if target.form == "multilabel":
        return true.shape[1] == classes and bool(np.isin(true, (0, 1)).all())
    named = true if predicted is None else np.concatenate([true, predicted])
    return bool(named.min() >= 0 and named.max() < classes)
