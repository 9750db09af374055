"""Predictions for rows that come in chunks, whichever runtime computes them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from dl.data.chunks import InputChunks
from dl.data.targets.target import Target, decode
from dl.data.types import Array, Rows
from dl.progress import Reporter

Outputs = Callable[[Rows], Array]
"""Returns a model's outputs, shape (rows, *outputs), for rows prepared as `x`."""


def predictions(
    model: Outputs, rows: InputChunks, target: Target, reporter: Reporter
) -> Iterator[dict[str, Array]]:
    """Yields the columns of the predictions chunk by chunk, in the order of the rows.

    Args:
        model: Computes the outputs.
        rows: The rows to predict.
        target: What the model predicts.
        reporter: Is told what happens.

    Raises:
        DataError: The rows cannot be used with this run.
    """
    with reporter.stage(f"Predicting {rows.title}", rows.total) as advance:
        for inputs in rows.read(advance):
            columns = decode(model(inputs.x), target)
            files = {"file": np.asarray(inputs.files, dtype=object)} if inputs.files else {}
            yield {**files, **columns}
