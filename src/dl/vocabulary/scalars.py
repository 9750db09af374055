"""What a parameter type is, and the types of single values.

A type checks a plain YAML value strictly, says what it expects in plain English, gives its JSON
Schema and an example that breaks it. The canonical form of a list is a tuple, of a whole number
where any number is fine a float, of a named thing a `Spec`.
"""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from dl.text import listing
from dl.vocabulary.spec import Finding, Kind, Spec
from dl.vocabulary.synonyms import meant
from dl.vocabulary.words import found_text, range_words

Checked = tuple[object, list[Finding]]
Nested = Callable[[Kind, object], tuple[Spec | None, list[Finding]]]
"""Checks a named thing inside another one."""

LARGEST_INTEGER = 2**31 - 1
"""What TensorFlow holds in a 32-bit integer."""
LARGEST_NUMBER = 3.4e38
"""What a 32-bit float holds."""


class ParameterType(ABC):
    """What values a parameter takes."""

    @property
    @abstractmethod
    def expected(self) -> str:
        """What the type takes, so that "must be ..." reads well."""

    @abstractmethod
    def check(self, value: object, nested: Nested) -> Checked:
        """Returns the canonical value, and no findings if the value is right."""

    @abstractmethod
    def schema(self) -> dict[str, object]:
        """Returns the JSON Schema of the type."""

    @abstractmethod
    def invalid(self) -> object:
        """Returns a value that the type refuses."""

    def takes(self, value: object) -> bool:
        """Returns whether a value is of the right sort, whatever its limits."""
        return False

    def refuse(self, value: object, hint: str | None = None) -> Checked:
        """Returns the finding that `value` is not what is expected."""
        found = Finding((), f"must be {self.expected}", self.expected, found_text(value), hint)
        return None, [found]


@dataclass(frozen=True, slots=True)
class Integer(ParameterType):
    """A whole number within limits, both included; `true` and `1.0` are none."""

    minimum: int | None = None
    maximum: int | None = None

    @property
    def expected(self) -> str:
        if self.minimum == 1 and self.maximum is None:
            return "a whole number above 0"
        return range_words("a whole number", self.minimum, self.maximum)

    def takes(self, value: object) -> bool:
        return isinstance(value, int) and not isinstance(value, bool)

    def check(self, value: object, nested: Nested) -> Checked:
        if isinstance(value, bool) or not isinstance(value, int):
            return self.refuse(value, number_hint(value))
        if not self._within(value):
            return self.refuse(value)
        if abs(value) > LARGEST_INTEGER:
            return _too_large(value, LARGEST_INTEGER)
        return value, []

    def _within(self, value: int) -> bool:
        low = self.minimum is None or value >= self.minimum
        return low and (self.maximum is None or value <= self.maximum)

    def schema(self) -> dict[str, object]:
        limits = {"minimum": self.minimum, "maximum": self.maximum}
        return {"type": "integer", **_given(limits)}

    def invalid(self) -> object:
        if self.minimum is not None:
            return self.minimum - 1
        return 0.5 if self.maximum is None else self.maximum + 1


@dataclass(frozen=True, slots=True)
class Number(ParameterType):
    """A finite number; `minimum` and `maximum` are included, `above` and `below` are not."""

    minimum: float | None = None
    maximum: float | None = None
    above: float | None = None
    below: float | None = None

    @property
    def expected(self) -> str:
        return range_words("a number", self.minimum, self.maximum, self.above, self.below)

    def takes(self, value: object) -> bool:
        return isinstance(value, int | float) and not isinstance(value, bool)

    def check(self, value: object, nested: Nested) -> Checked:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return self.refuse(value, number_hint(value))
        if isinstance(value, float) and not math.isfinite(value):
            return self.refuse(value)
        if not self._within(value):
            return self.refuse(value)
        if abs(value) > LARGEST_NUMBER:
            return _too_large(value, LARGEST_NUMBER)
        return float(value), []

    def _within(self, value: float) -> bool:
        return (
            (self.minimum is None or value >= self.minimum)
            and (self.maximum is None or value <= self.maximum)
            and (self.above is None or value > self.above)
            and (self.below is None or value < self.below)
        )

    def schema(self) -> dict[str, object]:
        limits = {
            "minimum": self.minimum,
            "maximum": self.maximum,
            "exclusiveMinimum": self.above,
            "exclusiveMaximum": self.below,
        }
        return {"type": "number", **_given(limits)}

    def invalid(self) -> object:
        if self.minimum is not None:
            return self.minimum - 1
        if self.maximum is not None:
            return self.maximum + 1
        return next((limit for limit in (self.above, self.below) if limit is not None), math.nan)


