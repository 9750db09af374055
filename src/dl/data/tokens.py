"""Texts as tokens: taken apart and counted.

A text is taken in the normal form C of Unicode, so that an accent that is a character of its own
and one that is not are the same. What is a sign, a blank or an emoji, Unicode says, too: its
categories P, Sm, Sc and Sk are signs, So are emojis and other pictures. Characters that only
direct others (Cf) are left out, but for the one that parts words in Persian.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from dl.config.preprocess import Punctuation, TokenLevel
from dl.data.types import Column, Numbers

_APOSTROPHES = "'\u2018\u2019\u02bc\uff07"
_KEPT_FORMAT = "\u200c"
_SELECTORS = "\ufe0e\ufe0f"
"""What says how the character before it is drawn."""


class TextForm(Protocol):
    """What says how a text is taken apart."""

    @property
    def level(self) -> TokenLevel: ...
    @property
    def lower(self) -> bool: ...
    @property
    def punctuation(self) -> Punctuation: ...
    @property
    def remove(self) -> str | None: ...
    @property
    def ngrams(self) -> tuple[int, int]: ...


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


def tokenizer(form: TextForm) -> Callable[[str], list[str]]:
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


def is_single(token: str, form: TextForm) -> bool:
    """Tells whether a token is one word or character, and not several in a row."""
    return " " not in token if form.level == "word" else len(token) == 1


def count_single(tokens: int, form: TextForm) -> int:
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


def count_tokens(texts: Iterable[str], form: TextForm) -> TokenCounts:
    """Counts the tokens of texts."""
    tokens, counts, having, lengths = tokenizer(form), Counter[str](), Counter[str](), list[int]()
    for text in texts:
        found = tokens(text)
        counts.update(found)
        having.update(set(found))
        lengths.append(len(found))
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return TokenCounts(ordered, having, np.array(lengths, np.int64))
