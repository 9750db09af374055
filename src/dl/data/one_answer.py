"""Whether a model says the same of every row, however good its accuracy looks."""

from __future__ import annotations

import numpy as np

from dl.data.predictions import Answers
from dl.data.targets.target import Target
from dl.data.types import Array

_FEWEST_ROWS = 10
"""Fewer answers may be alike by chance."""
_SPREAD = 0.05
"""Predictions that spread less than this fraction of the targets know next to nothing of them."""


def one_answer(answered: tuple[str, Answers] | None, target: Target) -> str:
    """Returns in words what a model answers always; empty if its answers differ, or are few.

    Args:
        answered: The part, and what the model said of its rows; None if that was not kept.
        target: What the model predicts.
    """
    if answered is None:
        return ""
    part, said = answered
    if said.predicted is None or len(said.true) < _FEWEST_ROWS:
        return ""
    what = "rows" if said.places == 1 else "places"
    where = f"{len(said.true):,} {what} of the {part} part"
    if target.form == "numbers":
        return _of_numbers(said.true, said.predicted, where)
    if np.all(said.true == said.true[0]) or not np.all(said.predicted == said.predicted[0]):
        return ""
    return _of_classes(said.true, said.predicted[0], where, target)


def _of_classes(true: Array, answer: Array, where: str, target: Target) -> str:
    if target.form == "multilabel":
        chosen = [f"`{target.classes[place]}`" for place in np.flatnonzero(answer)]
        return f"always answers {' and '.join(chosen) or 'no label'}, for each of {where}"
    fraction, commonest = np.mean(true == answer), np.bincount(true.astype(np.int64)).argmax()
    which = "the commonest class" if answer == commonest else "that class"
    return (
        f"always answers `{target.classes[int(answer)]}`, for each of {where}: the accuracy "
        f"{fraction:.3f} is the fraction of {which}"
    )


def _of_numbers(true: Array, predicted: Array, where: str) -> str:
    spread, wanted = predicted.std(axis=0), true.std(axis=0)
    if not np.all(wanted > 0) or not np.all(spread < _SPREAD * wanted):
        return ""
    words = " and ".join(f"{value:.4g}" for value in predicted.mean(axis=0)[:3])
    return (
        f"always answers about {words}: over {where} the predictions have a standard deviation "
        f"of {spread[0]:.2g}, the true values one of {wanted[0]:.2g}"
    )
