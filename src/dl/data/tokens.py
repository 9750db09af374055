"""Texts as tokens: taken apart and counted, and rows of them as numbers.

A text is taken in the normal form C of Unicode, so that an accent that is a character of its own
and one that is not are the same. What is a sign, a blank or an emoji, Unicode says, too: its
categories P, Sm, Sc and Sk are signs, So are emojis and other pictures. Characters that only
direct others (Cf) are left out, but for the one that parts words in Persian.

In a row, a token is its number, or has an input of its own. Of ten thousand inputs for tokens
nearly all are 0 in every row. So rows are kept as the few that are not, and are made whole when
some are asked for, a batch at a time.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from dl.config.preprocess import Punctuation
from dl.data.features import FIRST_TOKEN, Feature, TextFeature, feature_names, names_of
from dl.data.requirements import Tokens
from dl.data.storage import ScratchFile, check_memory, check_space
from dl.data.transform import UnseenCategories, refuse_missing, transform_table
from dl.data.types import Array, Column, Numbers, RawTable, Rows

_APOSTROPHES = "'\u2018\u2019\u02bc\uff07"
_KEPT_FORMAT = "\u200c"
_SELECTORS = "\ufe0e\ufe0f"
"""What says how the character before it is drawn."""


class _Signs(dict[int, str | None]):
    """What becomes of each character, found out when it is first seen."""

    def __init__(self, punctuation: Punctuation) -> None:
        super().__init__()
        self._punctuation = punctuation

    def __missing__(self, code: int) -> str | None:
        self[code] = found = self._replaced(chr(code))
        return found

    def _replaced(self, character: str) -> str | None:
        category, keeps = unicodedata.category(character), self._punctuation == "keep"
        if (category == "Cf" and character != _KEPT_FORMAT) or character in _SELECTORS:
            return None
        if category == "Cc":
            return " "
        if category == "So":
            return f" {character} " if self._punctuation == "split" else character
        if keeps or not (category.startswith("P") or category in ("Sm", "Sc", "Sk")):
            return character
        return None if self._punctuation == "strip" or character in _APOSTROPHES else " "


def tokenizer(form: TextFeature) -> Callable[[str], list[str]]:
    """Returns what takes a text apart into its tokens, in their order.

    Those of several words or characters in a row stand behind the single ones.
    """
    signs, by_word = _Signs(form.punctuation), form.level == "word"
    removed, between = re.compile(form.remove or "(?!)"), " " if by_word else ""
    low, high = form.ngrams

    def tokens(text: str) -> list[str]:
        if form.remove:
            text = removed.sub(" ", text)
        text = unicodedata.normalize("NFC", text)
        if form.lower:
            text = unicodedata.normalize("NFC", text.casefold())
        words = text.translate(signs).split()
        single = words if by_word else list(" ".join(words))
        if high == 1:
            return single
        found = []
        for size in range(low, high + 1):
            last = len(single) - size + 1
            found += [between.join(single[i : i + size]) for i in range(last)]
        return found

    return tokens


def is_single(token: str, form: TextFeature) -> bool:
    """Tells whether a token is one word or character, and not several in a row."""
    return " " not in token if form.level == "word" else len(token) == 1


def count_single(tokens: int, form: TextFeature) -> int:
    """Returns how many of the tokens of a text, the first ones, are single words or characters."""
    low, high = form.ngrams
    if low > 1:
        return 0
    # Of n of them there are n - k + 1 with k in a row, and the sum over k is known.
    single = (tokens + high * (high - 1) // 2) // high
    return single if single >= high else math.isqrt(2 * tokens)


def texts_of(column: Column) -> Iterator[str]:
    """Yields the text of each row, an empty one where it is missing."""
    for place in column.values.tolist():
        yield "" if place < 0 else column.categories[place]


@dataclass(frozen=True, slots=True)
class TokenCounts:
    """The tokens of some texts.

    Attributes:
        tokens: How often each is there, the commonest first; equally common ones in the order of
            their code points.
        texts: In how many texts each is.
        lengths: How many tokens each text has.
    """

    tokens: list[tuple[str, int]]
    texts: Counter[str]
    lengths: Numbers


def count_tokens(texts: Iterable[str], form: TextFeature) -> TokenCounts:
    """Counts the tokens of texts."""
    tokens, counts, having, lengths = tokenizer(form), Counter[str](), Counter[str](), list[int]()
    for text in texts:
        found = tokens(text)
        counts.update(found)
        having.update(set(found))
        lengths.append(len(found))
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return TokenCounts(ordered, having, np.array(lengths, np.int64))


_UNKNOWN = 1
_ROWS = 2048
"""Rows whose tokens are lists of Python at a time."""
_BLOCK_BYTES = 1 << 25
"""Bytes of the float64 values that are made into numbers at a time."""
_MOST_WHOLE = 1 << 28
"""Bytes of whole rows that are simply kept: steps on rows in memory are the fastest."""


@dataclass(frozen=True, slots=True)
class TokenRows:
    """Rows that have an input for each of many tokens, most of which are 0.

    Attributes:
        shape: Shape of all rows.
        begins: Where the tokens of each row begin, and at last where all end, shape (rows + 1,).
        places: The column of each token, perhaps on the disk.
        values: What is in it, perhaps on the disk.
        others: The columns that are no tokens, shape (rows, columns), perhaps on the disk.
        columns: Where they stand.
    """

    shape: tuple[int, int]
    begins: Numbers
    places: Rows
    values: Rows
    others: Rows
    columns: Numbers

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the numbers."""
        return np.dtype(np.float32)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: slice | Array) -> Array:
        numbers = np.arange(len(self))[rows]
        whole = np.zeros((len(numbers), self.shape[1]), self.dtype)
        if len(self.columns):
            whole[:, self.columns] = self.others[rows]
        begins = self.begins[numbers]
        counts = self.begins[numbers + 1] - begins
        chosen = np.arange(counts.sum()) + np.repeat(begins - np.cumsum(counts) + counts, counts)
        row = np.repeat(np.arange(len(numbers)), counts)
        whole[row, self.places[chosen]] = self.values[chosen]
        return whole


