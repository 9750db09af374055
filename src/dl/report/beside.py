"""The same pictures of several runs beside each other, as one picture."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence

from PIL import Image, UnidentifiedImageError

from dl.errors import RunError
from dl.rundir.directory import RunDirectory
from dl.rundir.files import read_regular

_IN_A_ROW = 3
"""Up to so many runs stand in one row; of more, rows and columns are about as many."""
_MOST_BYTES = 50_000_000


def beside(runs: Sequence[RunDirectory], plots: Sequence[str]) -> bytes:
    """Returns a PNG of the pictures of the runs, in their order; those of each plot below the last.

    Args:
        runs: The runs.
        plots: The names of the pictures, without their ending: `boundary`.

    Raises:
        RunError: A run has no such picture, or it cannot be read.
    """
    blocks = [[_picture(run, plot) for run in runs] for plot in plots]
    columns = len(runs) if len(runs) <= _IN_A_ROW else math.ceil(math.sqrt(len(runs)))
    rows = math.ceil(len(runs) / columns)
    widths = [max(picture.width for block in blocks for picture in block)] * columns
    heights = [max(picture.height for picture in block) for block in blocks]
    whole = Image.new("RGB", (sum(widths), rows * sum(heights)), "white")
    top = 0
    for block, height in zip(blocks, heights, strict=True):
        for place, picture in enumerate(block):
            row, column = divmod(place, columns)
            whole.paste(picture, (column * widths[0], top + row * height))
        top += rows * height
    stream = io.BytesIO()
    whole.save(stream, "PNG", optimize=True)
    return stream.getvalue()


def _picture(run: RunDirectory, plot: str) -> Image.Image:
    known = sorted(path.stem for path in run.plots.glob("*.png"))
    if plot not in known:
        raise RunError(
            f"{run.label} has no picture {plot}",
            expected=f"one of {', '.join(known)}" if known else "pictures in its folder plots",
            hint=None if known else "train it again: dl train draws them at its end",
        )
    path = run.plots / f"{plot}.png"
    try:
        with Image.open(io.BytesIO(read_regular(path, _MOST_BYTES))) as picture:
            return picture.convert("RGB")
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError, SyntaxError) as error:
        raise RunError(f"{path} is damaged", hint="train the run again") from error
