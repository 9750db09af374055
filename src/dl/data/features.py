"""What each column of a table becomes: what was learned of it, and the names of its inputs."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import MISSING, asdict, dataclass, fields
from datetime import datetime
from typing import Annotated, Any, Literal

import numpy as np

from dl.config.data import ColumnKind
from dl.config.preprocess import PartForm, Punctuation, Scaling, TextOutput, TokenLevel
from dl.data.types import Array
from dl.rundir.typed import Count, Finite, MisfitError, NotZero, Positive, Range

RANGES = {
    "month": (1, 12),
    "day": (1, 31),
    "weekday": (1, 7),
    "day_of_year": (1, 366),
    "hour": (0, 24),
    "minute": (0, 60),
}
"""The least number of each part of a date that comes again, and how many numbers it has."""
OTHER = "(other)"
"""Stands for all categories but the commonest, also for those that are not in the training part."""


def _is_date(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


Rising = Annotated[
    tuple[Finite, ...],
    Range(lambda numbers: list(numbers) == sorted(numbers), "must be in rising order"),
]
_Shared = Annotated[
    int, Range(lambda count: 0 <= count <= 100_000, "must be a whole number from 0 to 100000")
]


@dataclass(frozen=True, slots=True)
class NumericFeature:
    """A column of numbers: `(value - center) / spread`, of the logarithm with `log1p`.

    Attributes:
        name: The column.
        scaling: How the numbers are scaled.
        center: What is subtracted: mean (standardize), minimum (minmax), median (robust); else 0.
        spread: Standard deviation, range or distance of the quartiles; 1 if that is 0.
        fill: What stands for a missing value; None refuses it.
        clip: Least and largest value, before the scaling.
        quantiles: Of `quantile`, the quantiles of the training rows.
        indicator: Whether one more input says which values are missing.
    """

    name: str
    scaling: Scaling
    center: Finite
    spread: NotZero
    fill: Finite | None
    kind: Literal["numeric"] = "numeric"
    clip: tuple[Finite, Finite] | None = None
    quantiles: Rising = ()
    indicator: bool = False

    def __post_init__(self) -> None:
        if (self.scaling == "quantile") != bool(self.quantiles):
            raise MisfitError("must be those of the scaling", ("quantiles",))

    @property
    def is_linear(self) -> bool:
        """Whether the input is `(value - center) / spread` and nothing else."""
        curved = self.scaling in ("log1p", "quantile")
        return not curved and self.clip is None and not self.indicator

    def clipped(self, values: Array) -> Array:
        """Returns the values within the limits."""
        return values if self.clip is None else np.clip(values, *self.clip)


@dataclass(frozen=True, slots=True)
class CategoricalFeature:
    """Categories, one-hot or as their number: of a column, buckets of numbers, or a cross of two.

    Attributes:
        name: The column, or the cross.
        encoding: How the categories become numbers.
        categories: Those of the training rows, sorted; none where they are hashed.
        unseen: What happens to other categories.
        fill: The category that stands for a missing value; None refuses it.
        pooled: Whether the last category stands for all but the others: `OTHER`.
        hash: How many inputs the categories share by their hash; 0: each has its own.
        edges: The least number of each bucket but the first, of a column of numbers.
        of: The two columns of a cross; none of a column.
        indicator: Whether one more input says which values are missing.
    """

    name: str
    encoding: Literal["one_hot", "ordinal"]
    categories: tuple[str, ...]
    unseen: Literal["zeros", "error"]
    fill: str | None
    kind: Literal["categorical"] = "categorical"
    pooled: bool = False
    hash: _Shared = 0
    edges: Rising = ()
    of: tuple[str, ...] = ()
    indicator: bool = False

    def __post_init__(self) -> None:
        if self.fill is not None and not self.hash and self.fill not in self.categories:
            raise MisfitError("must be one of the categories", ("fill",))
        if self.pooled and self.categories[-1:] != (OTHER,):
            raise MisfitError(f"must end with {OTHER}", ("categories",))
        if self.edges and len(self.categories) != len(self.edges) + 1:
            raise MisfitError("must be one for each bucket", ("categories",))
        if len(self.of) not in (0, 2):
            raise MisfitError("must be two columns", ("of",))

    @property
    def labels(self) -> tuple[str, ...]:
        """What the numbers of the categories stand for."""
        return tuple(f"#{number}" for number in range(self.hash)) or self.categories

    def position(self) -> Callable[[str], int]:
        """Returns what gives the number of a category; -1 of one that has none."""
        if self.hash:
            return lambda category: hashed(category, self.hash)
        known = {category: number for number, category in enumerate(self.categories)}
        other = len(known) - 1 if self.pooled else -1
        return lambda category: known.get(category, other)


@dataclass(frozen=True, slots=True)
class DateFeature:
    """A column of dates: its parts as numbers, scaled like numbers, or in another form.

    Attributes:
        name: The column.
        parts: Names of the parts; none if dates are left out.
        scaling: How the parts are scaled.
        centers: Subtracted from each part.
        spreads: What the difference is divided by.
        fill: The date that stands for a missing one, in ISO 8601; None refuses it.
        forms: What each part becomes; none: numbers.
        indicator: Whether one more input says which dates are missing.
    """

    name: str
    parts: tuple[str, ...]
    scaling: Scaling
    centers: tuple[Finite, ...]
    spreads: tuple[NotZero, ...]
    fill: Annotated[str, Range(_is_date, "must be a date in ISO 8601")] | None
    kind: Literal["date"] = "date"
    forms: tuple[PartForm, ...] = ()
    indicator: bool = False

    def __post_init__(self) -> None:
        if not len(self.parts) == len(self.centers) == len(self.spreads):
            raise MisfitError("must be as many as parts", ("centers",))
        if self.scaling == "quantile":
            raise MisfitError("must not be quantile for a date", ("scaling",))
        if self.forms and len(self.forms) != len(self.parts):
            raise MisfitError("must be as many as parts", ("forms",))
        if any(part not in RANGES for part, form in self.formed() if form != "number"):
            raise MisfitError("must be number for a part that does not come again", ("forms",))

    def formed(self) -> list[tuple[str, PartForm]]:
        """Returns each part with its form."""
        forms: Sequence[PartForm] = self.forms or ["number"] * len(self.parts)
        return list(zip(self.parts, forms, strict=True))


@dataclass(frozen=True, slots=True)
class TextFeature:
    """A column of texts: the tokens that it has, as their numbers or in an input for each.

    Attributes:
        name: The column.
        output: What is made of the tokens.
        tokens: Those that are known, the commonest of the training part first; of equally common
            ones, in the order of their code points. `int` numbers them from 2 on.
        length: Of `int`, the tokens of a row; else 0.
        level: What a token is made of.
        ngrams: The least and the most tokens in a row that are one.
        lower: Whether capital letters are small ones.
        punctuation: What becomes of signs.
        fill: The text that stands for a missing one; None refuses it.
        idf: Of `tf_idf`, the weight of each token: 1 + log((1 + texts) / (1 + texts that have it)).
        remove: What is left out before, as a regular expression.
        longer: The share of the training texts that have more tokens than `length`.
        unknown: The share of the tokens of the training part that are not known, several in a row
            aside.
    """

    name: str
    output: TextOutput
    tokens: tuple[str, ...]
    length: Count
    level: TokenLevel
    ngrams: tuple[Positive, Positive]
    lower: bool
    punctuation: Punctuation
    fill: str | None
    kind: Literal["text"] = "text"
    idf: tuple[Finite, ...] = ()
    remove: str | None = None
    longer: Finite = 0.0
    unknown: Finite = 0.0
    indicator: Literal[False] = False

    def __post_init__(self) -> None:
        if len(set(self.tokens)) != len(self.tokens):
            raise MisfitError("must be different ones", ("tokens",))
        if len(self.idf) != (len(self.tokens) if self.output == "tf_idf" else 0):
            raise MisfitError("must be one for each token of tf_idf", ("idf",))
        if (self.output == "int") != (self.length > 0):
            raise MisfitError("must be there for int alone", ("length",))
        try:
            re.compile(self.remove or "")
        except re.error as error:
            raise MisfitError("must be a regular expression", ("remove",)) from error

    @property
    def width(self) -> int:
        """How many inputs the column gives."""
        return self.length or len(self.tokens)

    @property
    def numbers(self) -> int:
        """How many numbers an Embedding has to look up: those of the tokens, and 0 and 1."""
        return len(self.tokens) + FIRST_TOKEN


FIRST_TOKEN = 2
"""The number of the commonest token: 0 is padding, 1 stands for every token that is not known."""
Feature = NumericFeature | CategoricalFeature | DateFeature | TextFeature


def plain_feature(feature: Any) -> dict[str, Any]:
    """Returns a feature as plain data; without what it does not use of later versions."""
    unused = {f.name: f.default for f in fields(feature) if f.name != "kind"}
    return {k: v for k, v in asdict(feature).items() if unused.get(k, MISSING) != v}


def columns_of(features: Iterable[Feature]) -> dict[str, ColumnKind]:
    """Returns the columns of the table that features are made of, with their kinds."""
    single = [item for item in features if not (isinstance(item, CategoricalFeature) and item.of)]
    return {
        item.name: "numeric" if isinstance(item, CategoricalFeature) and item.edges else item.kind
        for item in single
    }


def categories_by_name(features: Iterable[Feature]) -> dict[str, CategoricalFeature]:
    """Returns the features that a cross can be of."""
    return {item.name: item for item in features if isinstance(item, CategoricalFeature)}


def feature_names(features: Iterable[Feature]) -> tuple[str, ...]:
    """Returns the names of the columns of `x`: `size`, `color=red`, `day.month`."""
    return tuple(name for feature in features for name in names_of(feature))


def names_of(feature: Feature) -> list[str]:
    """Returns the names of the columns of `x` that a feature gives."""
    names = [feature.name]
    if isinstance(feature, DateFeature):
        names = [name for part in feature.formed() for name in part_names(feature.name, *part)]
    elif isinstance(feature, CategoricalFeature) and feature.encoding == "one_hot":
        names = [f"{feature.name}={label}" for label in feature.labels]
    elif isinstance(feature, TextFeature):
        labels = feature.tokens if feature.output != "int" else ()
        names = [f"{feature.name}={label}" for label in labels]
        names += [f"{feature.name}.{place}" for place in range(1, feature.length + 1)]
    return [*names, f"{feature.name}.missing"] if feature.indicator else names


def part_names(column: str, part: str, form: PartForm) -> list[str]:
    """Returns the names of the columns that a part of a date gives."""
    name = f"{column}.{part}"
    if form == "number":
        return [name]
    if form == "cyclic":
        return [f"{name}.sin", f"{name}.cos"]
    first, count = RANGES[part]
    return [f"{name}={number}" for number in range(first, first + count)]


def hashed(category: str, inputs: int) -> int:
    """Returns the number of a category: the first eight bytes of the SHA-256 of its text in UTF-8,
    as a whole number (the first byte counts most), modulo the number of inputs.
    """
    return int.from_bytes(hashlib.sha256(category.encode()).digest()[:8], "big") % inputs
