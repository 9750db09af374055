"""Which rows a report shows, and the columns of the training part at a glance."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby

import numpy as np

from dl.data.dataset import Dataset, Preprocessing
from dl.data.drift import ColumnSummary
from dl.data.profile import Distribution
from dl.data.target import class_indexes
from dl.data.tokens import texts_of
from dl.data.transform import original_columns
from dl.data.types import Array, Part
from dl.report.facts import Pictures, RunFacts, pictures_of
from dl.rundir.typed import Count
from dl.text import cut, number, one_line, percent, shortened

MOST_MISTAKES = 24
"""Rows that are shown before the reader picks others."""
_MOST_EXAMPLES = 24
_MOST_AVERAGED, _MOST_MEANS = 2_000, 30
# To be picked by a cell of the confusion matrix, or by a bar of the residuals.
_OF_EACH_KIND, _KINDS_OF_RESIDUALS, _MOST_OTHERS = 4, 24, 200
# Pictures of a page are characters in it: these are a fifth of what a page may be.
_MOST_PICTURE_BYTES = 250_000
# What the page shows of a row: what a person looks through, in some tens of kB.
_MOST_COLUMNS = 40
_LONGEST_TEXT = 400
_BINS = 20
_COMMON, _LONGEST = 3, 40
"""Categories that a cell can name, and characters of each."""


@dataclass(frozen=True, slots=True)
class Example:
    """A picture of the data, as an address, with its true answer."""

    picture: str
    true: str


@dataclass(frozen=True, slots=True)
class ShownRow:
    """A row with its answers in words, and its picture or its first columns.

    Attributes:
        row: 0-based position in the data.
        true: What is true.
        predicted: What the model said.
        share: How sure it was: ` (0.98)`; may be empty.
        picture: The row as a picture, as an address.
        inputs: The row, by column.
        numbers: Of a regression of one target, what is true and what was predicted.
    """

    row: Count
    true: str
    predicted: str
    share: str
    picture: str | None
    inputs: dict[str, str]
    numbers: tuple[float, float] | None = None

    @property
    def error(self) -> float | None:
        """Predicted minus true; None where the answers are no numbers."""
        return None if self.numbers is None else self.numbers[1] - self.numbers[0]


def examples_of(facts: RunFacts) -> list[Example]:
    """Returns the first rows, where they are pictures."""
    if facts.pictures is None:
        return []
    rows = np.arange(min(_MOST_EXAMPLES, len(facts.true)))
    return list(map(Example, facts.pictures.data_uris(rows), facts.worded(facts.true[rows])))


def means_of(dataset: Dataset) -> list[Example]:
    """Returns the mean picture of each class in the training part, where the rows are pictures.

    It is made of a sample of the rows; sounds, and pictures that are to come out, have none.
    """
    target, fitted = dataset.target, dataset.preprocessing
    if target.places or target.form not in ("labels", "one_hot", "single"):
        return []
    part = dataset.train.sample(_MOST_AVERAGED)
    pictures = pictures_of(part, fitted)
    if pictures is None or pictures.sounds or len(target.classes) > _MOST_MEANS:
        return []
    found = class_indexes(part.y[:], target)
    present = [place for place in range(len(target.classes)) if np.any(found == place)]
    means = np.stack([pictures.values[found == place].mean(axis=0) for place in present])
    uris = Pictures(means, pictures.pixel_max).data_uris(np.arange(len(means)))
    return [Example(uri, one_line(target.classes[p])) for uri, p in zip(uris, present, strict=True)]


def mistakes_of(
    facts: RunFacts, part: Part, preprocessing: Preprocessing
) -> tuple[list[ShownRow], list[ShownRow]]:
    """Returns the worst mistakes, the worst first, and some more rows of each kind of answer."""
    if facts.predicted is None or facts.places > 1 or part.y is part.x:
        return [], []  # where the inputs are to come out, pictures and errors of rows tell more
    worst = facts.worst_rows(MOST_MISTAKES)
    others = np.setdiff1d(_of_each_kind(facts), worst)[:_MOST_OTHERS]
    shown = shown_rows(facts, np.concatenate([worst, others]), part, preprocessing)
    return shown[: len(worst)], [
        row
        for row in shown[len(worst) :]
        if row.picture is not None or row.inputs  # a row of nothing is none
    ]


def _of_each_kind(facts: RunFacts) -> Array:
    """Returns the positions of some rows of each pair of classes, or of each range of residuals."""
    true, predicted = facts.true, facts.predicted
    if predicted is None or facts.task == "multilabel":
        return np.zeros(0, np.int64)
    if facts.in_classes:
        kinds = true.astype(np.int64) * max(1, len(facts.classes)) + predicted.astype(np.int64)
    elif true.ndim == 2 and true.shape[1] == 1:
        residuals = (predicted - true)[:, 0]
        edges = np.linspace(residuals.min(), residuals.max(), _KINDS_OF_RESIDUALS + 1)
        kinds = np.searchsorted(edges, residuals)
    else:
        return np.zeros(0, np.int64)
    order = np.argsort(kinds, kind="stable")
    found = [
        row
        for _, rows in groupby(order.tolist(), key=lambda row: int(kinds[row]))
        for row in list(rows)[:_OF_EACH_KIND]
    ]
    return np.array(found, np.int64)


def shown_rows(
    facts: RunFacts, rows: Array, part: Part, preprocessing: Preprocessing
) -> list[ShownRow]:
    """Returns rows as they are shown; pictures are left out after what a page can hold of them."""
    pictures = pictures_within(facts, rows, _MOST_PICTURE_BYTES)
    inputs: Sequence[dict[str, str]] = [{}] * len(rows)
    if facts.pictures is None:
        inputs = inputs_of(part, rows, preprocessing)
    numbers: Sequence[tuple[float, float] | None] = [None] * len(rows)
    predicted = facts.predicted if facts.predicted is not None else facts.true
    if facts.task == "regression" and facts.true.shape[1:] == (1,):
        pairs = np.column_stack([facts.true, predicted])[rows].astype(float)
        numbers = [(float(f"{true:.6g}"), float(f"{said:.6g}")) for true, said in pairs]
    return list(
        map(
            ShownRow,
            part.rows[rows].tolist(),
            facts.worded(facts.true[rows]),
            facts.worded(predicted[rows]),
            facts.surety(rows),
            pictures,
            inputs,
            numbers,
        )
    )


def pictures_within(facts: RunFacts, rows: Array, most: int) -> list[str | None]:
    """Returns the picture of each row as an address; None beyond so many bytes, and without any."""
    if facts.pictures is None or not len(rows):
        return [None] * len(rows)
    found = facts.pictures.data_uris(rows)
    ends = np.cumsum([len(address) for address in found])
    return [uri if end <= most else None for uri, end in zip(found, ends, strict=True)]


def inputs_of(part: Part, rows: Array, preprocessing: Preprocessing) -> list[dict[str, str]]:
    """Returns the columns of rows as they were in the data, in words; texts first."""
    columns = list(original_columns(part.x[rows], preprocessing.columns).items())[:_MOST_COLUMNS]
    decimals = {name: _decimals(values) for name, values in columns}
    texts = {name: list(texts_of(column.take(rows))) for name, column in part.texts.items()}
    return [
        {
            **{name: cut(text[place], _LONGEST_TEXT) for name, text in texts.items()},
            **{
                name: value
                if isinstance(value := values[place], str)
                else number(round(float(value), decimals[name]))
                for name, values in columns
            },
        }
        for place in range(len(rows))
    ]


def _decimals(values: Array) -> int:
    """Returns to how many decimals a column can be told: float32, scaled and back, has six digits.

    Without it a 0 reads -1.35e-08.
    """
    largest = 0.0 if values.dtype == object else float(np.max(np.abs(values), initial=0.0))
    return 6 - math.ceil(math.log10(largest)) if 0 < largest < math.inf else 6


@dataclass(frozen=True, slots=True)
class ColumnRow:
    """A column in words, and as a small picture.

    Attributes:
        name: The column.
        kind: How its values are read.
        missing: How many rows have no value, as a percentage; empty if all have one.
        values: The commonest categories, or the range and the median.
        heights: What the picture shows: rows of each category, or in bins of equal width.
        says: What the picture shows, in words.
    """

    name: str
    kind: str
    missing: str
    values: str
    heights: tuple[float, ...]
    says: str


def column_rows(
    columns: Sequence[ColumnSummary], drawn: Mapping[str, Distribution]
) -> list[ColumnRow]:
    """Returns a row for each column; `drawn` are the distributions that are known by name."""
    found = []
    for column in columns:
        rows = sum(column.counts) + column.missing
        missing = percent(column.missing / rows) if column.missing else ""
        of_numbers = column.kind != "categorical"
        told = _range(column, drawn.get(column.name)) if of_numbers else _categories(column)
        found.append(ColumnRow(column.name, column.kind, missing, *told))
    return found


def _categories(column: ColumnSummary) -> tuple[str, tuple[float, ...], str]:
    *counts, rest = column.counts
    known = sum(column.counts)
    shares = [
        f"{shortened(category, _LONGEST) or '(empty)'} {percent(count / known)}"
        for category, count in zip(column.categories, counts, strict=True)
    ]
    values, more = ", ".join(shares[:_COMMON]), len(shares[_COMMON:])
    if more:
        values += f" and {'over ' if rest else ''}{more} more"
    others = [f"all others {percent(rest / known)}"] if rest else []
    return values, column.counts if rest else tuple(counts), ", ".join([*shares, *others])


def _range(column: ColumnSummary, drawn: Distribution | None) -> tuple[str, tuple[float, ...], str]:
    # A summary of numbers has both ends; 0 stands for what is not there.
    low, high = column.low or 0.0, column.high or 0.0
    ends, below = [*column.bounds, high], list(accumulate(column.counts))
    median = next(end for end, rows in zip(ends, below, strict=True) if 2 * rows >= below[-1])
    values = f"{column.shown(low)} to {column.shown(high)}, median {column.shown(median)}"
    values += " characters" if column.kind == "text" else ""
    says = ", ".join(
        f"{percent(rows / below[-1])} up to {column.shown(end)}"
        for end, rows in zip(ends, below, strict=True)
    )
    if low == high:
        values = says = f"always {column.shown(low)}"
    # In the distribution gaps are filled: a column that has some is shown by its deciles.
    if drawn is not None and drawn.kind == "numbers" and not column.missing:
        return values, drawn.counts, says
    heights = np.interp(np.linspace(low, high, _BINS + 1), [low, *ends], [0, *below])
    heights[0] = 0
    return values, tuple(float(f"{height:.4g}") for height in np.diff(heights)), says
