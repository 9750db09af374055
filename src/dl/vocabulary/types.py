"""The types that a parameter can have.

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

from dl.errors import closest
from dl.vocabulary.spec import Finding, Kind, Spec
from dl.vocabulary.words import found_text, kind_words, listing, range_words

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
            return self.refuse(value, _number_hint(value))
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
            return self.refuse(value, _number_hint(value))
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
        near = closest(value, self.words)
        return self.refuse(value, f"did you mean {near}?" if near else None)

    def schema(self) -> dict[str, object]:
        return {"enum": list(self.words)}

    def invalid(self) -> object:
        return "no_such_word"


@dataclass(frozen=True, slots=True)
class ListOf(ParameterType):
    """A list whose items have one type; `length` fixes how many."""

    item: ParameterType
    minimum: int = 1
    length: int | None = None

    @property
    def expected(self) -> str:
        many = "values" if self.length is None else f"{self.length} values"
        return f"a list of {many}, each {self.item.expected}"

    def takes(self, value: object) -> bool:
        return isinstance(value, list | tuple)

    def check(self, value: object, nested: Nested) -> Checked:
        if not isinstance(value, list | tuple):
            return self.refuse(value)
        if len(value) < self.minimum or (self.length is not None and len(value) != self.length):
            return self.refuse(value)
        checked = [self.item.check(item, nested) for item in value]
        findings = [
            finding.below((place,)) for place, (_, found) in enumerate(checked) for finding in found
        ]
        return tuple(item for item, _ in checked), findings

    def schema(self) -> dict[str, object]:
        least = self.minimum if self.length is None else self.length
        most = {} if self.length is None else {"maxItems": self.length}
        return {"type": "array", "items": self.item.schema(), "minItems": least, **most}

    def invalid(self) -> object:
        return [self.item.invalid()] * (self.length or max(self.minimum, 1))


@dataclass(frozen=True, slots=True)
class Object(ParameterType):
    """A named thing: a name, or a mapping with `type`.

    Attributes:
        kind: What it must be.
        only: The canonical names that fit here; empty if all do.
        never: The canonical names that do not fit here.
        default: The name that `null` stands for; none if `null` is wrong.
    """

    kind: Kind
    only: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    default: str | None = None

    @property
    def expected(self) -> str:
        chosen = f" ({listing(self.only)})" if self.only else ""
        return f"{kind_words(self.kind)}{chosen}"

    def takes(self, value: object) -> bool:
        return isinstance(value, str | Mapping)

    def check(self, value: object, nested: Nested) -> Checked:
        if value is None and self.default is not None:
            return nested(self.kind, self.default)
        if not isinstance(value, str | Mapping):
            return self.refuse(value, "write its name, or a mapping with `type`")
        spec, findings = nested(self.kind, value)
        if spec is not None and not self._fits(spec.type):
            return None, [Finding((), f"cannot be {spec.type} here", self.expected, spec.type)]
        return spec, findings

    def _fits(self, name: str) -> bool:
        return name not in self.never and (not self.only or name in self.only)

    def schema(self) -> dict[str, object]:
        reference: dict[str, object] = {"$ref": f"#/$defs/{self.kind.value}"}
        return reference if self.default is None else {"anyOf": [reference, {"type": "null"}]}

    def invalid(self) -> object:
        return {"type": "NoSuchThing"}


@dataclass(frozen=True, slots=True)
class OneOf(ParameterType):
    """A value that fits one of several types."""

    types: tuple[ParameterType, ...]

    @property
    def expected(self) -> str:
        first = self.types[0].expected
        return ", or ".join([first, *(_after(first, other) for other in self.types[1:])])

    def takes(self, value: object) -> bool:
        return any(option.takes(value) for option in self.types)

    def check(self, value: object, nested: Nested) -> Checked:
        for option in self.types:
            canonical, findings = option.check(value, nested)
            if not findings:
                return canonical, []
        meant = [option for option in self.types if option.takes(value)]
        if len(meant) == 1 and isinstance(meant[0], ListOf | Object) and not _starts_digit(value):
            return meant[0].check(value, nested)
        return self.refuse(value, _number_hint(value))

    def schema(self) -> dict[str, object]:
        return {"anyOf": [option.schema() for option in self.types]}

    def invalid(self) -> object:
        return self.types[0].invalid()


@dataclass(frozen=True, slots=True)
class Nullable(ParameterType):
    """A value of a type, or `null`."""

    type: ParameterType

    @property
    def expected(self) -> str:
        return f"{self.type.expected}, or null"

    def takes(self, value: object) -> bool:
        return value is None or self.type.takes(value)

    def check(self, value: object, nested: Nested) -> Checked:
        if value is None:
            return None, []
        canonical, findings = self.type.check(value, nested)
        if [(finding.path, finding.expected) for finding in findings] == [((), self.type.expected)]:
            return self.refuse(value, findings[0].hint)
        return canonical, findings

    def schema(self) -> dict[str, object]:
        return {"anyOf": [self.type.schema(), {"type": "null"}]}

    def invalid(self) -> object:
        return self.type.invalid()


def _after(first: str, other: ParameterType) -> str:
    """Words an alternative that is a list of what was just said."""
    if isinstance(other, ListOf) and other.item.expected == first:
        return f"a list of {other.length or 'several'} of them"
    return other.expected


def _given(limits: Mapping[str, object]) -> dict[str, object]:
    return {name: limit for name, limit in limits.items() if limit is not None}


def _too_large(value: float, largest: float) -> Checked:
    expected = f"a number of at most {largest:g}"
    return None, [Finding((), f"must be at most {largest:g}", expected, found_text(value))]


def _starts_digit(value: object) -> bool:
    return isinstance(value, str) and value[:1].isdigit()


def _number_hint(value: object) -> str | None:
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
