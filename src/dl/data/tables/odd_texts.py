"""What keeps a column of text from being one of numbers or dates, told rather than guessed.

A column that is numbers or dates but for some texts is a mistake, whatever their share: as
categories, each number would become an input of its own. The rule is in docs/data.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pyarrow
import pyarrow.compute as pc
from numpy.typing import NDArray

from dl.config.written import (
    DECIMAL_COMMA,
    FORMATTED,
    MISSING_WORDS,
    ORDINAL,
    has_few_units,
)
from dl.data.tables.dates import FEW_MONTHS, MONTH, READABLE, SLASHED, parse_dates
from dl.data.tables.numbers import LEADING_ZERO, NUMBER, WITH_COMMA

_NEARLY_ALL = 0.9
"""One odd value among ten is a slip or a gap; more of them are values of their own."""
_HALF = 0.5
"""A text in the form of a date is no code, so that half of them already tell."""
_CODES = 20
"""More distinct numbers than this are amounts: codes such as `1`, `2`, `A` are fewer."""
_TRIALS = 10
"""So many texts of that form are tried: a single day of the calendar is enough."""
_BEGIN = r"^\s*[-+(]?\s?(?:[.0-9$€£¥₹]|US|EU|GB|CH)"
"""How numbers, however formatted, and dates begin."""

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Texts:
    """The distinct texts of a column, in the order in which they come.

    Attributes:
        words: The texts, without the spaces around them; none is empty.
        counts: The number of rows of each.
    """

    words: Any
    counts: NDArray[np.int64]

    @cached_property
    def missing(self) -> Mask:
        """Which mostly stand for a missing value."""
        return _mask(pc.is_in(pc.utf8_lower(self.words), pyarrow.array(sorted(MISSING_WORDS))))

    @cached_property
    def number(self) -> Mask:
        """Which are numbers."""
        return self._match(NUMBER)

    def odd(self, kind: Literal["numeric", "date"]) -> Mask:
        """Which are no numbers, or have no form of a date."""
        return ~self.number if kind == "numeric" else ~self._match(READABLE)

    def stand_ins(self, kind: Literal["numeric", "date"]) -> dict[str, int]:
        """Returns the texts that stand for a missing value in a column of a kind, with counts."""
        chosen = np.flatnonzero(self.odd(kind) & self.missing)
        found: dict[str, int] = {}
        for place in chosen.tolist():
            word = self.words[place].as_py()
            found[word] = found.get(word, 0) + int(self.counts[place])
        return found

    def kind(self, number_wanted: bool) -> Literal["numeric", "date"] | None:
        """Returns what the column is but for some texts; None where it holds categories.

        Args:
            number_wanted: Whether the column is to be predicted as a number.
        """
        begins = self._match(_BEGIN)
        if max(self._share(begins), self._share(begins, rows=False)) < _HALF:
            return None  # at once: a column of words has no need of all the other looks
        if self._has_numbers(number_wanted):
            return "numeric"
        return "date" if self._has_dates() else None

    def are_months(self) -> bool:
        """Whether all are months but those that stand for a missing value."""
        month = self._match(MONTH)
        return int(month.sum()) > FEW_MONTHS and bool((month | self.missing).all())

    def has_decimal_comma(self) -> bool:
        """Whether a comma of some number cannot stand between thousands."""
        return self._any(self._match(FORMATTED), DECIMAL_COMMA)

    def only_lacks_values(self) -> bool:
        """Whether all are numbers or dates but those that stand for a missing value."""
        return any(
            bool(~odd.all() and self.missing[odd].all())
            for odd in (self.odd("numeric"), self.odd("date"))
        )

    def _has_numbers(self, wanted: bool) -> bool:
        number = self.number & ~self.missing
        if self._any(number, LEADING_ZERO):
            return False
        if number.any() and (number | self.missing).all():
            return True
        if self._share(number | self._match(WITH_COMMA)) >= _NEARLY_ALL:
            return True
        formatted = self._formatted()
        number = number | formatted
        if wanted and formatted.any() and self._share(number) >= _HALF:
            return True
        if max(self._share(number), self._share(number, rows=False)) < _NEARLY_ALL:
            return False
        several = int(number.sum())
        # Prices or percents that hardly repeat are amounts, however few the rows.
        hardly_repeat = formatted.any() and several > _HALF * int(self.counts[number].sum())
        return several > _CODES or bool(hardly_repeat)

    def _has_dates(self) -> bool:
        readable = self._match(READABLE)
        if any(map(self._is_date, np.flatnonzero(readable)[:_TRIALS].tolist())):
            both = readable | self._match(SLASHED)
            return max(self._share(both), self._share(both, rows=False)) >= _HALF
        slashed = self._match(SLASHED)
        return int(slashed.sum()) > _CODES and self._share(slashed) >= _NEARLY_ALL

    def _is_date(self, place: int) -> bool:
        return parse_dates(self.words[place : place + 1]) is not None

    def _formatted(self) -> Mask:
        formatted = self._match(FORMATTED) & ~self.number & ~self._match(ORDINAL) & ~self.missing
        texts = self.words.filter(pyarrow.array(formatted)).to_pylist()
        return formatted if has_few_units(texts) else np.zeros_like(formatted)

    def _share(self, which: Mask, rows: bool = True) -> float:
        """Returns the share of some of the texts, among those that stand for a value."""
        weights = self.counts if rows else np.ones_like(self.counts)
        return float(weights[which].sum() / max(1, weights[~self.missing | which].sum()))

    def _match(self, pattern: str) -> Mask:
        return _mask(pc.match_substring_regex(self.words, pattern))

    def _any(self, which: Mask, pattern: str) -> bool:
        return bool((which & self._match(pattern)).any())


def texts_of(column: Any) -> Texts:
    """Returns the distinct texts of an Arrow array of text, which may be encoded by them."""
    encoded = pc.dictionary_encode(column)
    rows = pc.drop_null(encoded.indices).to_numpy()
    counts = np.bincount(rows, minlength=len(encoded.dictionary))
    trimmed = pc.utf8_trim_whitespace(encoded.dictionary)
    shown = _mask(pc.not_equal(trimmed, ""))
    return Texts(trimmed.filter(pyarrow.array(shown)), counts[shown])


def _mask(values: Any) -> Mask:
    return np.asarray(values.to_numpy(zero_copy_only=False))
