"""Texts of a column as numbers or dates, and what keeps a column from being one of these.

A column that is numbers or dates but for some texts is a mistake, whatever their share: as
categories, each number would become an input of its own. That is told, never guessed: the rule is
in docs/data.md.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pyarrow
import pyarrow.compute as pc
from numpy.typing import NDArray

from dl.config.tables import DECIMAL_COMMA, FORMATTED, MISSING_WORDS, ORDINAL, has_few_units

Mask = NDArray[np.bool_]

LEADING_ZERO = r"^\s*[+-]?0[0-9]+\s*$"
NUMBER = r"^\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\s*$|^\s*$|^\s*[+-]?(?i:nan)\s*$"
INTEGER = r"^\s*[+-]?[0-9]+\s*$"
_WITH_COMMA = r"^\s*[+-]?[0-9]+(,[0-9]+)?\s*$"

FORMS = "2024-12-31, 2024-12-31 23:59, 2024/12/31 or 31.12.2024"
_READABLE = (
    r"^\s*([0-9]{4}[-/][0-9]{1,2}[-/][0-9]{1,2}|[0-9]{1,2}\.[0-9]{1,2}\.[0-9]{4})([T ].*)?\s*$"
)
"""Texts that have one of these forms; some are not a day of the calendar."""
_SLASHED = r"^\s*[0-9]{1,2}[-/][0-9]{1,2}[-/]([0-9]{4}|[0-9]{2})([T ].*)?\s*$"
"""Dates that could be read day or month first."""
MONTH = r"^[0-9]{4}[-/](0?[1-9]|1[0-2])$|^[0-9]{4}[-/ ]?[Qq][1-4]$"
"""A month, or a quarter: `1949-01`, `1949Q1`."""
_FIRST_MONTHS = {"1": "01", "2": "04", "3": "07", "4": "10"}
FEW_MONTHS = 2
"""So few different months may be names of something."""
_TO_ISO = (
    (r"^(\d{4})/(\d{1,2})/(\d{1,2})\b", r"\1-\2-\3"),
    (r"^(\d{1,2})\.(\d{1,2})\.(\d{4})\b", r"\3-\2-\1"),
    (r"^(\d{4})(\d{2})(\d{2})$", r"\1-\2-\3"),
    (r"^(\d{4})-(\d)-", r"\1-0\2-"),
    (r"^(\d{4}-\d{2})-(\d)\b", r"\1-0\2"),
    (r"(\.\d{6})\d{1,3}\b", r"\1"),
)

_SAMPLE = 1000
_NEARLY_ALL = 0.9
"""One odd value among ten is a slip or a gap; more of them are values of their own."""
_HALF = 0.5
"""A text in the form of a date is not a code, so that half of them already tell."""
_CODES = 20
"""More distinct numbers than this are amounts: codes such as `1`, `2`, `A` are fewer."""
_TRIALS = 10
"""So many texts of that form are tried: a single day of the calendar is enough."""
_BEGIN = r"^\s*[-+(]?\s?(?:[.0-9$€£¥₹]|US|EU|GB|CH)"
"""How numbers, however formatted, and dates begin."""


def parse_numbers(texts: Any) -> Any:
    """Returns an Arrow array of texts as float64, or None if one is not a number."""

    def trimmed(texts: Any) -> Any:
        words = pc.utf8_trim_whitespace(texts)
        return pc.if_else(pc.equal(words, ""), None, words)

    return _cast(texts, pyarrow.float64(), None, trimmed)


def parse_dates(texts: Any) -> Any:
    """Returns an Arrow array of texts as timestamps in microseconds; None if one is not a date.

    Times with a zone become UTC. `12/31/2024` is not read: it could be day or month first.
    """

    def iso(texts: Any) -> Any:
        texts = pc.utf8_trim_whitespace(texts)
        for pattern, replacement in _TO_ISO:
            texts = pc.replace_substring_regex(texts, pattern=pattern, replacement=replacement)
        return texts

    for clean in (None, iso):
        for zone in (None, "UTC"):
            dates = _cast(texts, pyarrow.timestamp("us", zone), clean)
            if dates is not None:
                return dates
    return None


def parse_months(texts: Any) -> Any:
    """Returns months and quarters, `2024-12`, `2024/12` or `2024Q4`, as their first day.

    None if a text is neither.

    They are categories unless a config says that they are dates: few of them may name seasons.
    """
    trimmed = pc.utf8_trim_whitespace(texts)
    if not pc.all(pc.match_substring_regex(trimmed, MONTH)).as_py():
        return None
    for quarter, month in _FIRST_MONTHS.items():
        trimmed = pc.replace_substring_regex(trimmed, f"[-/ ]?[Qq]{quarter}$", f"-{month}")
    dashed = pc.replace_substring(trimmed, "/", "-")
    return parse_dates(pc.binary_join_element_wise(dashed, "01", "-"))


def first_no_date(texts: Any) -> int:
    """Returns the position of the first text that cannot be a date, or month, beside the others.

    Where all are dates together, that is the last one.
    """
    known = pc.drop_null(texts)
    parse = parse_dates if parse_months(known[:1]) is None else parse_months
    good, bad = 0, len(texts)  # so many texts from the first on are dates together, or are not
    while bad - good > 1:
        middle = (good + bad) // 2
        good, bad = (good, middle) if parse(texts[:middle]) is None else (middle, bad)
    return bad - 1


def _cast(texts: Any, kind: Any, *ways: Callable[[Any], Any] | None) -> Any:
    """Returns an Arrow array of texts as another type, cleaned in the first way that does; or None.

    The first rows are tried on their own: where they fail, which takes Arrow long, the rest would
    take longer.
    """
    for clean in ways:
        try:
            for part in (texts[:_SAMPLE], texts):
                result = pc.cast(part if clean is None else clean(part), kind)
        except pyarrow.ArrowInvalid:
            continue
        return result
    return None


@dataclass(frozen=True)
class Texts:
    """The distinct texts of a column, in the order in which they come.

    Attributes:
        words: The texts, without the spaces around them; none is empty.
        counts: The number of rows of each.
    """

    words: Any
    counts: NDArray[np.int64]

    @classmethod
    def of(cls, column: Any) -> Texts:
        """Returns those of an Arrow array of text, which may be encoded by them."""
        encoded = pc.dictionary_encode(column)
        rows = pc.drop_null(encoded.indices).to_numpy()
        counts = np.bincount(rows, minlength=len(encoded.dictionary))
        trimmed = pc.utf8_trim_whitespace(encoded.dictionary)
        shown = mask(pc.not_equal(trimmed, ""))
        return cls(trimmed.filter(pyarrow.array(shown)), counts[shown])

    @cached_property
    def missing(self) -> Mask:
        """Which mostly stand for a missing value."""
        return mask(pc.is_in(pc.utf8_lower(self.words), pyarrow.array(sorted(MISSING_WORDS))))

    @cached_property
    def number(self) -> Mask:
        """Which are numbers."""
        return self._match(NUMBER)

    def odd(self, kind: Literal["numeric", "date"]) -> Mask:
        """Which are not numbers, or have no form of a date."""
        return ~self.number if kind == "numeric" else ~self._match(_READABLE)

    def stand_ins(self, kind: Literal["numeric", "date"]) -> dict[str, int]:
        """Returns the texts that stand for a missing value in a column of a kind, with counts."""
        found: dict[str, int] = {}
        for place in np.flatnonzero(self.odd(kind) & self.missing).tolist():
            word = self.words[place].as_py()
            found[word] = found.get(word, 0) + int(self.counts[place])
        return found

    def kind(self, number_wanted: bool) -> Literal["numeric", "date"] | None:
        """Returns what the column is but for some texts; None where it holds categories.

        Args:
            number_wanted: Whether the column is to be predicted as a number.
        """
        if self._share(self._match(_BEGIN)) < _HALF:
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
        return bool((self._match(FORMATTED) & self._match(DECIMAL_COMMA)).any())

    def only_lacks_values(self) -> bool:
        """Whether all are numbers or dates but those that stand for a missing value."""
        return any(
            bool(~odd.all() and self.missing[odd].all())
            for odd in (self.odd("numeric"), self.odd("date"))
        )

    def _has_numbers(self, wanted: bool) -> bool:
        number = self.number & ~self.missing
        if (number & self._match(LEADING_ZERO)).any():
            return False
        if number.any() and (number | self.missing).all():
            return True
        if self._share_of_rows(number | self._match(_WITH_COMMA)) >= _NEARLY_ALL:
            return True
        formatted = self._formatted()
        number = number | formatted
        if wanted and formatted.any() and self._share_of_rows(number) >= _HALF:
            return True
        if self._share(number) < _NEARLY_ALL:
            return False
        several = int(number.sum())
        # Prices or percents that hardly repeat are amounts, however few the rows.
        hardly_repeat = formatted.any() and several > _HALF * int(self.counts[number].sum())
        return several > _CODES or bool(hardly_repeat)

    def _has_dates(self) -> bool:
        readable, slashed = self._match(_READABLE), self._match(_SLASHED)
        for place in np.flatnonzero(readable)[:_TRIALS].tolist():
            if parse_dates(self.words[place : place + 1]) is not None:
                return self._share(readable | slashed) >= _HALF
        return int(slashed.sum()) > _CODES and self._share_of_rows(slashed) >= _NEARLY_ALL

    def _formatted(self) -> Mask:
        formatted = self._match(FORMATTED) & ~self.number & ~self._match(ORDINAL) & ~self.missing
        texts = self.words.filter(pyarrow.array(formatted)).to_pylist()
        return formatted if has_few_units(texts) else np.zeros_like(formatted)

    def _share(self, which: Mask) -> float:
        """Returns the share of some of the texts, by rows or by texts, whichever is greater."""
        return max(self._share_of_rows(which), self._weight(which, np.ones_like(self.counts)))

    def _share_of_rows(self, which: Mask) -> float:
        return self._weight(which, self.counts)

    def _weight(self, which: Mask, weights: NDArray[np.int64]) -> float:
        """Returns the share of some of the texts among those that stand for a value."""
        return float(weights[which].sum() / max(1, weights[~self.missing | which].sum()))

    def _match(self, pattern: str) -> Mask:
        return mask(pc.match_substring_regex(self.words, pattern))


def mask(values: Any) -> Mask:
    """Returns an Arrow array of truth values for NumPy."""
    return np.asarray(values.to_numpy(zero_copy_only=False))


def without_texts(values: Any, missing: Sequence[str]) -> Any:
    """Returns a column without the texts, or what they mean in its type, that stand for nothing."""
    if not missing:
        return values
    if is_text(values.type):
        values = pc.cast(values, pyarrow.string())
        stands_in = pc.is_in(pc.utf8_trim_whitespace(values), pyarrow.array(missing))
    else:
        meant = [value for text in missing if (value := _meant(text, values.type)) is not None]
        if not meant:
            return values
        stands_in = pc.is_in(values, pyarrow.array(meant, values.type))
    return pc.if_else(stands_in, pyarrow.scalar(None, values.type), values)


def _meant(text: str, kind: Any) -> Any:
    """Returns a text as a value of an Arrow type of numbers or dates, None where it is neither."""
    try:
        return pc.cast(pyarrow.scalar(text), kind)
    except pyarrow.ArrowException:
        return None


def stand_ins(values: Any) -> dict[str, int]:
    """Returns the texts that stand for a missing value among numbers or dates, with their rows."""
    distinct = unread_texts(values)
    if distinct is None:
        return {}
    kind = "date" if distinct.are_months() else distinct.kind(number_wanted=False)
    return distinct.stand_ins(kind) if kind else {}


def unread_texts(values: Any) -> Texts | None:
    """Returns the texts of a column as they stand; None where all are numbers, or all dates."""
    if not is_text(values.type):
        return None
    texts = pc.cast(values, pyarrow.string())
    if isinstance(texts, pyarrow.ChunkedArray):
        texts = texts.combine_chunks()
    if parse_numbers(texts) is not None or parse_dates(texts) is not None:
        return None
    return Texts.of(texts)


def is_text(kind: Any) -> bool:
    """Tells whether an Arrow type is text, perhaps encoded by its distinct values."""
    types = pyarrow.types
    if types.is_dictionary(kind):
        kind = kind.value_type
    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind))
