"""Words: how values, limits and kinds are told, and what other tools call them."""

from __future__ import annotations

import functools
import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from dl.errors import closest, without_separators
from dl.text import cut
from dl.vocabulary.spec import Kind

_WITH_AN = (Kind.ACTIVATION, Kind.INITIALIZER, Kind.OPTIMIZER)
_KINDS = {Kind.CELL: "a cell of a recurrent layer", Kind.SCHEDULE: "a learning-rate schedule"}


@functools.cache
def facts() -> Mapping[str, Any]:
    """Returns the tables that are written by hand, as plain data.

    `types`, `parameters` and `overrides` say what parameters take, by their names and by that of
    the thing. `left_out` and `left_out_of` give the reasons why one of Keras is not offered,
    `required` are those that Keras would learn by a pass over the data, or fails without, and what
    to write instead. `defaults` differ from Keras': `evaluation.threshold` decides where no other
    threshold is given. `own` are things of `dl`'s own, and names to which Keras gives a meaning by
    the shape of the output; `former` the names of parameters in older versions of Keras, or in
    other libraries. `synonyms` are Keras' words by those of other tools, in lower case without
    separators; of several, the first one that can stand in the place is meant.
    """
    text = Path(__file__).with_name("parameters.json").read_text(encoding="utf-8")
    tables: Mapping[str, Any] = json.loads(text)
    return tables


def other_word(word: str, known: Collection[str]) -> str | None:
    """Returns the known word for what another tool calls `word`."""
    ours: list[str] = facts()["synonyms"].get(without_separators(word), [])
    return next((name for name in ours if name in known), None)


def meant(word: str, known: Collection[str]) -> str | None:
    """Returns the known word that another tool calls `word`, or else the one nearest to it."""
    return other_word(word, known) or closest(word, known)


def kind_words(kind: Kind) -> str:
    """Returns the kind with its article: `an optimizer`."""
    return _KINDS.get(kind) or f"{'an' if kind in _WITH_AN else 'a'} {kind}"


def plain(value: object) -> str:
    """Returns a value as YAML writes it, in full: `true`, `null`, `'a'`, `[1, 2]`."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return f"[{', '.join(plain(item) for item in value)}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {plain(item)}" for key, item in value.items()) + "}"
    return repr(value)


def found_text(value: object) -> str:
    """Returns a value as YAML writes it, cut to a length that fits into a message."""
    return cut(plain(value))


def range_words(
    noun: str,
    minimum: float | None = None,
    maximum: float | None = None,
    above: float | None = None,
    below: float | None = None,
) -> str:
    """Returns a noun with its limits: `a number from 0 up to, but not including, 1`."""
    low, high, over, under = (
        None if limit is None else str(limit) if isinstance(limit, int) else f"{limit:g}"
        for limit in (minimum, maximum, above, below)
    )
    if low is not None and low == high:
        return low
    if low is None and over is None:
        return f"{noun} of {high} or less" if high else f"{noun} below {under}" if under else noun
    if high is None and under is None:
        return f"{noun} of {low} or more" if over is None else f"{noun} above {over}"
    if over is None:
        until = f"to {high}" if under is None else f"up to, but not including, {under}"
        return f"{noun} from {low} {until}"
    until = f", up to {high}" if under is None else f" and below {under}"
    return f"{noun} above {over}{until}"
