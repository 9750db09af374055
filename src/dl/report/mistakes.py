"""`mistakes.png`: the pictures on which the model is most wrong."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from dl.report import mosaic, style
from dl.report.answers import predicted_words, words, worst_rows
from dl.report.input import PlotInput
from dl.report.mosaic import Tile
from dl.report.numbers import shortened

_COLUMNS = 6
_MOST = 24


def build(run: PlotInput) -> Figure | None:
    """Returns the mistakes with the greatest loss first; None if there are none or no pictures."""
    if not mosaic.has_pictures(run) or run.predictions is None:
        return None
    rows = worst_rows(run, _MOST)
    if not len(rows):
        return None
    fits = mosaic.letters(_COLUMNS) - len("predicted ")
    true = words(run, np.asarray(run.y_true)[rows])
    tiles = [
        Tile(
            int(row),
            (
                (f"predicted {shortened(guess, fits)}", style.ORANGE),
                (f"true {shortened(answer, fits)}", style.INK),
            ),
        )
        for row, answer, guess in zip(rows, true, predicted_words(run, rows), strict=True)
    ]
    figure = mosaic.build(run, tiles, _COLUMNS, f"{run.name}: worst mistakes")
    style.add_note(figure, f"Rows of the {run.part} part, the greatest loss first.")
    return figure
