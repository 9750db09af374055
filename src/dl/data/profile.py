"""What the data alone say: how many rows, and how columns are distributed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from dl.data.dataset import Dataset
from dl.data.target import class_counts, unscale
from dl.data.transform import original_columns
from dl.data.types import Array, Rows
from dl.rundir.typed import Count, MisfitError

_MOST_ROWS = 20_000
"""Rows that a distribution is made of, spread evenly over the training part."""
_MOST_NUMBERS = 20_000_000
_MOST_COLUMNS = 60
"""Distributions that a page of a moderate size can hold."""
_MOST_CATEGORIES, _BINS = 12, 20
"""Bars that can be told apart in a small chart; rarer categories become one bar."""


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
class DataProfile:
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


def profile_of(dataset: Dataset) -> DataProfile:
    """Looks at the parts of a dataset; of large ones, at evenly spread rows."""
    target, parts = dataset.target, dataset.parts
    numbers, own = target.task == "regression", dataset.train.y is dataset.train.x
    columns = list(_columns(dataset))
    classes = {} if numbers else {name: class_counts(parts[name], target) for name in parts}
    return DataProfile(
        rows={name: len(part) for name, part in parts.items()},
        classes=classes,
        targets=tuple(_targets(dataset)) if numbers and not own else (),
        columns=tuple(columns[:_MOST_COLUMNS]),
        more_columns=max(0, len(columns) - _MOST_COLUMNS),
    )


def _sample(rows: Rows) -> Array:
    step = max(1, len(rows) // _MOST_ROWS)
    return np.asarray(rows[::step][:_MOST_ROWS])


def _targets(dataset: Dataset) -> Iterator[Distribution]:
    target, names = dataset.target, dataset.target.names
    values = unscale(_sample(dataset.train.y), target)
    values = values.reshape(-1 if target.places else len(values), len(names))
    for name, column in list(zip(names, values.T, strict=True))[:_MOST_COLUMNS]:
        yield _numbers(name, column)


def _columns(dataset: Dataset) -> Iterator[Distribution]:
    x, features = dataset.train.x, dataset.preprocessing.columns
    texts = dataset.train.texts
    if texts and len(texts) == len(dataset.preprocessing.kinds):
        return
    # Beside texts a row has thousands of numbers, made when it is looked at.
    x = x[: max(1, _MOST_NUMBERS // x.shape[1])] if texts else _sample(x)
    columns = original_columns(x, features)
    for name, values in (columns or {"all values of the input": x}).items():
        yield _categories(name, values) if values.dtype == object else _numbers(name, values)


def _numbers(name: str, values: Array) -> Distribution:
    finite = np.asarray(values, np.float64).reshape(-1)
    finite = finite[np.isfinite(finite)]
    bins: Array | int = 1
    if len(finite):
        low, high = finite.min(), finite.max()
        # Each of a few whole numbers gets a bin of its own.
        few = high - low < _BINS and not np.any(finite != np.round(finite))
        bins = np.arange(low, high + 2) - 0.5 if few else _BINS
    counts, edges = np.histogram(finite, bins=bins)
    ends = tuple(float(f"{edge:.6g}") for edge in edges)
    mean = float(finite.mean()) if len(finite) else None
    return Distribution(name, "numbers", ends, tuple(map(int, counts)), mean)


def _categories(name: str, values: Array) -> Distribution:
    counts = Counter(values.tolist()).most_common()
    shown, others = counts[:_MOST_CATEGORIES], counts[_MOST_CATEGORIES:]
    if others:
        shown.append((f"{len(others)} others", sum(count for _, count in others)))
    labels, numbers = zip(*shown, strict=True)
    return Distribution(name, "categories", labels, numbers, None)
