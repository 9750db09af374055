"""The columns of a table as numbers, by what was fitted on the training rows, and back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from dl.config.preprocess import cross_name
from dl.data.features import (
    RANGES,
    CategoricalFeature,
    DateFeature,
    Feature,
    NumericFeature,
    TextFeature,
    categories_by_name,
    feature_names,
    names_of,
    part_names,
)
from dl.data.requirements import Tokens
from dl.data.scaling import scaled, unscaled
from dl.data.storage import check_memory
from dl.data.types import Array, Column, RawTable
from dl.errors import DataError
from dl.text import listing, percent, plural

UNSEEN = "(unseen)"
"""Stands for a category that is not in the training part."""


_MANY_UNKNOWN = 0.25
"""So much more of its tokens is unknown of a text in another language, or on something else."""
_MOST_TOLD = 6
"""Columns of a warning; where so many have new categories, the rows are of another kind."""


class UnseenCategories:
    """Categories that are not in the training part: the first of each column, and how many rows.

    Rows can come in blocks; what was found in all of them is told once.
    """

    def __init__(self) -> None:
        self._rows: Counter[str] = Counter()
        self._first: dict[str, tuple[str, str, str]] = {}
        self._tokens: dict[str, tuple[float, int, int]] = {}

    def add(self, column: str, rows: int, place: str, category: str, encoded: str) -> None:
        """Notes rows: the place and category of the first one, and what they are encoded as."""
        self._rows[column] += rows
        self._first.setdefault(column, (place, category, encoded))

    def add_tokens(self, column: str, unknown: int, tokens: int, before: float) -> None:
        """Notes tokens of texts, and what share of those of the training part is unknown."""
        _, had, of = self._tokens.get(column, (0.0, 0, 0))
        self._tokens[column] = before, had + unknown, of + tokens

    def messages(self, title: str) -> Iterator[str]:
        """Yields what was found, in words: of one column with its place, of several as a list.

        Args:
            title: What the rows are: the name of a part, or a file.
        """
        if len(self._first) == 1:
            [(column, (place, category, encoded))] = self._first.items()
            has = "has" if self._rows[column] == 1 else "have"
            yield (
                f"{place}: column {column!r}: {plural(self._rows[column], 'row')} {has} a category "
                f"that is not in the training part, such as {category!r}; encoded as {encoded}"
            )
        elif self._first:
            told = [
                f"{column} {plural(self._rows[column], 'row')} (such as {category!r}, {place})"
                for column, (place, category, _) in self._first.items()
            ]
            encoded = next(iter(self._first.values()))[-1]
            yield (
                f"{title}: {len(told)} columns have categories that are not in the training part, "
                f"encoded as {encoded}: {listing(told, '', _MOST_TOLD)}"
            )
        for column, (before, unknown, tokens) in self._tokens.items():
            if tokens and unknown / tokens > before + _MANY_UNKNOWN:
                yield (
                    f"{title}: column {column!r}: {percent(unknown / tokens)} of the tokens are "
                    f"unknown, {percent(before)} in the training part"
                )


def transform_table(
    table: RawTable,
    features: Sequence[Feature],
    unseen: UnseenCategories,
    tokens: Tokens | None = None,
) -> NDArray[np.float32]:
    """Returns the rows as numbers, shape (rows, columns of `feature_names`).

    Args:
        table: The rows; each feature's column is looked up by its name.
        features: What was fitted on the training rows.
        unseen: Gets the categories that the training rows had not.
        tokens: What the model looks up, if it does.

    Raises:
        DataError: A value is missing, a category is unknown or a number too large, where what was
            fitted gives no way out, or a number cannot be looked up; the message has the row.
    """
    columns = len(feature_names(features))
    check_memory(
        4 * len(table) * columns,
        f"{table.source}: does not fit in the memory as numbers",
        f"{len(table)} rows of {columns} columns",
        "leave columns of many categories out with `data.exclude`, or write "
        "`preprocess.categorical: ordinal`",
    )
    x = np.empty((len(table), columns), dtype=np.float32)
    by_name = categories_by_name(features)
    end = 0
    for feature in features:
        begin, end = end, end + len(names_of(feature))
        part = x[:, begin:end]
        if feature.indicator:
            part[:, -1] = table.columns[feature.name].missing()
            part = part[:, :-1]
        match feature:
            case NumericFeature():
                _numbers(table, feature, part)
            case CategoricalFeature():
                _categories(table, feature, by_name, part, unseen, tokens)
            case DateFeature() if feature.parts:
                _dates(_filled(table, feature.name, feature.fill), feature, part)
        if tokens is not None:
            _refuse_unknown(table, feature, part, tokens)
    return x


def _filled(table: RawTable, name: str, fill: float | str | None) -> Array:
    """Returns the values of a column of numbers or dates without gaps."""
    column = table.columns[name]
    missing = column.missing()
    if fill is None:
        refuse_missing(table, name, missing)
        return column.values
    return np.where(missing, np.array(fill, column.values.dtype), column.values)


def _numbers(table: RawTable, feature: NumericFeature, out: Array) -> None:
    values = feature.clipped(_filled(table, feature.name, feature.fill))
    if feature.scaling == "log1p":
        refuse_logarithm(table, feature.name, values)
    with np.errstate(over="ignore"):
        out[:, 0] = scaled(
            values, feature.scaling, feature.center, feature.spread, feature.quantiles
        )
    too_large = ~np.isfinite(out[:, 0])
    if too_large.any():
        row = int(np.argmax(too_large))
        raise DataError(
            f"{table.row_place(row)}: column {feature.name!r} is too large when it is scaled",
            found=repr(float(values[row])),
            hint="correct the value; it is far from all those of the training part",
        )


def _categories(
    table: RawTable,
    feature: CategoricalFeature,
    by_name: Mapping[str, CategoricalFeature],
    out: Array,
    unseen: UnseenCategories,
    tokens: Tokens | None,
) -> None:
    if feature.of:
        column = crossed(table, feature.of, by_name)
    else:
        column = _as_categories(table.columns[feature.name], feature)
    if feature.fill is None:
        refuse_missing(table, feature.name, column.missing())
    position = feature.position()
    # The last one is found by the code of a missing value, -1.
    fill = -1 if feature.fill is None else position(feature.fill)
    codes = np.array([*map(position, column.categories), fill])[column.values]
    strange = codes < 0
    # A pair that is new since one of its categories is, was told of with that one's column.
    fresh = strange & ~_has_new_category(table, feature, by_name) if strange.any() else strange
    if fresh.any():
        row = int(np.argmax(fresh))
        category = column.categories[int(column.values[row])]
        # A table that is looked up with -1 would give its last row: that of another category.
        has_no_number = feature.encoding == "ordinal" and tokens is not None and not tokens.signed
        if feature.unseen == "error" or has_no_number:
            shown = ", ".join(map(repr, feature.categories[:6]))
            count = len(feature.categories)
            raise DataError(
                f"{table.row_place(row)}: column {feature.name!r} has a category that is not in "
                "the training part",
                expected=shown if count <= 6 else f"{shown} … ({count} in all)",
                found=repr(category),
                hint=f"correct it, or leave the row out: {tokens.layer} has no row for it"
                if tokens is not None and has_no_number
                else "correct it, or train with `preprocess.unseen: zeros`",
            )
        encoded = "-1" if feature.encoding == "ordinal" else "zeros"
        unseen.add(feature.name, int(fresh.sum()), table.row_place(row), category, encoded)
    if feature.encoding == "ordinal":
        out[:, 0] = codes
        return
    out[:] = 0
    rows = np.flatnonzero(~strange)
    out[rows, codes[rows]] = 1


def _has_new_category(
    table: RawTable, feature: CategoricalFeature, by_name: Mapping[str, CategoricalFeature]
) -> NDArray[np.bool_]:
    """Returns in which rows a column of a cross has a category that it had not in the training."""
    new = np.zeros(len(table), np.bool_)
    for name in feature.of:
        known, column = by_name[name].position(), table.columns[name]
        if column.kind == "categorical":  # numbers in buckets are always in one of them
            new |= np.array([*(known(each) < 0 for each in column.categories), False])[
                column.values
            ]
    return new


def _as_categories(column: Column, feature: CategoricalFeature) -> Column:
    """Returns a column with the buckets of its numbers as categories, where it has buckets."""
    if column.kind == "categorical":
        return column
    codes = np.where(column.missing(), -1, np.digitize(column.values, feature.edges))
    return Column("categorical", codes.astype(np.int32), feature.categories)


def crossed(
    table: RawTable, pair: Sequence[str], by_name: Mapping[str, CategoricalFeature]
) -> Column:
    """Returns the pairs of categories of two columns as a column without gaps."""
    codes, names = [], []
    for name in pair:
        feature = by_name[name]
        column = _as_categories(table.columns[name], feature)
        if feature.fill is None:
            refuse_missing(table, name, column.missing())
        filled = (*column.categories, *({feature.fill or ""} - set(column.categories)))
        names.append(filled)
        codes.append(np.where(column.missing(), filled.index(feature.fill or ""), column.values))
    present, positions = np.unique(codes[0] * len(names[1]) + codes[1], return_inverse=True)
    pairs = [divmod(int(code), len(names[1])) for code in present]
    texts = tuple(cross_name(names[0][first], names[1][second]) for first, second in pairs)
    return Column("categorical", positions, texts)


def _dates(dates: Array, feature: DateFeature, out: Array) -> None:
    end = 0
    for i, (part, form) in enumerate(feature.formed()):
        begin, end = end, end + len(part_names("", part, form))
        numbers = date_part(dates, part)
        if form == "number":
            out[:, begin] = scaled(numbers, feature.scaling, feature.centers[i], feature.spreads[i])
            continue
        first, count = RANGES[part]
        if form == "cyclic":
            angles = 2 * np.pi * (numbers - first) / count
            out[:, begin:end] = np.stack([np.sin(angles), np.cos(angles)], axis=1)
        else:
            out[:, begin:end] = (numbers - first)[:, np.newaxis] == np.arange(count)


def date_part(dates: Array, part: str) -> NDArray[np.float64]:
    """Returns one part of each date; months, days and weekdays (Monday) count from 1."""
    days = dates.astype("datetime64[D]")
    months = dates.astype("datetime64[M]")
    years = dates.astype("datetime64[Y]")
    match part:
        case "year":
            numbers = years.astype(np.int64) + 1970
        case "month":
            numbers = (months - years).astype(np.int64) + 1
        case "day":
            numbers = (days - months).astype(np.int64) + 1
        case "weekday":
            # 1 January 1970 was a Thursday.
            numbers = (days.astype(np.int64) + 3) % 7 + 1
        case "day_of_year":
            numbers = (days - years).astype(np.int64) + 1
        case "hour":
            numbers = (dates - days).astype("timedelta64[h]").astype(np.int64)
        case _:
            numbers = (dates - days).astype("timedelta64[m]").astype(np.int64) % 60
    return numbers.astype(np.float64)


def _refuse_unknown(table: RawTable, feature: Feature, out: Array, tokens: Tokens) -> None:
    wrong = tokens.unknown(out)
    if not wrong.any():
        return
    row, column = (int(place) for place in np.argwhere(wrong)[0])
    place = f"{table.row_place(row)}: column {feature.name!r}"
    hint = f"leave it out with `data.exclude`, or begin with another layer than {tokens.layer}"
    match feature:
        case CategoricalFeature():
            place += f": category {feature.labels[int(out[row, column])]!r}"
        case NumericFeature(scaling=scaling) if scaling != "none":
            hint = f"write `preprocess.numeric: none`, so that it is not scaled; or {hint}"
    raise tokens.error(place, out, (row, column), hint)


# What is refused


def refuse_logarithm(table: RawTable, name: str, values: Array) -> None:
    """Refuses numbers that have no logarithm of 1 + the number; raises `DataError`."""
    with np.errstate(invalid="ignore"):
        wrong = values <= -1
    if wrong.any():
        row = int(np.argmax(wrong))
        raise DataError(
            f"{table.row_place(row)}: column {name!r} has a value that has no logarithm",
            expected="numbers above -1: its scaling is log1p, the logarithm of 1 + the number",
            found=f"{values[row]:.12g}",
            hint="correct the value, or train with another scaling: "
            f"`preprocess.columns: {{{name}: {{scale: robust}}}}`",
        )


def refuse_missing(table: RawTable, name: str, missing: NDArray[np.bool_]) -> None:
    """Refuses a column that lacks values, which nothing stands for; raises `DataError`."""
    if missing.any():
        hint = "fill it in, or set `preprocess.missing` to mean, median, most_frequent or drop"
        raise missing_error(table, f"column {name!r} has no value", missing, hint)


def missing_error(table: RawTable, what: str, missing: NDArray[np.bool_], hint: str) -> DataError:
    """Returns the error for the first row where something is missing."""
    return DataError(
        f"{table.row_place(int(np.argmax(missing)))}: {what}",
        found=f"{plural(int(missing.sum()), 'row')} without it",
        hint=hint,
    )


# Inverse


def original_columns(x: Array, features: Iterable[Feature]) -> dict[str, Array]:
    """Returns the columns of a table: numbers as float64, categories as text, shape (rows,) each.

    The parts of a date are columns of their own; numbers in buckets are their buckets. A missing
    value is what it was filled with. Of windows it is the last step.

    Args:
        x: Rows as the network takes them, shape (rows, columns) or (windows, steps, columns).
        features: How the columns became numbers; none where the rows are not those of a table.
    """
    x = x[:, -1] if x.ndim == 3 and features else x
    columns: dict[str, Array] = {}
    end = 0
    for feature in features:
        begin, end = end, end + len(names_of(feature))
        if isinstance(feature, TextFeature):  # the text itself tells more than its tokens
            continue
        part = np.asarray(x[:, begin : end - feature.indicator], np.float64)
        match feature:
            case NumericFeature():
                columns[feature.name] = unscaled(
                    part[:, 0], feature.scaling, feature.center, feature.spread, feature.quantiles
                )
            case DateFeature():
                columns |= _original_parts(part, feature)
            case CategoricalFeature():
                codes = part[:, 0].astype(np.int64)
                if feature.encoding == "one_hot":
                    codes = np.where(part.any(axis=1), part.argmax(axis=1), -1)
                names = np.array([*feature.labels, UNSEEN], dtype=object)
                columns[feature.name] = np.asarray(names[codes])
    return columns


def _original_parts(x: Array, feature: DateFeature) -> dict[str, Array]:
    columns, end = {}, 0
    for i, (part, form) in enumerate(feature.formed()):
        begin, end = end, end + len(part_names("", part, form))
        own = x[:, begin:end]
        if form == "number":
            numbers = unscaled(own[:, 0], feature.scaling, feature.centers[i], feature.spreads[i])
        else:
            first, count = RANGES[part]
            turns = np.arctan2(own[:, 0], own[:, -1]) / (2 * np.pi)
            steps = turns * count if form == "cyclic" else own.argmax(axis=1)
            numbers = first + np.round(steps) % count
        columns[f"{feature.name}.{part}"] = numbers
    return columns
