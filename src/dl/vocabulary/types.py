"""The types of single values of a config; those of others, such as lists, are in `composed`.

A type checks a plain YAML value strictly and gives its canonical form: of a list a tuple, of a
whole number where any number is fine a float. It says what it expects in plain English and
gives its JSON Schema. `dl.vocabulary.catalog` adds the named things of Keras,
`dl.vocabulary.sections` the sections of a config, which are declared by these types.
"""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, ClassVar, NoReturn

from dl.text import listing
from dl.vocabulary.spec import Findings, Sorts, found_text, plain, range_words, value_hint

LARGEST_INTEGER = 2**31 - 1
"""What TensorFlow holds in a 32-bit integer."""
_MOST_WORDS = 25
"""Of a choice of more, a message names the nearest."""
LARGEST_NUMBER = 3.4e38
"""What a 32-bit float holds."""


class ParameterType(ABC):
    """What values a parameter takes.

    Attributes:
        sorts: The Python types of values that are of the right sort, whatever their limits.
        choices: The words that it takes, if it is a choice of words.
        length: How many items a list of it has, where that is fixed.
    """

    sorts: Sorts = frozenset()
    choices: tuple[str, ...] = ()
    length: int | None = None

    @property
    @abstractmethod
    def expected(self) -> str:
        """What the type takes, so that "must be ..." reads well."""

    @abstractmethod
    def check(self, value: object) -> Any:
        """Returns the canonical value; raises `Findings`, their paths relative to the value."""

    @abstractmethod
    def schema(self) -> dict[str, object]:
        """Returns the JSON Schema of the type."""

    @property
    def many(self) -> str:
        """What a list of such values is a list of."""
        return f"values, each {self.expected}"

    def refuse(self, value: object, hint: str | None = None) -> NoReturn:
        """Raises that `value` is not what is expected."""
        fits, length = partial(accepts, self), self.length or 1
        hint = hint or value_hint(value, self.sorts, fits, self.choices, length)
        if value in ("", [], ()):
            raise Findings.one((), "must not be empty", self.expected, found_text(value))
        raise Findings.one((), f"must be {self.expected}", None, found_text(value), hint)


def accepts(kind: ParameterType, value: object) -> bool:
    """Tells whether a type takes a value."""
    try:
        kind.check(value)
    except Findings:
        return False
    return True


@dataclass(frozen=True)
class Number(ParameterType):
    """A finite number; `minimum` and `maximum` are included, `above` and `below` are not."""

    minimum: float | None = None
    maximum: float | None = None
    above: float | None = None
    below: float | None = None
    sorts = frozenset({int, float})
    noun: ClassVar[str] = "number"
    kind: ClassVar[type[int | float]] = float
    largest: ClassVar[float] = LARGEST_NUMBER

    @cached_property
    def expected(self) -> str:
        limits = (self.minimum, self.maximum, self.above, self.below)
        return range_words(f"a {self.noun}", *limits)

    @property
    def many(self) -> str:
        return self.expected.replace(f"a {self.noun}", f"{self.noun}s")

    def check(self, value: object) -> Any:
        if isinstance(value, bool) or not isinstance(value, self.kind | int):
            self.refuse(value)
        if not -math.inf < value < math.inf or not (
            (self.minimum is None or value >= self.minimum)
            and (self.maximum is None or value <= self.maximum)
            and (self.above is None or value > self.above)
            and (self.below is None or value < self.below)
        ):
            self.refuse(value)
        if abs(value) > max(self.largest, self.maximum or 0):
            raise Findings.one(
                (), f"must be at most {plain(self.largest)}", None, found_text(value)
            )
        return self.kind(value)

    def schema(self) -> dict[str, object]:
        limits = without_none(
            minimum=self.minimum,
            maximum=self.maximum,
            exclusiveMinimum=self.above,
            exclusiveMaximum=self.below,
        )
        return {"type": self.noun.replace("whole number", "integer"), **limits}


@dataclass(frozen=True)
class Integer(Number):
    """A whole number within limits; `true` and `1.0` are not whole numbers."""

    sorts = frozenset({int})
    noun = "whole number"
    kind = int
    largest = LARGEST_INTEGER

    @cached_property
    def expected(self) -> str:
        one_or_more = self.minimum == 1 and self.maximum is None
        return "a whole number above 0" if one_or_more else super().expected


