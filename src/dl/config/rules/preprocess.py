"""What is certainly wrong in the section `preprocess`."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping

from dl.config.data import BuiltinData, Data, TableFile
from dl.config.preprocess import ColumnRules, Preprocess, cross_name
from dl.config.rules.facts import Facts, finding
from dl.config.rules.probe import targets_of
from dl.config.schema import document_of
from dl.errors import closest, did_you_mean
from dl.text import listing
from dl.vocabulary import traits
from dl.vocabulary.spec import Finding, Path

_HOLDS = {
    "numeric": "numbers",
    "categorical": "categories",
    "date": "dates",
    "text": "texts",
    "cross": "pairs of categories",
}
_KINDS = {
    "scale": ("numeric", "date"),
    "clip": ("numeric",),
    "buckets": ("numeric",),
    "categories": ("categorical", "cross"),
    "hash": ("categorical", "cross"),
    "parts": ("date",),
    "missing": ("numeric", "categorical", "date", "text"),
    "text": ("text",),
    "indicator": ("numeric", "categorical", "date"),
}
"""The kinds of columns that each rule of a column is for; a cross has no gaps of its own."""
_AGAINST = (("buckets", "scale"), ("buckets", "clip"), ("categories", "hash"))
"""Rules that make different inputs of the same column."""


def columns_are_of_a_table(data: Data, preprocess: Preprocess) -> Iterator[Finding]:
    """Only the columns of a table are prepared one by one, and scaled by what is sorted."""
    if isinstance(data, TableFile | BuiltinData):
        return
    for key in ("columns", "crosses"):
        if getattr(preprocess, key):
            yield finding(("preprocess", key), "columns_are_of_a_table.rules", source=data.source)
    if preprocess.numeric in ("robust", "quantile", "log1p"):
        words = {"source": data.source, "numeric": preprocess.numeric}
        yield finding(("preprocess", "numeric"), "columns_are_of_a_table.scaling", **words)


def columns_are_prepared_by_kind(
    data: Data, preprocess: Preprocess, facts: Facts
) -> Iterator[Finding]:
    """The rules of a column are for one that is an input, and for what it holds."""
    kinds, known = _kinds(data, facts)
    crosses = {cross_name(b, a): cross_name(a, b) for a, b in preprocess.crosses}
    for name, rules in preprocess.columns.items():
        path = ("preprocess", "columns", name)
        kind = "cross" if name in crosses.values() else kinds.get(name)
        if kind is None and (wrong := _no_input(path, name, data, known, crosses)):
            yield wrong
            continue
        written = [key for key, value in document_of(rules).items() if value not in (None, False)]
        for key in written if kind else ():
            if kind not in _KINDS[key]:
                fitting = [each for each, kinds_of in _KINDS.items() if kind in kinds_of]
                text = f"columns_are_prepared_by_kind.{'numbers' if kind == 'numeric' else 'other'}"
                wanted = listing([_HOLDS[each] for each in _KINDS[key]])
                words = {"name": name, "fitting": listing(fitting), "wanted": wanted}
                yield finding((*path, key), text, holds=_HOLDS[kind or ""], **words)
        if kind in ("categorical", "text") and rules.missing in ("mean", "median"):
            words = {"rule": rules.missing, "name": name, "holds": _HOLDS[kind]}
            yield finding((*path, "missing"), "columns_are_prepared_by_kind.mean", **words)


def column_rules_agree(preprocess: Preprocess) -> Iterator[Finding]:
    """The rules of a column make one thing of it, and its limits rise."""
    for name, rules in preprocess.columns.items():
        path = ("preprocess", "columns", name)
        for first, second in _AGAINST:
            if getattr(rules, first) is not None and getattr(rules, second) is not None:
                yield finding((*path, second), "column_rules_agree.both", first=first)
        yield from _limits_that_fall(path, rules)
        if rules.parts is not None and not any(document_of(rules.parts).values()):
            yield finding((*path, "parts"), "column_rules_agree.parts")
        missing = rules.missing or preprocess.missing
        if rules.indicator and missing in ("error", "drop"):
            yield finding((*path, "indicator"), "column_rules_agree.indicator", missing=missing)


def _limits_that_fall(path: Path, rules: ColumnRules) -> Iterator[Finding]:
    for key in ("clip", "buckets"):
        limits = getattr(rules, key)
        pairs = itertools.pairwise(limits) if isinstance(limits, tuple) else ()
        for low, high in pairs:
            if low >= high:
                words = {"low": low, "high": high}
                yield finding((*path, key), "column_rules_agree.falling", **words)
                break


def crosses_are_of_categories(
    data: Data, preprocess: Preprocess, facts: Facts
) -> Iterator[Finding]:
    """A cross is of two input columns, which have categories or buckets."""
    kinds, known = _kinds(data, facts)
    seen = set()
    for index, pair in enumerate(preprocess.crosses):
        path, text = ("preprocess", "crosses", index), "crosses_are_of_categories"
        if pair[0] == pair[1] or frozenset(pair) in seen:
            yield finding(path, f"{text}.{'itself' if pair[0] == pair[1] else 'twice'}", pair=pair)
        elif cross_name(*pair) in known:
            yield finding(path, f"{text}.name", name=cross_name(*pair))
        seen.add(frozenset(pair))
        for place, name in enumerate(pair):
            buckets = name in preprocess.columns and preprocess.columns[name].buckets is not None
            if wrong := _no_input((*path, place), name, data, known, {}):
                yield wrong
            elif kinds.get(name) in ("date", "text") or (
                kinds.get(name) == "numeric" and not buckets
            ):
                what = "numbers" if kinds[name] == "numeric" else kinds[name]
                yield finding((*path, place), f"{text}.{what}", name=name)


def _kinds(data: Data, facts: Facts) -> tuple[dict[str, str], tuple[str, ...]]:
    """Returns what is known of the kinds of input columns, and all of them, empty if not known."""
    read = facts.probe.kinds
    stated = getattr(data, "kinds", {})
    names = tuple(read) if read else getattr(data, "features", None) or ()
    return {**stated, **read}, names


def _no_input(
    path: Path, name: str, data: Data, known: tuple[str, ...], crosses: Mapping[str, str]
) -> Finding | None:
    """Returns that a name is none of an input column, where that is known.

    `crosses` has the name of each cross by that of its columns in the other order.
    """
    if name in targets_of(data):
        return finding(path, "columns_are_prepared_by_kind.target", name=name)
    if not known or name in known:
        return None
    near = crosses.get(name) or closest(name, (*known, *crosses.values()))
    hint = did_you_mean(near, f"remove {name}")
    return finding(path, "columns_are_prepared_by_kind.unknown", name=name, known=known, hint=hint)


def target_is_not_scaled_for_classes(preprocess: Preprocess, facts: Facts) -> Iterator[Finding]:
    """Only a regression target can be scaled."""
    task, loss = facts.task, facts.config.training.loss
    by_loss = task is None and loss.type in traits.CLASSIFICATION
    if preprocess.target != "none" and (by_loss or task not in (None, "regression")):
        text = f"target_is_not_scaled_for_classes.{'loss' if by_loss else 'task'}"
        yield finding(("preprocess", "target"), text, loss=loss, task=task, preprocess=preprocess)


def target_range_is_used(preprocess: Preprocess) -> Iterator[Finding]:
    """A range of the target is in rising order, and something scales by it."""
    path, limits = ("preprocess", "target_range"), preprocess.target_range
    if limits is not None and limits[0] >= limits[1]:
        yield finding(path, "target_range_is_used.falling", low=limits[0], high=limits[1])
    if limits is not None and preprocess.target not in ("minmax", "minmax_signed"):
        yield finding(path, "target_range_is_used.unused", target=preprocess.target)
