"""`outputs.npz`: what a trained model said of the rows of the part that tells most.

With it, runs are compared row by row and reports are made anew without the model.
"""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass

import numpy as np

from dl.data.types import Array
from dl.runs.directory import RunDirectory
from dl.runs.manifest import damaged, publish, read_checked

MOST_BYTES = 64_000_000
"""Outputs that take more are not kept."""


@dataclass(frozen=True, slots=True)
class JudgedRows:
    """Rows of a part, in its order.

    Attributes:
        part: Name of the part: test, else validation, else train.
        y: Targets as the network was trained on, shape (rows,) or (rows, units).
        outputs: What the network gave, shape (rows, units).
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
            return JudgedRows(str(file["part"]), file["y"], file["outputs"])
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise damaged(run.outputs) from error
