"""What an answer that learns nothing reaches: always the commonest class, or always the mean."""

from __future__ import annotations

import numpy as np

from dl.config.rules.training import metric_names
from dl.config.schema import Config
from dl.data.dataset import Dataset
from dl.data.targets.target import class_indexes, unscale
from dl.data.types import Array
from dl.vocabulary.traits import ACCURACIES, ENTROPIES


def trivial_metrics(config: Config, dataset: Dataset) -> dict[str, float]:
    """Returns the metrics of a trivial answer, named as in the history; only those it can know.

    For classes it gives the shares of the training part as probabilities; for numbers their mean.
    """
    if dataset.info.task == "multilabel":
        return {}
    metrics = config.training.metrics
    parts = {"": dataset.train, "val_": dataset.validation}
    measured = {
        "loss": config.training.loss.type,
        **dict(zip(metric_names(metrics), (metric.type for metric in metrics), strict=True)),
    }
    measure = _of_numbers if dataset.info.task == "regression" else _of_classes
    values = {
        f"{prefix}{name}": measure(kind, dataset, part.y, name == "loss")
        for prefix, part in parts.items()
        if part is not None
        for name, kind in measured.items()
    }
    return {name: value for name, value in values.items() if value is not None}


def _of_classes(kind: str, dataset: Dataset, y: Array, is_loss: bool) -> float | None:
    target = dataset.target
    train, labels = (class_indexes(part, target).reshape(-1) for part in (dataset.train.y, y))
    shares = np.bincount(train, minlength=int(labels.max()) + 1) / len(train)
    if kind in ACCURACIES:
        return float(np.mean(labels == shares.argmax()))
    if kind in ENTROPIES:
        return float(-np.mean(np.log(np.maximum(shares[labels], 1e-7))))
    return None


def _of_numbers(kind: str, dataset: Dataset, y: Array, is_loss: bool) -> float | None:
    train, values = dataset.train.y, y
    if not is_loss:  # metrics are in the unit of the target
        train, values = unscale(train, dataset.target), unscale(values, dataset.target)
    errors = values.reshape(len(values), -1) - train.reshape(len(train), -1).mean(axis=0)
    match kind:
        case "MeanSquaredError":
            return float(np.mean(errors**2))
        case "RootMeanSquaredError":
            return float(np.sqrt(np.mean(errors**2)))
        case "MeanAbsoluteError":
            return float(np.mean(np.abs(errors)))
    return None