class _Store:
    """Where arrays of a type go one behind the other: in memory, or on the disk."""

    def __init__(self, on_disk: bool, dtype: DTypeLike) -> None:
        self._parts: list[Array] = []
        self._file = ScratchFile() if on_disk else None
        self._dtype, self._length = dtype, 0

    def add(self, values: Array) -> None:
        self._length += len(values)
        if self._file is None:
            self._parts.append(values)
        else:
            self._file.write(values)

    def all(self, row: tuple[int, ...] = ()) -> Rows:
        if self._file is None:
            return np.concatenate(self._parts)
        return self._file.array(self._dtype, (self._length, *row))


def transform_rows(
    table: RawTable,
    features: Sequence[Feature],
    unseen: UnseenCategories,
    tokens: Tokens | None = None,
    *,
    on_disk: bool = False,
) -> Rows:
    """Returns the rows as numbers, shape (rows, columns of `feature_names`); see `transform_table`.

    Args:
        table: The rows.
        features: What was fitted on the training rows.
        unseen: Gets what the training rows had not.
        tokens: What the model looks up, if it does.
        on_disk: Whether the numbers are kept on the disk.

    Raises:
        DataError: As in `transform_table`; a text is missing, and nothing stands for it.
        DiskError: There is no space for the numbers.
    """
    texts = [feature for feature in features if isinstance(feature, TextFeature)]
    if not texts and on_disk:
        return _stored(table, features, unseen, tokens)
    if not texts:
        return transform_table(table, features, unseen, tokens)
    if texts[0].output == "int":
        return _numbered(table, texts[0], unseen, on_disk)
    rows = _counted(table, features, unseen, on_disk)
    small = 4 * rows.shape[0] * rows.shape[1] <= _MOST_WHOLE
    return rows[:] if small and not on_disk else rows


def _blocks(table: RawTable, rows: int = _ROWS) -> Iterator[RawTable]:
    for begin in range(0, len(table), rows):
        yield table.take(np.arange(begin, min(begin + rows, len(table))))