@dataclass(frozen=True)
class Steps(ParameterType):
    """Steps of a training: a whole number, or `all`, `5 epochs` or `10 %` of them.

    `in_steps` makes a number of what was said in words, once the rows are known.
    """

    minimum: int = 1
    sorts = frozenset({int, str})
    pattern: ClassVar[str] = r"all|(\d+(?:\.\d+)?) ?(epochs?|%)"

    @property
    def expected(self) -> str:
        return f"{Integer(self.minimum).expected}, or all, 5 epochs or 10 %"

    def check(self, value: object) -> int | str:
        if isinstance(value, int) and accepts(Integer(self.minimum), value):
            return value
        said = re.fullmatch(self.pattern, value.strip()) if isinstance(value, str) else None
        if said is None or (said[1] and not self.minimum <= math.ceil(float(said[1]))):
            self.refuse(value)
        return f"{float(said[1]):g} {said[2]}" if said[1] else said[0]

    def in_steps(self, value: int | str, epoch: int, epochs: int) -> int:
        """Returns a checked value as a number of steps, for the steps of an epoch."""
        said = re.fullmatch(self.pattern, value) if isinstance(value, str) else None
        if said is None:
            return int(value)
        amount, unit = float(said[1] or 100), said[2] or "%"
        steps = amount * epoch * (epochs / 100 if unit == "%" else 1)
        return max(self.minimum, round(min(steps, LARGEST_INTEGER)))

    def schema(self) -> dict[str, object]:
        words = {"type": "string", "pattern": f"^({self.pattern})$"}
        return {"anyOf": [Integer(self.minimum).schema(), words]}


@dataclass(frozen=True)
class Boolean(ParameterType):
    """`true` or `false`."""

    expected = "true or false"
    sorts = frozenset({bool})

    def check(self, value: object) -> bool:
        return value if isinstance(value, bool) else self.refuse(value)

    def schema(self) -> dict[str, object]:
        return {"type": "boolean"}


@dataclass(frozen=True)
class Text(ParameterType):
    """A text, of a pattern if one is given; `words` says what it stands for."""

    words: str = "text"
    pattern: str | None = None
    sorts = frozenset({str})

    @property
    def expected(self) -> str:
        return self.words

    @property
    def many(self) -> str:
        return "texts" if self.words == "text" else super().many

    def check(self, value: object) -> str:
        if not isinstance(value, str) or not re.fullmatch(self.pattern or "(?s:.+)", value):
            self.refuse(value)
        return value

    def schema(self) -> dict[str, object]:
        pattern = None if self.pattern is None else f"^({self.pattern})$"
        return {"type": "string", "minLength": 1, **without_none(pattern=pattern)}


@dataclass(frozen=True)
class Choice(ParameterType):
    """One word of a list, in any case."""

    words: tuple[str, ...]
    sorts = frozenset({str})

    @property
    def choices(self) -> tuple[str, ...]:  # type: ignore[override]
        return self.words

    @property
    def expected(self) -> str:
        return listing(self.words)

    @property
    def many(self) -> str:
        return self.expected

    def check(self, value: object) -> str:
        if value in self.words:
            return str(value)
        folded = value.lower() if isinstance(value, str) else None
        found = next((word for word in self.words if word.lower() == folded), None)
        return found or self.refuse(value)

    def refuse(self, value: object, hint: str | None = None) -> NoReturn:
        if len(self.words) <= _MOST_WORDS or not isinstance(value, str):
            super().refuse(value, hint)
        from difflib import get_close_matches

        near = get_close_matches(value.lower(), self.words, n=3, cutoff=0)
        expected = f"must be one of {len(self.words)} words, such as {listing(near)}"
        hint = hint or value_hint(value, self.sorts, partial(accepts, self), self.words)
        raise Findings.one((), expected, None, found_text(value), hint)

    def schema(self) -> dict[str, object]:
        return {"enum": list(self.words)}


@dataclass(frozen=True)
class Anything(ParameterType):
    """A value that is checked elsewhere."""

    expected = "a value"

    def check(self, value: object) -> Any:
        return value

    def schema(self) -> dict[str, object]:
        return {}


def without_none(**limits: object) -> dict[str, object]:
    """Returns the limits that there are."""
    return {name: limit for name, limit in limits.items() if limit is not None}


BOOLEAN = Boolean()
INTEGER = Integer()
AMOUNT = Integer(0)
COUNT = Integer(1)
ANY_NUMBER = Number()
NOT_NEGATIVE = Number(minimum=0)
ABOVE_ZERO = Number(above=0)
TEXT = Text()
