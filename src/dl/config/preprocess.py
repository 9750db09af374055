"""The section `preprocess`: how columns of a table, pixels and the target become numbers."""

from __future__ import annotations

from dataclasses import field, replace
from typing import Annotated, Literal

from dl.vocabulary.composed import ListOf
from dl.vocabulary.sections import AboveZero, Count, Section
from dl.vocabulary.types import ANY_NUMBER, Integer, Number

Scaling = Literal["standardize", "minmax", "robust", "quantile", "log1p", "none"]
TargetScaling = Literal["standardize", "minmax", "minmax_signed", "log1p", "none"]
Missing = Literal["error", "mean", "median", "most_frequent", "drop"]
PartForm = Literal["number", "categories", "cyclic"]
TextOutput = Literal["int", "multi_hot", "count", "tf_idf"]
TokenLevel = Literal["word", "character"]
Punctuation = Literal["split", "strip", "keep"]
Several = Annotated[int, Integer(2, 100_000)]
NGrams = Annotated[int, Integer(1, 10)]
MOST_LENGTH = 250
"""Tokens of a text that tell what it is about: more take time, and most texts have fewer."""

MOST_CATEGORIES = 1000
"""A category with more values than this has too few rows of each to learn from: one-hot encoding
has no more inputs for a column, unless its rules say otherwise. Up to it they help: where agents
and companies matter, an error of 17.7 fell to 14.7 beside a limit of 100."""


class DateParts(Section):
    """The parts of a date that are seen: as numbers, categories, or cyclic, by sine and cosine."""

    year: Literal["number"] | None = None
    month: PartForm | None = None
    day: PartForm | None = None
    weekday: PartForm | None = None
    day_of_year: PartForm | None = None
    hour: PartForm | None = None
    minute: PartForm | None = None


class TextRules(Section):
    """How a text becomes numbers: what its tokens are, and what is made of them."""

    output: TextOutput | None = None
    tokens: Annotated[int, Integer(3, 1_000_000)] = 10_000
    length: Count | None = None
    level: TokenLevel = "word"
    ngrams: NGrams | tuple[NGrams, NGrams] = 1
    lower: bool = True
    punctuation: Punctuation | None = None
    remove: str | None = None

    @property
    def ngram_range(self) -> tuple[int, int]:
        """The least and the most tokens in a row that are one."""
        return (1, self.ngrams) if isinstance(self.ngrams, int) else self.ngrams


class ColumnRules(Section):
    """How a column or a cross is prepared: filled, then clipped and scaled, or made categories."""

    scale: Scaling | None = None
    clip: Annotated[float, Number(above=0, below=0.5)] | tuple[float, float] | None = None
    buckets: Several | Annotated[tuple[float, ...], ListOf(ANY_NUMBER)] | None = None
    categories: Several | None = None
    hash: Several | None = None
    parts: DateParts | None = None
    missing: Missing | None = None
    indicator: bool = False
    text: TextRules | None = None


class Preprocess(Section):
    """What happens to the columns of a table, to pixels and to the target."""

    numeric: Scaling | None = None
    categorical: Literal["one_hot", "ordinal"] = "one_hot"
    unseen: Literal["zeros", "error"] = "zeros"
    missing: Missing = "error"
    dates: Literal["parts", "drop"] = "parts"
    target: TargetScaling = "none"
    target_range: tuple[float, float] | None = None
    scale: AboveZero | None = None

    text: TextRules = TextRules()
    columns: dict[str, ColumnRules] = field(default_factory=dict)
    crosses: tuple[tuple[str, str], ...] = ()

    def rules_of(self, column: str) -> ColumnRules:
        """Returns how a column, or a cross, is prepared: by rules of its own, else the general."""
        own = self.columns.get(column, ColumnRules())
        scale = own.scale or self.scaling(columns=True)
        return replace(own, scale=scale, missing=own.missing or self.missing)

    def text_of(self, column: str) -> TextRules:
        """Returns how the texts of a column are prepared."""
        own = self.columns.get(column)
        return self.text if own is None or own.text is None else own.text

    def scaling(self, *, columns: bool) -> Scaling:
        """Returns how numbers are scaled: those in the columns of a table, or in arrays."""
        return self.numeric or ("standardize" if columns else "none")


def cross_name(first: str, second: str) -> str:
    """Returns how the cross of two columns, or of two categories, is called."""
    return f"{first} x {second}"
