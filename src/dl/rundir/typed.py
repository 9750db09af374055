"""JSON that anybody may have written, as values of the types that the code states.

The schema of a file is the dataclass it is read into: its annotations are checked, in this one
place. Keys that are not known are ignored and those with a default may be absent, so files of
earlier and later versions of `dl` are read.
"""

from __future__ import annotations

import json
import math
import types
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields, is_dataclass
from datetime import datetime
from typing import (
    Annotated,
    Any,
    Literal,
    NamedTuple,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

from dl.vocabulary.spec import Findings

T = TypeVar("T")
Reader = Callable[[Any], Any]

_DEEPEST = 64
"""Nested lists and objects of a value without a type; `json` and `asdict` go on to about 900."""
_LARGEST = 2**63
"""From here on, NumPy and other readers of JSON hold no whole number."""


class MisfitError(ValueError):
    """A value has another type than is stated; `path` leads to it from the outside in."""

    def __init__(self, must: str, path: tuple[str | int, ...] = ()) -> None:
        self.must = must
        self.path = path
        place = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path)
        shown = place.removeprefix(".")[:200].encode(errors="backslashreplace").decode()
        super().__init__(f"`{shown}` {must}" if path else f"it {must}")


class Range(NamedTuple):
    """What a value must fulfil beside its type: `Annotated[int, Range(…)]`."""

    holds: Callable[[Any], bool]
    must: str


@dataclass(frozen=True, eq=False)
class Keys:
    """The types of known keys of an object that stays one: `Annotated[dict[str, Any], Keys(…)]`.

    Attributes:
        types: By key; others may be there.
        required: Whether none of the known keys may be absent.
    """

    types: Mapping[str, Any]
    required: bool = False