def _stored(
    table: RawTable, features: Sequence[Feature], unseen: UnseenCategories, tokens: Tokens | None
) -> Rows:
    """Returns the numbers of columns that are no texts, on the disk, shape (rows, columns)."""
    width = len(feature_names(features))
    check_space(4 * len(table) * width, f"{len(table):,} rows of {width} numbers")
    rows = max(1, _BLOCK_BYTES // (8 * max(width, len(table.columns))))
    scratch = ScratchFile()
    for block in _blocks(table, rows):
        scratch.write(transform_table(block, features, unseen, tokens))
    return scratch.array(np.float32, (len(table), width))


def _numbered(
    table: RawTable, feature: TextFeature, unseen: UnseenCategories, on_disk: bool
) -> Rows:
    """Returns the numbers of the tokens of each row, shape (rows, length)."""
    if not on_disk:
        hint = "make `preprocess.text.length` smaller"
        size, what = 4 * len(table) * feature.length, f"{len(table)} rows of {feature.length}"
        check_memory(size, f"{table.source}: does not fit in the memory as tokens", what, hint)
    numbers = _Store(on_disk, np.int32)
    for block in _blocks(table):
        rows = np.zeros((len(block), feature.length), np.int32)
        for row, found in enumerate(_tokens(block, feature, unseen)):
            own = found[: feature.length]
            rows[row, : len(own)] = own
        numbers.add(rows)
    return numbers.all((feature.length,))


def _counted(
    table: RawTable, features: Sequence[Feature], unseen: UnseenCategories, on_disk: bool
) -> TokenRows:
    """Returns rows with an input for each token, beside the columns of other kinds."""
    ends = np.cumsum([len(names_of(feature)) for feature in features]).tolist()
    placed = list(zip([0, *ends], ends, features, strict=False))
    plain = [feature for feature in features if not isinstance(feature, TextFeature)]
    columns = [
        np.arange(begin, end)
        for begin, end, feature in placed
        if not isinstance(feature, TextFeature)
    ]
    kinds, counts = (np.int32, np.float32, np.float32), list[Array]()
    places, values, others = (_Store(on_disk, kind) for kind in kinds)
    for block in _blocks(table):
        parts = [
            _inputs(_tokens(block, feature, unseen), feature, begin)
            for begin, _, feature in placed
            if isinstance(feature, TextFeature)
        ]
        row, place, value = (np.concatenate(each) for each in zip(*parts, strict=True))
        order = np.argsort(row, kind="stable")
        places.add(place[order])
        values.add(value[order])
        counts.append(np.bincount(row, minlength=len(block)))
        if plain:
            others.add(transform_table(block, plain, unseen))
    begins = np.concatenate([[0], np.cumsum(np.concatenate(counts))])
    rest = others.all((sum(map(len, columns)),)) if plain else np.empty((len(table), 0), np.float32)
    where = np.concatenate([*columns, np.empty(0, np.int64)]).astype(np.int64)
    shape = len(table), ends[-1]
    return TokenRows(shape, begins.astype(np.int64), places.all(), values.all(), rest, where)


def _tokens(table: RawTable, feature: TextFeature, unseen: UnseenCategories) -> Iterator[list[int]]:
    """Yields the numbers of the tokens of each row, 1 for those that are not known."""
    column, tokens = table.columns[feature.name], tokenizer(feature)
    if feature.fill is None:
        refuse_missing(table, feature.name, column.missing())
    number = {token: place for place, token in enumerate(feature.tokens, FIRST_TOKEN)}
    unknown = count = 0
    for text in texts_of(column):
        found = [number.get(token, _UNKNOWN) for token in tokens(text)]
        single = found[: count_single(len(found), feature)]  # of words in a row, far more are new
        unknown, count = unknown + single.count(_UNKNOWN), count + len(single)
        yield found
    unseen.add_tokens(feature.name, unknown, count, feature.unknown)


def _inputs(
    found: Iterable[list[int]], feature: TextFeature, begin: int
) -> tuple[Array, Array, Array]:
    """Returns row, column and value of what is not 0 in the columns of a text, by row.

    `begin` is the first of these columns.
    """
    listed = list(found)
    lengths = np.array([len(own) for own in listed], np.int64)
    flat = np.fromiter((n for own in listed for n in own), np.int64, int(lengths.sum()))
    row, known = np.repeat(np.arange(len(listed)), lengths), flat != _UNKNOWN
    width = max(1, len(feature.tokens))
    keys, counts = np.unique(row[known] * width + flat[known] - FIRST_TOKEN, return_counts=True)
    row, place = np.divmod(keys, width)
    values = np.ones(len(keys)) if feature.output == "multi_hot" else counts.astype(np.float64)
    if feature.output == "tf_idf":
        values *= np.array(feature.idf)[place]
        values /= np.sqrt(np.bincount(row, values**2, minlength=len(listed)))[row]
    return row, (place + begin).astype(np.int32), values.astype(np.float32)
