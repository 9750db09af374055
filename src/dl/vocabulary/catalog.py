"""Everything that a config can name, and the check of what it names, without Keras.

`keras.json` says what Keras has: scripts/generate_vocabulary.py reads it from there. Written by
hand, `parameters.json` says what each parameter takes. Keras names its parameters uniformly, so
one row serves all things that have it; `overrides` are the few places where a name means something
else.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from dl.errors import closest, did_you_mean
from dl.text import cut, listing
from dl.vocabulary import types
from dl.vocabulary.composed import ListOf, Nullable, OneOf
from dl.vocabulary.rules import broken_rules
from dl.vocabulary.sections import Parameter, check_keys
from dl.vocabulary.spec import (
    Finding,
    Findings,
    Kind,
    Spec,
    facts,
    found_text,
    kind_words,
    other_word,
    plain,
)

DATA = Path(__file__).with_name("keras.json")
"""Written by scripts/generate_vocabulary.py."""
MOST_LISTED = 12
"""Names that a message lists; of more, it says where they are listed."""

_ACTIVATION = (
    "an activation is only a name; for parameters use a layer, such "
    "as ReLU, LeakyReLU, ELU or Softmax"
)
_MOST_OWNERS = 3
_LONGEST = 100
"""Characters of a mapping that is written anew."""
_NAME_OR_MAPPING = "write its name, or a mapping with `type`"
_INPUT_SHAPE = "write `model.input_shape`, or a layer `Input` with `shape`"


@dataclass(frozen=True)
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


@dataclass(frozen=True, slots=True)
class Pixels:
    """What a base asks of pictures.

    Attributes:
        scaling: How pixels from 0 to 255 are scaled before it, by Keras' name for it: caffe, tf or
            torch; none where the base does it itself.
        least: The least height and width.
    """

    scaling: str
    least: int


@functools.cache
def entries(kind: Kind) -> Mapping[str, Entry]:
    """Returns all entries of a kind by their canonical names, sorted."""
    return {name: _entry(kind, name) for name in sorted(_raw(kind))}


def find(kind: Kind, spelled: str) -> Entry | None:
    """Returns the entry that a name or alias means: exactly spelled, or else in any case."""
    exact, folded = _spellings(kind)
    name = exact.get(spelled) or folded.get(spelled.lower())
    return _entry(kind, name) if name else None


def names(kind: Kind) -> list[str]:
    """Returns all spellings of a kind, canonical names and aliases, sorted."""
    return sorted(_spellings(kind)[0])


def keras_version() -> str:
    """Returns the version of Keras that the catalog was read from."""
    version: str = _data()["keras"]
    return version


def left_out(kind: Kind, spelled: str) -> str | None:
    """Returns why `dl` leaves out something that Keras has, or None if it does not."""
    reasons: Mapping[str, str] = _data()["kinds"][kind.value]["left_out"]
    folded = {name.lower(): reason for name, reason in reasons.items()}
    return folded.get(spelled.lower())


def left_out_parameter(entry: str, name: str) -> str | None:
    """Returns why `dl` leaves out a parameter of an entry, or None if it does not."""
    reason: str | None = facts()["left_out_of"].get(entry, {}).get(name)
    known = (entry, name) in _overrides()
    return reason or (None if known else facts()["left_out"].get(name))


@functools.cache
def parameter_type(entry: str, name: str) -> tuple[types.ParameterType, str]:
    """Returns the type and the description of a parameter of an entry.

    Raises:
        KeyError: The table has no such parameter.
    """
    raw, description = _overrides().get((entry, name)) or facts()["parameters"][name]
    rank = re.search(r"(\d)D", entry)
    return _type(raw, int(rank[1]) if rank else 2), description


@functools.cache
def _data() -> Mapping[str, Any]:
    data: Mapping[str, Any] = json.loads(DATA.read_text(encoding="utf-8"))
    return data


def _raw(kind: Kind) -> Mapping[str, Any]:
    """Returns what the data say of all entries of a kind, those of `dl`'s own among them."""
    return {**_data()["kinds"][kind.value]["entries"], **facts()["own"].get(kind.value, {})}


@functools.cache
def _overrides() -> Mapping[tuple[str, str], tuple[Any, str]]:
    rows = facts()["overrides"]
    return {(entry, name): (raw, about) for several, name, raw, about in rows for entry in several}


