"""The normal equation θ = (XᵀX)⁻¹Xᵀy: the weights of one linear layer at once, without steps.

XᵀX is never formed, since that squares the condition of the problem: NumPy's `lstsq` finds the
same θ by a singular value decomposition of X, in double precision.
"""

from __future__ import annotations

import time
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from dl.config.schema import Config
from dl.data.dataset import Dataset
from dl.data.types import Array
from dl.engine.inference.evaluate import evaluate
from dl.engine.training.fit import History, OnEpoch, check_training
from dl.progress import Reporter


def solve(
    model: keras.Sequential,
    dataset: Dataset,
    config: Config,
    reporter: Reporter,
    on_epoch: OnEpoch,
) -> History:
    """Gives the one linear layer of a model the weights of the least mean squared error.

    Args:
        model: The compiled model; it has its final weights afterwards.
        dataset: The data.
        config: The config.
        reporter: Is told where many weights give the same error.
        on_epoch: Is given the row of the history.

    Returns:
        One row, as for an epoch of `fit`, but without a learning rate.
    """
    check_training(model, dataset, config)
    started = time.perf_counter()
    layer = next(layer for layer in model.layers if layer.weights)
    with reporter.stage("Solving the normal equation"):
        # Of rows of several axes, the layer sees each place as a row.
        columns, units = layer.kernel.shape
        x, y = dataset.train.x[:].reshape(-1, columns), dataset.train.y.reshape(-1, units)
        theta, rank = least_squares(x, y, bias=layer.use_bias)
    if rank < len(theta):
        reporter.note(
            f"{len(theta) - rank} of {len(theta)} columns follow from the others: of all weights "
            "that fit equally well these are the smallest"
        )
    _assign(layer, theta)
    row = {"epoch": 1.0, **evaluate(model, dataset.train, config)}
    if dataset.validation is not None:
        logs = evaluate(model, dataset.validation, config)
        row |= {f"val_{name}": value for name, value in logs.items()}
    row = {**row, "epoch": 1, "seconds": round(time.perf_counter() - started, 4)}
    on_epoch(row)
    return [row]


def least_squares(x: Array, y: Array, *, bias: bool) -> tuple[NDArray[np.float64], int]:
    """Returns θ, shape (columns, targets), and the rank of X; the bias is θ's first row."""
    rows = np.asarray(x, np.float64).reshape(len(x), -1)
    if bias:
        rows = np.column_stack([np.ones(len(rows)), rows])
    theta, _, rank, _ = np.linalg.lstsq(rows, np.asarray(y, np.float64).reshape(len(y), -1))
    return np.asarray(theta), int(rank)


def _assign(layer: Any, theta: NDArray[np.float64]) -> None:
    if layer.use_bias:
        layer.bias.assign(theta[0])
        theta = theta[1:]
    layer.kernel.assign(theta)
