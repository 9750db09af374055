"""Applying what was learned: columns to float32, the same at training and at prediction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from dl.data.arrays.memory import check_memory
from dl.data.preprocessing.dates import part_of
from dl.data.preprocessing.features import (
    CategoricalFeature,
    DateFeature,
    Feature,
    NumericFeature,
    output_names,
    width,
)
from dl.data.preprocessing.missing import refuse_missing
from dl.data.raw import Column, RawTable
from dl.data.tokens import Tokens
from dl.data.types import Array
from dl.errors import DataError
from dl.text import listing


@dataclass(frozen=True, slots=True)
class Unseen:
    """Categories of a column that the training part had not.

    Attributes:
        column: The column.
        place: Words for the place of the first row.
        rows: Number of such rows.
        category: That of the first row.
        encoded: What they are encoded as, in words.
    """

    column: str
    place: str
    rows: int
    category: str
    encoded: str

    def plus(self, later: Unseen) -> Unseen:
        """Returns these rows and those of a later block of rows as one."""
        return replace(self, rows=self.rows + later.rows)

    def text(self) -> str:
        """Words for a warning."""
        rows = f"{self.rows} row has" if self.rows == 1 else f"{self.rows} rows have"
        return (
            f"{self.place}: column {self.column!r}: {rows} a category that the training part had "
            f"not, such as {self.category!r}; encoded as {self.encoded}"
        )


Warn = Callable[[Unseen], None]


def transform(
    table: RawTable, features: Sequence[Feature], warn: Warn, tokens: Tokens | None = None
) -> NDArray[np.float32]:
    """Returns the rows as numbers, shape (rows, columns of `feature_names`).

    Args:
        table: The rows; each feature's column is looked up by its name.
        features: What was learned from the training rows.
        warn: Told about categories that the training rows had not.
        tokens: What the model looks up, if it does.

    Raises:
        DataError: A value is missing, a category is unknown or a number too large, where what was
            learned gives no way out, or a number cannot be looked up; the message has the row.
    """
    columns = sum(map(width, features))
    check_memory(
        4 * len(table) * columns,
        f"{table.source}: does not fit in the memory as numbers",
        f"{len(table)} rows of {columns} columns",
        "leave columns of many categories out with `data.features`, or write "
        "`preprocess.categorical: ordinal`",
    )
    x = np.empty((len(table), columns), dtype=np.float32)
    start = 0
    for feature in features:
        part = x[:, start : start + width(feature)]
        start += width(feature)
        match feature:
            case NumericFeature():
                _numeric(table, feature, part)
            case CategoricalFeature():
                _categorical(table, feature, part, warn, tokens)
            case DateFeature():
                _date(table, feature, part)
        if tokens is not None:
            _refuse_unknown(table, feature, part, tokens)
    return x


def feature_names(features: Sequence[Feature]) -> tuple[str, ...]:
    """Returns the names of the columns of `x`."""
    return tuple(name for feature in features for name in output_names(feature))


def _numeric(table: RawTable, feature: NumericFeature, out: Array) -> None:
    values = table.columns[feature.name].values
    missing = np.isnan(values)
    if feature.fill is None:
        refuse_missing(table, feature.name, missing)
    else:
        values = np.where(missing, feature.fill, values)
    with np.errstate(over="ignore"):
        out[:, 0] = (values - feature.center) / feature.spread
    too_large = ~np.isfinite(out[:, 0])
    if too_large.any():
        row = int(np.argmax(too_large))
        raise DataError(
            f"{table.place(int(table.rows[row]))}: column {feature.name!r} is too large when it "
            "is scaled",
            found=repr(float(values[row])),
            hint="correct the value; it is far from all those of the training part",
        )


def _categorical(
    table: RawTable, feature: CategoricalFeature, out: Array, warn: Warn, tokens: Tokens | None
) -> None:
    column = table.columns[feature.name]
    codes = _codes(table, feature, column)
    unseen = codes < 0
    if unseen.any():
        _handle_unseen(table, feature, unseen, warn, tokens)
    if feature.encoding == "ordinal":
        out[:, 0] = codes
        return
    out[:] = 0
    known = np.flatnonzero(~unseen)
    out[known, codes[known]] = 1


def _codes(table: RawTable, feature: CategoricalFeature, column: Column) -> Array:
    """Returns the position of each row's category in the learned ones, -1 where it is not there."""
    position = {category: i for i, category in enumerate(feature.categories)}
    missing = column.missing()
    if feature.fill is None:
        refuse_missing(table, feature.name, missing)
        fill = -1
    else:
        fill = position[feature.fill]
    renumber = np.array([*(position.get(name, -1) for name in column.categories), fill])
    codes: Array = renumber[column.values]
    return codes


def _handle_unseen(
    table: RawTable,
    feature: CategoricalFeature,
    unseen: NDArray[np.bool_],
    warn: Warn,
    tokens: Tokens | None,
) -> None:
    column = table.columns[feature.name]
    row = int(np.argmax(unseen))
    place = table.place(int(table.rows[row]))
    category = column.categories[int(column.values[row])]
    # A table that is looked up with -1 would give its last row: the numbers of another category.
    has_no_number = feature.encoding == "ordinal" and tokens is not None and not tokens.signed
    if feature.unseen == "error" or has_no_number:
        raise DataError(
            f"{place}: column {feature.name!r} has a category that the training part had not",
            expected=listing(map(repr, feature.categories), "", 6),
            found=repr(category),
            hint=f"correct it, or leave the row out: {tokens.layer} has no row for it"
            if tokens is not None and has_no_number
            else "correct it, or train with `preprocess.unseen: zeros`",
        )
    encoded = "-1" if feature.encoding == "ordinal" else "zeros"
    warn(Unseen(feature.name, place, int(unseen.sum()), category, encoded))


def _refuse_unknown(table: RawTable, feature: Feature, out: Array, tokens: Tokens) -> None:
    wrong = tokens.unknown(out)
    if not wrong.any():
        return
    row, column = (int(place) for place in np.argwhere(wrong)[0])
    place = f"{table.place(int(table.rows[row]))}: column {feature.name!r}"
    hint = f"leave it out with `data.features`, or begin with another layer than {tokens.layer}"
    match feature:
        case CategoricalFeature():
            place += f": category {feature.categories[int(out[row, column])]!r}"
        case NumericFeature(scaling="standardize" | "minmax"):
            hint = f"write `preprocess.numeric: none`, so that it is not scaled; or {hint}"
    raise tokens.error(place, out, (row, column), hint)


def _date(table: RawTable, feature: DateFeature, out: Array) -> None:
    if not feature.parts:
        return
    dates = table.columns[feature.name].values
    missing = np.isnat(dates)
    if feature.fill is None:
        refuse_missing(table, feature.name, missing)
    else:
        dates = np.where(missing, np.datetime64(feature.fill, "us"), dates)
    scaling = zip(feature.parts, feature.centers, feature.spreads, strict=True)
    for i, (part, center, spread) in enumerate(scaling):
        out[:, i] = (part_of(dates, part) - center) / spread
