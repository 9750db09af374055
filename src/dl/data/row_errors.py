"""How far the outputs of a network that gives back its inputs are from them, row by row.

A run keeps the errors of its training rows: what is larger than nearly all of them is unusual.
"""

from __future__ import annotations

import io

import numpy as np

from dl.data.target import Target, activated
from dl.data.types import Array
from dl.rundir.directory import RunDirectory
from dl.rundir.manifest import damaged, publish, read_checked

QUANTILE = 0.99
"""Fraction of the training rows whose errors are not unusual, where nobody says another."""
MOST_ERRORS = 100_000
"""So many errors are kept; of more, as many quantiles."""
_LEAST = 1e-7
"""What Keras takes a probability of 0 for in an entropy."""


def row_errors(loss: str, x: Array, outputs: Array, target: Target) -> Array:
    """Returns the error of each row, a mean over its numbers, as the network gets them.

    It is the loss where that is the absolute error or the binary cross-entropy; else the squared
    error.

    Args:
        loss: Type of the loss.
        x: Inputs, shape (rows, *shape).
        outputs: What the network made of them, in the same order.
        target: What it predicts.
    """
    true = x.reshape(len(x), -1).astype(np.float64)
    said = activated(outputs.reshape(len(x), -1).astype(np.float64), target)
    if loss == "MeanAbsoluteError":
        return np.asarray(np.abs(true - said).mean(axis=1))
    if loss == "BinaryCrossentropy":
        said = np.clip(said, _LEAST, 1 - _LEAST)
        return np.asarray(-(true * np.log(said) + (1 - true) * np.log(1 - said)).mean(axis=1))
    return np.asarray(((true - said) ** 2).mean(axis=1))


def measure_of(loss: str) -> str:
    """Returns what the error of a row is called."""
    known = {"MeanAbsoluteError": "absolute error", "BinaryCrossentropy": "binary cross-entropy"}
    return f"mean {known.get(loss, 'squared error')}"


def write_errors(run: RunDirectory, errors: Array) -> None:
    """Publishes the errors of the training rows, ascending; raises `DiskError`."""
    kept = np.sort(errors)
    if len(kept) > MOST_ERRORS:
        # As `np.quantile` has it, which takes half a minute: it does not know they are sorted.
        places = np.linspace(0, len(kept) - 1, MOST_ERRORS)
        kept = np.interp(places, np.arange(len(kept)), kept)
    content = io.BytesIO()
    np.save(content, kept)
    publish(run.errors, content.getvalue())


def limit_of(errors: Array, quantile: float = QUANTILE) -> float:
    """Returns the error above which a row is unusual, by those of the training rows."""
    return float(np.quantile(errors, quantile))


def read_errors(run: RunDirectory) -> Array | None:
    """Returns the errors of the training rows, ascending; None where the run kept none.

    Raises:
        RunError: The file is damaged.
    """
    if not run.errors.exists():
        return None
    try:
        errors = np.load(io.BytesIO(read_checked(run.errors)), allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise damaged(run.errors) from error
    if errors.ndim != 1 or errors.dtype != np.float64 or not len(errors):
        raise damaged(run.errors, "must be a number for each training row")
    return np.asarray(errors)
