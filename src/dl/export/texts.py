"""Columns of text in front of a graph: by layers of Keras, and by operations of TensorFlow."""

from __future__ import annotations

from typing import Any

import numpy as np

from dl.data.features import CategoricalFeature
from dl.data.target import Target
from dl.export.graph import DATE, Graph, Input
from dl.export.refused import RefusedError
from dl.model import keras

ops = keras.ops
_DIGITS = "0123456789"
_ISO = (("year", 0, 4), ("month", 5, 7), ("day", 8, 10), ("hour", 11, 13), ("minute", 14, 16))
"""Where the parts of a date stand: 2024-12-31 23:59."""
NOTHING = "\u0000"
"""A text that stands in no table."""


def refuse_hashed(graph: Graph) -> None:
    """Raises `RefusedError` where texts are hashed: formats have other hashes, or none."""
    for each in graph.inputs:
        if isinstance(each.feature, CategoricalFeature) and each.feature.hash:
            raise RefusedError(
                f"column {each.name!r} is hashed by SHA-256, which it cannot compute"
            )


def with_texts(graph: Graph, target: Target, *, keep_tokens: bool = False) -> Any:
    """Returns a functional model of plain Keras that takes categories and dates as text.

    Args:
        graph: The graph.
        target: Names the classes.
        keep_tokens: Whether columns of texts stay the numbers of their tokens; else refused.

    Raises:
        RefusedError: Keras has no layer for a column.
    """
    refuse_hashed(graph)
    entries, values = {}, {}
    for each in graph.inputs:
        if each.kind == "text" and not keep_tokens:
            raise RefusedError(
                f"Keras has no layer that takes the texts of column {each.name!r} apart as dl "
                "does; saved_model can"
            )
        if each.kind in ("category", "date"):
            entries[each.name] = graph.entry(each.name, graph.steps, "string")
            coded = _categories if each.kind == "category" else _dates
            values[each.name] = coded(entries[each.name], each, graph.steps)
        else:
            entries[each.name] = graph.entry(each.name, (*graph.steps, *each.shape), each.dtype)
            values[each.name] = entries[each.name]
    answers = graph.model(values)
    if target.classes and target.form != "multilabel":
        names = keras.layers.StringLookup(
            vocabulary=list(target.classes), invert=True, oov_token="", name="classes"
        )
        answers = {**answers, "prediction": names(answers["prediction"] + 1)}
    return keras.Model(entries, answers)


def _categories(texts: Any, each: Input, steps: tuple[int, ...]) -> Any:
    feature = each.feature
    if not isinstance(feature, CategoricalFeature):
        raise TypeError("only categories are looked up")
    known = feature.categories[:-1] if feature.pooled else feature.categories
    lookup = keras.layers.StringLookup(vocabulary=list(known), mask_token="", oov_token=NOTHING)
    return ops.cast(lookup(texts), "int32") - 2  # 0 is a missing one, 1 one that is new


def _dates(texts: Any, each: Input, steps: tuple[int, ...]) -> Any:
    letters = keras.layers.TextVectorization(
        standardize=None, split="character", vocabulary=list(_DIGITS), output_sequence_length=16
    )
    found = letters(ops.reshape(texts, (-1,)))
    digits = ops.maximum(ops.cast(found, "int32") - 2, 0)
    numbers = [
        ops.sum(
            digits[:, begin:end] * (10 ** np.arange(end - begin, dtype=np.int32)[::-1]), axis=-1
        )
        for _, begin, end in _ISO
    ]
    return ops.reshape(ops.stack(numbers, axis=-1), (-1, *steps, len(DATE)))
