"""From a part of the data and the model's outputs on it to what the pictures need."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from dl.data.dataset import Preprocessing
from dl.data.preprocessing.features import original_columns
from dl.data.targets.answers import answers
from dl.data.types import Array, DataInfo, Part
from dl.report.input import PlotInput


def with_outputs(
    run: PlotInput, part: Part, outputs: Array, preprocessing: Preprocessing
) -> PlotInput:
    """Returns the run with the rows of a part, their true values and what the model said of them.

    Args:
        run: What is known without the rows.
        part: The rows.
        outputs: The model's outputs for them, shape (rows, units).
        preprocessing: What was fitted on the training part.
    """
    said, info = answers(part.y, outputs, preprocessing.target), preprocessing.info
    folded = _picture_shape(info)
    return replace(
        run,
        task=info.task,
        classes=info.classes,
        targets=info.targets,
        x=_pixels(part.x[:], preprocessing) if folded else part.x[:] if info.image else None,
        y_true=said.true,
        predictions=said.predicted,
        probabilities=said.probabilities,
        places=said.places,
        image=info.image,
        pixel_max=info.pixel_max if info.image else None,
        picture_shape=folded,
    )


def _pixels(x: Array, preprocessing: Preprocessing) -> Array:
    """Returns the columns of a table in their original values: their scaling is undone."""
    return np.column_stack(list(original_columns(x, preprocessing.columns).values()))


def _picture_shape(info: DataInfo) -> tuple[int, ...] | None:
    """Folds a table whose columns are the pixels of a square picture, by their names' endings."""
    side = math.isqrt(len(info.features))
    if side < 4 or side * side != len(info.features):
        return None
    endings = [f"{row}_{column}" for row in range(side) for column in range(side)]
    pixels = all(name.endswith(end) for name, end in zip(info.features, endings, strict=True))
    return (side, side) if pixels else None
