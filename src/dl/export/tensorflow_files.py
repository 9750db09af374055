"""Exports that TensorFlow writes: a SavedModel, and LiteRT's files made of one.

Columns of text stand in front of a graph by layers of Keras, and by operations of TensorFlow.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from dl.data.features import FIRST_TOKEN, CategoricalFeature, TextFeature
from dl.data.target import Target
from dl.errors import first_line
from dl.export import RefusedError
from dl.export.graph import DATE, Graph, Input
from dl.imports import quiet_stderr
from dl.model import keras, tf

ops = keras.ops
_DIGITS = "0123456789"
_ISO = (("year", 0, 4), ("month", 5, 7), ("day", 8, 10), ("hour", 11, 13), ("minute", 14, 16))
"""Where the parts of a date stand: 2024-12-31 23:59."""
NOTHING = "\u0000"
"""A text that stands in no table."""
SIGNATURE = "serving_default"
_KEPT = "\ue000"
"""Stands for a sign that is kept while others of its kind are removed."""
_SIGNS = r"[\p{P}\p{Sm}\p{Sc}\p{Sk}]"


def write_saved_model(graph: Graph, model: Any, path: Path) -> None:
    """Writes a SavedModel of a graph with texts in front; texts are taken apart in it.

    Args:
        graph: The graph.
        model: The graph with categories and dates as text: `with_texts`.
        path: The folder.
    """
    texts = {each.name: each.feature for each in graph.inputs if each.kind == "text"}
    signature = {
        name: _spec(graph.tensors[name], each, name in texts)
        for name, each in entries_of(model).items()
    }
    takers = {
        name: _tokens(feature)
        for name, feature in texts.items()
        if isinstance(feature, TextFeature)
    }

    def answer(inputs: Mapping[str, Any]) -> Any:
        given = {
            name: takers[name](value) if name in takers else value for name, value in inputs.items()
        }
        return model(given, training=False)

    _save(model, answer, signature, path, takers)


def _spec(name: str, each: Any, is_text: bool, rows: int | None = None) -> Any:
    shape = () if is_text else tuple(each.shape[1:])
    return tf.TensorSpec((rows, *shape), tf.string if is_text else each.dtype, name)


def entries_of(model: Any) -> dict[str, Any]:
    """Returns the inputs of a functional model by their names in the data."""
    found: dict[str, Any] = model._inputs_struct
    return found


def _save(model: Any, answer: Any, signature: Any, path: Path, takers: Any = None) -> None:
    function = tf.function(answer, input_signature=[signature], autograph=False)
    holder = tf.Module()
    holder.answer = function
    # Keras' layers are not TensorFlow's modules: their variables and tables are found here.
    holder.variables_of_model = [variable.value for variable in model.variables]
    holder.tables = [
        layer.lookup_table for layer in model._flatten_layers() if hasattr(layer, "lookup_table")
    ]
    holder.takers = [taker.table for taker in (takers or {}).values()]
    with quiet_stderr():
        tf.saved_model.save(holder, str(path), signatures={SIGNATURE: function})


def write_litert(
    graph: Graph, path: Path, folder: Path, sample: Iterable[Any] | None
) -> int | None:
    """Writes a file for LiteRT; returns how many rows it takes at once, None for any.

    Args:
        graph: The graph, of numbers of float32.
        path: The file.
        folder: An empty folder for what it is made of.
        sample: Rows, each a mapping of inputs, by which weights and activations are rounded to 8
            bits; without a row, weights alone; None for no rounding.

    Raises:
        RefusedError: LiteRT lacks an operation.
    """
    reason = ""
    for rows in (None, 1):  # what is recurrent runs only for a number of rows that is known before
        signature = {
            name: _spec(graph.tensors[name], each, False, rows)
            for name, each in entries_of(graph.model).items()
        }
        source = folder / f"saved-{rows}"
        _save(graph.model, lambda inputs: graph.model(inputs, training=False), signature, source)
        try:
            path.write_bytes(_converted(source, sample))
        except RefusedError as error:
            reason = reason or str(error)
        else:
            return rows
    raise RefusedError(reason)


def _converted(source: Path, sample: Iterable[Any] | None) -> bytes:
    with quiet_stderr():
        from tensorflow.lite.python.lite import Optimize, TFLiteConverterV2

        try:
            converter = TFLiteConverterV2.from_saved_model(str(source), signature_keys=[SIGNATURE])
            if sample is not None:
                kept = list(sample)
                converter.optimizations = [Optimize.DEFAULT]
                if kept:
                    converter.representative_dataset = lambda: ((SIGNATURE, row) for row in kept)
            content: bytes = converter.convert()
        except Exception as error:  # it fails in many ways
            raise RefusedError(f"LiteRT cannot hold it: {first_line(error)[:300]}") from error
    return content


class _tokens:
    """Takes texts apart as `data.tokens` does, but that letters are not composed (NFC)."""

    def __init__(self, feature: TextFeature) -> None:
        self._feature = feature
        numbers = np.arange(FIRST_TOKEN, FIRST_TOKEN + len(feature.tokens), dtype=np.int64)
        pairs = tf.lookup.KeyValueTensorInitializer(list(feature.tokens), numbers)
        self.table = tf.lookup.StaticHashTable(pairs, 1)

    def __call__(self, texts: Any) -> Any:
        """Returns the numbers of tokens, shape (rows, length), or how often each is there."""
        feature = self._feature
        found = self.table.lookup(self._pieces(texts))
        if feature.output == "int":
            return tf.cast(found.to_tensor(0, shape=(None, feature.length)), tf.int32)
        places = tf.maximum(tf.cast(found, tf.int32) - FIRST_TOKEN + 1, 0)  # 0: not known
        width = len(feature.tokens) + 1
        counts = tf.math.bincount(
            places, minlength=width, maxlength=width, axis=-1, dtype=tf.float32
        )
        return tf.reshape(counts[:, 1:], (-1, len(feature.tokens)))

    def _pieces(self, texts: Any) -> Any:
        feature = self._feature
        for pattern, replaced in _rules(feature):
            texts = tf.strings.regex_replace(texts, pattern, replaced)
            if replaced == _KEPT and feature.lower:
                texts = tf.strings.lower(texts, "utf-8")
        texts = tf.strings.strip(tf.strings.regex_replace(texts, r"[\s\p{Z}]+", " "))
        is_word = feature.level == "word"
        single = (
            tf.strings.split(texts, " ") if is_word else tf.strings.unicode_split(texts, "UTF-8")
        )
        single = tf.ragged.boolean_mask(single, tf.not_equal(single, ""))
        low, high = feature.ngrams
        if high == 1:
            return single
        between = " " if is_word else ""
        parts = [single] if low == 1 else []
        parts += [tf.strings.ngrams(single, size, between) for size in range(max(2, low), high + 1)]
        return tf.concat(parts, axis=1)


def _rules(feature: TextFeature) -> list[tuple[str, str]]:
    """Returns what is replaced in a text, one after the other: `data.tokens._Signs` as patterns."""
    removed = [(feature.remove, " ")] if feature.remove else []
    hidden = [("\u200c", _KEPT), (r"[\p{Cf}\x{FE0E}\x{FE0F}]", ""), (_KEPT, "\u200c")]
    rules = [*removed, *hidden, (r"\p{Cc}", " ")]
    if feature.punctuation == "split":
        rules += [(r"(\p{So})", r" \1 "), ("['\u2018\u2019\u02bc\uff07]", ""), (_SIGNS, " ")]
    elif feature.punctuation == "strip":
        rules += [(_SIGNS, "")]
    return rules


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
    lookup = keras.layers.StringLookup(vocabulary=each.categories, mask_token="", oov_token=NOTHING)
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
