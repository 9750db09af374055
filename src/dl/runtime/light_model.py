"""Runs a model in LiteRT's format (`.tflite`)."""

from __future__ import annotations

from typing import Any

import numpy as np

from dl.data.types import Array, Rows
from dl.errors import DataError, first_line
from dl.quiet import quiet_stderr
from dl.system import processors


class UnusableError(Exception):
    """A light model that cannot be used, and why; TensorFlow takes its place.

    Attributes:
        suspicious: Whether something was changed or damaged that ought to be in order.
    """

    def __init__(self, reason: str, *, suspicious: bool = False) -> None:
        super().__init__(reason)
        self.suspicious = suspicious


class LightModel:
    """A model that LiteRT runs, in batches.

    Args:
        content: The bytes of the `.tflite` file.
        batch: Rows to run at once, unless the model says itself how many it takes.

    Raises:
        UnusableError: LiteRT is not installed, or cannot run this model.
    """

    def __init__(self, content: bytes, batch: int) -> None:
        self._runner = _runner(content)
        self._input = self._runner.get_input_details()[0]
        self._output = self._runner.get_output_details()[0]["index"]
        self._rows = int(self._input["shape"][0])
        self.fixed = int(self._input["shape_signature"][0]) != -1
        """Whether the model takes no other number of rows than one batch."""
        self._batch = self._rows if self.fixed else batch

    def __call__(self, x: Rows) -> Array:
        """Returns the outputs for at least one row, in their order, shape (rows, *outputs).

        Raises:
            DataError: The model cannot be run on these rows.
        """
        starts = range(0, len(x), self._batch)
        return np.concatenate([self._run(x[start : start + self._batch]) for start in starts])

    def _run(self, rows: Array) -> Array:
        count = len(rows)
        rows = np.ascontiguousarray(rows, self._input["dtype"])
        if self.fixed and count < self._batch:
            rows = np.concatenate([rows, np.repeat(rows[-1:], self._batch - count, axis=0)])
        try:
            self._resize(len(rows))
            self._runner.set_tensor(self._input["index"], rows)
            self._runner.invoke()
        except (RuntimeError, ValueError) as error:
            raise unfit_rows(error) from error
        outputs: Array = self._runner.get_tensor(self._output)
        return outputs[:count]

    def _resize(self, rows: int) -> None:
        if rows != self._rows:
            shape = [rows, *self._input["shape"][1:].tolist()]
            self._runner.resize_tensor_input(self._input["index"], shape)
            self._runner.allocate_tensors()
            self._rows = rows


def unfit_rows(error: Exception, where: str = "") -> DataError:
    """Returns the error for rows with which a runtime cannot run the model.

    Args:
        error: What the runtime says.
        where: Words for the layer that cannot be run, to be put before that.
    """
    return DataError(
        f"the model cannot be run on these rows: {where}{first_line(error)}",
        hint="compare them with other rows of the training",
    )


def _runner(content: bytes) -> Any:
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError as error:
        raise UnusableError("ai-edge-litert is not installed or cannot be loaded") from error
    # LiteRT tells on stderr which of its ways it takes.
    with quiet_stderr():
        try:
            runner = Interpreter(model_content=content, num_threads=processors())
            runner.allocate_tensors()
        except (RuntimeError, ValueError) as error:
            reason = first_line(error)
        else:
            return runner
    raise UnusableError(f"LiteRT cannot run it: {reason}")
