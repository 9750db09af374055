"""Checks of named things that end in no error, and values that types of the vocabulary refuse."""

from __future__ import annotations

import math

from dl.vocabulary.catalog import Object, checked_object
from dl.vocabulary.composed import ListOf, Nullable, OneOf
from dl.vocabulary.spec import Finding, Findings, Kind, Spec
from dl.vocabulary.types import Boolean, Choice, Integer, Number, ParameterType


def check_object(kind: Kind, value: object) -> tuple[Spec | None, list[Finding]]:
    """Checks as `checked_object` does, but returns the findings, beside None for the spec."""
    try:
        return checked_object(kind, value), []
    except Findings as error:
        return None, list(error.findings)


def invalid(kind: ParameterType) -> object:
    """Returns a value that a type refuses, just beyond its limits where it has some."""
    match kind:
        case Nullable():
            return invalid(kind.type)
        case OneOf():
            return invalid(kind.types[0])
        case ListOf():
            return [invalid(kind.item)] * (kind.length or max(kind.minimum, 1))
        case Object():
            return {"type": "NoSuchThing"}
        case Boolean() | Choice():
            return 1
        case Integer() | Number() if kind.minimum is not None:
            return kind.minimum - 1
        case Integer() | Number() if kind.maximum is not None:
            return kind.maximum + 1
        case Integer():
            return 0.5
        case Number():
            return next((each for each in (kind.above, kind.below) if each is not None), math.nan)
    return ""
