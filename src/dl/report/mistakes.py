"""`mistakes.png`: the pictures on which the model is most wrong."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from dl.report import mosaic, style
from dl.report.answers import predicted_shares, predicted_words, words, worst_rows
from dl.report.input import PlotInput
from dl.report.mosaic import Tile
from dl.report.pixels import has_pictures
from dl.text import shortened

_SHORT = 3
_MOST = 24


def build(run: PlotInput) -> Figure | None:
    """Returns the mistakes with the greatest loss first; None if there are none or no pictures."""
    if not has_pictures(run) or run.predictions is None:
        return None
    rows = worst_rows(run, _MOST)
    if not len(rows):
        return None
    true = words(run, np.asarray(run.y_true)[rows])
    guesses = predicted_words(run, rows)
    columns = _columns([*true, *guesses])
    fits = mosaic.letters(columns) - len("predicted  (1.00)")
    shares = predicted_shares(run, rows)
    tiles = [
        _tile(int(row), shortened(answer, fits), shortened(guess, fits) + share)
        for row, answer, guess, share in zip(rows, true, guesses, shares, strict=True)
    ]
    subtitle = f"from the {run.part} part, the greatest loss first"
    return mosaic.build(run, tiles, columns, f"{run.name}: worst mistakes", subtitle)


def _columns(texts: list[str]) -> int:
    """Returns six columns if the names are short, fewer and wider ones otherwise."""
    return 6 if max(map(len, texts)) <= _SHORT else 4


def _tile(row: int, answer: str, guess: str) -> Tile:
    return Tile(row, ((f"true {answer}", style.INK), (f"predicted {guess}", style.ORANGE)))