@functools.cache
def _spellings(kind: Kind) -> tuple[dict[str, str], dict[str, str]]:
    """Returns the canonical name of each spelling, as it is and in lower case.

    Of two spellings that differ only in case, the one that is all lower case wins.
    """
    entries = sorted(_raw(kind).items())
    exact = {spelling: name for name, raw in entries for spelling in (name, *raw["aliases"])}
    folded = {spelling.lower(): name for spelling, name in exact.items()}
    return exact, folded | {name: exact[name] for name in folded if name in exact}


@functools.cache
def _entry(kind: Kind, name: str) -> Entry:
    raw = _raw(kind)[name]
    changed = facts()["defaults"].get(name, {})
    given = {**dict.fromkeys(raw["required"]), **raw["defaults"]}
    of = _table_name(kind, name)
    parameters = {
        key: Parameter(
            key, key in raw["required"] and key not in changed, default, *parameter_type(of, key)
        )
        for key, default in {**given, **changed}.items()
    }
    own = name in facts()["own"].get(kind.value, {})
    aliases = tuple(raw["aliases"])
    return Entry(kind, name, parameters, aliases, raw["summary"], raw["default_name"], own)


def _table_name(kind: Kind, name: str) -> str:
    """Returns the name under which the tables have an entry; all bases take the same."""
    return kind.value if kind is Kind.BASE else name


def pixels_of(base: str) -> Pixels:
    """Returns what a base asks of pictures."""
    raw = _raw(Kind.BASE)[base]
    return Pixels(raw["pixels"], raw["least_size"])


def _type(raw: Any, rank: int) -> types.ParameterType:
    """Returns the type that the table writes: by a name, `NAME?` with null, or in full.

    Args:
        raw: What stands in the table.
        rank: The number of spatial dimensions that the entry's name tells: 2 for `Conv2D`.
    """
    if isinstance(raw, str):
        return _named_type(raw, rank)
    if isinstance(raw, list):
        return OneOf(tuple(_type(option, rank) for option in raw))
    [(sort, value), *others] = raw.items()
    limits: dict[str, Any] = {
        key: tuple(item) if isinstance(item, list) else item for key, item in others
    }
    match sort:
        case "nullable":
            return Nullable(_type(value, rank))
        case "choice":
            return types.Choice(tuple(value))
        case "list":
            return ListOf(_type(value, rank), **limits)
        case "object":
            return Object(Kind(value), **limits)
        case "integer":
            return types.Integer(**value)
        case "steps":
            return types.Steps(**value)
        case "number":
            return types.Number(**value)
    return types.Text(value, **limits)


def _named_type(name: str, rank: int) -> types.ParameterType:
    if name.endswith("?"):
        return Nullable(_named_type(name[:-1], rank))
    match name:
        case "boolean":
            return types.BOOLEAN
        case "size":  # one whole number, or one for each spatial dimension
            return _for_each_dimension(types.COUNT, rank)
        case "padded size":
            return _for_each_dimension(types.AMOUNT, rank)
        case "borders":  # what is added or cut at both ends of each spatial dimension
            both = OneOf((types.AMOUNT, ListOf(types.AMOUNT, length=2)))
            return both if rank == 1 else OneOf((types.AMOUNT, ListOf(both, length=rank)))
    shared = facts()["types"].get(name)
    return _type(shared, rank) if shared else Object(Kind(name))


def _for_each_dimension(number: types.ParameterType, rank: int) -> types.ParameterType:
    return number if rank == 1 else OneOf((number, ListOf(number, length=rank)))


