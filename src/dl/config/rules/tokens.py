"""What is certainly wrong between columns of texts and the model that gets their tokens."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from dl.config.data import Data, window_of
from dl.config.preprocess import Preprocess, TextRules
from dl.config.rules.facts import Facts, finding, layer_path
from dl.config.schema import Model
from dl.text import listing
from dl.vocabulary import traits
from dl.vocabulary.spec import Finding, Path, Spec


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
