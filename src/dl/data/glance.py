"""The data at a glance: how many rows, which classes, how each column is distributed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from dl.data.dataset import Dataset, Preprocessing
from dl.data.preprocessing.features import original_columns
from dl.data.targets.target import unscale
from dl.data.types import Array, Part, Rows
from dl.runs.typed import Count, MisfitError

_MOST_ROWS = 20_000
"""Rows that a distribution is made of, spread evenly over the training part."""
_MOST_COLUMNS = 60
_MOST_CATEGORIES = 12
_BINS = 20


@dataclass(frozen=True, slots=True)
class Distribution:
    """How the values of a column are distributed over some training rows.

    Attributes:
        name: The column.
        kind: `numbers` or `categories`.
        labels: The category of each count; of numbers, the lower end of each bin and, as the last,
            the upper end of all.
        counts: Rows in each bin or of each category.
        mean: Mean of numbers; None for categories.
    """

    name: str
    kind: Literal["numbers", "categories"]
    labels: tuple[str | float, ...]
    counts: tuple[Count, ...]
    mean: float | None

    def __post_init__(self) -> None:
        if self.kind == "numbers" and not all(isinstance(end, int | float) for end in self.labels):
            raise MisfitError("must be the ends of bins", ("labels",))
        if len(self.labels) != len(self.counts) + (self.kind == "numbers"):
            raise MisfitError("must be as many as labels", ("counts",))


@dataclass(frozen=True, slots=True)
class Glance:
    """The data as a newcomer wants to see it first.

    Attributes:
        rows: Rows of each part.
        classes: Rows (or places of rows) of each class in each part, by part; empty for
            regression.
        targets: Distribution of each number to predict; empty for classes.
        columns: Distribution of the columns of the input, in their own values.
        more_columns: How many further columns there are.
    """

    rows: Mapping[str, Count]
    classes: Mapping[str, Mapping[str, Count]]
    targets: tuple[Distribution, ...]
    columns: tuple[Distribution, ...]
    more_columns: Count


def glance(dataset: Dataset) -> Glance:
    """Looks at the parts of a dataset; of large ones, at evenly spread rows."""
    names = dataset.info.targets
    numbers = dataset.info.task == "regression"
    columns = list(_columns(_sample(dataset.train.x), dataset.preprocessing))
    return Glance(
        rows={name: len(part) for name, part in dataset.parts.items()},
        classes={} if numbers else {n: class_counts(p, dataset) for n, p in dataset.parts.items()},
        targets=tuple(_targets(dataset, names)) if numbers else (),
        columns=tuple(columns[:_MOST_COLUMNS]),
        more_columns=max(0, len(columns) - _MOST_COLUMNS),
    )


def _sample(rows: Rows) -> Array:
    step = max(1, len(rows) // _MOST_ROWS)
    return np.asarray(rows[::step][:_MOST_ROWS])


def class_counts(part: Part, dataset: Dataset) -> dict[str, int]:
    target = dataset.target
    if target.form in ("one_hot", "multilabel"):
        counts = part.y.reshape(-1, len(target.classes)).sum(axis=0)
    else:
        counts = np.bincount(part.y.reshape(-1).astype(np.int64), minlength=len(target.classes))
    return {name: int(count) for name, count in zip(target.classes, counts, strict=True)}


def _targets(dataset: Dataset, names: tuple[str, ...]) -> Iterator[Distribution]:
    values = unscale(_sample(dataset.train.y), dataset.target)
    values = values.reshape(-1 if dataset.target.places else len(values), len(names))
    for place in range(min(values.shape[1], _MOST_COLUMNS)):
        yield _numbers(names[place] if place < len(names) else str(place), values[:, place])


def _columns(x: Array, fitted: Preprocessing) -> Iterator[Distribution]:
    columns = original_columns(x, fitted.columns)
    if not columns:
        yield _numbers("all values of the input", x)
    for name, values in columns.items():
        yield _categories(name, values) if values.dtype == object else _numbers(name, values)


def _numbers(name: str, values: Array) -> Distribution:
    finite = np.asarray(values, np.float64).reshape(-1)
    finite = finite[np.isfinite(finite)]
    counts, edges = np.histogram(finite, bins=_bins(finite))
    ends = tuple(float(f"{edge:.6g}") for edge in edges)
    mean = float(finite.mean()) if len(finite) else None
    return Distribution(name, "numbers", ends, tuple(map(int, counts)), mean)


def _bins(values: Array) -> Array | int:
    """Returns a bin for each of a few whole numbers, else equal bins."""
    if not len(values):
        return 1
    low, high = values.min(), values.max()
    if high - low < _BINS and not np.any(values != np.round(values)):
        return np.arange(low, high + 2) - 0.5
    return _BINS


def _categories(name: str, values: Array) -> Distribution:
    counts = Counter(values.tolist()).most_common()
    shown, others = counts[:_MOST_CATEGORIES], counts[_MOST_CATEGORIES:]
    if others:
        shown.append((f"{len(others)} others", sum(count for _, count in others)))
    labels, numbers = zip(*shown, strict=True)
    return Distribution(name, "categories", labels, numbers, None)
