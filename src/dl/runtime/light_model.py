"""Runs a model in LiteRT's format (`.tflite`)."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from dl.data.types import Array
from dl.errors import DataError
from dl.runtime.quiet import quiet_stderr


class UnusableError(Exception):
    """A light model that cannot be used, and why; TensorFlow takes its place."""


class LightModel:
    """A model that LiteRT runs, in batches.

    Args:
        content: The bytes of the `.tflite` file.
        batch: Rows to run at once.
        fixed: Whether the model takes no other number of rows.

    Raises:
        UnusableError: LiteRT is not installed, or cannot run this model.
    """

    def __init__(self, content: bytes, batch: int, fixed: bool) -> None:
        self._batch = batch
        self._fixed = fixed
        self._runner = _runner(content)
        try:
            self._input = self._runner.get_input_details()[0]
            self._output = self._runner.get_output_details()[0]["index"]
            self._rows = int(self._input["shape"][0])
            self._runner.allocate_tensors()
        except (RuntimeError, ValueError, IndexError, KeyError) as error:
            raise UnusableError(f"LiteRT cannot run it: {_line(error)}") from error

    def __call__(self, x: Array) -> Array:
        """Returns the outputs for rows, in their order, as float32 of shape (rows, *outputs).

        Raises:
            DataError: The model cannot be run on these rows.
        """
        starts = range(0, len(x), self._batch)
        return np.concatenate([self._run(x[start : start + self._batch]) for start in starts])

    def _run(self, rows: Array) -> Array:
        rows = np.ascontiguousarray(rows, self._input["dtype"])
        count = len(rows)
        if self._fixed and count < self._batch:
            rows = np.concatenate([rows, np.repeat(rows[-1:], self._batch - count, axis=0)])
        try:
            self._resize(len(rows))
            self._runner.set_tensor(self._input["index"], rows)
            self._runner.invoke()
        except (RuntimeError, ValueError) as error:
            raise DataError(f"the model cannot be run on these rows: {_line(error)}") from error
        outputs: Array = self._runner.get_tensor(self._output)
        return outputs[:count]

    def _resize(self, rows: int) -> None:
        if rows != self._rows:
            shape = [rows, *self._input["shape"][1:].tolist()]
            self._runner.resize_tensor_input(self._input["index"], shape)
            self._runner.allocate_tensors()
            self._rows = rows


def _runner(content: bytes) -> Any:
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError as error:
        raise UnusableError("ai-edge-litert is not installed or cannot be loaded") from error
    # LiteRT tells on stderr which of its ways it takes.
    with quiet_stderr():
        try:
            return Interpreter(model_content=content, num_threads=_threads())
        except (RuntimeError, ValueError) as error:
            reason = _line(error)
    raise UnusableError(f"LiteRT cannot read it: {reason}")


def _threads() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1


def _line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:120] if lines else type(error).__name__
