"""Sections: mappings with known keys, declared as frozen dataclasses.

The annotation of a field says what its key takes: a plain type, or `Annotated` with a type of
`dl.vocabulary.types`; what it means is told in `keys.json`, by the class that declares it. The
check, the messages, the JSON Schema and the reference of the config come from these two.
"""

from __future__ import annotations

import functools
import json
import types
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import MISSING, dataclass, field, fields, replace
from keyword import iskeyword
from pathlib import Path
from typing import (
    Annotated,
    Any,
    Literal,
    TypeVar,
    Union,
    cast,
    dataclass_transform,
    get_args,
    get_origin,
    get_type_hints,
)

from dl.errors import closest, did_you_mean
from dl.text import listing
from dl.vocabulary.composed import ListOf, MappingOf, Nullable, OneOf
from dl.vocabulary.spec import QUOTE, Finding, Findings, found_text, meant
from dl.vocabulary.types import (
    ABOVE_ZERO,
    ANY_NUMBER,
    BOOLEAN,
    COUNT,
    INTEGER,
    NOT_NEGATIVE,
    TEXT,
    Anything,
    Choice,
    Integer,
    Number,
    ParameterType,
    Text,
)

MISSING_KEY = "is missing"
UNKNOWN_KEY = "is not known"
"""Messages of findings on keys; `dl.config.load` leaves out the one and adds hints to the other."""

_PROPER = ("Keras", "SGD", "Adam", "Nesterov", "GPU", "XLA")
"""First words of descriptions that keep their capital letter inside a sentence."""


@dataclass(frozen=True)
class Parameter:
    """A parameter of a named thing, or a key of a section.

    `default` is a plain value, and None where the parameter is required.
    """

    name: str
    required: bool
    default: object
    type: ParameterType
    description: str

    @functools.cached_property
    def value(self) -> object:
        """The canonical default."""
        return self.type.check(self.default)

    @property
    def about(self) -> str:
        """The start of the description, to stand inside a sentence."""
        words = self.description.partition(". ")[0].removesuffix(".")
        return words if words.startswith(_PROPER) else words[:1].lower() + words[1:]

    def explain(self, finding: Finding) -> Finding:
        """Returns a finding on the value, below the name, with a hint what the value is for."""
        # Where nothing is written, what is wanted tells more than to put it in quotes.
        hinted = finding.hint if finding.found != "null" else finding.hint not in (None, QUOTE)
        if hinted or finding.path or finding.message == UNKNOWN_KEY:
            return finding.below((self.name,))
        number = isinstance(self.default, int | float) and not isinstance(self.default, bool)
        example = f", for example {self.default}" if number else ""
        says_more = not self.about.startswith(self.name) or example
        hint = f"`{self.name}`: {self.about}{example}" if says_more else None
        return replace(finding, path=(self.name,), hint=hint)


@dataclass(frozen=True)
class CheckedKeys:
    """What a mapping says of known keys.

    Attributes:
        valid: The canonical values, the defaults among them, of all keys that are not wrong.
        partly: What is valid in sections that are wrong, by their keys.
        findings: What is wrong with values.
        unknown: The keys that are not known.
        missing: The required keys that lack, but for those that an unknown key may stand for.
    """

    valid: dict[str, Any]
    partly: dict[str, Any]
    findings: list[Finding]
    unknown: list[str]
    missing: list[Parameter]


def check_keys(
    parameters: Mapping[str, Parameter],
    given: Mapping[Any, object],
    nearest: Callable[[str, Collection[str]], str | None] = closest,
) -> CheckedKeys:
    """Checks a mapping; `nearest` tells which key was meant by one that is not known."""
    unknown = [str(key) for key in given if key not in parameters]
    spelled = {nearest(key, parameters) for key in unknown}
    checked = CheckedKeys({}, {}, [], unknown, [])
    for name, parameter in parameters.items():
        if name in given:
            try:
                checked.valid[name] = parameter.type.check(given[name])
            except Findings as error:
                checked.findings.extend(map(parameter.explain, error.findings))
                if error.valid is not None:
                    checked.partly[name] = error.valid
        elif name in spelled:
            continue  # it was meant: it is neither missing nor left at its default
        elif parameter.required:
            checked.missing.append(parameter)
        else:
            checked.valid[name] = parameter.value
    return checked


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(field,))
class Section:
    """A mapping of the config; each subclass is a frozen dataclass of keywords."""

    def __init_subclass__(cls) -> None:
        dataclass(frozen=True, kw_only=True)(cls)

    @property
    def written(self) -> frozenset[str]:
        """The keys that the config has; none of a section that was made by the program."""
        return cast("frozenset[str]", self.__dict__.get("_written", frozenset()))


