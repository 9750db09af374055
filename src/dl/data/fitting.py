"""How each column of a table becomes numbers, learned of the training rows; and rows left out."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from dl.config.preprocess import (
    MOST_CATEGORIES,
    MOST_LENGTH,
    ColumnRules,
    Missing,
    Preprocess,
    Punctuation,
    TextOutput,
    cross_name,
)
from dl.config.schema import document_of
from dl.data.features import (
    FIRST_TOKEN,
    OTHER,
    CategoricalFeature,
    DateFeature,
    Feature,
    NumericFeature,
    TextFeature,
    categories_by_name,
    feature_names,
)
from dl.data.scaling import fit_quantiles, fit_scaling
from dl.data.tokens import count_tokens, is_single, texts_of
from dl.data.transform import crossed, date_part, missing_error, refuse_logarithm, refuse_missing
from dl.data.types import Array, Column, RawTable
from dl.errors import DataError
from dl.text import listing, plural
from dl.vocabulary.spec import Findings

DAY_PARTS = ("year", "month", "day", "weekday", "day_of_year")
TIME_PARTS = ("hour", "minute")
_TARGET_HINT = "fill it in, or write `data.missing_target: drop` to leave such rows out"


def fit_features(
    train: RawTable,
    preprocess: Preprocess,
    tell: Callable[[str], None],
    *,
    looked_up: bool = False,
) -> tuple[Feature, ...]:
    """Returns how each input column, and each cross, becomes numbers, fitted on the training rows.

    Args:
        train: The training rows.
        preprocess: The rules; they fit the kinds of the columns.
        tell: Told where rare categories are pooled.
        looked_up: Whether the model begins with a layer that looks numbers up.

    Raises:
        DataError: A column has no values, values are missing against the rule, a number has no
            logarithm, or no column is left.
        Findings: The time of the day is asked of days.
    """
    fitted = {name: _fit(train, name, preprocess, tell, looked_up) for name in train.columns}
    for pair in preprocess.crosses:
        name = cross_name(*pair)
        column = crossed(train, pair, categories_by_name(fitted.values()))
        fitted[name] = _fit_categories(train.source, name, column, preprocess, tell, of=pair)
    features = tuple(fitted.values())
    if not feature_names(features):
        raise DataError(
            f"{train.source}: no input column is left",
            hint="all are dates: write `preprocess.dates: parts`",
        )
    return features


def _fit(
    train: RawTable,
    name: str,
    preprocess: Preprocess,
    tell: Callable[[str], None],
    looked_up: bool,
) -> Feature:
    column, rules = train.columns[name], preprocess.rules_of(name)
    missing = column.missing()
    if missing.all():
        raise DataError(
            f"{train.source}: column {name!r} has no values in the training part",
            hint=f"add `exclude: [{name}]` below `data`",
        )
    if column.kind == "date" and preprocess.dates == "drop" and rules.parts is None:
        return DateFeature(name, (), "none", (), (), None)
    if rules.missing == "error":
        refuse_missing(train, name, missing)
    if column.kind == "text":
        return fit_text(train.source, name, column, preprocess, looked_up=looked_up)
    if column.kind == "categorical":
        return _fit_categories(train.source, name, column, preprocess, tell)
    known = column.values[~missing]
    fill = fill_of(column, known, rules.missing or "error")
    if column.kind == "date":
        return _fit_date(name, column, known, rules, fill)
    if rules.buckets is not None:
        return _fit_buckets(name, known, preprocess, fill)
    scaling, limits = rules.scale or "none", clip_limits(known, rules.clip)
    plain = NumericFeature(name, "none", 0, 1, fill, clip=limits, indicator=rules.indicator)
    if scaling == "log1p":
        refuse_logarithm(train, name, plain.clipped(column.values))
    known = plain.clipped(known)
    center, spread = fit_scaling(known, scaling)
    quantiles = fit_quantiles(known) if scaling == "quantile" else ()
    return replace(plain, scaling=scaling, center=center, spread=spread, quantiles=quantiles)


def fit_text(
    source: str, name: str, column: Column, preprocess: Preprocess, *, looked_up: bool
) -> TextFeature:
    """Learns the commonest tokens of the training rows, and how rare their texts are.

    Raises:
        DataError: No text has a token.
    """
    rules = preprocess.text_of(name)
    output: TextOutput = rules.output or ("int" if looked_up else "multi_hot")
    usual: Punctuation = "split" if rules.level == "word" else "keep"
    plain = TextFeature(
        name,
        "multi_hot",
        (),
        0,
        rules.level,
        rules.ngram_range,
        rules.lower,
        rules.punctuation or usual,
        None if preprocess.rules_of(name).missing == "error" else "",
        remove=rules.remove,
    )
    found = count_tokens(texts_of(column), plain)
    if not found.tokens:
        raise DataError(
            f"{source}: the texts of column {name!r} have no token in the training part",
            expected="words, or characters",
            hint="see `preprocess.text`: what is left out, and what a token is",
        )
    known = found.tokens[: rules.tokens - (FIRST_TOKEN if output == "int" else 0)]
    single, known_single = (
        sum(count for token, count in some if is_single(token, plain))
        for some in (found.tokens, known)
    )
    usual_length = min(MOST_LENGTH, int(found.lengths.max()))
    length = (rules.length or usual_length) if output == "int" else 0
    texts = len(column.values)
    rare = [1 + math.log((1 + texts) / (1 + found.texts[token])) for token, _ in known]
    return replace(
        plain,
        output=output,
        tokens=tuple(token for token, _ in known),
        length=length,
        idf=tuple(rare) if output == "tf_idf" else (),
        longer=float((found.lengths > length).mean()) if length else 0.0,
        unknown=1 - known_single / single if single else 0.0,
    )


def clip_limits(
    known: Array, clip: float | tuple[float, float] | None
) -> tuple[float, float] | None:
    """Returns the least and the largest value that a column is limited to."""
    if isinstance(clip, float):
        low, high = np.quantile(known, (clip, 1 - clip)).tolist()
        return low, high
    return clip


def _fit_date(
    name: str, column: Column, known: Array, rules: ColumnRules, fill: str | None
) -> DateFeature:
    stated = {} if rules.parts is None else document_of(rules.parts)
    forms: dict[str, Any] = {part: form for part, form in stated.items() if form is not None}
    parts = tuple(forms) or DAY_PARTS + (TIME_PARTS if column.timed else ())
    for part in () if column.timed else set(TIME_PARTS) & set(parts):
        raise Findings.one(
            ("preprocess", "columns", name, "parts", part),
            f"would be 0 in every row: {name} holds days without a time",
            expected=listing(DAY_PARTS),
            hint="remove it",
        )
    # A part of a date is spread evenly: its share of the range says the same as quantiles would.
    scaling = "minmax" if rules.scale == "quantile" else rules.scale or "none"
    pairs = [
        fit_scaling(date_part(known, part), scaling)
        if forms.get(part, "number") == "number"
        else (0.0, 1.0)
        for part in parts
    ]
    centers, spreads = zip(*pairs, strict=True)
    plain = DateFeature(name, parts, scaling, centers, spreads, fill)
    return replace(plain, forms=tuple(forms.values()), indicator=rules.indicator)


def _fit_buckets(
    name: str, known: Array, preprocess: Preprocess, fill: float | None
) -> CategoricalFeature:
    rules = preprocess.rules_of(name)
    edges = rules.buckets if isinstance(rules.buckets, tuple) else ()
    if isinstance(rules.buckets, int):
        found = np.unique(np.percentile(known, np.linspace(0, 100, rules.buckets + 1)))
        edges = tuple((found[1:-1] if len(found) > 2 else found[-1:]).tolist())
    shown = [repr(edge).removesuffix(".0") for edge in edges]
    between = [f"{low} to {high}" for low, high in itertools.pairwise(shown)]
    labels = [f"below {shown[0]}", *between, f"from {shown[-1]}"]
    return CategoricalFeature(
        name,
        preprocess.categorical,
        tuple(labels),
        preprocess.unseen,
        None if fill is None else labels[int(np.digitize(fill, edges))],
        edges=edges,
        indicator=rules.indicator,
    )


def _fit_categories(
    source: str,
    name: str,
    column: Column,
    preprocess: Preprocess,
    tell: Callable[[str], None],
    of: tuple[str, ...] = (),
) -> CategoricalFeature:
    rules, known = preprocess.rules_of(name), column.values[~column.missing()]
    present, counts = np.unique(known, return_counts=True)
    # Numbers of categories take one input, however many there are.
    limit = rules.categories or (MOST_CATEGORIES if preprocess.categorical == "one_hot" else None)
    pooled = False
    if limit is not None and len(present) > limit and not rules.hash:
        pooled = True
        commonest = [int(i) for i in np.argsort(-counts, kind="stable")]
        commonest = [i for i in commonest if column.categories[present[i]] != OTHER][: limit - 1]
        rest = len(present) - len(commonest)
        rows = int(counts.sum() - counts[commonest].sum())
        tell(
            f"{source}: column {name!r} has {len(present):,} categories: the {len(commonest):,} "
            f"commonest are told apart; the other {rest:,}, of {rows:,} of {len(known):,} training "
            f"rows, are one, {OTHER!r}"
        )
        present = present[np.sort(commonest)]
    categories = [] if rules.hash else [column.categories[code] for code in present]
    return CategoricalFeature(
        name,
        preprocess.categorical,
        (*categories, OTHER) if pooled else tuple(categories),
        preprocess.unseen,
        None if of else fill_of(column, known, rules.missing or "error"),
        pooled=pooled,
        hash=rules.hash or 0,
        of=of,
        indicator=rules.indicator,
    )


# Missing values


def drop_missing(
    table: RawTable, preprocess: Preprocess, target_rule: str, tell: Callable[[str], None]
) -> RawTable:
    """Returns the labelled rows that can be used.

    Args:
        table: The rows.
        preprocess: Its rules; rows that lack a value of a column with the rule `drop` are left
            out, of all columns also those that lack a target.
        target_rule: `data.missing_target`; with `drop`, rows that lack a target are left out.
        tell: Told how many rows are left out, and why.

    Raises:
        DataError: A target is missing and neither rule is `drop`, or no row is left.
    """
    lacking = np.zeros(len(table), np.bool_)
    # One column at a time: they may lie on the disk.
    for name in table.targets:
        lacking |= table.targets[name].missing()
        if preprocess.missing != "drop" and target_rule != "drop" and lacking.any():
            raise missing_error(table, f"the target {name!r} is missing", lacking, _TARGET_HINT)
    dropping = [name for name in table.columns if preprocess.rules_of(name).missing == "drop"]
    for name in dropping:
        lacking |= table.columns[name].missing()
    if not lacking.any():
        return table
    what = "a value" if dropping else "a target"
    if lacking.all():
        raise DataError(
            f"{table.source}: every row lacks {what}, so none is left",
            hint="fill with `preprocess.missing: median`, or leave the empty columns out with "
            "`data.features`"
            if dropping
            else "name another column as `data.target`",
        )
    number = int(lacking.sum())
    verb = "lacks" if number == 1 else "lack"
    tell(f"{table.source}: {number:,} of {plural(len(table), 'row')} left out: {verb} {what}")
    return table.take(np.flatnonzero(~lacking))


def fill_of(column: Column, known: Array, rule: Missing) -> Any:
    """Returns what stands for a missing value; a category always by the most frequent one.

    It is learned also where the training rows lack none. With `drop` only rows to predict are
    filled: by the median, as dates are for `mean`. None where missing values are refused.

    Args:
        column: The column.
        known: Its values that are not missing.
        rule: How they are filled.
    """
    if rule == "error":
        return None
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
