"""Columns of `x` in the values that stood in the table."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dl.data.preprocessing.features import (
    CategoricalFeature,
    DateFeature,
    Feature,
    NumericFeature,
    output_names,
    width,
)
from dl.data.types import Array

UNSEEN = "(unseen)"
"""Stands for a category that the training part had not."""


def original_columns(x: Array, features: Sequence[Feature]) -> dict[str, Array]:
    """Returns the columns of a table: numbers as float64, categories as text, shape (rows,) each.

    The parts of a date are columns of their own. A missing value is what it was filled with.

    Args:
        x: Rows as the network takes them, shape (rows, columns).
        features: How the columns became numbers; none where the rows are not those of a table.
    """
    columns: dict[str, Array] = {}
    begin = 0
    for feature in features:
        end = begin + width(feature)
        columns |= _columns(feature, np.asarray(x[:, begin:end], np.float64))
        begin = end
    return columns


def _columns(feature: Feature, x: Array) -> dict[str, Array]:
    match feature:
        case NumericFeature():
            return {feature.name: x[:, 0] * feature.spread + feature.center}
        case CategoricalFeature():
            return {feature.name: _categories(feature, x)}
        case DateFeature():
            values = x * np.array(feature.spreads) + np.array(feature.centers)
            return dict(zip(output_names(feature), values.T, strict=True))


def _categories(feature: CategoricalFeature, x: Array) -> Array:
    names = np.array([*feature.categories, UNSEEN], dtype=object)
    if feature.encoding == "ordinal":
        return np.asarray(names[x[:, 0].astype(np.int64)])
    return np.asarray(names[np.where(x.any(axis=1), x.argmax(axis=1), -1)])
