"""The types of values that are made of others: lists, mappings, alternatives, and `null`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

from dl.text import listing
from dl.vocabulary.spec import Finding, Findings, Sorts
from dl.vocabulary.types import Choice, ParameterType, without_none

K = TypeVar("K", int, str)


@dataclass(frozen=True)
class ListOf(ParameterType):
    """A list whose items have one type; `length` fixes how many."""

    item: ParameterType
    minimum: int = 1
    length: int | None = None
    sorts = frozenset({list, tuple})

    @property
    def expected(self) -> str:
        return f"a list of {'' if self.length is None else f'{self.length} '}{self.item.many}"

    @property
    def many(self) -> str:
        return f"lists of {self.item.many}"

    def check(self, value: object) -> tuple[Any, ...]:
        if not isinstance(value, list | tuple):
            self.refuse(value)
        if len(value) < self.minimum or (self.length is not None and len(value) != self.length):
            self.refuse(value)
        return tuple(_check_each(self.item, enumerate(value)).values())

    def schema(self) -> dict[str, object]:
        least = self.minimum if self.length is None else self.length
        most = without_none(maxItems=self.length)
        return {"type": "array", "items": self.item.schema(), "minItems": least, **most}


@dataclass(frozen=True)
class MappingOf(ParameterType):
    """A mapping of names to values of one type."""

    item: ParameterType
    sorts = frozenset({dict})

    @property
    def expected(self) -> str:
        return f"a mapping of names to {self.item.many}"

    def check(self, value: object) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            self.refuse(value)
        return _check_each(self.item, ((str(key), item) for key, item in value.items()))

    def schema(self) -> dict[str, object]:
        return {"type": "object", "additionalProperties": self.item.schema()}


def _check_each(kind: ParameterType, items: Iterable[tuple[K, object]]) -> dict[K, Any]:
    checked: dict[K, Any] = {}
    findings: list[Finding] = []
    for place, item in items:
        try:
            checked[place] = kind.check(item)
        except Findings as error:
            findings += [finding.below((place,)) for finding in error.findings]
    if findings:
        raise Findings(findings)
    return checked


@dataclass(frozen=True)
class OneOf(ParameterType):
    """A value that fits one of several types."""

    types: tuple[ParameterType, ...]

    @cached_property
    def sorts(self) -> Sorts:  # type: ignore[override]
        return frozenset().union(*(option.sorts for option in self.types))

    @cached_property
    def choices(self) -> tuple[str, ...]:  # type: ignore[override]
        return tuple(word for option in self.types for word in option.choices)

    @property
    def expected(self) -> str:
        first = self.types[0].expected
        return ", or ".join([first, *(_after(first, other) for other in self.types[1:])])

    @property
    def many(self) -> str:
        return " or ".join(option.many for option in self.types)

    def check(self, value: object) -> Any:
        for option in self.types:
            try:
                return option.check(value)
            except Findings:
                continue
        meant = [option for option in self.types if type(value) in option.sorts]
        deep = type(value) in (list, tuple, dict) or (isinstance(value, str) and not self.choices)
        # A text that starts like a number is a number with a slip, not the name of a thing.
        if len(meant) == 1 and not (isinstance(value, str) and value[:1].isdigit()):
            try:
                return meant[0].check(value)
            except Findings as error:
                if deep or error.findings[0].message != f"must be {meant[0].expected}":
                    raise
        return self.refuse(value)

    def schema(self) -> dict[str, object]:
        return {"anyOf": [option.schema() for option in self.types]}


@dataclass(frozen=True)
class Nullable(ParameterType):
    """A value of a type, or `null`."""

    type: ParameterType

    @property
    def sorts(self) -> Sorts:  # type: ignore[override]
        return self.type.sorts

    @property
    def choices(self) -> tuple[str, ...]:  # type: ignore[override]
        return self.type.choices

    @property
    def length(self) -> int | None:  # type: ignore[override]
        return self.type.length

    @property
    def expected(self) -> str:
        if isinstance(self.type, Choice):
            words = list(self.type.words)  # `null` beside `none` would read as the same
            return listing(words if "none" in words else [*words, "null"])
        said = self.type.expected
        return said if said.endswith("or null") else f"{said}, or null"

    @property
    def many(self) -> str:
        return f"{self.type.many} or null"

    def check(self, value: object) -> Any:
        if value is None:
            return None
        try:
            return self.type.check(value)
        except Findings as error:
            first = error.findings[0]
            if first.message == f"must be {self.type.expected}" and not first.path:
                self.refuse(value, first.hint)  # in words that leave null open
            raise

    def schema(self) -> dict[str, object]:
        return {"anyOf": [self.type.schema(), {"type": "null"}]}


def _after(first: str, other: ParameterType) -> str:
    """Words an alternative that is a list of what was just said."""
    if isinstance(other, ListOf) and other.item.expected == first and first != "text":
        return f"a list of {other.length or 'several'} of them"
    return other.expected
