"""What is certainly wrong in the section `preprocess`, and between texts and the model."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence

from dl.config.data import BuiltinData, Data, TableFile, window_of
from dl.config.preprocess import ColumnRules, Preprocess, TextRules, cross_name
from dl.config.rules.facts import Facts, finding, layer_path
from dl.config.rules.probe import targets_of
from dl.config.schema import Model, document_of
from dl.errors import closest, did_you_mean
from dl.text import listing
from dl.vocabulary import traits
from dl.vocabulary.spec import Finding, Path, Spec

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


# Texts


def texts_of(data: Data) -> list[str]:
    """Returns the columns of texts; a column is one only where the config says so."""
    kinds: Mapping[str, str] = getattr(data, "kinds", {})
    return [name for name, kind in kinds.items() if kind == "text"]


def text_rules_are_used(data: Data, preprocess: Preprocess) -> Iterator[Finding]:
    """There is a text where it is said what becomes of texts."""
    if preprocess.text != TextRules() and not texts_of(data):
        yield finding(("preprocess", "text"), "text_rules_are_used")


def text_rules_agree(preprocess: Preprocess) -> Iterator[Finding]:
    """A number of tokens in a row rises, and what is left out is a regular expression."""
    for path, rules in _written(preprocess):
        low, high = rules.ngram_range
        if low > high:
            yield finding((*path, "ngrams"), "text_rules_agree.falling", low=low, high=high)
        try:
            empty = bool(re.search(rules.remove or "(?!)", ""))
        except re.error as error:
            words = {"error": str(error), "remove": rules.remove}
            yield finding((*path, "remove"), "text_rules_agree.pattern", **words)
            continue
        if empty:
            yield finding((*path, "remove"), "text_rules_agree.empty", remove=rules.remove)


def _written(preprocess: Preprocess) -> Iterator[tuple[Path, TextRules]]:
    yield ("preprocess", "text"), preprocess.text
    for name, rules in preprocess.columns.items():
        if rules.text is not None:
            yield ("preprocess", "columns", name, "text"), rules.text


def tokens_fit_the_model(
    data: Data, preprocess: Preprocess, model: Model, facts: Facts
) -> Iterator[Finding]:
    """Numbers of tokens are looked up, and are the whole input; only they have a length."""
    layer = looking_up(model.layers)
    for name in texts_of(data):
        if window_of(data) is not None:
            yield finding(("data", "columns", name), "tokens_fit_the_model.windows", name=name)
        rules, own = preprocess.text_of(name), preprocess.columns.get(name)
        path: Path = ("preprocess", "text")
        if own is not None and own.text is not None:
            path = ("preprocess", "columns", name, "text")
        output = rules.output or ("int" if layer else "multi_hot")
        where = (*path, "output")
        others = [
            n for n in facts.probe.kinds or getattr(data, "features", None) or () if n != name
        ]
        if output == "int" and layer is None:
            yield finding(where, "tokens_fit_the_model.not_looked_up", first=model.layers[0])
        elif output == "int" and others:
            told = {"name": name, "all_columns": listing([name, *others], "and", most=8)}
            yield finding(where, "tokens_fit_the_model.several", **told)
        elif output != "int" and layer is not None:
            words = {"where": layer_path(*layer), "layer": layer[1], "output": output}
            yield finding(where, "tokens_fit_the_model.looked_up", **words)
        if output != "int" and rules.length is not None:
            yield finding((*path, "length"), "tokens_fit_the_model.length", output=output)


def tables_have_sizes(
    data: Data, preprocess: Preprocess, model: Model, facts: Facts
) -> Iterator[Finding]:
    """An Embedding says how many numbers it looks up, or looks up tokens, which say it; vectors of
    a file are those of tokens."""
    first, texts, needed = looking_up(model.layers), texts_of(data), facts.probe.tokens
    for layer, path in _embeddings(model.layers, ("model", "layers")):
        of_tokens = bool(texts) and first is not None and first[1] is layer
        known = layer.whole_number("input_dim")
        if known is None and not of_tokens:
            yield finding(path, "tables_have_sizes.missing")
        if known is not None and needed is not None and of_tokens and known < needed:
            words = {"known": known, "needed": needed, "last": needed - 1}
            yield finding((*path, "input_dim"), "tables_have_sizes.small", **words)
        if layer.parameters.get("from") is not None and not of_tokens:
            yield finding((*path, "from"), "tables_have_sizes.vectors")


def looking_up(layers: Sequence[Spec]) -> tuple[int, Spec] | None:
    """Returns the position and the layer that looks up the numbers of the input, if one does."""
    for index, layer in enumerate(layers):
        if layer.type in traits.LOOKING_UP:
            return index, layer
        if layer.type not in traits.MOVING | traits.BY_NUMBER:
            return None
    return None


def _embeddings(layers: object, path: Path) -> Iterator[tuple[Spec, Path]]:
    """Yields all layers Embedding, also those inside of others, with their places."""
    for index, layer in enumerate(layers if isinstance(layers, tuple | list) else ()):
        if isinstance(layer, Spec):
            yield from _embedding(layer, (*path, index))


def _embedding(layer: Spec, path: Path) -> Iterator[tuple[Spec, Path]]:
    if layer.type == "Embedding":
        yield layer, path
    inner = layer.parameters.get("layer")
    if isinstance(inner, Spec):
        yield from _embedding(inner, (*path, "layer"))
    yield from _embeddings(layer.parameters.get("layers"), (*path, "layers"))
