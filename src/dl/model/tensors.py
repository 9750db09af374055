"""Rows as tensors, on the accelerator if there is one; windows stay the table that they lie in."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from dl.data.types import Rows
from dl.data.windows import WindowRows


class WindowTensor(NamedTuple):
    """Windows over a table, which a step gathers inside the graph: see `WindowRows`."""

    table: tf.Tensor
    ends: tf.Tensor
    offsets: tf.Tensor


Tensors = tuple[Any, ...]
"""Inputs, targets and, where rows weigh differently, their weights: one row of each for a row."""


def tensors_of(*arrays: Rows | None) -> Tensors:
    """Copies rows into tensors, on the accelerator if there is one; None is left out.

    What is given twice, as where the inputs are the target, is copied once; windows are not made.
    """
    given = [array for array in arrays if array is not None]
    copies = {id(array): _tensor(array) for array in given}
    return tuple(copies[id(array)] for array in given)


def _tensor(rows: Rows) -> Any:
    if isinstance(rows, WindowRows) and isinstance(rows.table, np.ndarray):
        return WindowTensor(*map(tf.constant, (rows.table, rows.ends, rows.offsets)))
    return tf.constant(rows[:])


def kind_of(rows: Any) -> Any:
    """Returns what all rows have in common, however many, for what is traced for them."""
    if isinstance(rows, WindowTensor):
        offsets = tf.TensorSpec(rows.offsets.shape, rows.offsets.dtype)
        return WindowTensor(kind_of(rows.table), kind_of(rows.ends), offsets)
    return tf.TensorSpec([None, *rows.shape[1:]], rows.dtype)


def picked(rows: Tensors, numbers: tf.Tensor) -> Tensors:
    """Returns the rows of these numbers."""
    return tuple(_picked(tensor, numbers) for tensor in rows)


def _picked(tensor: Any, numbers: tf.Tensor) -> tf.Tensor:
    if isinstance(tensor, WindowTensor):
        at = tf.gather(tensor.ends, numbers)[:, tf.newaxis] + tensor.offsets
        return tf.gather(tensor.table, at)
    return tf.gather(tensor, numbers)


def between(rows: Tensors, begin: tf.Tensor, end: tf.Tensor) -> Tensors:
    """Returns the rows from one number up to another."""
    return tuple(
        _picked(tensor, tf.range(begin, end))
        if isinstance(tensor, WindowTensor)
        else tensor[begin:end]
        for tensor in rows
    )


def count_of(rows: Tensors) -> tf.Tensor:
    """Returns the number of rows."""
    first = rows[0]
    return tf.shape(first.ends if isinstance(first, WindowTensor) else first)[0]
