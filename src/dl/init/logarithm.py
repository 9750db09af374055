"""Whether a skewed target is learned better by its logarithm: tried on the training rows."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np

from dl.config.load import load_text
from dl.data.load import read_dataset
from dl.data.types import Array
from dl.errors import DlError
from dl.init.plan import STANDARDIZED, Target, comment_lines, commented
from dl.progress import SilentReporter
from dl.text import number

_LOGARITHM = commented("  target: log1p", "learns the logarithm; metrics are in its own unit again")
_SKEWED = 1.0
"""A skewness above it is high: M. G. Bulmer, "Principles of statistics" (1979), chapter 4."""
_FEWEST_ROWS = 100
"""Of fewer training rows, the errors differ by chance."""
_MOST_NUMBERS = 20_000_000
"""What is read to try it, about a second; more is not tried."""
_MOST_FITTED, _MOST_ROWS = 200_000, 2_000
"""Numbers and rows that the small network learns, six times: a second or two."""
_FOLDS = 3
_LEAST_GAIN = 0.02
"""Two models within 2% are level: the plainer one stays."""
_LARGEST_LOGARITHM = 80.0
"""Larger ones are no number any more; the error is beyond comparison before."""


def with_scaling(text: str, target: Target, numbers: int) -> str:
    """Returns a draft with the logarithm of a skewed target, if that is learned better.

    A small network learns both. Far from the rows that it has seen, a line becomes an exponential
    with the logarithm: a single odd row can have an error beyond all measure. So the root mean
    squared error, which sees such rows, must not grow where the mean absolute error falls.

    Args:
        text: The draft; its target is standardized.
        target: What is to be predicted.
        numbers: About how many numbers the inputs have.
    """
    if target.skewness <= _SKEWED or target.span[0] < 0 or numbers > _MOST_NUMBERS:
        return text
    try:
        dataset = read_dataset(load_text(Path("draft.yaml"), text.encode()), SilentReporter())
    except DlError:  # the training tells where and why
        return text
    train, form = dataset.train, dataset.target
    if len(train) < _FEWEST_ROWS:
        return text
    x = np.asarray(train.x[:], np.float32).reshape(len(train), -1)
    y = np.asarray(train.y, np.float64).ravel() * np.ravel(form.spread) + np.ravel(form.center)
    errors = {log: _errors(x, np.maximum(y, 0), log=log) for log in (False, True)}
    absolute, squared = zip(errors[False], errors[True], strict=True)
    better = absolute[1] <= absolute[0] * (1 - _LEAST_GAIN) and squared[1] <= squared[0]
    told = comment_lines(
        f"It is skewed, so `log1p` was tried, by a small network in {_FOLDS} folds of the training "
        f"rows: mean absolute error {number(absolute[1], 3)} instead of {number(absolute[0], 3)}, "
        f"RMSE {number(squared[1], 3)} instead of {number(squared[0], 3)}"
    )
    chosen = _LOGARITHM if better else STANDARDIZED
    return text.replace(STANDARDIZED, "\n".join([*told, chosen]))


def _errors(x: Array, y: Array, *, log: bool) -> tuple[float, float]:
    """Returns the mean absolute and root mean squared error on rows that were not learned.

    L-BFGS takes a tenth of Adam's time here, and chose as the networks themselves did.
    """
    # scikit-learn takes a second to import, and few targets are skewed.
    from sklearn.model_selection import KFold

    most = min(_MOST_ROWS, max(_FEWEST_ROWS, _MOST_FITTED // x.shape[1]))
    rng, differences = np.random.default_rng(0), []
    for learned, judged in KFold(_FOLDS, shuffle=True, random_state=0).split(x):
        rows = rng.permutation(learned)[:most]
        goal = np.log1p(y[rows]) if log else y[rows]
        center, spread = goal.mean(), goal.std() or 1.0
        model = _fitted(x[rows], (goal - center) / spread)
        said = np.asarray(model.predict(x[judged]), np.float64) * spread + center
        said = np.expm1(np.minimum(said, _LARGEST_LOGARITHM)) if log else said
        differences.append(said - y[judged])
    off = np.concatenate(differences)
    return float(np.abs(off).mean()), float(np.sqrt(np.square(off).mean()))


def _fitted(x: Array, y: Array) -> Any:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPRegressor
    from threadpoolctl import threadpool_limits

    network = MLPRegressor(
        hidden_layer_sizes=(64,), solver="lbfgs", alpha=10, max_iter=100, random_state=0
    )
    # Threads of such short steps wait for each other.
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore", ConvergenceWarning)
        return network.fit(x, y)