@dataclass(frozen=True, slots=True)
class Boolean(ParameterType):
    """`true` or `false`."""

    @property
    def expected(self) -> str:
        return "true or false"

    def takes(self, value: object) -> bool:
        return isinstance(value, bool)

    def check(self, value: object, nested: Nested) -> Checked:
        return (value, []) if isinstance(value, bool) else self.refuse(value, _boolean_hint(value))

    def schema(self) -> dict[str, object]:
        return {"type": "boolean"}

    def invalid(self) -> object:
        return 1


@dataclass(frozen=True, slots=True)
class Text(ParameterType):
    """A text, of a pattern if one is given; `words` says what it stands for."""

    words: str = "text"
    pattern: str | None = None

    @property
    def expected(self) -> str:
        return self.words

    def takes(self, value: object) -> bool:
        return isinstance(value, str)

    def check(self, value: object, nested: Nested) -> Checked:
        if not isinstance(value, str):
            return self.refuse(value, None if value is None else "put it in quotes")
        fits = self.pattern is None or re.fullmatch(self.pattern, value)
        return (value, []) if value and fits else self.refuse(value)

    def schema(self) -> dict[str, object]:
        pattern = None if self.pattern is None else f"^({self.pattern})$"
        return {"type": "string", "minLength": 1, **_given({"pattern": pattern})}

    def invalid(self) -> object:
        return ""


@dataclass(frozen=True, slots=True)
class Choice(ParameterType):
    """One word of a list, in any case."""

    words: tuple[str, ...]

    @property
    def expected(self) -> str:
        return listing(self.words)

    def takes(self, value: object) -> bool:
        return isinstance(value, str)

    def check(self, value: object, nested: Nested) -> Checked:
        if not isinstance(value, str):
            return self.refuse(value)
        for word in self.words:
            if word.lower() == value.lower():
                return word, []
        near = meant(value, self.words)
        return self.refuse(value, f"did you mean {near}?" if near else None)

    def schema(self) -> dict[str, object]:
        return {"enum": list(self.words)}

    def invalid(self) -> object:
        return "no_such_word"


def _given(limits: Mapping[str, object]) -> dict[str, object]:
    return {name: limit for name, limit in limits.items() if limit is not None}


def _too_large(value: float, largest: float) -> Checked:
    expected = f"a number of at most {largest:g}"
    return None, [Finding((), f"must be at most {largest:g}", expected, found_text(value))]


def number_hint(value: object) -> str | None:
    """Returns what to write instead of a value that looks like a number, or None."""
    if isinstance(value, float) and value.is_integer():
        return f"write {value:.0f}, without a decimal point"
    if isinstance(value, str) and re.fullmatch(r"[-+]?\d+(\.\d*)?([eE][-+]?\d+)?", value.strip()):
        return f"write {value.strip()}, without quotes"
    return None


def _boolean_hint(value: object) -> str | None:
    words = {"yes": "true", "on": "true", "no": "false", "off": "false"}
    if isinstance(value, str) and value.lower() in {*words, "true", "false"}:
        return f"write {words.get(value.lower(), value.lower())}, without quotes"
    return None
