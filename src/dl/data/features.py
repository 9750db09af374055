"""The columns of a table as numbers, and back: fitted on the training rows, applied to any."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray

from dl.config.schema import Preprocess, Scaling
from dl.data.requirements import Tokens
from dl.data.storage import check_memory
from dl.data.types import Array, Column, RawTable
from dl.errors import DataError
from dl.progress import Reporter
from dl.rundir.typed import Finite, MisfitError, NotZero, Range
from dl.text import plural

MOST_CATEGORIES = 1000
"""One-hot encoding of more categories than these is refused: an identifier or free text."""
DAY_PARTS = ("year", "month", "day", "weekday", "day_of_year")
TIME_PARTS = ("hour", "minute")
UNSEEN = "(unseen)"
"""Stands for a category that is not in the training part."""
_ROUNDING = 10 * np.finfo(np.float64).eps
"""A spread below this fraction of the center is the rounding of constant values."""
_LOST = 1e-3
"""Fraction of the range of a column that rounding to float32 may take: less is noise to a
network."""


def _is_date(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class NumericFeature:
    """A column of numbers: `(value - center) / spread`.

    Attributes:
        name: The column.
        scaling: How the numbers are scaled.
        center: Mean (standardize) or minimum (minmax) of the training rows; else 0.
        spread: Standard deviation or range of the training rows; 1 if that is 0.
        fill: What stands for a missing value; None refuses it.
    """

    name: str
    scaling: Scaling
    center: Finite
    spread: NotZero
    fill: Finite | None
    kind: Literal["numeric"] = "numeric"


@dataclass(frozen=True, slots=True)
class CategoricalFeature:
    """A column of categories, one-hot or as their number.

    Attributes:
        name: The column.
        encoding: How the categories become numbers.
        categories: Those of the training rows, sorted.
        unseen: What happens to other categories.
        fill: The category that stands for a missing value; None refuses it.
    """

    name: str
    encoding: Literal["one_hot", "ordinal"]
    categories: tuple[str, ...]
    unseen: Literal["zeros", "error"]
    fill: str | None
    kind: Literal["categorical"] = "categorical"

    def __post_init__(self) -> None:
        if self.fill is not None and self.fill not in self.categories:
            raise MisfitError("must be one of the categories", ("fill",))


@dataclass(frozen=True, slots=True)
class DateFeature:
    """A column of dates: its parts as numbers, scaled like numbers.

    Attributes:
        name: The column.
        parts: Names of the parts; none if dates are left out.
        scaling: How the parts are scaled.
        centers: Subtracted from each part.
        spreads: What the difference is divided by.
        fill: The date that stands for a missing one, in ISO 8601; None refuses it.
    """

    name: str
    parts: tuple[str, ...]
    scaling: Scaling
    centers: tuple[Finite, ...]
    spreads: tuple[NotZero, ...]
    fill: Annotated[str, Range(_is_date, "must be a date in ISO 8601")] | None
    kind: Literal["date"] = "date"

    def __post_init__(self) -> None:
        if not len(self.parts) == len(self.centers) == len(self.spreads):
            raise MisfitError("must be as many as parts", ("centers",))


Feature = NumericFeature | CategoricalFeature | DateFeature


class UnseenCategories:
    """Categories that are not in the training part: the first of each column, and how many rows.

    Rows can come in blocks; what was found in all of them is told once.
    """

    def __init__(self) -> None:
        self._rows: Counter[str] = Counter()
        self._first: dict[str, tuple[str, str, str]] = {}

    def add(self, column: str, rows: int, place: str, category: str, encoded: str) -> None:
        """Notes rows: the place and category of the first one, and what they are encoded as."""
        self._rows[column] += rows
        self._first.setdefault(column, (place, category, encoded))

    def tell(self, reporter: Reporter) -> None:
        """Warns of each column."""
        for column, (place, category, encoded) in self._first.items():
            has = "has" if self._rows[column] == 1 else "have"
            reporter.warn(
                f"{place}: column {column!r}: {plural(self._rows[column], 'row')} {has} a category "
                f"that is not in the training part, such as {category!r}; encoded as {encoded}"
            )


def feature_names(features: Iterable[Feature]) -> tuple[str, ...]:
    """Returns the names of the columns of `x`: `size`, `color=red`, `day.month`."""
    return tuple(name for feature in features for name in _names(feature))


def _names(feature: Feature) -> list[str]:
    if isinstance(feature, DateFeature):
        return [f"{feature.name}.{part}" for part in feature.parts]
    if isinstance(feature, CategoricalFeature) and feature.encoding == "one_hot":
        return [f"{feature.name}={category}" for category in feature.categories]
    return [feature.name]


# Fit


def fit_features(train: RawTable, preprocess: Preprocess) -> tuple[Feature, ...]:
    """Returns how each input column becomes numbers, fitted on the training rows.

    Raises:
        DataError: A column has no values, values are missing against the rule, there are too many
            categories, or no column is left.
    """
    features = tuple(_fit(train, name, preprocess) for name in train.columns)
    if not feature_names(features):
        raise DataError(
            f"{train.source}: no input column is left",
            hint="all are dates: write `preprocess.dates: parts`",
        )
    return features


def _fit(train: RawTable, name: str, preprocess: Preprocess) -> Feature:
    column = train.columns[name]
    missing = column.missing()
    if missing.all():
        raise DataError(
            f"{train.source}: column {name!r} has no values in the training part",
            hint=f"add `exclude: [{name}]` below `data`",
        )
    if column.kind == "date" and preprocess.dates == "drop":
        return DateFeature(name, (), "none", (), (), None)
    if preprocess.missing == "error":
        _refuse_missing(train, name, missing)
    known, scaling = column.values[~missing], preprocess.scaling(columns=True)
    fill = None if preprocess.missing == "error" else _fill(column, known, preprocess.missing)
    if column.kind == "numeric":
        center, spread = fit_scaling(known, scaling)
        return NumericFeature(name, scaling, center, spread, fill)
    if column.kind == "date":
        parts = DAY_PARTS + (TIME_PARTS if column.timed else ())
        pairs = [fit_scaling(_date_part(known, part), scaling) for part in parts]
        centers, spreads = zip(*pairs, strict=True)
        return DateFeature(name, parts, scaling, centers, spreads, fill)
    present = np.unique(known)
    if preprocess.categorical == "one_hot" and len(present) > MOST_CATEGORIES:
        raise DataError(
            f"{train.source}: column {name!r} has {len(present)} categories",
            expected=f"at most {MOST_CATEGORIES} for one-hot encoding",
            hint="an identifier or free text says nothing about new rows: leave it out with "
            "`data.exclude`, or write `preprocess.categorical: ordinal`",
        )
    return CategoricalFeature(
        name,
        preprocess.categorical,
        tuple(column.categories[code] for code in present),
        preprocess.unseen,
        fill,
    )


def _fill(column: Column, known: Array, rule: str) -> Any:
    """Returns what stands for a missing value; a category always by the most frequent one.

    With `drop` only rows to predict are filled: by the median, as dates are for `mean`.
    """
    if column.kind == "categorical" or rule == "most_frequent":
        distinct, counts = np.unique(known, return_counts=True)
        value = distinct[np.argmax(counts)]
    elif column.kind == "date":
        value = np.sort(known)[(len(known) - 1) // 2]
    else:
        value = known.mean() if rule == "mean" else np.median(known)
    if column.kind == "categorical":
        return column.categories[int(value)]
    return str(value) if column.kind == "date" else float(value)


def fit_scaling(values: Array, scaling: Scaling) -> tuple[float, float]:
    """Returns what to subtract and to divide by; constant values are divided by 1."""
    if scaling == "none":
        return 0.0, 1.0
    if scaling == "minmax":
        center = float(values.min())
        spread = float(values.max()) - center
    else:
        center, spread = float(values.mean()), float(values.std())
    return center, spread if spread > _ROUNDING * abs(center) else 1.0


def loses_digits(blocks: Iterable[Array]) -> bool:
    """Tells whether float32 rounds a column, given in blocks (values, columns), too much."""
    extremes = []
    with np.errstate(over="ignore", invalid="ignore"):
        for block in blocks:
            if len(block):
                rounded = block.astype(np.float32)
                # What float32 does not hold at all is refused elsewhere.
                lost = np.where(np.isfinite(rounded), np.abs(block - rounded), 0)
                extremes.append((block.min(axis=0), block.max(axis=0), lost.max(axis=0)))
    if not extremes:
        return False
    low, high, lost = (np.array(each) for each in zip(*extremes, strict=True))
    width = high.max(axis=0) - low.min(axis=0)
    return bool(((width > 0) & (lost.max(axis=0) > _LOST * width)).any())


# Transform


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
    end = 0
    for feature in features:
        begin, end = end, end + len(_names(feature))
        part = x[:, begin:end]
        match feature:
            case NumericFeature():
                _numbers(table, feature, part)
            case CategoricalFeature():
                _categories(table, feature, part, unseen, tokens)
            case DateFeature() if feature.parts:
                dates = _filled(table, feature.name, feature.fill)
                for i, name in enumerate(feature.parts):
                    numbers = _date_part(dates, name)
                    part[:, i] = (numbers - feature.centers[i]) / feature.spreads[i]
        if tokens is not None:
            _refuse_unknown(table, feature, part, tokens)
    return x


def _filled(table: RawTable, name: str, fill: float | str | None) -> Array:
    """Returns the values of a column of numbers or dates without gaps."""
    column = table.columns[name]
    missing = column.missing()
    if fill is None:
        _refuse_missing(table, name, missing)
        return column.values
    return np.where(missing, np.array(fill, column.values.dtype), column.values)


def _numbers(table: RawTable, feature: NumericFeature, out: Array) -> None:
    values = _filled(table, feature.name, feature.fill)
    with np.errstate(over="ignore"):
        out[:, 0] = (values - feature.center) / feature.spread
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
    out: Array,
    unseen: UnseenCategories,
    tokens: Tokens | None,
) -> None:
    column = table.columns[feature.name]
    position = {category: i for i, category in enumerate(feature.categories)}
    if feature.fill is None:
        _refuse_missing(table, feature.name, column.missing())
    # The last one is found by the code of a missing value, -1.
    known = [position.get(name, -1) for name in column.categories]
    codes = np.array([*known, position.get(feature.fill or "", -1)])[column.values]
    strange = codes < 0
    if strange.any():
        row = int(np.argmax(strange))
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
        unseen.add(feature.name, int(strange.sum()), table.row_place(row), category, encoded)
    if feature.encoding == "ordinal":
        out[:, 0] = codes
        return
    out[:] = 0
    rows = np.flatnonzero(~strange)
    out[rows, codes[rows]] = 1


def _date_part(dates: Array, part: str) -> NDArray[np.float64]:
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
            place += f": category {feature.categories[int(out[row, column])]!r}"
        case NumericFeature(scaling="standardize" | "minmax"):
            hint = f"write `preprocess.numeric: none`, so that it is not scaled; or {hint}"
    raise tokens.error(place, out, (row, column), hint)


# Inverse


def original_columns(x: Array, features: Iterable[Feature]) -> dict[str, Array]:
    """Returns the columns of a table: numbers as float64, categories as text, shape (rows,) each.

    The parts of a date are columns of their own. A missing value is what it was filled with.

    Args:
        x: Rows as the network takes them, shape (rows, columns).
        features: How the columns became numbers; none where the rows are not those of a table.
    """
    columns: dict[str, Array] = {}
    end = 0
    for feature in features:
        begin, end = end, end + len(_names(feature))
        part = np.asarray(x[:, begin:end], np.float64)
        match feature:
            case NumericFeature():
                columns[feature.name] = part[:, 0] * feature.spread + feature.center
            case DateFeature():
                values = part * np.array(feature.spreads) + np.array(feature.centers)
                columns |= dict(zip(_names(feature), values.T, strict=True))
            case CategoricalFeature():
                codes = part[:, 0].astype(np.int64)
                if feature.encoding == "one_hot":
                    codes = np.where(part.any(axis=1), part.argmax(axis=1), -1)
                names = np.array([*feature.categories, UNSEEN], dtype=object)
                columns[feature.name] = np.asarray(names[codes])
    return columns


# Missing values


def drop_missing(
    table: RawTable,
    rule: str,
    target_rule: str,
    tell: Callable[[str], None],
) -> RawTable:
    """Returns the labelled rows that can be used.

    Args:
        table: The rows.
        rule: `preprocess.missing`; with `drop`, rows that lack any value are left out.
        target_rule: `data.missing_target`; with `drop`, rows that lack a target are left out.
        tell: Told how many rows are left out, and why.

    Raises:
        DataError: A target is missing and neither rule is `drop`, or no row is left.
    """
    lacking = np.zeros(len(table), np.bool_)
    # One column at a time: they may lie on the disk.
    for name in table.targets:
        lacking |= table.targets[name].missing()
        if rule != "drop" and target_rule != "drop" and lacking.any():
            raise _missing(table, f"the target {name!r} is missing", lacking, _TARGET_HINT)
    for name in table.columns if rule == "drop" else ():
        lacking |= table.columns[name].missing()
    if not lacking.any():
        return table
    what = "a value" if rule == "drop" else "a target"
    if lacking.all():
        raise DataError(
            f"{table.source}: every row lacks {what}, so none is left",
            hint="fill with `preprocess.missing: median`, or leave the empty columns out with "
            "`data.features`"
            if rule == "drop"
            else "name another column as `data.target`",
        )
    number = int(lacking.sum())
    verb = "lacks" if number == 1 else "lack"
    tell(f"{table.source}: {number:,} of {plural(len(table), 'row')} left out: {verb} {what}")
    return table.take(np.flatnonzero(~lacking))


_TARGET_HINT = "fill it in, or write `data.missing_target: drop` to leave such rows out"


def _refuse_missing(table: RawTable, name: str, missing: NDArray[np.bool_]) -> None:
    if missing.any():
        hint = "fill it in, or set `preprocess.missing` to mean, median, most_frequent or drop"
        raise _missing(table, f"column {name!r} has no value", missing, hint)


def _missing(table: RawTable, what: str, missing: NDArray[np.bool_], hint: str) -> DataError:
    return DataError(
        f"{table.row_place(int(np.argmax(missing)))}: {what}",
        found=f"{plural(int(missing.sum()), 'row')} without it",
        hint=hint,
    )