def field_of(name: str) -> str:
    """Returns the field of a section that a key stands in: `from` is a word of Python's own."""
    return f"{name}_" if iskeyword(name) else name


S = TypeVar("S", bound=Section)
T = TypeVar("T")


_KEYS: dict[type[Section], Mapping[str, Parameter]] = {}


def keys(section: type[Section]) -> Mapping[str, Parameter]:
    """Returns the keys of a section, in the order of the declaration."""
    known = _KEYS.get(section)
    if known is None:
        known = _KEYS[section] = _declared(section)
    return known


def _declared(section: type[Section]) -> Mapping[str, Parameter]:
    hints = get_type_hints(section, include_extras=True)
    told = [_meanings().get(each.__name__, {}) for each in section.__mro__]
    found = {}
    for item in fields(cast(Any, section)):
        made = item.default_factory is not MISSING
        required = item.default is MISSING and not made
        default = {} if made else None if required else item.default
        kind = type_of(hints[item.name])
        name = item.name.removesuffix("_")
        about = next((known[name] for known in told if name in known), "")
        found[name] = Parameter(name, required, default, kind, about)
    return found


@functools.cache
def _meanings() -> Mapping[str, Mapping[str, str]]:
    """Returns what each key means, by the class that declares it."""
    text = Path(__file__).with_name("keys.json").read_text(encoding="utf-8")
    tables: Mapping[str, Mapping[str, str]] = json.loads(text)
    return tables


def read_section(section: type[S], values: object) -> S:
    """Returns plain values as a section; raises `Findings`."""
    return cast(S, SectionOf(section).check(values))


@functools.cache
def type_of(kind: Any) -> ParameterType:
    """Returns the type of values that an annotation means."""
    origin, given = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return next((item for item in given[1:] if isinstance(item, ParameterType)), None) or (
            type_of(given[0])
        )
    if origin is Literal:
        return Choice(given)
    if origin in (Union, types.UnionType):
        return _union(given)
    if origin is tuple:
        return ListOf(type_of(given[0]), 0, length=None if given[-1] is ... else len(given))
    if origin is dict:
        return MappingOf(type_of(given[1]))
    if isinstance(kind, type) and issubclass(kind, Section):
        return SectionOf(kind)
    plain = {bool: BOOLEAN, int: INTEGER, float: ANY_NUMBER, str: TEXT, Any: Anything()}
    return plain[kind]


def _union(kinds: tuple[Any, ...]) -> ParameterType:
    options = tuple(type_of(kind) for kind in kinds if kind is not types.NoneType)
    one: ParameterType = options[0] if len(options) == 1 else OneOf(options)
    if len(options) > 1 and all(isinstance(option, SectionOf) for option in options):
        one = SourceOf(cast("tuple[SectionOf, ...]", options))
    return Nullable(one) if types.NoneType in kinds else one


@dataclass(frozen=True)
class SectionOf(ParameterType):
    """A section; one with a key `type` can be written as a bare name."""

    section: type[Section]
    expected = "a mapping"
    many = "mappings"
    sorts = frozenset({dict})

    def check(self, value: object) -> Section:
        if isinstance(value, self.section):
            return value
        known = keys(self.section)
        if isinstance(value, str) and "type" in known:
            value = {"type": value}
        if not isinstance(value, Mapping):
            self.refuse(value, _below(value))
        checked = check_keys(known, value)
        findings = [*map(self._unknown, checked.unknown), *map(_missing, checked.missing)]
        findings += checked.findings
        if findings:
            valid = partly_valid(self.section, checked.valid | checked.partly)
            raise Findings(findings, valid)
        section = self.section(**{field_of(name): item for name, item in checked.valid.items()})
        object.__setattr__(section, "_written", frozenset(value))
        return section

    def _unknown(self, name: str) -> Finding:
        known = keys(self.section)
        hint = did_you_mean(closest(name, known))
        return Finding((name,), UNKNOWN_KEY, listing(known), None, hint, at_key=True)

    def schema(self) -> dict[str, object]:
        return {"$ref": f"#/$defs/{self.section.__name__}"}


