"""Learning the preprocessing, from the training rows only."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from dl.config.sections.preprocess import Preprocess, Scaling
from dl.data.preprocessing.dates import DAY_PARTS, TIME_PARTS, part_of
from dl.data.preprocessing.features import (
    CategoricalFeature,
    DateFeature,
    Feature,
    NumericFeature,
    output_names,
)
from dl.data.preprocessing.missing import (
    fill_category,
    fill_date,
    fill_number,
    refuse_missing,
)
from dl.data.raw import Column, RawTable
from dl.data.types import Array
from dl.errors import DataError

MOST_CATEGORIES = 1000
"""One-hot encoding of more categories than these is refused: an identifier or free text."""

_ROUNDING = 10 * np.finfo(np.float64).eps


def learn_features(train: RawTable, preprocess: Preprocess) -> list[Feature]:
    """Returns how each input column becomes numbers.

    Args:
        train: The training rows.
        preprocess: The config's section.

    Raises:
        DataError: A column has no values, values are missing against the rule, there are too many
            categories, or no column is left.
    """
    features = [_learn(train, name, preprocess) for name in train.columns]
    if not any(output_names(feature) for feature in features):
        raise DataError(
            f"{train.source}: no input column is left",
            hint="all are dates: write `preprocess.dates: parts`",
        )
    return features


def learn_scaling(values: Array, scaling: Scaling) -> tuple[float, float]:
    """Returns what to subtract and to divide by; constant values are divided by 1."""
    if scaling == "none":
        return 0.0, 1.0
    if scaling == "minmax":
        center = float(values.min())
        spread = float(values.max()) - center
    else:
        center, spread = float(values.mean()), float(values.std())
    return center, spread if spread > _ROUNDING * abs(center) else 1.0


def _learn(train: RawTable, name: str, preprocess: Preprocess) -> Feature:
    column = train.columns[name]
    missing = column.missing()
    if missing.all():
        raise DataError(
            f"{train.source}: column {name!r} has no values in the training part",
            hint="leave it out: list the other columns in `data.features`",
        )
    if column.kind == "date" and preprocess.dates == "drop":
        return DateFeature(name, (), "none", (), (), None)
    if preprocess.missing == "error":
        refuse_missing(train, name, missing)
    match column.kind:
        case "numeric":
            return _numeric(name, column.values[~missing], preprocess)
        case "categorical":
            return _categorical(train.source, name, column, preprocess)
        case "date":
            return _date(name, column, preprocess)


def _numeric(name: str, known: Array, preprocess: Preprocess) -> NumericFeature:
    scaling = preprocess.scaling(columns=True)
    center, spread = learn_scaling(known, scaling)
    return NumericFeature(name, scaling, center, spread, fill_number(known, preprocess.missing))


def _categorical(
    source: str, name: str, column: Column, preprocess: Preprocess
) -> CategoricalFeature:
    present = np.unique(column.values[column.values >= 0])
    if preprocess.categorical == "one_hot" and len(present) > MOST_CATEGORIES:
        raise DataError(
            f"{source}: column {name!r} has {len(present)} categories",
            expected=f"at most {MOST_CATEGORIES} for one-hot encoding",
            hint="an identifier or free text says nothing about new rows: leave it out by listing "
            "the other columns in `data.features`, or write `preprocess.categorical: ordinal`",
        )
    return CategoricalFeature(
        name,
        preprocess.categorical,
        tuple(column.categories[code] for code in present),
        preprocess.unseen,
        fill_category(column, preprocess.missing),
    )


def _date(name: str, column: Column, preprocess: Preprocess) -> DateFeature:
    known = column.values[~np.isnat(column.values)]
    parts = DAY_PARTS + (TIME_PARTS if column.timed else ())
    scaling = preprocess.scaling(columns=True)
    learned = [learn_scaling(part_of(known, part), scaling) for part in parts]
    centers, spreads = zip(*learned, strict=True)
    return DateFeature(name, parts, scaling, centers, spreads, fill_date(known, preprocess.missing))


_LOST = 1e-3
"""Share of the range of a column that rounding to float32 may take: less is noise to a network."""


def loses_digits(blocks: Iterable[Array]) -> bool:
    """Tells whether float32 rounds a column, given in blocks (values, columns), too much."""
    with np.errstate(over="ignore", invalid="ignore"):
        extremes = [
            (block.min(axis=0), block.max(axis=0), _rounding(block).max(axis=0))
            for block in blocks
            if len(block)
        ]
    if not extremes:
        return False
    least, most, lost = (np.array(each) for each in zip(*extremes, strict=True))
    width = most.max(axis=0) - least.min(axis=0)
    return bool(((width > 0) & (lost.max(axis=0) > _LOST * width)).any())


def _rounding(block: Array) -> Array:
    """Returns what float32 takes off; of what it does not hold at all, nothing."""
    rounded = block.astype(np.float32)
    return np.where(np.isfinite(rounded), np.abs(block - rounded), 0)