@dataclass(frozen=True)
class Object(types.ParameterType):
    """A named thing: a name, or a mapping with `type`.

    Attributes:
        kind: What it must be.
        only: The canonical names that fit here; empty if all do.
        never: The canonical names that do not fit here.
        default: The name that `null` stands for; none if `null` is wrong.
        also: Another kind that it can be.
    """

    kind: Kind
    only: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    default: str | None = None
    also: Kind | None = None
    sorts = frozenset({str, dict})

    @property
    def expected(self) -> str:
        chosen = f" ({listing(self.only)})" if self.only else ""
        return f"{kind_words(self.kind)}{chosen}"

    @property
    def many(self) -> str:
        return f"{self.kind}es" if self.kind.endswith("s") else f"{self.kind}s"

    def check(self, value: object) -> Spec:
        if isinstance(value, Spec):
            return value
        if value is None and self.default is not None:
            value = self.default
        if self.only and not isinstance(value, str | Mapping):
            self.refuse(value, _NAME_OR_MAPPING)
        named = value.get("type") if isinstance(value, Mapping) else value
        is_other = self.also is not None and isinstance(named, str) and find(self.also, named)
        spec = checked_object(self.also if self.also and is_other else self.kind, value)
        if spec.type in self.never or (self.only and spec.type not in self.only):
            raise Findings.one((), f"cannot be {spec.type} here", self.expected, spec.type)
        return spec

    def schema(self) -> dict[str, object]:
        kinds = [self.kind] if self.also is None else [self.kind, self.also]
        options: list[object] = [{"$ref": f"#/$defs/{kind.value}"} for kind in kinds]
        options += [] if self.default is None else [{"type": "null"}]
        return {"anyOf": options} if len(options) > 1 else {"$ref": f"#/$defs/{self.kind.value}"}


def checked_object(kind: Kind, value: object) -> Spec:
    """Returns a name, or a mapping with `type`, as a spec with every parameter explicit.

    Raises:
        Findings: All that is wrong in it, in what is nested in it too.
    """
    if isinstance(value, str):
        spec = _with_parameters(_known(kind, value, ()), {})
        # Keras calls a metric that is given by a name by that very name: `mae`, not its class'.
        named = {**spec.parameters, "name": value}
        return replace(spec, parameters=named) if kind is Kind.METRIC else spec
    if not isinstance(value, Mapping):
        found = found_text(value)
        raise Findings.one((), f"must be {kind_words(kind)}", None, found, _NAME_OR_MAPPING)
    if "type" not in value:
        expected = f"`type`, the name of {kind_words(kind)}"
        hint = f"write {cut(_with_type(kind, value), _LONGEST)}"
        raise Findings.one((), "has no `type`", expected, found_text(value), hint)
    spelled = value["type"]
    if not isinstance(spelled, str):
        message = f"must be the name of {kind_words(kind)}"
        raise Findings.one(("type",), message, None, found_text(spelled))
    entry = _known(kind, spelled, ("type",))
    return _with_parameters(entry, {key: item for key, item in value.items() if key != "type"})


def _with_type(kind: Kind, value: Mapping[str, object]) -> str:
    """Returns how a mapping is written here that names its thing as its key, or as Keras does."""
    if "class_name" in value:
        value = {str(value["class_name"]): value.get("config")}
    for name, below in value.items():
        is_below = below is None or isinstance(below, Mapping) or len(value) == 1
        entry = find(kind, name) if is_below and isinstance(name, str) else None
        if entry is not None:
            own = entry.parameters  # `l2: 0.01` is a name and its parameter at once
            others = {key: item for key, item in value.items() if key != name or key in own}
            parameters = plain({**(below if isinstance(below, Mapping) else {}), **others})[1:-1]
            return f"{{type: {name}, {parameters or '...'}}}"
    return "{type: NAME, ...}"


_INSTEAD = dict.fromkeys((Kind.LAYER, Kind.CALLBACK), "what to do instead: docs/limits.md")


def _known(kind: Kind, spelled: str, path: tuple[str, ...]) -> Entry:
    entry = find(kind, spelled)
    if entry is not None:
        return entry
    known = list(entries(kind))
    few = len(known) <= MOST_LISTED
    expected = listing(known) if few else f"the name of {kind_words(kind)}, as Keras spells it"
    reason = left_out(kind, spelled)
    if reason is not None:
        message = f"names {spelled}, which is left out: {reason}"
        raise Findings.one(path, message, expected, spelled, _INSTEAD.get(kind))
    if kind is Kind.LAYER and (base := find(Kind.BASE, spelled)):
        message = f"names {base.name}, a pretrained base, inside of another layer"
        alone = "a base stands for itself in `model.layers`"
        raise Findings.one(path, message, expected, spelled, alone)
    near = _nearest_name(kind, spelled)
    others = [other for other in Kind if other is not kind and find(other, spelled)]
    other = f"{spelled} is {kind_words(others[0])}" if others else "`dl schema` lists all names"
    hint = did_you_mean(near, other)
    noun = kind_words(kind).split(" ", 1)[1]
    raise Findings.one(path, f"is not a known {noun}", expected, found_text(spelled), hint)