@dataclass(frozen=True)
class SourceOf(ParameterType):
    """One of several sections, which the key `source` tells apart."""

    options: tuple[SectionOf, ...]
    expected = "a mapping"
    sorts = frozenset({dict})

    @functools.cached_property
    def by_source(self) -> Mapping[str, SectionOf]:
        """The sections by their sources."""
        sources = ((keys(option.section)["source"].type.choices, option) for option in self.options)
        return {choice: option for choices, option in sources for choice in choices}

    def check(self, value: object) -> Section:
        if isinstance(value, Section):
            return value
        if not isinstance(value, Mapping):
            self.refuse(value, _below(value))
        known = listing(self.by_source)
        if "source" not in value:
            raise Findings.one(("source",), MISSING_KEY, known)
        source = value["source"]
        word = source.lower() if isinstance(source, str) else ""
        if word not in self.by_source:
            hint = did_you_mean(meant(word, self.by_source))
            raise Findings.one(
                ("source",), "must be a known source", known, found_text(source), hint
            )
        return self.by_source[word].check(value)

    def schema(self) -> dict[str, object]:
        return {"oneOf": [option.schema() for option in self.options]}


@dataclass(frozen=True)
class Switch(ParameterType):
    """A section that `true` stands for, with all its defaults, and that `false` leaves out."""

    section: type[Section]
    expected = "true, or a mapping"
    sorts = frozenset({bool, dict})

    def check(self, value: object) -> Section | None:
        if value is None or value is False:
            return None
        if value is not True and not isinstance(value, Mapping | self.section):
            self.refuse(value)
        return SectionOf(self.section).check({} if value is True else value)

    def schema(self) -> dict[str, object]:
        reference = SectionOf(self.section).schema()
        return {"anyOf": [{"type": "boolean"}, reference, {"type": "null"}]}


def _below(value: object) -> str:
    if value is None:
        return "it is empty: remove the line, or write its settings below it, indented"
    return "write its settings below it, indented, each as `key: value`"


def _missing(parameter: Parameter) -> Finding:
    about = f" ({parameter.about})" if parameter.about else ""
    return Finding((parameter.name,), MISSING_KEY, f"{parameter.type.expected}{about}")


class UnknownValueError(Exception):
    """A value is asked for that is wrong in the config."""


def partly_valid(section: type[S], valid: Mapping[str, Any]) -> S:
    """Returns a section with some of its values; to ask for another one raises an error.

    A rule that looks at no wrong value can judge such a section like a whole one.
    """
    wrong = {field_of(name): property(_unknown) for name in keys(section) if name not in valid}
    made = object.__new__(cast("type[S]", type(section.__name__, (section,), wrong)))
    made.__dict__.update({field_of(name): item for name, item in valid.items()})
    return made


def if_valid(ask: Callable[..., T], *arguments: Any) -> T | None:
    """Returns what a function gives, None where it asks a section for a value that is wrong."""
    try:
        return ask(*arguments)
    except UnknownValueError:
        return None


def _unknown(section: object) -> object:
    raise UnknownValueError


def walk(
    section: type[Section], path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], type[Section]]]:
    """Yields a section and all below it, with their paths; one path can have several."""
    yield path, section
    for name, parameter in keys(section).items():
        for below in sections_in(parameter.type):
            yield from walk(below, (*path, name))


def sections_in(kind: ParameterType) -> tuple[type[Section], ...]:
    """Returns the sections that a type takes: one, several where a source decides, or none."""
    match kind:
        case SectionOf() | Switch():
            return (kind.section,)
        case SourceOf():
            return tuple(option.section for option in kind.options)
        case Nullable():
            return sections_in(kind.type)
        case MappingOf() | ListOf():
            return sections_in(kind.item)
        case OneOf():
            return tuple(section for option in kind.types for section in sections_in(option))
    return ()


Count = Annotated[int, COUNT]
AboveZero = Annotated[float, ABOVE_ZERO]
NotNegative = Annotated[float, NOT_NEGATIVE]
Fraction = Annotated[float, Number(minimum=0, below=1)]
Texts = Annotated[tuple[str, ...], ListOf(TEXT)]
Seed = Annotated[int, Integer(0, 2**32 - 1)]
RunName = Annotated[
    str,
    Text(
        "1 to 100 letters, digits, dots, dashes and underscores, first a letter or digit",
        r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}",
    ),
]
