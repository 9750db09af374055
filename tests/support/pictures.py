"""A small run of each task, as the pictures get it."""

from dataclasses import replace

import numpy as np

from dl.data.predictions import ParameterPath
from dl.report.facts import Pictures, RunFacts


def history(epochs: int, metric: str = "accuracy") -> list[dict[str, float]]:
    """Returns a history in which everything gets better, at a constant learning rate."""
    return [
        {
            "epoch": float(epoch),
            "loss": 1 / epoch,
            metric: 1 - 0.5 / epoch,
            "val_loss": 1.1 / epoch,
            f"val_{metric}": 0.95 - 0.5 / epoch,
            "learning_rate": 0.01,
            "seconds": 0.1,
        }
        for epoch in range(1, epochs + 1)
    ]


def classified(classes: int, rows: int = 40) -> RunFacts:
    """Returns a classification of 4 x 4 pictures; the first row of every four is a mistake."""
    true = np.arange(rows) % classes
    predicted = np.where(np.arange(rows) % 4 == 0, (true + 1) % classes, true)
    probabilities = np.full((rows, classes), 0.2 / max(1, classes - 1))
    probabilities[np.arange(rows), predicted] = 0.8
    return RunFacts(
        name="toy/0001",
        history=history(3),
        task="binary" if classes == 2 else "multiclass",
        classes=tuple(f"class {index}" for index in range(classes)),
        true=true,
        predicted=predicted,
        probabilities=probabilities,
        pictures=Pictures(np.random.default_rng(0).random((rows, 4, 4)), 1.0),
    )


def regressed(rows: int = 30, targets: int = 1) -> RunFacts:
    """Returns a regression with small errors."""
    random = np.random.default_rng(0)
    true = random.normal(-5, 10, (rows, targets))
    return RunFacts(
        name="toy/0002",
        history=history(3, "mean_absolute_error"),
        task="regression",
        loss="mean_squared_error",
        targets=tuple(f"target {index}" for index in range(targets)),
        true=true,
        predicted=true + random.normal(0, 1, true.shape),
    )


def multilabelled(labels: int = 3, rows: int = 20) -> RunFacts:
    """Returns a task with several labels, the first of which is always predicted wrongly."""
    true = (np.arange(rows)[:, None] + np.arange(labels)) % 2
    predicted = true.copy()
    predicted[:, 0] = 1 - predicted[:, 0]
    return RunFacts(
        name="toy/0003",
        history=history(3),
        task="multilabel",
        classes=tuple(f"label {index}" for index in range(labels)),
        true=true,
        predicted=predicted,
        probabilities=0.8 * predicted + 0.1,
    )


def walked(steps: int = 1) -> RunFacts:
    """Returns a line whose two parameters walked down a bowl."""
    biases, weights = np.linspace(-1, 5, 20), np.linspace(-1, 4, 20)
    loss = (biases[None, :] - 4) ** 2 + (weights[:, None] - 3) ** 2
    points = np.array([[0.0, 1.0], [3.0, 2.0], [4.0, 3.0]])
    path = ParameterPath(points, steps, biases, weights, loss, 30, (4.0, 3.0))
    return replace(regressed(), path=path)
