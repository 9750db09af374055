"""The catalog of everything that a config can name, read once from the generated data file."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dl.vocabulary.own import OWN, OwnEntry
from dl.vocabulary.parameters import DEFAULTS, row
from dl.vocabulary.spec import Kind
from dl.vocabulary.types import ParameterType

DATA = Path(__file__).with_name("keras.json")
"""Written by scripts/generate_vocabulary.py."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of an entry; `default` is a plain value and None where it is required."""

    name: str
    required: bool
    default: object
    type: ParameterType
    description: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A thing that a config can name.

    Attributes:
        kind: What it is.
        name: Its canonical name.
        parameters: Its parameters, required ones first.
        aliases: Other spellings that mean it.
        summary: One line on what it does.
        default_name: What Keras calls the first one in a process; None where it has no name.
        own: Whether it is `dl`'s own and not a class or function of Keras.
    """

    kind: Kind
    name: str
    parameters: Mapping[str, Parameter]
    aliases: tuple[str, ...]
    summary: str
    default_name: str | None
    own: bool


@functools.cache
def entries(kind: Kind) -> Mapping[str, Entry]:
    """Returns all entries of a kind by their canonical names, sorted."""
    found = {name: _keras_entry(kind, name, raw) for name, raw in _kind(kind)["entries"].items()}
    found |= {own.name: _own_entry(kind, own) for own in OWN.get(kind, ())}
    return dict(sorted(found.items()))


def find(kind: Kind, spelled: str) -> Entry | None:
    """Returns the entry that a name or alias means: exactly spelled, or else in any case."""
    exact, folded = _spellings(kind)
    name = exact.get(spelled) or folded.get(spelled.lower())
    return entries(kind)[name] if name else None


def names(kind: Kind) -> list[str]:
    """Returns all spellings of a kind, canonical names and aliases, sorted."""
    return sorted(_spellings(kind)[0])


def keras_version() -> str:
    """Returns the version of Keras that the catalog was read from."""
    version: str = _data()["keras"]
    return version


def left_out(kind: Kind, spelled: str) -> str | None:
    """Returns why `dl` leaves out something that Keras has, or None if it does not."""
    reasons: Mapping[str, str] = _kind(kind)["left_out"]
    folded = {name.lower(): reason for name, reason in reasons.items()}
    return folded.get(spelled.lower())


@functools.cache
def _spellings(kind: Kind) -> tuple[dict[str, str], dict[str, str]]:
    """Returns the canonical name of each spelling, as it is and in lower case.

    Of two spellings that differ only in case, the one that is all lower case wins.
    """
    exact = {
        spelling: entry.name
        for entry in entries(kind).values()
        for spelling in (entry.name, *entry.aliases)
    }
    folded = {spelling.lower(): name for spelling, name in exact.items()}
    return exact, folded | {name: exact[name] for name in folded if name in exact}


@functools.cache
def _data() -> Mapping[str, Any]:
    data: Mapping[str, Any] = json.loads(DATA.read_text(encoding="utf-8"))
    return data


def _kind(kind: Kind) -> Mapping[str, Any]:
    found: Mapping[str, Any] = _data()["kinds"][kind.value]
    return found


def _keras_entry(kind: Kind, name: str, raw: Mapping[str, Any]) -> Entry:
    parameters = _parameters(name, raw["required"], raw["defaults"])
    aliases, default_name = tuple(raw["aliases"]), raw["default_name"]
    return Entry(kind, name, parameters, aliases, raw["summary"], default_name, own=False)


def _own_entry(kind: Kind, own: OwnEntry) -> Entry:
    parameters = _parameters(own.name, own.required, own.defaults)
    return Entry(kind, own.name, parameters, own.aliases, own.summary, own.default_name, own=True)


def _parameters(
    entry: str, required: list[str] | tuple[str, ...], defaults: Mapping[str, object]
) -> dict[str, Parameter]:
    given: dict[str, tuple[bool, object]] = dict.fromkeys(required, (True, None))
    for name, value in defaults.items():
        given[name] = (False, DEFAULTS.get((entry, name), value))
    return {
        name: Parameter(name, needed, default, *row(entry, name))
        for name, (needed, default) in given.items()
    }
