"""How a threshold on scores tells two kinds of rows apart: ROC, precision and recall.

They are scikit-learn's, whose import takes as long as a small training.
"""

from __future__ import annotations

import numpy as np

from dl.data.types import Array


def roc(truth: Array, scores: Array, weights: Array | None = None) -> tuple[Array, Array, float]:
    """Returns the ROC curve from (0, 0) to (1, 1), its corners alone, and the area under it.

    Args:
        truth: Whether each row is positive, shape (rows,).
        scores: The higher, the sooner a row is taken for positive, shape (rows,); equal ones are
            taken together.
        weights: How much each row counts, shape (rows,); None where all count the same.

    Returns:
        False and true positive rates, shape (corners,), and the area; NaN with one kind of rows.
    """
    false, true = _taken(truth, scores, weights)
    if not (false[-1] and true[-1]):
        return np.zeros(0), np.zeros(0), float("nan")
    bent = (np.diff(false, 2) != 0) | (np.diff(true, 2) != 0)
    corners = np.concatenate([[True], bent, [True]])
    x, y = false[corners] / false[-1], true[corners] / true[-1]
    return x, y, float(np.trapezoid(y, x))


def precision_recall(
    truth: Array, scores: Array, weights: Array | None = None
) -> tuple[Array, Array, float]:
    """Returns recall and precision at each score, and the average precision; see `roc`.

    The average is the sum of the precisions, each by the recall that its score adds. The curve
    begins at a recall of 0 with a precision of 1, where nothing is taken.
    """
    false, true = (taken[1:] for taken in _taken(truth, scores, weights))
    precision, recall = true / (true + false), true / true[-1]
    average = float(np.diff(recall, prepend=0) @ precision)
    return np.append(0.0, recall), np.append(1.0, precision), average


def _taken(truth: Array, scores: Array, weights: Array | None) -> tuple[Array, Array]:
    """Returns how much of each kind is at or above the scores, from none to all: false, true."""
    counts = np.ones(len(truth)) if weights is None else weights
    order = np.argsort(-scores, kind="stable")
    order = order[counts[order] > 0]
    last = np.append(np.diff(scores[order]) != 0, [True] * bool(len(order)))
    each = counts[order] * np.stack([truth[order] == 0, truth[order] != 0])
    false, true = (np.append(0.0, np.cumsum(kind)[last]) for kind in each)
    return false, true