def _is_moment(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


Count = Annotated[int, Range(lambda value: value >= 0, "must be a whole number from 0")]
Positive = Annotated[int, Range(lambda value: value > 0, "must be a whole number from 1")]
Finite = Annotated[float, Range(math.isfinite, "must be a finite number")]
NotZero = Annotated[
    float, Range(lambda value: math.isfinite(value) and value != 0, "must be a number other than 0")
]
Duration = Annotated[
    float, Range(lambda value: 0 <= value < 1e12, "must be a number of seconds from 0")
]
Moment = Annotated[str, Range(_is_moment, "must be a time in ISO 8601 with the offset from UTC")]
Metrics = dict[str, dict[str, float]]
"""Metrics by part and name; NaN where a model says no number."""


def read_as(kind: type[T], value: object) -> T:
    """Returns plain data as a value of a type; raises `MisfitError` where it is another.

    Args:
        kind: A dataclass, or what its fields may be: str, int, float, bool, None, Any, Literal,
            list, tuple, dict with text as keys, Annotated with a `Range`, or a choice of these.
        value: What `json.loads` gave.
    """
    result: T = _reader(kind)(value)
    return result


def parse_as(kind: type[T], text: bytes | str) -> T:
    """Parses JSON as a value of a type; raises `MisfitError`."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise MisfitError("must be JSON") from error
    return read_as(kind, value)


def _reader(kind: Any) -> Reader:
    """Returns what checks a type; made once, for a list of runs reads thousands of values."""
    found = _READERS.get(kind)
    if found is None:
        found = _READERS[kind] = _made(kind)
    return found


def _made(kind: Any) -> Reader:
    if is_dataclass(kind):
        return _of_dataclass(kind)
    origin, given = get_origin(kind), get_args(kind)
    if origin is Annotated and isinstance(given[1], Keys):
        known = {key: _reader(item) for key, item in given[1].types.items()}
        return _of_object(list(known) if given[1].required else (), known, _anything)
    # A type of the vocabulary is known by its method: to import them all would slow `dl list`.
    if origin is Annotated and hasattr(given[1], "check"):
        return _of_parameter(given[1])
    if origin is Annotated:
        return _where(given[1].holds, given[1].must, _reader(given[0]))
    if origin is Literal:
        return _of_literal(given)
    if origin in (Union, types.UnionType):
        return _of_union(given)
    if origin is tuple and given[-1] is not Ellipsis:
        return _of_pair(tuple(map(_reader, given)))
    if origin in (list, tuple, Sequence):
        return _of_list(_reader(given[0]), list if origin is list else tuple)
    if origin in (dict, Mapping):
        return _of_object((), {}, _reader(given[1]))
    raise TypeError(f"no reader for {kind}")


def _text(value: object) -> str:
    if isinstance(value, str) and (value.isascii() or _is_unicode(value)):
        return value
    raise MisfitError("must be text")


def _is_unicode(text: str) -> bool:
    """JSON can hold half of a pair of surrogates, which no stream and no page can."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_integer(value: Any) -> bool:
    return type(value) is int and -_LARGEST <= value < _LARGEST


def _anything(value: object, deep: int = 0) -> object:
    kind = type(value)
    if kind is str:
        return _text(value)
    if kind is int:
        return _READERS[int](value)
    if deep >= _DEEPEST:
        raise MisfitError("is nested too deeply")
    if isinstance(value, list):
        for item in value:
            _anything(item, deep + 1)
    elif isinstance(value, dict):
        for key, item in value.items():
            _text(key)
            _anything(item, deep + 1)
    return value


def _where(holds: Callable[[Any], bool], must: str, read: Reader = lambda value: value) -> Reader:
    def checked(value: object) -> object:
        result = read(value)
        if not holds(result):
            raise MisfitError(must)
        return result

    return checked


_READERS: dict[Any, Reader] = {
    str: _text,
    int: _where(_is_integer, "must be a whole number"),
    float: _where(lambda value: type(value) is float or _is_integer(value), "must be a number"),
    bool: _where(lambda value: isinstance(value, bool), "must be true or false"),
    type(None): _where(lambda value: value is None, "must be null"),
    Any: _anything,
    object: _anything,
}


def _of_parameter(kind: Any) -> Reader:
    def checked(value: object) -> object:
        try:
            return kind.check(value)
        except Findings as error:
            raise MisfitError(f"must be {kind.expected}") from error

    return checked


def _of_literal(choices: Sequence[object]) -> Reader:
    must = f"must be {' or '.join(map(str, choices))}"
    return _where(lambda value: isinstance(value, str) and value in choices, must)


def _of_union(kinds: Sequence[Any]) -> Reader:
    # Dataclasses are told from each other by the default of their field `kind`.
    classes = [kind for kind in kinds if is_dataclass(kind)]
    named = [(item.default, c) for c in classes for item in fields(c) if item.name == "kind"]
    if named:
        return _of_named({str(name): _reader(kind) for name, kind in named})
    readers = [_reader(kind) for kind in kinds if kind is not type(None)]
    nullable = len(readers) < len(kinds)

    def checked(value: object) -> object:
        if value is None and nullable:
            return None
        for read in readers[:-1]:
            try:
                return read(value)
            except MisfitError:
                continue
        return readers[-1](value)

    return checked


def _of_named(by_name: Mapping[str, Reader]) -> Reader:
    kinds = _of_literal(tuple(by_name))

    def checked(value: object) -> object:
        if not isinstance(value, dict):
            raise MisfitError("must be an object")
        name = _at("kind", kinds, value.get("kind"))
        return by_name[name](value)

    return checked


def _of_pair(readers: Sequence[Reader]) -> Reader:
    def checked(value: object) -> object:
        if not isinstance(value, list | tuple) or len(value) != len(readers):
            raise MisfitError(f"must be a list of {len(readers)}")
        return tuple(_at(place, read, value[place]) for place, read in enumerate(readers))

    return checked


def _of_list(read: Reader, made: Callable[[list[Any]], object]) -> Reader:
    def checked(value: object) -> object:
        if not isinstance(value, list | tuple):
            raise MisfitError("must be a list")
        result: list[Any] = []
        try:
            for item in value:
                result.append(read(item))
        except MisfitError as error:
            raise MisfitError(error.must, (len(result), *error.path)) from None
        return made(result)

    return checked


def _of_dataclass(kind: Any) -> Reader:
    hints = get_type_hints(kind, include_extras=True)
    readers = {item.name: _reader(hints[item.name]) for item in fields(kind)}
    required = [
        item.name
        for item in fields(kind)
        if item.default is MISSING and item.default_factory is MISSING
    ]
    check = _of_object(required, readers, None)
    return lambda value: kind(**check(value))


def _of_object(
    required: Collection[str], readers: Mapping[str, Reader], others: Reader | None
) -> Reader:
    """Returns what gives the values of the known keys, and of all others if they have a reader."""

    def checked(value: object) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise MisfitError("must be an object")
        for key in required:
            if key not in value:
                raise MisfitError("is missing", (key,))
        result: dict[str, Any] = {}
        key = ""
        try:
            for key, item in value.items():
                read = readers.get(key, others)
                if read is not None:
                    result[key if key in readers else _text(key)] = read(item)
        except MisfitError as error:
            raise MisfitError(error.must, (key, *error.path)) from None
        return result

    return checked


def _at(key: str | int, read: Reader, value: object) -> Any:
    try:
        return read(value)
    except MisfitError as error:
        raise MisfitError(error.must, (key, *error.path)) from None
