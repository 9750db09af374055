"""What is learned about each input column: a part of `preprocess.json`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from dl.config.sections.preprocess import Scaling
from dl.runs.typed import Finite, MisfitError, NotZero, Range

Unseen = Literal["zeros", "error"]


def _is_date(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class NumericFeature:
    """A column of numbers: `(value - center) / spread`.

    Attributes:
        name: The column.
        scaling: How the numbers are scaled.
        center: Mean (standardize) or minimum (minmax) of the training rows; else 0.
        spread: Standard deviation or range of the training rows; 1 if that is 0.
        fill: What stands for a missing value; None refuses it.
    """

    name: str
    scaling: Scaling
    center: Finite
    spread: NotZero
    fill: Finite | None
    kind: Literal["numeric"] = "numeric"


@dataclass(frozen=True, slots=True)
class CategoricalFeature:
    """A column of categories, one-hot or as their number.

    Attributes:
        name: The column.
        encoding: How the categories become numbers.
        categories: Those of the training rows, sorted.
        unseen: What happens to other categories.
        fill: The category that stands for a missing value; None refuses it.
    """

    name: str
    encoding: Literal["one_hot", "ordinal"]
    categories: tuple[str, ...]
    unseen: Unseen
    fill: str | None
    kind: Literal["categorical"] = "categorical"

    def __post_init__(self) -> None:
        if self.fill is not None and self.fill not in self.categories:
            raise MisfitError("must be one of the categories", ("fill",))


@dataclass(frozen=True, slots=True)
class DateFeature:
    """A column of dates: its parts as numbers, scaled like numbers.

    Attributes:
        name: The column.
        parts: Names of the parts; none if dates are left out.
        scaling: How the parts are scaled.
        centers: Subtracted from each part.
        spreads: What the difference is divided by.
        fill: The date that stands for a missing one, in ISO 8601; None refuses it.
    """

    name: str
    parts: tuple[str, ...]
    scaling: Scaling
    centers: tuple[Finite, ...]
    spreads: tuple[NotZero, ...]
    fill: Annotated[str, Range(_is_date, "must be a date in ISO 8601")] | None
    kind: Literal["date"] = "date"

    def __post_init__(self) -> None:
        if not len(self.parts) == len(self.centers) == len(self.spreads):
            raise MisfitError("must be as many as parts", ("centers",))


Feature = NumericFeature | CategoricalFeature | DateFeature


def width(feature: Feature) -> int:
    """Returns how many columns of `x` the feature makes."""
    return len(output_names(feature))


def output_names(feature: Feature) -> list[str]:
    """Returns the names of the columns of `x` that the feature makes: `color=red`, `day.month`."""
    match feature:
        case NumericFeature():
            return [feature.name]
        case CategoricalFeature(encoding="ordinal"):
            return [feature.name]
        case CategoricalFeature():
            return [f"{feature.name}={category}" for category in feature.categories]
        case DateFeature():
            return [f"{feature.name}.{part}" for part in feature.parts]
