"""The section `preprocess`: how columns of a table, pixels and the target become numbers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, Literal

from dl.vocabulary.sections import AboveZero, Count, Section, key
from dl.vocabulary.types import ANY_NUMBER, Integer, ListOf, Number

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


@dataclass(frozen=True, kw_only=True)
class DateParts(Section):
    """The parts of a date that are seen: as numbers, categories, or cyclic, by sine and cosine."""

    year: Literal["number"] | None = key(None, "The year.")
    month: PartForm | None = key(None, "The month, from 1.")
    day: PartForm | None = key(None, "The day of the month, from 1.")
    weekday: PartForm | None = key(None, "The day of the week; Monday is 1.")
    day_of_year: PartForm | None = key(None, "The day of the year, from 1; cyclic: the season.")
    hour: PartForm | None = key(None, "The hour, from 0.")
    minute: PartForm | None = key(None, "The minute, from 0.")


@dataclass(frozen=True, kw_only=True)
class TextRules(Section):
    """How a text becomes numbers: what its tokens are, and what is made of them."""

    output: TextOutput | None = key(
        None,
        "int: the number of each token, in the order of the text, for an Embedding; 0 is padding, "
        "1 any token that is not known. multi_hot, count: an input for each token, which is 1 "
        "where the text has it, or how often it has it. tf_idf: how often, times how rare its "
        "texts are, the row scaled to length 1. Default: int where the model begins with a layer "
        "that looks numbers up, else multi_hot.",
    )
    tokens: Annotated[int, Integer(3, 1_000_000)] = key(
        10_000,
        "The most tokens that are known: the commonest of the training part; of int, with those "
        "for 0 and 1.",
    )
    length: Count | None = key(
        None,
        "Of int, the tokens of each text: longer ones are cut off, shorter ones are filled up with "
        f"0 behind their end. Default: the longest of the training part, at most {MOST_LENGTH}.",
    )
    level: TokenLevel = key(
        "word",
        "word: what stands between blanks. character: each character, blanks too; for languages "
        "that have no blanks between words, with `ngrams: 2`.",
    )
    ngrams: NGrams | tuple[NGrams, NGrams] = key(
        1, "Tokens in a row that are tokens too: up to so many, or from so many to so many."
    )
    lower: bool = key(
        True, "Whether capital letters are small ones, as of Python's `casefold`. Accents stay."
    )
    punctuation: Punctuation | None = key(
        None,
        "split: a sign is a blank between words, an apostrophe nothing: `well-made, don't` is "
        "`well made dont`; an emoji is a word. strip: signs are nothing: `wellmade dont`. keep: "
        "they stay. Default: split for words, keep for characters.",
    )
    remove: str | None = key(
        None,
        "What is left out before, as a regular expression of Python: `<[^>]+>` for tags of HTML.",
    )

    @property
    def ngram_range(self) -> tuple[int, int]:
        """The least and the most tokens in a row that are one."""
        return (1, self.ngrams) if isinstance(self.ngrams, int) else self.ngrams


@dataclass(frozen=True, kw_only=True)
class ColumnRules(Section):
    """How a column or a cross is prepared: filled, then clipped and scaled, or made categories."""

    scale: Scaling | None = key(
        None,
        "Scaling of numbers. robust: by median and quartiles, which outliers do not move. "
        "quantile: the share of the training rows below, 0..1 (of a date, of the range). log1p: "
        "the logarithm of 1 + the number, standardized. Default: `preprocess.numeric`.",
    )
    clip: Annotated[float, Number(above=0, below=0.5)] | tuple[float, float] | None = key(
        None,
        "Least and largest value, which stand for all beyond them; or the share of the training "
        "rows beyond them on either side.",
    )
    buckets: Several | Annotated[tuple[float, ...], ListOf(ANY_NUMBER)] | None = key(
        None,
        "Limits between which numbers become a category, each the least of its bucket; or how "
        "many buckets of about as many training rows each.",
    )
    categories: Several | None = key(
        None,
        "The most inputs of a category: where it has more, the commonest have their own and all "
        f"others share one. Default: {MOST_CATEGORIES} where each has an input.",
    )
    hash: Several | None = key(
        None,
        "Inputs that categories share by a hash of their text, whatever categories come; nothing "
        "is learned.",
    )
    parts: DateParts | None = key(
        None, "Parts of a date. Default: all that there are, as numbers, by `preprocess.dates`."
    )
    missing: Missing | None = key(None, "Missing values. Default: `preprocess.missing`.")
    indicator: bool = key(False, "One more input, which is 1 where the value is missing, else 0.")
    text: TextRules | None = key(
        None, "How a text is prepared, by these keys alone. Default: `preprocess.text`."
    )


@dataclass(frozen=True, kw_only=True)
class Preprocess(Section):
    """What happens to the columns of a table, to pixels and to the target."""

    numeric: Scaling | None = key(
        None,
        "Scaling of numbers. Words of a column's `scale`; of arrays, standardize, minmax and none. "
        "Default: standardize for csv, parquet and builtin; none for arrays, images, audio and "
        "synthetic rows.",
    )
    categorical: Literal["one_hot", "ordinal"] = key("one_hot", "Encoding of categories.")
    unseen: Literal["zeros", "error"] = key(
        "zeros",
        "A category that is not in the training part: all zeros (ordinal: -1) with a "
        "warning, or an error. Always an error where an Embedding looks up ordinal numbers.",
    )
    missing: Missing = key(
        "error",
        "Missing values: refuse, fill (a category always by the most frequent, a text by an empty "
        "one), or drop the row. Rows to predict are never dropped: they are filled by the median.",
    )
    dates: Literal["parts", "drop"] = key(
        "parts", "Dates: year, month, day, weekday… as numbers, or left out."
    )
    target: TargetScaling = key(
        "none",
        "Scaling of a regression target; undone at prediction, metrics are in the "
        "target's own unit. minmax: to 0..1, the range of a sigmoid; minmax_signed: to -1..1, the "
        "range of a tanh; log1p: the logarithm of 1 + the number, standardized.",
    )
    target_range: tuple[float, float] | None = key(
        None,
        "Smallest and largest possible value of the target, for minmax and "
        "minmax_signed. Default: those of the training part.",
    )
    scale: AboveZero | None = key(
        None,
        "Divide pixels by this. Default: 255 for images and for arrays of bytes, else 1.",
    )

    text: TextRules = key(TextRules(), "How texts become numbers.")
    columns: dict[str, ColumnRules] = key(
        {}, "How a column of a table is prepared, by its name, where it is not by the rules above."
    )
    crosses: tuple[tuple[str, str], ...] = key(
        (),
        "Pairs of columns whose values make a category together. The cross of `City` and `Day` is "
        "called `City x Day`, in `columns` too.",
    )

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