def _nearest_name(kind: Kind, spelled: str) -> str | None:
    """Returns the name that is nearest, spelled as the user spells: `Dense` for `Dens`."""
    path, _, last = spelled.rpartition(".")  # `keras.layers.Dense`
    if path and (entry := find(kind, last)):
        return entry.name
    near = other_word(spelled, names(kind))
    if near is None and any(find(other, spelled) for other in Kind):
        return None
    near = near or closest(spelled, names(kind))
    if near is None and kind is Kind.LAYER:  # a base can stand in its place
        return _nearest_name(Kind.BASE, spelled)
    entry = find(kind, near) if near else None
    if entry is None or near is None:
        return None
    return entry.name if spelled[:1].isupper() and near.islower() else near


def short_names(entry: Entry) -> dict[str, str]:
    """Returns the short names of parameters of a schedule, as its durations need not be steps."""
    short = {name.removesuffix("_steps"): name for name in ("decay_steps", "warmup_steps")}
    is_schedule = entry.kind is Kind.SCHEDULE
    return {key: name for key, name in short.items() if is_schedule and name in entry.parameters}


def _with_parameters(entry: Entry, written: Mapping[str, object]) -> Spec:
    short = {key: name for key, name in short_names(entry).items() if name not in written}
    given = {short.get(key, key): value for key, value in written.items()}
    checked = check_keys(entry.parameters, given, _nearest)
    findings = [_unknown(entry, key) for key in checked.unknown]
    if checked.missing:
        findings.append(_missing(entry, checked.missing))
    findings += [*checked.findings, *broken_rules(checked.valid)]
    if findings:
        place = {short[key]: key for key in short if key in written}
        named = [(place.get(str(name), name) for name in found.path) for found in findings]
        raise Findings(
            [replace(found, path=tuple(path)) for found, path in zip(findings, named, strict=True)]
        )
    return Spec(entry.kind, entry.name, checked.valid, frozenset(str(key) for key in given))


def _nearest(key: str, parameters: Collection[str]) -> str | None:
    """Returns the parameter that took over from an older name, or the one that is nearest."""
    former: str | None = facts()["former"].get(key)
    return former if former in parameters else closest(key, parameters)


def _unknown(entry: Entry, key: str) -> Finding:
    expected = listing(entry.parameters) if entry.parameters else "no parameter"
    of = _table_name(entry.kind, entry.name)
    reason = None if entry.kind is Kind.ACTIVATION else left_out_parameter(of, key)
    if reason is not None:
        return Finding((key,), f"is left out: {reason}", expected, cut(key), at_key=True)
    hint = _place_of(entry, key) or did_you_mean(_nearest(key, entry.parameters))
    message = f"is not a parameter of {entry.name}"
    return Finding((key,), message, expected, cut(key), hint, at_key=True)


def _place_of(entry: Entry, key: str) -> str | None:
    """Returns where something else does what the unknown parameter should do."""
    if entry.kind is Kind.ACTIVATION:
        return _ACTIVATION
    if entry.kind is Kind.LAYER and key in ("input_shape", "batch_input_shape", "input_dim"):
        return _INPUT_SHAPE
    if facts()["former"].get(key) in entry.parameters:
        return None
    owners = [other.name for other in entries(entry.kind).values() if key in other.parameters]
    few = 0 < len(owners) <= _MOST_OWNERS
    return f"{key} is a parameter of {listing(owners, 'and')}" if few else None


def _missing(entry: Entry, missing: list[Parameter]) -> Finding:
    needed = listing((f"`{parameter.name}`" for parameter in missing), "and")
    expected = "; ".join(f"{parameter.name}: {parameter.type.expected}" for parameter in missing)
    added = "".join(f", {parameter.name}: ..." for parameter in missing)
    of = _table_name(entry.kind, entry.name)
    hint = facts()["required"].get(of, {}).get(missing[0].name)
    hint = hint or f"write {{type: {entry.name}{added}}}"
    return Finding((), f"needs {needed}", expected, None, hint)
