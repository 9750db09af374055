"""Texts as tokens, and rows made of them: what Keras' and scikit-learn's own text tools say too."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer

from dl.config.schema import Config
from dl.data import tokens
from dl.data.dataset import Dataset
from dl.data.features import TextFeature, plain_feature
from dl.data.load import load_dataset
from dl.data.tokens import tokenizer
from dl.data.types import Array
from dl.progress import SilentReporter
from dl.rundir.typed import MisfitError, read_as
from support.streaming import assert_same, both, tiny_budget
from support.tables import config_with, told

WORDS = ("the", "a", "film", "plot", "good", "bad", "dull", "don't", "well-made", "Straße", "I")
EMBEDDING = [{"type": "Embedding", "output_dim": 2}, "Flatten", {"type": "Dense", "units": 1}]
FORM = TextFeature("t", "multi_hot", (), 0, "word", (1, 1), True, "split", None)


def texts(rows: int, seed: int = 0) -> list[str]:
    random = np.random.default_rng(seed)
    return [" ".join(random.choice(WORDS, random.integers(1, 12))) + "." for _ in range(rows)]


def config(
    folder: Path, columns: dict[str, Any], text: dict[str, Any], model: list[Any] | None = None
) -> Config:
    path, kinds = folder / "rows.csv", {n: "text" for n in columns if n.startswith("t")}
    rows = len(next(iter(columns.values())))
    pd.DataFrame({**columns, "y": np.arange(rows) % 7}).to_csv(path, index=False)
    data = {"source": "csv", "path": str(path), "target": "y", "columns": kinds}
    layers = {"model": {"layers": model}} if model else {}
    return config_with(data, preprocess={"text": text}, **layers)


def loaded(folder: Path, columns: dict[str, Any], text: dict[str, Any], **more: Any) -> Dataset:
    return load_dataset(config(folder, columns, text, **more), SilentReporter())


def feature_of(data: Dataset) -> TextFeature:
    [feature] = [item for item in data.preprocessing.columns if isinstance(item, TextFeature)]
    return feature


@pytest.mark.parametrize(
    ("text", "form", "tokens"),
    [
        ("A well-made film, don't!", {}, ["a", "well", "made", "film", "dont"]),
        ("A well-made film, don't!", {"punctuation": "strip"}, ["a", "wellmade", "film", "dont"]),
        ("A well-made film!", {"punctuation": "keep"}, ["a", "well-made", "film!"]),
        ("Straße STRASSE", {"lower": False}, ["Straße", "STRASSE"]),
        ("Straße STRASSE", {}, ["strasse", "strasse"]),
        ("caf\u00e9 cafe\u0301 cafe", {}, ["caf\u00e9", "caf\u00e9", "cafe"]),
        ("हिन्दी भाषा", {}, ["हिन्दी", "भाषा"]),
        ("عالم\u200f، مرحبا", {}, ["عالم", "مرحبا"]),
        ("great😀film ❤️", {}, ["great", "😀", "film", "❤"]),
        ("a\0b\u00ad\u200dc\td\u00a0e", {}, ["a", "bc", "d", "e"]),
        ("3.5 % of 1,000", {}, ["3", "5", "of", "1", "000"]),
        ("", {}, []),
        (" .\n!", {}, []),
        ("a b c", {"ngrams": (1, 2)}, ["a", "b", "c", "a b", "b c"]),
        ("a b c", {"ngrams": (2, 4)}, ["a b", "b c", "a b c"]),
        ("ab\n c", {"level": "character", "punctuation": "keep"}, ["a", "b", " ", "c"]),
        ("日本語", {"level": "character", "ngrams": (2, 2)}, ["日本", "本語"]),
        ("one<br />two", {"remove": "<[^>]+>"}, ["one", "two"]),
    ],
)
def test_text_is_taken_apart(text: str, form: dict[str, Any], tokens: list[str]) -> None:
    assert tokenizer(replace(FORM, **form))(text) == tokens


@pytest.mark.parametrize("ngrams", [1, 2])
def test_numbers_are_those_of_keras(ngrams: int, tmp_path: Path) -> None:
    rows = texts(60)
    rules = {"length": 6, "tokens": 12, "punctuation": "strip", "ngrams": ngrams}
    data = loaded(tmp_path, {"t": rows}, rules, model=EMBEDDING)
    layer = keras.layers.TextVectorization(
        standardize=None,
        ngrams=ngrams,
        output_sequence_length=6,
        vocabulary=list(feature_of(data).tokens),
    )
    cleaned = [" ".join(tokenizer(replace(FORM, punctuation="strip"))(text)) for text in rows]
    expected = np.asarray(layer(np.array(cleaned)))
    for part in data.parts.values():
        assert part.x.dtype == np.int32
        np.testing.assert_array_equal(part.x, expected[part.rows])
    assert feature_of(data).numbers == 12
    assert data.preprocessing.input_shape == (6,)


@pytest.mark.parametrize("output", ["multi_hot", "count", "tf_idf"])
def test_inputs_are_those_of_scikit_learn(output: str, tmp_path: Path) -> None:
    rows = texts(80)
    data = loaded(tmp_path, {"t": rows}, {"output": output, "ngrams": [1, 2], "tokens": 40})
    feature, train = feature_of(data), [rows[row] for row in data.train.rows]
    settings = {"tokenizer": tokenizer(FORM), "token_pattern": None, "lowercase": False}
    counted = CountVectorizer(ngram_range=(1, 2), **settings)
    counts = counted.fit_transform(train).sum(axis=0).A1
    ordered = sorted(zip(-counts, counted.get_feature_names_out(), strict=True))
    assert feature.tokens == tuple(token for _, token in ordered[:40])
    kind = TfidfVectorizer if output == "tf_idf" else CountVectorizer
    more = {"binary": True} if output == "multi_hot" else {}
    expected = kind(ngram_range=(1, 2), vocabulary=feature.tokens, **settings, **more).fit(train)
    for part in data.parts.values():
        own = expected.transform([rows[row] for row in part.rows]).toarray()
        np.testing.assert_allclose(part.x[:], own, rtol=1e-6)
    assert data.preprocessing.feature_names[:2] == (f"t={ordered[0][1]}", f"t={ordered[1][1]}")
    single = [(-count, token in feature.tokens) for count, token in ordered if " " not in token]
    known = sum(count for count, is_known in single if is_known)
    assert feature.unknown == pytest.approx(1 - known / sum(count for count, _ in single))


def test_texts_stand_beside_other_columns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    columns = {"t1": texts(40), "a": np.arange(40) / 4, "t2": texts(40, 1), "k": ["u", "v"] * 20}
    made = config(tmp_path, columns, {"output": "count"})
    whole = load_dataset(made, SilentReporter())
    monkeypatch.setattr(tokens, "_MOST_WHOLE", 0)
    monkeypatch.setattr(tokens, "_ROWS", 7)
    parted = load_dataset(made, SilentReporter())
    for name, part in whole.parts.items():
        x = parted.parts[name].x
        assert isinstance(part.x, np.ndarray)
        assert isinstance(x, tokens.TokenRows)
        assert (x.shape, x.dtype, len(x)) == (part.x.shape, part.x.dtype, len(part.x))
        for rows in (slice(None), slice(1, 3), slice(0, 0), np.array([2, 0, 2])):
            np.testing.assert_array_equal(x[rows], part.x[rows])
    names = whole.preprocessing.feature_names
    assert [name for name in names if "=" not in name] == ["a"]
    first = whole.train
    row = {name: value for name, value in zip(names, first.x[0], strict=True) if value}
    counted = tokenizer(FORM)(columns["t2"][first.rows[0]])
    assert {n: v for n, v in row.items() if n.startswith("t2")} == {
        f"t2={token}": counted.count(token) for token in counted
    }


@pytest.mark.parametrize("output", ["int", "tf_idf"])
def test_streamed_rows_are_those_in_memory(output: str, tmp_path: Path) -> None:
    columns: dict[str, Any] = {"t": texts(50)}
    if output != "int":
        columns["a"] = np.arange(50.0)
    model = EMBEDDING if output == "int" else None
    resident, streamed, *_ = both(config(tmp_path, columns, {"output": output}, model))
    assert_same(resident, streamed)


def test_other_rows_change_nothing_that_is_learned(tmp_path: Path) -> None:
    rows = texts(50)
    first = loaded(tmp_path, {"t": rows}, {})
    changed = [t if i in first.train.rows else "quite other words" for i, t in enumerate(rows)]
    assert feature_of(loaded(tmp_path, {"t": changed}, {})) == feature_of(first)


def test_length_is_that_of_the_longest_text_up_to_a_limit(tmp_path: Path) -> None:
    few = loaded(tmp_path, {"t": ["a b c"] * 40}, {}, model=EMBEDDING)
    many = loaded(tmp_path, {"t": ["a " * 300, "a"] * 20}, {}, model=EMBEDDING)
    assert (few.preprocessing.input_shape, many.preprocessing.input_shape) == ((3,), (250,))
    assert (feature_of(few).longer, feature_of(many).longer) == (0, pytest.approx(0.5, abs=0.1))


def test_missing_text_is_refused_or_empty_or_dropped(tmp_path: Path) -> None:
    rows = ["a b", "", "b", " "] * 10
    made = config(tmp_path, {"t": rows, "a": np.arange(40)}, {})
    assert told(lambda: load_dataset(made, SilentReporter()), tmp_path) == (
        "rows.csv:3: column 't' has no value\n"
        "found: 14 rows without it\n"
        "hint: fill it in, or set `preprocess.missing` to mean, median, most_frequent or drop"
    )

    def ruled(missing: str) -> Dataset:
        rules = replace(made.preprocess, missing=missing)
        return load_dataset(replace(made, preprocess=rules), SilentReporter())

    assert sum(map(len, ruled("drop").parts.values())) == 20
    filled = ruled("median").train
    assert feature_of(ruled("median")).fill == ""
    np.testing.assert_array_equal(filled.x[filled.rows % 2 == 1][:, :2], 0)


def test_texts_without_a_token_are_refused(tmp_path: Path) -> None:
    made = config(tmp_path, {"t": ["...", "!?"] * 20}, {})
    assert told(lambda: load_dataset(made, SilentReporter()), tmp_path) == (
        "rows.csv: the texts of column 't' have no token in the training part\n"
        "expected: words, or characters\n"
        "hint: see `preprocess.text`: what is left out, and what a token is"
    )


@pytest.mark.parametrize("rules", [{}, {"output": "tf_idf", "ngrams": 2}], ids=["words", "pairs"])
def test_other_words_are_told(rules: dict[str, object], tmp_path: Path) -> None:
    rows = texts(100)
    part = loaded(tmp_path, {"t": rows}, rules).test
    assert part is not None
    changed = [text if i not in part.rows else "ein anderer Text" for i, text in enumerate(rows)]
    reporter = SilentReporter()
    load_dataset(config(tmp_path, {"t": changed}, rules), reporter)
    assert reporter.warnings == [
        "test: column 't': 100% of the tokens are unknown, 0% in the training part"
    ]


def test_numbers_in_a_column_of_texts_are_words(tmp_path: Path) -> None:
    data = loaded(tmp_path, {"t": [12, 12.5] * 20}, {})
    assert sorted(feature_of(data).tokens) == ["0", "12", "5"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"tokens": ("a", "a")}, "`tokens` must be different ones"),
        ({"output": "tf_idf"}, "`idf` must be one for each token of tf_idf"),
        ({"length": 3}, "`length` must be there for int alone"),
        ({"remove": "("}, "`remove` must be a regular expression"),
    ],
)
def test_forged_feature_is_refused(change: dict[str, Any], said: str) -> None:
    feature = {**plain_feature(replace(FORM, tokens=("a", "b"))), **change}
    with pytest.raises(MisfitError) as caught:
        read_as(TextFeature, feature)
    assert str(caught.value) == said


def test_long_text_with_anything_in_it_is_a_row(tmp_path: Path) -> None:
    rows = ["word " * 200_000 + '"quoted", line\nend 😀', "b"] * 4
    with tiny_budget():
        data = loaded(tmp_path, {"t": rows}, {"output": "count"})
    x: Array = data.train.x[:]
    assert x.max() == 200_000
