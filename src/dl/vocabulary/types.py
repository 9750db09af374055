"""The types that a parameter can have: single values, lists, named things and alternatives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dl.text import listing
from dl.vocabulary.scalars import (
    Boolean,
    Checked,
    Choice,
    Integer,
    Nested,
    Number,
    ParameterType,
    Text,
    number_hint,
)
from dl.vocabulary.spec import Finding, Kind
from dl.vocabulary.words import kind_words

__all__ = [
    "Boolean",
    "Checked",
    "Choice",
    "Integer",
    "ListOf",
    "Nested",
    "Nullable",
    "Number",
    "Object",
    "OneOf",
    "ParameterType",
    "Text",
]


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
        return self.refuse(value, number_hint(value))

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


def _starts_digit(value: object) -> bool:
    return isinstance(value, str) and value[:1].isdigit()
